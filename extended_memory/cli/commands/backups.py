"""``backups``: the copies beside the memory's file."""

from rich.filesize import decimal

from extended_memory.cli import console, environment, options
from extended_memory.cli.backup_report import backup_values, contexts_in
from extended_memory.storage.backends import backups as copies_beside
from extended_memory.storage.backends import is_there, shown

_REASONS = {
    "manual": "made by backup",
    "upgrade": "made before an upgrade",
    "replaced": "replaced by restore-backup",
}


def backups(*, as_json: options.Json = False) -> None:
    """List the copies beside the memory's file, the newest first."""
    location = environment.settings().storage
    found = copies_beside(location)
    if not found and not is_there(location):  # copies may be left of a file that was lost
        environment.say_missing(location, may_be_empty=True)
    elif not found and not as_json:
        console.say("There are no backups yet: `extended-memory-mcp backup` makes one.")
        console.note(f"The memory is {shown(location)}.")
    if as_json:
        console.show_json([backup_values(one) for one in found])
        return
    if not found:
        return
    console.say(f"In {found[0].path.parent}:")
    for one in found:
        facts = [
            f"{one.written_at:%Y-%m-%d %H:%M} UTC",
            "unreadable" if one.context_count is None else contexts_in(one),
            *(["damaged"] if one.is_damaged and one.context_count is not None else []),
            decimal(one.size),
            f"revision {one.revision}",
            _REASONS[one.reason],
        ]
        console.say(f"\n{one.path.name}\n  {', '.join(facts)}")
