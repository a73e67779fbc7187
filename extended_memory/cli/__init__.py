"""The person's commands: ``extended-memory-mcp COMMAND`` in a terminal.

- ``app``            the commands, and the way from an argument list to one of them
- ``commands``       the commands themselves
- ``options``        the options of commands, read by the rules of the tools
- ``environment``    settings, the memory that they name, the machine
- ``progress``       the progress of a command, as a bar
- ``console``        lines, tables and JSON on standard output; questions
- ``completion``     the completion of the shell
- ``content``        the content of a context as a person gives it
- ``editor``         a text in a file of its own, for the person's editor
- ``suggestions``    the projects that a person may have meant
- ``errors``         the errors of several commands
- ``client_entry``   the entry that a client gets
- ``client_change``  a change of a client's configuration: shown, agreed to, written
- ``client_list``    the clients on this machine, and their entries for this server
- ``backup_report``  a backup in words and in JSON
- ``import_report``  an import in words and in JSON
- ``legacy_report``  the survey of a Redis of 0.9.0 in words and in JSON
"""
