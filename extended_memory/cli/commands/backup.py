"""``backup``: copies the memory's file while servers use it."""

from pathlib import Path

from rich.filesize import decimal

from extended_memory.cli import console, environment, options
from extended_memory.cli.backup_report import backup_values, contexts_in, moved_values, say_moved
from extended_memory.cli.progress import shown_progress
from extended_memory.storage.backends import back_up


def backup(
    file: Path | None = None,
    /,
    *,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
) -> None:
    """Copy the memory's file while servers use it.

    The copy is looked through before it gets its name. Beside the memory, the newest five made so
    are kept; one in a file of your own stays.

    Parameters
    ----------
    file
        A new file, or a folder, for the copy. Left out: beside the memory.
    """
    location = environment.settings().storage
    environment.require_store(location)
    target = None if file is None else file.expanduser().absolute()
    with shown_progress("Copying") as tell:
        made = back_up(location, target, overwrite=overwrite, tell=tell)
    copy = made.backup
    if as_json:
        removed = [str(path) for path in made.removed]
        console.show_json(backup_values(copy) | {"removed": removed} | moved_values(made.moved))
        return
    console.say(f"Copied {contexts_in(copy)} ({decimal(copy.size)}) to {copy.path}")
    for path in made.removed:
        console.say(f"An older backup went: {path.name}")
    say_moved(made.moved)
