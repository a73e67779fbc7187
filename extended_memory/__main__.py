"""The process: a command, or settings, standard streams, signals and then the server.

Everything that costs time is imported inside ``main``, after the process is set up for it.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

_UNUSABLE_SETTINGS = 2

_BY_HAND = """\
Waiting for an MCP client to speak JSON-RPC on standard input; Ctrl-C ends this.
Commands to use by hand are listed by: extended-memory-mcp --help
"""


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
    from extended_memory.stdio import EXIT_SECONDS, FINISH_SECONDS, Channel

    channel = Channel.claim()
    ended_by_signal = threading.Event()

    def end_on_signal(_number: int, _frame: FrameType | None) -> None:
        ended_by_signal.set()
        channel.end()

    channel.on_end = lambda: os._exit(0)  # nothing has begun yet
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end_on_signal)

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

    def end_soon() -> None:
        """See to it that the process ends, whatever its calls are waiting for."""
        _in(0 if ended_by_signal.is_set() else FINISH_SECONDS, mcp.ending.set)
        _in(EXIT_SECONDS, lambda: os._exit(0))

    channel.on_end = end_soon
    mcp.channel = channel
    mcp.run("stdio", show_banner=False)
    sys.stderr.flush()
    os._exit(0)  # everything is closed; taking the libraries apart would only cost time


def _in(seconds: float, action: Callable[[], None]) -> None:
    """Do something after a time, whatever the other threads are doing then."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    main()
