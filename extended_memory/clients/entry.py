"""An entry of a client's configuration: a server, its command, and whether it is ours."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

NAME = "extended-memory"
PACKAGE = "extended-memory-mcp"

_PROGRAM = re.compile(rf"{PACKAGE}(-server)?(\.exe|\.cmd)?", re.IGNORECASE)
_REQUIREMENT = re.compile(rf"{PACKAGE}(-server)?(\[[\w,-]*\])?([@=<>!~ ].*)?")
_MODULE = re.compile(r"extended_memory(_mcp)?(\.\w+)*")
_CHECKOUT = re.compile(r".*extended[-_]memory.*[\\/]mcp-server[\\/]server\.py", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A server that a client starts by a command.

    ``keys``: its path within the file; the last key is the server's name.
    """

    keys: tuple[str, ...]
    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str]

    @property
    def name(self) -> str:
        """Return the client's name for the server."""
        return self.keys[-1]

    @property
    def is_ours(self) -> bool:
        """Say whether it starts this server, of this release or 0.9.0, or has its name.

        A program that is only given a folder of that name to work on is not this server.
        """
        last = (PurePosixPath(self.command).name, PureWindowsPath(self.command).name)
        return (
            self.name == NAME
            or any(_PROGRAM.fullmatch(name) for name in last)
            or any(
                pattern.fullmatch(argument)
                for argument in self.args
                for pattern in (_REQUIREMENT, _MODULE, _CHECKOUT)
            )
        )


def entries(value: Any, keys: tuple[str, ...]) -> Iterator[Entry]:
    """Find the servers at the end of a path of keys, ``*`` standing for any key.

    A server that no command starts, such as one with a URL, is left out.
    """
    for path, servers in _follow(value, keys):
        if isinstance(servers, dict):
            for name, server in servers.items():
                if isinstance(server, dict) and isinstance(server.get("command"), str):
                    yield _entry((*path, name), server)


def _follow(value: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not keys:
        yield (), value
    elif isinstance(value, dict):
        for key in value if keys[0] == "*" else {keys[0]} & value.keys():
            for path, found in _follow(value[key], keys[1:]):
                yield (key, *path), found


def _entry(keys: tuple[str, ...], server: dict[str, Any]) -> Entry:
    args, env = server.get("args"), server.get("env")
    return Entry(
        keys=keys,
        command=server["command"],
        args=tuple(map(str, args)) if isinstance(args, list) else (),
        env={key: str(text) for key, text in env.items()} if isinstance(env, dict) else {},
    )
