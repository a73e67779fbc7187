"""Measurements: two commands against the published predecessor, and one of the search.

- ``against_reference``        on SQLite: what is measured, in which order, with which bars
- ``redis_against_reference``  on Redis: likewise
- ``search``                   what the search finds in a sample, and how quickly in large stores
- ``environments``             the two products, each installed in a virtual environment of its own
- ``stores``                   the same made-up contexts in a database file for each product
- ``measuring``                interleaved starts and calls, and what a checkpoint costs a save
- ``report``                   figures as tables, and whether they keep their bars
- ``client``                   a server as a process that answers newline-delimited JSON-RPC
- ``redis_rounds``             the same contexts in two Redis servers, and calls in turn
- ``redis_truth``              what a store with these contexts has to answer
- ``redis_side``               one product with its server, and what its calls took
- ``redis_server``             Valkey or Redis as a process, and what it says it has spent
- ``redis_worker``             runs in a product's environment: fills its server, makes its calls
- ``redis_report``             the tables of the Redis benchmark, and its bars

Only ``redis_worker`` and ``search`` import more than the standard library: any Python from 3.10 on
can start the other two commands.
"""
