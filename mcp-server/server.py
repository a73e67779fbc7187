"""Entry for configurations that start 0.9.0 from a checkout: `python3 mcp-server/server.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from extended_memory.__main__ import serve

if __name__ == "__main__":
    serve()
