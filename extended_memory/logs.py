"""The log on stderr: our own messages, and never the content of a memory.

Libraries below us log at DEBUG what they send and store, so their loggers stay at WARNING
whatever the level, and a traceback is written without the messages of its exceptions, which may
quote what they failed on.
"""

import logging
import sys
import traceback
from types import TracebackType
from typing import TextIO

TRACE = 5

_LEVELS = {
    "TRACE": TRACE,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
    "CRITICAL": logging.CRITICAL,
}

logger = logging.getLogger(__name__)


class DiscreetFormatter(logging.Formatter):
    """Formats a traceback as places and types alone."""

    def formatException(  # noqa: N802 - the name is logging's
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """Return the frames and the types of an exception and of those that caused it."""
        lines = []
        error = ei[1]
        while error is not None:
            lines += [
                f"  {frame.filename}:{frame.lineno} in {frame.name}"
                for frame in traceback.extract_tb(error.__traceback__)
            ]
            lines.append(type(error).__name__)
            error = error.__cause__ or error.__context__
        return "\n".join(lines)


def configure(level: str, *, stream: TextIO | None = None) -> None:
    """Send this package's messages of a level, and warnings of all others, to stderr.

    ``level`` is the name of a level in any case; an unknown one is said once, and INFO used.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(DiscreetFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.addLevelName(TRACE, "TRACE")
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    package = logging.getLogger(__name__.partition(".")[0])
    package.setLevel(_LEVELS.get(level.upper(), logging.INFO))
    if level.upper() not in _LEVELS:
        known = ", ".join(_LEVELS)
        logger.warning("LOG_LEVEL %r is not known, INFO is used; known are %s.", level, known)
