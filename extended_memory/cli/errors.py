"""The errors of several commands."""

from collections.abc import Sequence

from extended_memory.errors import (
    ExtendedMemoryError,
)


class RefusedError(ExtendedMemoryError):
    """A change was not made; the sentence says why."""


class NoSuchContextError(ExtendedMemoryError):
    """There is no context, or no revision of it, that was asked for."""


def missing(ids: Sequence[int], project: str) -> NoSuchContextError:
    """Return the sentence for ids that are not there."""
    names = ", ".join(f"#{number}" for number in ids)
    where = f' in the project "{project}"' if project else ""
    return NoSuchContextError(
        f"There is no context {names}{where}.",
        remedy="list and search show the ids, trash those that were forgotten.",
    )
