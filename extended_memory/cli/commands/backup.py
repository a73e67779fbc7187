"""``backup``, ``backups`` and ``restore-backup``: copies of the memory's file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.filesize import decimal

from extended_memory.cli import console, environment
from extended_memory.domain import Backup, MovedFile, SettingsError
from extended_memory.storage.backends import back_up, backup_to_restore, is_there, shown
from extended_memory.storage.backends import backups as copies_beside
from extended_memory.storage.backends import restore_backup as put_back

AsJson = Annotated[bool, Parameter(name="--json", negative="")]

_REASONS = {
    "manual": "made by backup",
    "upgrade": "made before an upgrade",
    "replaced": "replaced by restore-backup",
}


def backup(
    file: Path | None = None,
    /,
    *,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy the memory's file while servers use it.

    The copy is looked through before it gets its name. Beside the memory, the newest five made so
    are kept; one in a file of your own stays.

    Parameters
    ----------
    file
        A new file, or a folder, for the copy. Left out: beside the memory.
    overwrite
        Replace the file that is there; never one of the memory itself.
    as_json
        Print one JSON object.
    """
    location = environment.settings().storage
    environment.require(location)
    target = None if file is None else file.expanduser().absolute()
    with _told("Copying") as tell:
        made = back_up(location, target, overwrite=overwrite, tell=tell)
    copy = made.backup
    if as_json:
        removed = [str(path) for path in made.removed]
        console.show_json(_values(copy) | {"removed": removed} | _moved_values(made.moved))
        return
    console.say(f"Copied {_contexts(copy)} ({decimal(copy.size)}) to {copy.path}")
    for path in made.removed:
        console.say(f"An older backup went: {path.name}")
    _say_moved(made.moved)


def backups(*, as_json: AsJson = False) -> None:
    """List the copies beside the memory's file, the newest first.

    Parameters
    ----------
    as_json
        Print one JSON array.
    """
    location = environment.settings().storage
    found = copies_beside(location)
    if not found and not is_there(location):  # copies may be left of a file that was lost
        environment.say_missing(location, may_be_empty=True)
    elif not found and not as_json:
        console.say("There are no backups yet: `extended-memory-mcp backup` makes one.")
        console.note(f"The memory is {shown(location)}.")
    if as_json:
        console.show_json([_values(one) for one in found])
        return
    if not found:
        return
    console.say(f"In {found[0].path.parent}:")
    for one in found:
        facts = [
            f"{one.written_at:%Y-%m-%d %H:%M} UTC",
            "unreadable" if one.context_count is None else _contexts(one),
            *(["damaged"] if one.is_damaged and one.context_count is not None else []),
            decimal(one.size),
            f"revision {one.revision}",
            _REASONS[one.reason],
        ]
        console.say(f"\n{one.path.name}\n  {', '.join(facts)}")


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
    location = environment.settings().storage
    chosen = file.expanduser()
    if not chosen.exists():  # a name, perhaps
        chosen = next((b.path for b in copies_beside(location) if b.path.name == str(file)), chosen)
    chosen = chosen.resolve()
    found = backup_to_restore(location, chosen)
    question = f"Replace the memory by {_contexts(found)} of {found.written_at:%Y-%m-%d %H:%M} UTC?"
    if not yes and not console.ask(question):
        raise SettingsError("Nothing was changed.")
    with _told("Restoring") as tell:
        restored = put_back(location, chosen, tell=tell)
    aside = restored.replaced
    if as_json:
        replaced = None if aside is None else str(aside)
        console.show_json({**_values(found), "replaced": replaced, **_moved_values(restored.moved)})
        return
    console.say(f"Restored {_contexts(restored.backup)}.")
    if aside is None:
        console.note(f"There was no memory at {shown(location)}: it was made.")
    else:
        console.say(f"What was there is kept in {aside}")
    _say_moved(restored.moved)


@contextmanager
def _told(what: str) -> Iterator[Callable[[int, int], None]]:
    with environment.progress() as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _contexts(backup: Backup) -> str:
    if backup.context_count is None:
        return "an unknown number of contexts"
    return "1 context" if backup.context_count == 1 else f"{backup.context_count:,} contexts"


def _say_moved(moved: tuple[MovedFile, ...]) -> None:
    for one in moved:
        console.say(f"{one.found.name} lay there without its file, and is kept in {one.kept}")


def _moved_values(moved: tuple[MovedFile, ...]) -> dict[str, Any]:
    return {"moved": [{"found": str(one.found), "kept": str(one.kept)} for one in moved]}


def _values(backup: Backup) -> dict[str, Any]:
    return {
        "path": str(backup.path),
        "written_at": backup.written_at.isoformat(),
        "reason": backup.reason,
        "revision": backup.revision,
        "bytes": backup.size,
        "contexts": backup.context_count,
        "damaged": backup.is_damaged,
    }
