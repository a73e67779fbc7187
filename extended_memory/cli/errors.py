"""The errors of several commands."""

from collections.abc import Sequence

from extended_memory.errors import ExtendedMemoryError


class RefusedError(ExtendedMemoryError):
    """A change was not made; the sentence says why."""


class NoSuchContextError(ExtendedMemoryError):
    """There is no such context, or it has no such revision."""


def no_such_context(ids: Sequence[int], project: str) -> NoSuchContextError:
    """Return the error for contexts that are not there."""
    names = ", ".join(f"#{number}" for number in ids)
    where = f' in the project "{project}"' if project else ""
    return NoSuchContextError(
        f"There is no context {names}{where}.",
        remedy="list and search show the ids, trash those that were forgotten.",
    )


def no_such_revision(context_id: int, number: int) -> NoSuchContextError:
    """Return the error for an earlier text that a context does not have."""
    return NoSuchContextError(
        f"#{context_id} has no revision {number}.",
        remedy=f"show {context_id} --revisions lists them.",
    )
