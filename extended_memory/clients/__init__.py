"""The MCP clients that can start this server, and their configuration files.

- ``catalogue``      the clients: where each keeps its configuration, in which format
- ``configuration``  the configurations on a machine: files and their entries
- ``change``         a change of a configuration, worked out before anything is written
- ``entry``          an entry: a server and how it is started
- ``launch``         the command that a client is told
- ``files``          configuration files: read as text, replaced whole or not at all
- ``jsonc``          JSON with comments, changed in its text
- ``json_layout``    the positions and the layout of the members of such a text
- ``toml``           TOML, changed in its text
- ``errors``         the errors of configurations
"""
