"""A context as the JSON text that Redis keeps: its times first, the rest as it was given.

The times may be the server's, read inside the script that writes: so the script puts them in
front of the rest, which it never looks into.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from extended_memory.domain import Context, Note, Revision, from_milliseconds, to_milliseconds

_DIGEST_BYTES = 16


def rest(note: Note) -> str:
    """Return all of a body but its beginning, ``{"created_at":<ms>,"updated_at":<ms or null>``."""
    values = {
        "importance": note.importance,
        "tags": note.tags,
        "content": note.content,
    }
    return "," + json.dumps(values, ensure_ascii=False, separators=(",", ":"))[1:]


def whole(note: Note, created_at: datetime, updated_at: datetime | None) -> str:
    """Return the body of a context whose times are known."""
    created = to_milliseconds(created_at)
    changed = "null" if updated_at is None else to_milliseconds(updated_at)
    return f'{{"created_at":{created},"updated_at":{changed}{rest(note)}'


def revisions(created_at: datetime, revised: Sequence[Revision]) -> list[str]:
    """Return the entries of a list of revisions of a context, counted anew from 1."""
    entries = []
    updated_at = None
    for number, revision in enumerate(revised, start=1):
        body = whole(revision.note, created_at, updated_at)
        updated_at = revision.replaced_at
        entries.append(
            f'{{"number":{number},"replaced_at":{to_milliseconds(updated_at)},"body":{body}}}'
        )
    return entries


def digest(note: Note) -> str:
    """Return a digest by which a repeated save is known (BLAKE2b, RFC 7693), in hexadecimal."""
    return blake2b(rest(note).encode(), digest_size=_DIGEST_BYTES).hexdigest()


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
        note=_note(values),
        created_at=from_milliseconds(values["created_at"]),
        updated_at=None if updated_at is None else from_milliseconds(updated_at),
    )


def read_revision(entry: str) -> Revision:
    """Return the revision that an entry of a list of revisions holds.

    Raises:
        ValueError, KeyError, TypeError: it is not one of ours.
    """
    values: dict[str, Any] = json.loads(entry)
    return Revision(
        number=values["number"],
        note=_note(values["body"]),
        replaced_at=from_milliseconds(values["replaced_at"]),
    )


def _note(values: Mapping[str, Any]) -> Note:
    return Note(
        content=values["content"], importance=values["importance"], tags=tuple(values["tags"])
    )
