"""Entry for `python -m extended_memory_mcp.server`, as configurations for 0.9.0 start it."""

from extended_memory.__main__ import serve

if __name__ == "__main__":
    serve()
