"""The process: arguments, settings, standard streams, signals; then the server.

Everything that costs time is imported inside ``main``, after the process is set up for it.
"""

import gc
import os
import signal
import sys
import threading
from types import FrameType

from extended_memory.version import __version__

# Read by the libraries when they are imported: no question to the package index, no coloured
# logging, no compilation of type checks at the first tools/list, no plugins of pydantic.
_LIBRARY_SETTINGS = {
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "FASTMCP_SHOW_SERVER_BANNER": "false",
    "FASTMCP_LOG_ENABLED": "false",
    "FASTMCP_ENABLE_RICH_LOGGING": "false",
    "PY_KEY_VALUE_DISABLE_BEARTYPE": "true",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}

_UNUSABLE_SETTINGS = 2


def main() -> None:
    """Serve the memory over standard input and output until the input ends."""
    if sys.argv[1:]:
        _read_command_line()
    os.environ.update(_LIBRARY_SETTINGS)
    # Importing FastMCP builds a thousand classes and triggers the collector again and again.
    gc.disable()
    from extended_memory import logs
    from extended_memory.domain import SettingsError
    from extended_memory.settings import Settings
    from extended_memory.stdio import EXIT_SECONDS, Channel

    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"extended-memory-mcp: {error}\n")
        sys.exit(_UNUSABLE_SETTINGS)
    logs.configure(settings.log_level)
    channel = Channel.claim()

    def end_soon() -> None:
        """Make sure that the process ends, whatever a call is waiting for."""
        timer = threading.Timer(EXIT_SECONDS, os._exit, [0])
        timer.daemon = True
        timer.start()

    def end_on_signal(_number: int, _frame: FrameType | None) -> None:
        channel.end()

    channel.on_end = end_soon
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end_on_signal)

    from extended_memory.server import mcp

    gc.freeze()
    gc.enable()
    channel.install()
    mcp.run("stdio", show_banner=False)
    sys.stderr.flush()
    os._exit(0)  # everything is closed; taking the libraries apart would only cost time


def _read_command_line() -> None:
    import argparse

    parser = argparse.ArgumentParser(
        prog="extended-memory-mcp",
        description="A local MCP server that keeps the context of your projects between chats. "
        "An MCP client starts it and speaks JSON-RPC over standard input and output; the README "
        "shows how to configure one.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.parse_known_args()  # 0.9.0 ignored what it did not know


if __name__ == "__main__":
    main()
