"""A backup in words and in JSON."""

from typing import Any

from extended_memory.cli import console
from extended_memory.counts import counted
from extended_memory.domain import Backup, MovedFile


def contexts_in(backup: Backup) -> str:
    """Return how many contexts a backup holds, in words."""
    if backup.context_count is None:
        return "an unknown number of contexts"
    return counted(backup.context_count, "context")


def say_moved(moved: tuple[MovedFile, ...]) -> None:
    """Name the side files that were moved aside."""
    for file in moved:
        console.say(f"{file.found.name} lay there without its file, and is kept in {file.kept}")


def moved_values(moved: tuple[MovedFile, ...]) -> dict[str, Any]:
    """Return the side files that were moved aside, for JSON."""
    return {"moved": [{"found": str(file.found), "kept": str(file.kept)} for file in moved]}


def backup_values(backup: Backup) -> dict[str, Any]:
    """Return a backup, for JSON."""
    return {
        "path": str(backup.path),
        "written_at": backup.written_at.isoformat(),
        "reason": backup.reason,
        "revision": backup.revision,
        "bytes": backup.size,
        "contexts": backup.context_count,
        "damaged": backup.is_damaged,
    }
