"""Tests of the real process: started as clients start it, spoken to over its standard streams."""
