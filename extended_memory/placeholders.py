"""A placeholder, such as ``${HOME}``, that nothing has replaced by its value.

A client that does not know a variable hands its placeholder on as it is: Claude Code where the
variable is not set, Claude Desktop always.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

_BRACKETED = (
    r"\$\{[^{}]*(?:\}|$)"  # ${NAME}, ${NAME:-default}, ${env:NAME}, ${workspaceFolder}
    r"|\$\([^()]*\)"  # $(pwd)
    r"|\{\{[^{}]*\}\}"  # {{NAME}}
    r"|\{(?:env|file|input):[^{}]*\}"  # {env:NAME}
)
_BARE = (
    r"\$[A-Za-z_]\w*(?::[A-Za-z_]\w*)?"  # $NAME, $env:NAME
    r"|%[A-Za-z_][\w()]*%"  # %NAME%, %ProgramFiles(x86)%
)
_ANY = re.compile(rf"(?P<bracketed>{_BRACKETED})|{_BARE}")
_IN_A_NAME = re.compile(rf"(?P<bracketed>{_BRACKETED})|(?<![^\W_])(?:{_BARE})")
_OF_A_MANUAL = re.compile(r"\{[A-Za-z_]\w*\}|<[A-Za-z_][\w -]*>|![A-Za-z_]\w*!|`[^`]*`")
"""{workspaceFolder}, <path>, !HOME!, `pwd`: names may look so, but none that begins a place."""
_WHOLE = re.compile(_BRACKETED)
_DEFAULT = re.compile(r"(?<=\w):?[-=?+][^}]*")
_ENCODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """A placeholder in a text. ``may_be_a_name``: a file can well be called so."""

    text: str
    may_be_a_name: bool


def in_path(path: str) -> Placeholder | None:
    """Return the first placeholder in a path, wherever it stands in it."""
    return _first(_ANY, path)


def in_relative_path(path: str) -> Placeholder | None:
    """Return the first placeholder in a path that begins in the working directory.

    More is taken for one there: what it names would be another file in each folder.
    """
    found = _OF_A_MANUAL.search(path)
    more = Placeholder(text=found[0], may_be_a_name=False) if found else None
    return in_path(path) or more


def in_name(name: str) -> Placeholder | None:
    """Return the first placeholder in a name; the ``$`` within a word, as in Micro$oft, is none."""
    return _first(_IN_A_NAME, name)


def in_redis_url(url: str) -> Placeholder | None:
    """Return the first placeholder in a URL of Redis, without a default that may be a secret.

    A password may hold any character: it counts as one only where it is nothing else.
    """
    place, _, query = url.partition("://")[2].partition("?")
    credentials, _, location = place.rpartition("@")
    user, _, password = credentials.partition(":")
    values = [option.partition("=")[2] for option in query.split("&")]
    whole = next((each for each in (user, password, *values) if _WHOLE.fullmatch(each)), None)
    if whole is None:
        return in_path(location)
    return Placeholder(text=_DEFAULT.sub("", whole), may_be_a_name=False)


def _first(pattern: re.Pattern[str], text: str) -> Placeholder | None:
    found = pattern.search(text)
    # %C3%A9 is a letter that is percent-encoded.
    if found is None or (found[0].startswith("%") and _is_encoded(text)):
        return None
    return Placeholder(text=_DEFAULT.sub("", found[0]), may_be_a_name=found["bracketed"] is None)


def _is_encoded(text: str) -> bool:
    """Say whether each ``%`` in a text begins a byte of UTF-8 that is percent-encoded."""
    if not _ENCODED.fullmatch(text):
        return False
    try:
        unquote(text, errors="strict")
    except UnicodeDecodeError:
        return False
    return True
