"""A context as the JSON text that Redis keeps: its time first, the rest as it was given.

The time may be the server's, read inside the script that saves: so the script puts it in front of
the rest, which it never looks into.
"""

import json
from hashlib import blake2b
from typing import Any

from extended_memory.domain import Context, from_milliseconds

_DIGEST_BYTES = 16


def rest(content: str, importance: int, tags: tuple[str, ...]) -> str:
    """Return all of a body but its beginning, ``{"created_at":<milliseconds>``."""
    values = {"importance": importance, "tags": tags, "content": content}
    return "," + json.dumps(values, ensure_ascii=False, separators=(",", ":"))[1:]


def ends_with(body: str, rest_of_body: str) -> bool:
    """Say whether a body is that rest with a time in front."""
    return body[body.index(",") :] == rest_of_body


def digest(rest_of_body: str) -> str:
    """Return a digest by which a repeated save is known (BLAKE2b, RFC 7693), in hexadecimal."""
    return blake2b(rest_of_body.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def read(body: str, *, context_id: int, project: str) -> Context:
    """Return the context that a body holds.

    Raises:
        ValueError, KeyError, TypeError: it is not one of ours.
    """
    values: dict[str, Any] = json.loads(body)
    return Context(
        id=context_id,
        project=project,
        content=values["content"],
        importance=values["importance"],
        tags=tuple(values["tags"]),
        created_at=from_milliseconds(values["created_at"]),
    )
