"""The import name of 0.9.0, kept so that configurations written for it go on working."""
