"""The MCP clients that can be told to start this server, and the files they read that from."""
