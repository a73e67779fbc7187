"""Made-up contexts with their times, and what is true of a store that holds them."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from benchmarks import stores
from benchmarks.stores import Note

WINDOW = 20_000
"""How many of the newest contexts are remembered word for word."""

_YEAR_MILLISECONDS = 365 * 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Dated:
    """A note with its number in the store, and milliseconds since 1970."""

    number: int
    note: Note
    created_at: int


def dated(contexts: int) -> Iterator[Dated]:
    """Give so many contexts of the last year, oldest first, numbered from 1."""
    now = int(time.time() * 1000)
    for number, note in enumerate(islice(stores.made_up(f"{contexts} in Redis"), contexts), 1):
        age = (contexts - number + 1) * _YEAR_MILLISECONDS // contexts
        yield Dated(number, note, now - age)


class Truth:
    """What each answer has to hold, from what was put in and taken out."""

    def __init__(self) -> None:
        self.contexts = 0
        self._uses: Counter[str] = Counter()
        self._newest: dict[int, Note] = {}

    def add(self, number: int, note: Note, *, recent: bool = True) -> None:
        """Note that a context was saved; the newest are remembered, if they are ``recent``."""
        self.contexts += 1
        self._uses.update(note.tags)
        if recent:
            self._newest[number] = note

    def remove(self, number: int, note: Note) -> None:
        """Note that a context was forgotten."""
        self.contexts -= 1
        self._uses.subtract(note.tags)
        self._newest.pop(number, None)

    def newest(self, *, minimum: int, tags: tuple[str, ...], limit: int) -> list[str]:
        """Return the contents of the newest contexts that match."""
        matching = (
            note.content
            for note in reversed(self._newest.values())
            if note.importance >= minimum and (not tags or set(tags) & set(note.tags))
        )
        found = list(islice(matching, limit))
        if len(found) < limit and len(self._newest) < self.contexts:
            raise RuntimeError(f"The newest {len(self._newest)} contexts do not show the truth.")
        return found

    def popular_tags(self, *, limit: int) -> list[tuple[str, int]]:
        """Return the most used tags with their uses, then by name."""
        return sorted(self._uses.items(), key=lambda each: (-each[1], each[0]))[:limit]
