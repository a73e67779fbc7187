"""A context as the JSON text that Redis keeps: its times first, the rest as it was given.

The times may be the server's, read inside the script that writes: so the script puts them in
front of the rest, which it never looks into.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from extended_memory.domain import Context, Revision, from_milliseconds, to_milliseconds

_DIGEST_BYTES = 16


def rest(context: Context) -> str:
    """Return all of a body but its beginning, ``{"created_at":<ms>,"updated_at":<ms or null>``."""
    values = {
        "importance": context.importance,
        "tags": context.tags,
        "content": context.content,
    }
    return "," + json.dumps(values, ensure_ascii=False, separators=(",", ":"))[1:]


def whole(context: Context) -> str:
    """Return the body of a context whose times are known."""
    updated_at = context.updated_at
    changed = "null" if updated_at is None else to_milliseconds(updated_at)
    created = to_milliseconds(context.created_at)
    return f'{{"created_at":{created},"updated_at":{changed}{rest(context)}'


def revisions(context: Context, revised: Sequence[Revision]) -> list[str]:
    """Return the entries of a list of revisions of a context, counted anew from 1."""
    entries = []
    updated_at = None
    for number, revision in enumerate(revised, start=1):
        was = replace(
            context,
            content=revision.content,
            importance=revision.importance,
            tags=revision.tags,
            updated_at=updated_at,
        )
        updated_at = revision.replaced_at
        entries.append(
            f'{{"number":{number},"replaced_at":{to_milliseconds(updated_at)},"body":{whole(was)}}}'
        )
    return entries


def digest(context: Context) -> str:
    """Return a digest by which a repeated save is known (BLAKE2b, RFC 7693), in hexadecimal."""
    return blake2b(rest(context).encode(), digest_size=_DIGEST_BYTES).hexdigest()


def read(body: str, *, context_id: int, project: str) -> Context:
    """Return the context that a body holds.

    Raises:
        ValueError, KeyError, TypeError: it is not one of ours.
    """
    values: dict[str, Any] = json.loads(body)
    updated_at = values["updated_at"]
    return Context(
        id=context_id,
        project=project,
        content=values["content"],
        importance=values["importance"],
        tags=tuple(values["tags"]),
        created_at=from_milliseconds(values["created_at"]),
        updated_at=None if updated_at is None else from_milliseconds(updated_at),
    )


def read_revision(entry: str) -> Revision:
    """Return the revision that an entry of a list of revisions holds.

    Raises:
        ValueError, KeyError, TypeError: it is not one of ours.
    """
    values: dict[str, Any] = json.loads(entry)
    body = values["body"]
    return Revision(
        number=values["number"],
        content=body["content"],
        importance=body["importance"],
        tags=tuple(body["tags"]),
        replaced_at=from_milliseconds(values["replaced_at"]),
    )
