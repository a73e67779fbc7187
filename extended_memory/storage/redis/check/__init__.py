"""Checks of a store in Redis.

- ``rules``      what must hold in a store, a project at a time
- ``repair``     how it is made to hold again
- ``diagnosis``  how a server is, for the doctor
"""
