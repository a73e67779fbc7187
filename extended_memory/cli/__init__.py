"""The person's commands: ``extended-memory-mcp COMMAND`` in a terminal.

- ``app``            which commands there are, and what an argument list asks for
- ``commands``       the commands themselves
- ``options``        the options of commands, read by the rules of the tools
- ``environment``    the settings, the memory that they name, the machine
- ``progress``       the progress of a command, as a bar
- ``console``        lines, tables and JSON on standard output; questions
- ``completion``     the completion of the shell
- ``content``        the content of a context as a person gives it
- ``editor``         a text in a file of its own, for the person's editor
- ``suggestions``    what else a person may have meant
- ``errors``         the errors of several commands
- ``client_entry``   the entry that a client gets
- ``client_change``  a change of a client's configuration: shown, agreed to, written
- ``client_list``    the clients that are here, and where this server is in them
- ``backup_report``  a backup in words and in JSON
- ``import_report``  what an import found and did
- ``legacy_report``  what there is to know about the Redis of 0.9.0
"""
