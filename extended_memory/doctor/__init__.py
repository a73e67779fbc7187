"""Diagnoses of an installation, without content and secrets.

- ``installation``  what is installed, and which settings the environment holds
- ``folder``        whether the folder is a place for a SQLite file
- ``clients``       each client that is configured, and whether its server answers
- ``round_trip``    a context saved, loaded, found and forgotten through the real server
- ``conversation``  a server as a client meets it
"""
