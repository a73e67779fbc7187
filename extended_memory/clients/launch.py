"""The command by which a client starts this server."""

import sys
from dataclasses import dataclass
from pathlib import Path

from extended_memory.clients.entry import PACKAGE

_MODULE = (*(("-P",) if sys.version_info >= (3, 11) else ()), "-m", "extended_memory")
"""-P: no module of the folder that the client is in is taken for one of Python's or ours."""

_UVX = "uvx"
_CACHE_TAG = "CACHEDIR.TAG"  # https://bford.info/cachedir/; uv and others mark their caches by it
_CACHES = {".cache", "cache", "caches"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The process that runs now.

    ``program``: None where Python was told a module; ``prefix``: the environment's folder;
    ``uvx``: its path, if it was found.
    """

    program: Path | None
    interpreter: Path
    prefix: Path
    uvx: Path | None


def command(running: Running, *, redis: bool = False) -> tuple[str, tuple[str, ...]]:
    """Return the command and its arguments that start what runs now from a client.

    Its path is absolute: a program that a desktop starts, Claude Desktop on macOS above all, does
    not have the PATH of a shell (https://github.com/modelcontextprotocol/servers/issues/760). An
    environment within a cache, as uvx makes it, goes when the cache is cleaned: uvx makes the next
    one. ``redis``: the memory is on a Redis server, which uvx has to bring the client for.
    """
    if not _in_cache(running.prefix):
        if running.program is not None:
            return str(running.program), ()
        return str(running.interpreter), _MODULE
    extra = ("--from", f"{PACKAGE}[redis]") if redis else ()
    return str(running.uvx or _UVX), (*extra, PACKAGE)


def _in_cache(prefix: Path) -> bool:
    # uv marks each environment too, so the folder itself says nothing.
    return any(
        folder.name.lower() in _CACHES or (folder / _CACHE_TAG).is_file()
        for folder in prefix.parents
    )
