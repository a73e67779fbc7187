"""Contexts on their way from one store to another.

- ``snapshot``    a whole store as a stream, and the comparison of a copy
- ``duplicates``  which contexts of an import are there already
- ``files``       an export on the disk: how it is recognised, and the files of its folder
- ``archive``     a compressed source as plain files
- ``origins``     the name of a context that stays the same wherever it goes
- ``formats``     the formats: our own two, and those of other tools
"""
