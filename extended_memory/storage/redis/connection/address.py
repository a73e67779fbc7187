"""Where a Redis URL points: one server, several of a cluster, or sentinels that know a server."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from extended_memory.errors import (
    StoreError,
)
from extended_memory.names import read_switch

DEFAULT_PORT = 6379
DEFAULT_SENTINEL_PORT = 26379

_FORMS = (
    "redis://host:6379/0, rediss://host:6379/0, unix:///path/redis.sock?db=0, "
    "redis+cluster://host1:6379,host2:6379 or redis+sentinel://host1:26379,host2:26379/service/0"
)


def _switch(value: str) -> bool:
    switch = read_switch(value)
    if switch is None:
        raise ValueError(value)
    return switch


_OPTIONS: dict[str, Callable[[str], Any]] = {
    "ssl_ca_certs": str,
    "ssl_ca_path": str,
    "ssl_certfile": str,
    "ssl_keyfile": str,
    "ssl_password": str,
    "ssl_ciphers": str,
    "ssl_cert_reqs": {name: name for name in ("none", "optional", "required")}.__getitem__,
    "ssl_check_hostname": _switch,
    "socket_timeout": float,
    "socket_connect_timeout": float,
    "protocol": int,
    "sentinel_username": str,
    "sentinel_password": str,
}
_OF_0_9_0 = {"retry_on_timeout", "max_connections"}
"""Options that 0.9.0 knew; they ask for nothing that is not so anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A parsed URL. What it holds may be secret: only ``shown`` may be seen by anyone."""

    kind: str
    """``server``, ``socket``, ``cluster`` or ``sentinel``."""
    tls: bool = False
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    options: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def shown(self) -> str:
        """Name the place in a sentence, without a secret or a directory."""
        if self.kind == "socket":
            return f"Redis at the socket {self.path.rpartition('/')[2]}"
        hosts = ", ".join(f"{host}:{port}" for host, port in self.hosts)
        if self.kind == "sentinel":
            return f"Redis service {self.service} (sentinels {hosts})"
        return f"Redis{' cluster' if self.kind == 'cluster' else ''} at {hosts}"


def parse(url: str) -> Address:
    """Read a URL; user names, passwords and paths in it are percent-encoded.

    The options after ``?`` are some of redis-py's, such as ``ssl_ca_certs=/path/ca.crt``, and
    ``sentinel_username`` and ``sentinel_password`` for the sentinels themselves.

    Raises:
        StoreError: the URL cannot be understood; the sentence does not repeat it.
    """
    scheme, _, place = url.partition("://")
    scheme, _, kind = scheme.lower().partition("+")
    if (scheme, kind) not in {
        ("redis", ""),
        ("rediss", ""),
        ("unix", ""),
        *((tls, several) for tls in ("redis", "rediss") for several in ("cluster", "sentinel")),
    }:
        raise _refusal("begins with a scheme that is not known")
    place, _, query = place.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    credentials, _, location = place.rpartition("@")
    username, _, password = credentials.partition(":")
    common: dict[str, Any] = {
        "username": unquote(username) or options.pop("username", None),
        "password": unquote(password) or options.pop("password", None),
    }
    if scheme == "unix":
        database = _number(options.pop("db", "0"))
        if not location:
            raise _refusal("names no socket")
        return Address(
            kind="socket",
            path=unquote(location),
            database=database,
            options=_typed(options),
            **common,
        )
    netloc, _, path = location.partition("/")
    steps = [unquote(step) for step in path.split("/") if step]
    service = ""
    if kind == "sentinel":
        if not steps:
            raise _refusal("names no service after the sentinels")
        service = steps.pop(0)
    database = _number(options.pop("db", "") or (steps.pop(0) if steps else "0"))
    if steps:
        raise _refusal("has more in its path than the number of a database")
    if kind == "cluster" and database:
        raise _refusal("names a database, and a cluster has only number 0")
    port = DEFAULT_SENTINEL_PORT if kind == "sentinel" else DEFAULT_PORT
    hosts = tuple(_host(host, port) for host in (netloc or "localhost").split(","))
    if len(hosts) > 1 and not kind:
        raise _refusal("names several hosts, which only redis+cluster and redis+sentinel may")
    return Address(
        kind=kind or "server",
        tls=scheme == "rediss",
        hosts=hosts,
        service=service,
        database=database,
        options=_typed(options),
        **common,
    )


def _host(text: str, port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        return unquote(parts.hostname or "localhost"), parts.port or port
    except ValueError:
        raise _refusal("names a host or a port that is not valid") from None


def _number(text: str) -> int:
    if not text.isdecimal():
        raise _refusal("names a database that is not a number")
    return int(text)


def _typed(options: dict[str, str]) -> dict[str, Any]:
    """Return the options with the types that redis-py expects."""
    typed: dict[str, Any] = {}
    for name, value in options.items():
        if name in _OF_0_9_0:
            continue
        if name not in _OPTIONS:
            # It may be a piece of a password that is not percent-encoded.
            raise _refusal("has an option after the question mark that is not known")
        try:
            typed[name] = _OPTIONS[name](value)
        except (KeyError, ValueError):
            raise _refusal(f"has a value for '{name}' that is not valid") from None
    return typed


def _refusal(reason: str) -> StoreError:
    return StoreError(f"STORAGE_CONNECTION_STRING {reason}.", remedy=f"write {_FORMS}.")
