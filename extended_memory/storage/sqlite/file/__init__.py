"""The file of a store: how it is opened, written, copied and protected.

- ``database``     opens the file when a call needs it; transactions and checkpoints
- ``engine``       connections: pragmas, pool, transactions
- ``faults``       faults of SQLite as sentences
- ``backup``       backups that a person asks for: made, listed, put back
- ``copies``       copies beside a file: written whole, named, thinned out
- ``unfinished``   parts of copies, and what a killed maker leaves of one
- ``states``       whether copies are of one state of a file
- ``orphans``      logs and journals whose file is gone
- ``side_files``   the files that SQLite keeps beside a database
- ``permissions``  files that only their owner may read
- ``open_files``   which other processes have a file open
"""
