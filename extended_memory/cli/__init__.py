"""The person's commands: ``extended-memory-mcp COMMAND`` in a terminal."""
