"""The rounds on Redis: both products hold the same contexts and make the same calls in turn."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from benchmarks import stores
from benchmarks.redis_side import Series, Side
from benchmarks.redis_truth import WINDOW, Truth, dated
from benchmarks.stores import Note

SERIES = 10
"""How many calls of one operation a product makes in a row in each round."""

WARM_UP_ROUNDS = 2
BULK = 1_000

COMMON_TAGS = (stores.TAG, "tag-10", "tag-50")


class Contexts:
    """The same contexts in the servers of both products, changed by each round alike."""

    def __init__(self, sides: Sequence[Side], contexts: int, rounds: int) -> None:
        self._sides = sides
        self._truth = Truth()
        self._notes = stores.made_up(f"saves to {contexts} in Redis")
        self._next_number = contexts + 1
        every = range(1, contexts + 1)
        chosen = random.Random("forgotten").sample(every, (rounds + WARM_UP_ROUNDS) * SERIES)
        found = self._fill(contexts, set(chosen))
        self._to_forget = iter([(number, found[number]) for number in chosen])

    def round(self, *, patience: float, warming: bool) -> None:
        """Let each product make each series of calls."""
        for series in self._series():
            for side in self._sides:
                side.measure(series, patience=patience, warming=warming)

    def _fill(self, contexts: int, wanted: set[int]) -> dict[int, Note]:
        """Fill both servers; return the notes of the wanted numbers."""
        found: dict[int, Note] = {}
        chunk: list[Any] = []
        for each in dated(contexts):
            note = each.note
            self._truth.add(each.number, note, recent=each.number > contexts - WINDOW)
            if each.number in wanted:
                found[each.number] = note
            chunk.append((each.number, note.content, note.importance, note.tags, each.created_at))
            if len(chunk) == BULK or each.number == contexts:
                for side in self._sides:
                    side.send("fill", chunk)
                for side in self._sides:
                    side.receive()
                chunk = []
        return found

    def _series(self) -> Iterator[Series]:
        """Give the series of one round; what one changes has happened when the next is taken."""
        notes = list(islice(self._notes, SERIES))
        yield Series(
            "save with 1 to 4 tags",
            "save",
            [
                {"content": note.content, "importance": note.importance, "tags": note.tags}
                for note in notes
            ],
            1,
            lambda answer: answer != "None",
            changes=True,
        )
        for note in notes:
            self._truth.add(self._next_number, note)
            self._next_number += 1
        yield self._load("load from importance 7, 10", minimum=7, limit=10)
        yield self._load("load from importance 10, 10", minimum=10, limit=10)
        yield self._load("load from importance 1, 30", minimum=1, limit=30)
        yield self._load("load by a tag from 7, 10", minimum=7, limit=10, tags=COMMON_TAGS[:1])
        yield self._load("load by 3 tags from 7, 10", minimum=7, limit=10, tags=COMMON_TAGS)
        tags = self._truth.popular_tags(limit=20)
        yield _rows("popular tags, 20", "popular_tags", {"limit": 20}, tags)
        projects = [(stores.PROJECT, self._truth.contexts)]
        yield _rows("list of projects", "projects", {}, projects)
        chosen = list(islice(self._to_forget, SERIES))
        arguments = [{"number": number} for number, _ in chosen]
        yield Series("forget", "forget", arguments, 1, int, changes=True)
        for number, note in chosen:
            self._truth.remove(number, note)

    def _load(self, name: str, *, minimum: int, limit: int, tags: tuple[str, ...] = ()) -> Series:
        arguments = {"minimum": minimum, "tags": tags, "limit": limit}
        truth = set(self._truth.newest(minimum=minimum, tags=tags, limit=limit))
        return Series(
            name,
            "load",
            [arguments] * SERIES,
            len(truth),
            lambda answer: len(truth & set(answer)),
        )


def _rows(
    name: str, operation: str, arguments: dict[str, Any], truth: Sequence[tuple[str, int]]
) -> Series:
    return Series(
        name,
        operation,
        [arguments] * SERIES,
        len(truth),
        lambda answer: len({tuple(row) for row in answer} & set(truth)),
    )
