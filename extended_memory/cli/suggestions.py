"""Suggestions where there is nothing of what a person asked for."""

from extended_memory.cli import environment
from extended_memory.service import MemoryService

_OTHERS_NAMED = 5


def elsewhere(memory: MemoryService, project: str) -> str:
    """Say, where nothing was found in a project, which others there are, or where it was."""
    projects = memory.projects()
    others = [f'"{row.name}"' for row in projects if row.name != project]
    if not others:
        return "" if projects else f" {environment.whereabouts()}"
    more = len(others) - _OTHERS_NAMED
    named = ", ".join(others[:_OTHERS_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    return f" Others are {named}: use --project."
