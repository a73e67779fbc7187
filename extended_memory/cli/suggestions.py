"""The projects that a person may have meant, where the one asked for holds nothing."""

from extended_memory.cli import environment
from extended_memory.service import MemoryService

_OTHERS_NAMED = 5


def other_projects(memory: MemoryService, project: str) -> str:
    """Name the other projects, or the memory where there is no project at all."""
    projects = memory.projects()
    others = [f'"{row.name}"' for row in projects if row.name != project]
    if not others:
        return "" if projects else f" {environment.whereabouts()}"
    more = len(others) - _OTHERS_NAMED
    named = ", ".join(others[:_OTHERS_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    return f" Others are {named}: use --project."
