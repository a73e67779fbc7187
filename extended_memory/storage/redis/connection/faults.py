"""Redis's faults as sentences with a remedy; nothing here shows a key's content or a password."""

import ssl
from typing import TYPE_CHECKING

from extended_memory.domain import (
    TIME_BOUNDS,
)
from extended_memory.errors import (
    StoreError,
)

if TYPE_CHECKING:
    from redis.exceptions import RedisError

# The words of the servers (Redis 7.0 to 8, Valkey 7.2 to 9) and of redis-py; the first that fit.
_SENTENCES = (
    (
        ("EMTYPE", "WRONGTYPE"),
        "{name} holds something else under a key of this memory, and nothing was changed.",
        "give it a database of its own or set REDIS_KEY_PREFIX to another prefix.",
    ),
    (
        ("EMCLOCK",),
        f"{{name}} has a clock that is wrong (it is not {TIME_BOUNDS} there), so nothing was saved "
        "or changed.",
        "set it right, and try again.",
    ),
    (
        ("OutOfMemoryError", "OOM "),
        "{name} has no memory left, so nothing was saved or changed.",
        "raise its maxmemory, and try again.",
    ),
    (
        ("NoPermissionError", "NOPERM", "has no permissions", "can't run this command"),
        "{name} does not allow its user what this memory needs, and nothing was changed.",
        "grant the commands that the README lists on the keys {prefix}:*.",
    ),
    (
        ("AuthenticationError", "AuthenticationWrongNumberOfArgsError", "NOAUTH", "WRONGPASS"),
        "{name} refuses the user name or password.",
        "check them in STORAGE_CONNECTION_STRING, with special characters percent-encoded.",
    ),
    (
        ("ReadOnlyError", "READONLY"),
        "{name} is a read-only replica, so nothing can be saved or changed.",
        "set STORAGE_CONNECTION_STRING to the primary, or to redis+sentinel:// to follow it.",
    ),
    (
        ("BusyLoadingError", "LOADING"),
        "{name} is still loading its data.",
        "try again in a moment.",
    ),
    (
        ("BUSY ",),
        "{name} is busy with a script of somebody else.",
        "try again in a moment, or end it with SCRIPT KILL.",
    ),
    (
        ("MISCONF",),
        "{name} cannot write to its disk, so nothing was saved or changed.",
        "free some space on its machine and try again.",
    ),
    (
        ("NOREPLICAS",),
        "{name} has too few replicas to accept a change.",
        "wait until they are back, and try again.",
    ),
    (
        (
            "ClusterDownError",
            "MasterDownError",
            "SlotNotCoveredError",
            "RedisClusterException",
            "ClusterError",
            "TryAgainError",
            "MovedError",
            "AskError",
        ),
        "{name} is not complete.",
        "check that its nodes are running, and try again in a moment.",
    ),
    (
        ("MasterNotFoundError",),
        "{name} has no primary at the moment.",
        "check the sentinels and the service's name, or try again when the failover is over.",
    ),
    (
        ("CERTIFICATE_VERIFY_FAILED",),
        "{name} shows a certificate that is not trusted.",
        "add ?ssl_ca_certs=/path/ca.crt to STORAGE_CONNECTION_STRING.",
    ),
    (
        ("SSL", "EOF occurred"),
        "{name} does not speak TLS with this client.",
        (
            "check the port, rediss:// against redis://, and whether it asks for a client "
            "certificate (?ssl_certfile=...&ssl_keyfile=...)."
        ),
    ),
    (
        ("TimeoutError", "Timeout"),
        "{name} does not answer in time.",
        (
            "check that it is running and not blocked (and whether that port needs redis:// or "
            "rediss://), and try again."
        ),
    ),
    (
        ("invalid DB index", "DB index is out of range", "SELECT is not allowed"),
        "{name} has no database of that number.",
        "use /0 in STORAGE_CONNECTION_STRING.",
    ),
    (
        ("unknown command", "Unexpected engine", "unknown script flag"),
        "{name} is too old or lacks a command.",
        "this memory needs Redis 7.0 or Valkey 7.2 or newer.",
    ),
    (
        ("ConnectionError",),
        "{name} cannot be reached.",
        (
            "check that it is running and that STORAGE_CONNECTION_STRING names the right place, "
            "redis:// or rediss:// as well, and try again."
        ),
    ),
)
_OTHER = (
    "{name} cannot serve this call.",
    "the server's log names the fault; remove it and try again.",
)


def fault(
    error: "RedisError | OSError | UnicodeDecodeError", *, name: str, prefix: str
) -> StoreError:
    """Return the sentence for an error of the client or the server.

    ``name`` says in the sentence where the server is, ``prefix`` whose keys are meant.
    """
    known = _words(error)
    for words, fact, remedy in _SENTENCES:
        if any(word in known for word in words):
            return StoreError(
                fact.format(name=name, prefix=prefix), remedy=remedy.format(prefix=prefix)
            )
    fact, remedy = _OTHER
    return StoreError(fact.format(name=name), remedy=remedy)


def cause(error: BaseException) -> str:
    """Return what the log may say: the kind of an error and the server's code, never values."""
    return f"{type(error).__name__} {str(error).split(' ', 1)[0]}"


def _words(error: BaseException) -> str:
    """Return an error's kinds and messages, and those of what caused it."""
    words = []
    at: BaseException | None = error
    while at is not None:
        words += [kind.__name__ for kind in type(at).__mro__[:-3]] + [str(at)]
        words += ["SSL"] if isinstance(at, ssl.SSLError) else []
        at = at.__cause__ or at.__context__
    return " ".join(words)
