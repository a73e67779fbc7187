"""``restore-backup``: puts a copy in the place of the memory's file."""

from pathlib import Path

from extended_memory.cli import console, environment, options
from extended_memory.cli.backup_report import backup_values, contexts_in, moved_values, say_moved
from extended_memory.cli.progress import shown_progress
from extended_memory.errors import SettingsError
from extended_memory.storage.backends import backup_to_restore, shown
from extended_memory.storage.backends import backups as copies_beside
from extended_memory.storage.backends import restore_backup as put_back


def restore_backup(
    file: Path,
    /,
    *,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Put a copy in the place of the memory's file, and keep the present one beside it.

    Every client has to be closed: while a server uses the file, nothing is done.

    Parameters
    ----------
    file
        The copy: a path, or the name of one that `backups` lists.
    """
    location = environment.settings().storage
    chosen = file.expanduser()
    if not chosen.exists():  # a name, perhaps
        chosen = next((b.path for b in copies_beside(location) if b.path.name == str(file)), chosen)
    chosen = chosen.resolve()
    found = backup_to_restore(location, chosen)
    question = (
        f"Replace the memory by {contexts_in(found)} of {found.written_at:%Y-%m-%d %H:%M} UTC?"
    )
    if not yes and not console.ask(question):
        raise SettingsError("Nothing was changed.")
    with shown_progress("Restoring") as tell:
        restored = put_back(location, chosen, tell=tell)
    aside = restored.replaced
    if as_json:
        replaced = None if aside is None else str(aside)
        console.show_json(
            {**backup_values(found), "replaced": replaced, **moved_values(restored.moved)}
        )
        return
    console.say(f"Restored {contexts_in(restored.backup)}.")
    if aside is None:
        console.note(f"There was no memory at {shown(location)}: it was made.")
    else:
        console.say(f"What was there is kept in {aside}")
    say_moved(restored.moved)
