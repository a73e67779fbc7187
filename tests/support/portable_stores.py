"""A store with everything in it that can be moved, and all that a store holds."""

from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

from extended_memory.domain import Change, Context, Note, Revision
from tests.support.commands import opened

Held = tuple[Context, tuple[Revision, ...], datetime | None]

CONTENTS = ["plain", "---\nid: 1\n---\r\n ё 🧠 \0", "# A heading\n\n- a list", " \t spaces \n"]


def fill(store: str, count: int = 24) -> None:
    """Save contexts of three projects, change a third of them, and forget a fifth."""
    with closing(opened(store)) as repository:
        for number in range(count):
            saved = repository.save(
                f"project {number % 3}",
                Note(
                    content=f"{CONTENTS[number % 4]}{number}",
                    importance=number % 10 + 1,
                    tags=("all", f"t{number % 4}"),
                ),
                repeat_within=timedelta(0),
            )
            if number % 3 == 0:
                for text in ("second", "third"):
                    change = Change(content=f"{text} {number}", add_tags=(text,))
                    repository.update(saved.id, change, project=None)
            if number % 5 == 0:
                repository.forget(saved.id, project=None)


def held(store: str) -> list[Held]:
    """Return everything in a store, by rising id, the trash after the rest."""
    with closing(opened(store)) as repository:
        contexts = repository.contexts_after(after=0, limit=100_000)
        trash = repository.trash_after(after=0, limit=100_000)
        ids = [context.id for context in contexts] + [one.context.id for one in trash]
        revised = repository.revisions_of(ids)
        return [
            *((context, revised.get(context.id, ()), None) for context in contexts),
            *((one.context, revised.get(one.context.id, ()), one.forgotten_at) for one in trash),
        ]


def without_ids(everything: list[Held]) -> list[Held]:
    """Return the same in an order that ids have no part in."""
    plain = [(replace(context, id=0), revisions, since) for context, revisions, since in everything]
    return sorted(plain, key=repr)
