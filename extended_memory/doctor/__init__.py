"""The diagnoses of an installation; none holds a content or a secret.

- ``installation``  versions, and the settings of the environment
- ``folder``        the folder of a SQLite file: its disk, its file system, its synchronisation
- ``clients``       every client that is configured, and whether its server answers
- ``round_trip``    a context saved, loaded, found and forgotten through the real server
- ``conversation``  a client's end of a conversation with a server
"""
