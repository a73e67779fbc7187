"""A store with a few contexts of known times, for the commands that show and change them."""

from contextlib import closing
from datetime import datetime, timedelta, timezone

from extended_memory.domain import Note, PortableContext
from tests.support.commands import opened

SATURDAY = datetime(2026, 3, 7, 9, 15, tzinfo=timezone.utc)

HOSTILE = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \u202eevil\nList<int> [b]is[/b] &#x202e; text"

CONTENTS = [
    ("shop", "Chose PostgreSQL over MongoDB: we need transactions.", 9, ("database", "decision")),
    ("shop", "The user likes short answers.", 5, ()),
    ("home lab", "The router is at 192.168.1.1.", 8, ("network",)),
    ("shop", HOSTILE, 2, ("decision",)),
]
"""The contexts 1 to 4, saved a day after each other."""


def fill(store: str) -> dict[str, str]:
    """Store the contexts; return the environment for a command that sees them."""
    with closing(opened(store)) as repository:
        repository.add_imported(
            [
                PortableContext(
                    origin=f"test:{days}",
                    project=project,
                    note=Note(content=content, importance=importance, tags=tags),
                    created_at=SATURDAY + timedelta(days=days),
                )
                for days, (project, content, importance, tags) in enumerate(CONTENTS)
            ]
        )
    return {"STORAGE_CONNECTION_STRING": store, "TZ": "UTC"}
