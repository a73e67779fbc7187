"""Contexts on their way from one store to another.

- ``importer``      exports into a store
- ``copier``        one store into another
- ``verification``  what was copied, and whether it is there
- ``snapshot``      a whole store as a stream
- ``duplicates``    which contexts of an import are there already
- ``files``         an export on the disk: how it is recognised, and the files of its folder
- ``archive``       a compressed source as plain files
- ``origins``       the name of a context that stays the same wherever it goes
- ``formats``       the formats: our own two, and those of other tools
"""
