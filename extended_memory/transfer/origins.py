"""What names a context of a store the same wherever it goes, so that it is brought once."""

from collections.abc import Sequence
from hashlib import blake2b

from extended_memory.domain import Context, Revision, to_milliseconds


def origin_of(context: Context, revisions: Sequence[Revision] = ()) -> str:
    """Return what is the same for a context at every run, also when it has changed or moved.

    That is its id, the time it was saved at and the text it had then: two stores give the same
    id to different contexts, and an update or another name of the project makes no other one.
    ``revisions`` are all it has, the oldest first.
    """
    first = revisions[0].content if revisions else context.content
    saved = (to_milliseconds(context.created_at), first)
    return f"copy:{context.id}:{digest(repr(saved))}"


def digest(text: str) -> str:
    """Return 32 hexadecimal digits that stand for a text."""
    return blake2b(text.encode(), digest_size=16).hexdigest()
