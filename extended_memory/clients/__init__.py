"""The MCP clients that can start this server, and their configuration files.

- ``catalogue``      the clients: where each keeps its configuration, in which format
- ``configuration``  what is configured on a machine: files and their entries
- ``change``         what is to change in a configuration, before anything is written
- ``entry``          an entry: a server and how it is started
- ``launch``         the command that a client is told
- ``files``          configuration files: read as text, replaced whole or not at all
- ``jsonc``          JSON with comments, changed in its text
- ``json_layout``    where what stands in such a text
- ``toml``           TOML, changed in its text
- ``errors``         what can be wrong with a configuration, as sentences
"""
