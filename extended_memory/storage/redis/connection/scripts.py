"""The scripts that Redis runs, each atomic on the server; what they do stands in them."""

from functools import cache
from hashlib import sha1
from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "scripts"


@cache
def source(name: str) -> str:
    """Return a script: its shebang, what all of them share, and its own lines.

    The shebang makes a cluster refuse a key of another slot, and says what the script may do in
    a full memory or on a replica (Redis 7.0, https://redis.io/docs/latest/develop/programmability/
    lua-api/#script-flags).
    """
    shebang, _, body = _text(name).partition("\n")
    shared = "".join(map(_text, ("_common", "_postings", "_bring")))
    return f"{shebang}\n{shared}{body}"


@cache
def digest(name: str) -> str:
    """Return the name under which a server keeps a script that it has run: its SHA-1."""
    return sha1(source(name).encode(), usedforsecurity=False).hexdigest()


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")
