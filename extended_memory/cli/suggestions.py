"""The names that a person may have meant, where there is nothing of the one asked for."""

from collections.abc import Sequence
from difflib import get_close_matches

from extended_memory.errors import ExtendedMemoryError

_OTHERS_NAMED = 5


class NoSuchProjectError(ExtendedMemoryError):
    """There is no project of a name."""


def no_such_project(name: str, projects: Sequence[str]) -> NoSuchProjectError:
    """Return the error for a project that is not there; ``projects`` are those that are."""
    if near := get_close_matches(name, projects, n=1):
        return NoSuchProjectError(
            f'There is no project "{name}".', remedy=f'did you mean "{near[0]}"?'
        )
    return NoSuchProjectError(f'There is no project "{name}".', remedy="projects lists them.")


def named(projects: Sequence[str]) -> str:
    """Return the names of the first projects, and how many more there are."""
    more = len(projects) - _OTHERS_NAMED
    names = ", ".join(f'"{name}"' for name in projects[:_OTHERS_NAMED])
    return names + (f" and {more:,} more" if more > 0 else "")
