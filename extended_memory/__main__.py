"""The process: a command, or settings, standard streams, signals and then the server.

Everything that costs time is imported inside ``main``, after the process is set up for it.
"""

import logging
import os
import signal
import sys
import threading
from functools import partial
from threading import ExceptHookArgs
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extended_memory.stdio import Channel

_UNUSABLE_SETTINGS = 2

_FAULT_SAID = "A fault that nobody foresaw, in %s: please report it."

_BY_HAND = """\
Waiting for an MCP client to speak JSON-RPC on standard input; Ctrl-C ends this.
Commands to use by hand are listed by: extended-memory-mcp --help
"""

logger = logging.getLogger("extended_memory")


def main() -> None:
    """Serve the memory over standard input and output until the input ends, or run a command."""
    by_hand, arguments = os.isatty(0), sys.argv[1:]
    if arguments:
        from extended_memory.cli import app

        # A client may pass anything; of a person, a word that is no command is a mistake.
        mistyped = by_hand and not arguments[0].startswith("-")
        if mistyped or app.asks_for_a_command(arguments):
            sys.exit(app.run(arguments))
    if by_hand:
        sys.stderr.write(_BY_HAND)
    from extended_memory.stdio import Channel

    channel = Channel.claim()
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda _number, _frame: channel.end())

    from extended_memory import logs
    from extended_memory.domain import SettingsError
    from extended_memory.quick_import import import_server
    from extended_memory.settings import Settings

    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"extended-memory-mcp: {error}\n")
        sys.exit(_UNUSABLE_SETTINGS)
    logs.configure(settings.log_level)

    mcp = import_server()
    mcp.channel = channel
    channel.refuse_calls = mcp.ending.set
    threading.excepthook = _say_fault
    sys.excepthook = partial(_end_at_fault, channel)
    mcp.run("stdio", show_banner=False)
    sys.stderr.flush()
    channel.leave()  # everything is closed; taking the libraries apart would only cost time


def _end_at_fault(
    channel: "Channel",
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> None:
    """End the process at once after a fault that nobody foresaw, whatever its threads do."""
    logger.critical(_FAULT_SAID, "the server", exc_info=(kind, error, trace))
    channel.fail()
    channel.leave()


def _say_fault(fault: ExceptHookArgs) -> None:
    """Log a fault that nobody foresaw, of a thread."""
    thread = fault.thread.name if fault.thread else "a thread"
    logger.critical(_FAULT_SAID, thread, exc_info=fault.exc_value)


if __name__ == "__main__":
    main()
