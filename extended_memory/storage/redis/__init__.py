"""The repository on Redis and Valkey: one server, behind Sentinel, or a cluster.

- ``repository``  the contract, a method for each of its own
- ``pages``       the ids that a selection means, a page of them
- ``ids``         ids are reserved before they are used
- ``reading``     reads by id
- ``writing``     the steps that change a store
- ``imports``     contexts of another store, each once
- ``renaming``    contexts move from one project to another
- ``summary``     the numbers of a store
- ``rows``        contexts become the texts that keys hold, and back: the one codec
- ``keys``        the names of the keys, and what lies under them
- ``legacy``      the memories that 0.9.0 left in a Redis
- ``search``      the search index
- ``check``       what must hold in a store, repair, and a diagnosis of the server
- ``connection``  the server: address, client, scripts, faults, health

The Lua scripts lie in ``scripts/*.lua``.
"""
