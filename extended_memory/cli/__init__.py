"""The person's commands: ``extended-memory-mcp COMMAND`` in a terminal.

- ``app``            which commands there are, and what an argument list asks for
- ``commands``       the commands themselves
- ``options``        the options of commands, read by the rules of the tools
- ``moving``         places and projects that a transfer is told
- ``environment``    the settings, the memory that they name, the machine, a progress bar
- ``console``        lines, tables and JSON on standard output; questions
- ``completion``     the completion of the shell
- ``editor``         a text in a file of its own, for the person's editor
- ``client_entry``   the entry that a client gets
- ``client_list``    the clients that are here, and where this server is in them
- ``import_report``  what an import found and did
"""
