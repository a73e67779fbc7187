"""Where contexts are kept.

- ``contract``   what a repository promises, in prose
- ``backends``   opens the repository of a location; copies and diagnoses of it
- ``empty``      a store that is not there yet, to be read
- ``sqlite``     the contract on SQLite
- ``redis``      the contract on Redis and Valkey
- ``search``     a search as every backend answers it
- ``fault_log``  a fault of a store in the log, once
"""
