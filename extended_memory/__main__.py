"""The process: a command, or settings, standard streams, signals and then the server.

Everything that costs time is imported inside ``main``, after the process is set up for it.
"""

# Nothing but what Python itself has imported may come before the path is set:
# ruff: noqa: E402, PTH100, PTH109, PTH119, PTH120

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _without_working_directory() -> list[str]:
    """Return where Python looks for modules, without the folder that a client happens to be in.

    ``python -m`` looks there first, and so does a part of PYTHONPATH that is empty: a file there
    may have a library's name. A folder that PYTHONPATH names stays, and the one that this package
    comes from. Started as a script, Python looks into the package's own folder first.
    """
    try:
        current = os.getcwd()
    except FileNotFoundError:  # it was deleted
        current = ""
    named = map(os.path.abspath, filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
    unwanted = {"", _HERE, current} - {os.path.dirname(_HERE), *named}
    return [folder for folder in sys.path if folder not in unwanted]


sys.path[:] = _without_working_directory()

import logging
import signal
import threading
import warnings
from functools import partial
from threading import ExceptHookArgs
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from extended_memory.protocol.transport import Channel
    from extended_memory.stderr import ErrorStream

_UNUSABLE_SETTINGS = 2
_STDERR = 2

_FAULT_SAID = "A fault that nobody foresaw, in %s: please report it."

_SERVER_SCRIPT = "extended-memory-mcp-server"
"""The script that only serves; 0.9.0 had it."""

_BY_HAND = """\
Waiting for an MCP client to speak JSON-RPC on standard input; Ctrl-C ends this.
Commands to use by hand are listed by: extended-memory-mcp --help
"""

logger = logging.getLogger("extended_memory")


def main() -> None:
    """Run a command, or serve the memory over standard input and output until the input ends.

    An option that is not known is passed over where a client starts the server, as 0.9.0 did. A
    word is a command, and whatever a person types at a terminal is meant for the command line.
    """
    _prepare()
    arguments = sys.argv[1:]
    is_of_0_9_0 = os.path.basename(sys.argv[0]).startswith(_SERVER_SCRIPT)
    if arguments and not is_of_0_9_0 and (os.isatty(0) or not arguments[0].startswith("-")):
        _run_command(arguments)
    serve()


def serve() -> None:
    """Serve, passing over arguments that are no command: the entries that 0.9.0 had."""
    _prepare()
    arguments = sys.argv[1:]
    if arguments:
        from extended_memory.cli import app

        if app.asks_for_a_command(arguments):
            _run_command(arguments)
    _serve()


def _run_command(arguments: list[str]) -> NoReturn:
    from extended_memory.cli import app

    sys.exit(app.run(arguments))


def _prepare() -> None:
    """Set the process up for whatever it does; a second time changes nothing."""
    _complete_standard_streams()
    if any(option.startswith("e") for option in sys.warnoptions):
        warnings.simplefilter("default")  # a warning of a library is no error here


def _serve() -> None:
    if os.isatty(0):
        sys.stderr.write(_BY_HAND)
    from extended_memory.protocol.transport import Channel
    from extended_memory.stderr import ErrorStream

    errors = ErrorStream.claim()
    channel = Channel.claim()
    channel.exit = partial(_exit, errors)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda _number, _frame: channel.end())

    from extended_memory import logs
    from extended_memory.errors import (
        SettingsError,
    )
    from extended_memory.protocol.startup import import_server
    from extended_memory.settings import Settings, unknown_variables

    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"extended-memory-mcp: {error}\n")
        sys.exit(_UNUSABLE_SETTINGS)
    logs.configure(settings.log_level)
    for name in unknown_variables(os.environ):
        logger.warning("%s is no setting of this server: check its spelling.", name)

    mcp = import_server()
    mcp.channel = channel
    mcp.settings = settings
    channel.refuse_calls = mcp.ending.set
    threading.excepthook = _say_fault
    sys.excepthook = partial(_end_at_fault, channel)
    mcp.run("stdio", show_banner=False)
    channel.leave()  # everything is closed; taking the libraries apart would only cost time


def _complete_standard_streams() -> None:
    """Point those that are closed at nothing: the store's file would take the number of one."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(number, True)
    os.close(number)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")


def _exit(errors: "ErrorStream", code: int) -> NoReturn:
    """End the process at once, but for what it has said."""
    errors.close()
    os._exit(code)


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
