"""``backup``, ``backups`` and ``restore-backup``: copies of the memory's file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.filesize import decimal

from extended_memory.cli import screen, surroundings
from extended_memory.domain import Backup, SettingsError
from extended_memory.storage import back_up, backup_to_restore, is_there, shown
from extended_memory.storage import backups as copies_beside
from extended_memory.storage import restore_backup as put_back

AsJson = Annotated[bool, Parameter(name="--json", negative="")]

_REASONS = {
    "manual": "made by backup",
    "upgrade": "made before an upgrade",
    "replaced": "replaced by restore-backup",
}


def backup(file: Path | None = None, /, *, as_json: AsJson = False) -> None:
    """Copy the memory's file while servers use it.

    The copy is looked through before it gets its name. Beside the memory, the newest five made so
    are kept; one in a file of your own stays.

    Parameters
    ----------
    file
        A new file, or a folder, for the copy. Left out: beside the memory.
    as_json
        Print one JSON object.
    """
    location = surroundings.settings().storage
    surroundings.require(location)
    target = None if file is None else file.expanduser().resolve()
    with _told("Copying") as tell:
        made, gone = back_up(location, target, tell=tell)
    if as_json:
        screen.show_json(_values(made) | {"removed": [str(path) for path in gone]})
        return
    screen.say(f"Copied {_contexts(made)} ({decimal(made.size)}) to {made.path}")
    for path in gone:
        screen.say(f"An older backup went: {path.name}")


def backups(*, as_json: AsJson = False) -> None:
    """List the copies beside the memory's file, the newest first.

    Parameters
    ----------
    as_json
        Print one JSON array.
    """
    location = surroundings.settings().storage
    found = copies_beside(location)
    if not found and not is_there(location):  # copies may be left of a file that was lost
        surroundings.say_missing(location, may_be_empty=True)
    elif not found and not as_json:
        screen.say("There are no backups yet: `extended-memory-mcp backup` makes one.")
        screen.note(f"The memory is {shown(location)}.")
    if as_json:
        screen.show_json([_values(one) for one in found])
        return
    if not found:
        return
    screen.say(f"In {found[0].path.parent}:")
    for one in found:
        facts = [
            f"{one.written_at:%Y-%m-%d %H:%M} UTC",
            "unreadable" if one.context_count is None else _contexts(one),
            decimal(one.size),
            f"revision {one.revision}",
            _REASONS[one.reason],
        ]
        screen.say(f"\n{one.path.name}\n  {', '.join(facts)}")


def restore_backup(
    file: Path, /, *, yes: Annotated[bool, Parameter(negative="")] = False, as_json: AsJson = False
) -> None:
    """Put a copy in the place of the memory's file, and keep the present one beside it.

    Every client has to be closed: while a server uses the file, nothing is done.

    Parameters
    ----------
    file
        The copy: a path, or the name of one that `backups` lists.
    yes
        Do not ask.
    as_json
        Print one JSON object.
    """
    location = surroundings.settings().storage
    chosen = file.expanduser()
    if not chosen.exists():  # a name, perhaps
        chosen = next((b.path for b in copies_beside(location) if b.path.name == str(file)), chosen)
    chosen = chosen.resolve()
    found = backup_to_restore(location, chosen)
    question = f"Replace the memory by {_contexts(found)} of {found.written_at:%Y-%m-%d %H:%M} UTC?"
    if not yes and not screen.ask(question):
        raise SettingsError("Nothing was changed.")
    with _told("Restoring") as tell:
        aside = put_back(location, chosen, tell=tell)
    if as_json:
        screen.show_json({**_values(found), "replaced": None if aside is None else str(aside)})
        return
    screen.say(f"Restored {_contexts(found)}.")
    if aside is None:
        screen.note(f"There was no memory at {shown(location)}: it was made.")
    else:
        screen.say(f"What was there is kept in {aside}")


@contextmanager
def _told(what: str) -> Iterator[Callable[[int, int], None]]:
    with surroundings.progress() as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _contexts(backup: Backup) -> str:
    if backup.context_count is None:
        return "an unknown number of contexts"
    return "1 context" if backup.context_count == 1 else f"{backup.context_count:,} contexts"


def _values(backup: Backup) -> dict[str, Any]:
    return {
        "path": str(backup.path),
        "written_at": backup.written_at.isoformat(),
        "reason": backup.reason,
        "revision": backup.revision,
        "bytes": backup.size,
        "contexts": backup.context_count,
    }
