"""The name of a context that stays the same wherever it goes, so that it is imported once."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

from extended_memory.domain import Revision, to_milliseconds


def origin_of(
    context_id: int, created_at: datetime, content: str, revisions: Sequence[Revision] = ()
) -> str:
    """Return what is the same for a context at every run, also when it has changed or moved.

    That is its id, the time it was saved at and the text it had then: two stores give the same
    id to different contexts, and an update or another name of the project makes no other one.
    ``revisions`` are all it has, the oldest first.
    """
    first = revisions[0].note.content if revisions else content
    return f"copy:{context_id}:{digest(repr((to_milliseconds(created_at), first)))}"


def digest(text: str) -> str:
    """Return 32 hexadecimal digits that stand for a text."""
    return blake2b(text.encode(), digest_size=16).hexdigest()
