"""Measurements against the published predecessor; ``against_reference`` is the one to start.

- ``against_reference``  the command: what is measured, in which order, with which bars
- ``environments``       the two products, each installed in a virtual environment of its own
- ``stores``             the same made-up contexts in a database file for each product
- ``measuring``          interleaved starts and calls, and what a checkpoint costs a save
- ``report``             figures as tables, and whether they keep their bars
- ``client``             a server as a process that answers newline-delimited JSON-RPC

Only the standard library is imported here: any Python from 3.10 on can start it.
"""
