"""One call of each kind, and how it ended: for tests in which the server is not as it should be."""

import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from extended_memory.domain import Change, Note, PortableContext, SearchPage, Selection
from extended_memory.errors import StoreError
from extended_memory.storage.contract import MemoryRepository
from tests.support.contract import load, save

Call = Callable[[MemoryRepository], object]

PATIENCE_SECONDS = 30.0
"""How long a call may take whatever the server does: six seconds, and more on a busy machine."""

FOREIGN = PortableContext(
    origin="elsewhere:1",
    project="alpha",
    note=Note(content="brought", importance=5, tags=("a",)),
    created_at=datetime(2024, 1, 1, tzinfo=timezone.utc),
)


def find(
    repository: MemoryRepository,
    text: str,
    *,
    project: str = "alpha",
    limit: int = 10,
    **selected: Any,
) -> SearchPage:
    """Search where a test names no more than a text."""
    return repository.search(project, text, Selection(**selected), limit=limit, offset=0)


CALLS: dict[str, Call] = {
    "save": lambda repository: save(repository, "another", tags=("a",)),
    "bring": lambda repository: repository.add_imported([FOREIGN]),
    "update": lambda repository: repository.update(1, Change(content="x"), project="alpha"),
    "load": load,
    "load by tags": lambda repository: load(repository, tags=("a", "b")),
    "walk": lambda repository: repository.contexts_after(after=0, limit=9),
    "walk trash": lambda repository: repository.trash_after(after=0, limit=9),
    "revised": lambda repository: repository.revisions_of([1]),
    "summary": lambda repository: repository.summary("alpha"),
    "forget": lambda repository: repository.forget(1, project="alpha"),
    "restore": lambda repository: repository.restore(1, project="alpha", revision=1),
    "revisions": lambda repository: repository.revisions(1, project="alpha", limit=9),
    "trash": lambda repository: repository.trash(project="alpha", limit=9),
    "get": lambda repository: repository.get([1], project=None),
    "projects": lambda repository: repository.projects(),
    "project": lambda repository: repository.project("alpha"),
    "search": lambda repository: find(repository, "note", minimum_importance=2),
    "index": lambda repository: repository.index_newest(9),
    "check": lambda repository: repository.check(lambda *_: None),
    "popular tags": lambda repository: repository.popular_tags("alpha", minimum_count=1, limit=9),
    "rename": lambda repository: repository.rename_project("alpha", "beta"),
}
"""Calls on a store whose first context is #1, in the project alpha and with the tags a and b.

It was never changed and has no revision, so that restoring one only reads.
"""

SAVES = ("save", "bring")
GROWING = (*SAVES, "update", "rename")
WRITES = (*GROWING, "forget")
READS = tuple(name for name in CALLS if name not in WRITES)


@dataclass(frozen=True)
class End:
    """How a call ended: with an answer, or with the sentence of a ``StoreError``."""

    seconds: float
    sentence: str = ""
    answer: object = None

    def refuses_with(self, words: str) -> bool:
        """Say whether it is in time, and one sentence with these words and a remedy."""
        return (
            self.seconds < PATIENCE_SECONDS
            and re.search(words, self.sentence) is not None
            and re.fullmatch(r"[A-Z#][^\n]+: [^\n]+\.", self.sentence) is not None
            and ". " not in self.sentence
        )


def prepare(repository: MemoryRepository) -> None:
    """Open a store, as a start of the program does."""
    repository.prepare()


def end(call: Call, repository: MemoryRepository) -> End:
    """Make a call and return how it ended; any error but ``StoreError`` is the test's failure."""
    began = time.monotonic()
    try:
        answer = call(repository)
    except StoreError as refusal:
        return End(time.monotonic() - began, sentence=str(refusal))
    return End(time.monotonic() - began, answer=answer)


def ends(repository: MemoryRepository, names: Iterable[str] = tuple(CALLS)) -> dict[str, End]:
    """Make the calls all at once, a thread for each, and return how they ended."""
    names = tuple(names)
    with ThreadPoolExecutor(max(len(names), 1)) as threads:
        found = threads.map(lambda name: end(CALLS[name], repository), names)
        return dict(zip(names, found, strict=True))


def unlike(found: dict[str, End], words: str) -> dict[str, End]:
    """Return the calls that did not end as a refusal with these words ought to."""
    return {name: each for name, each in found.items() if not each.refuses_with(words)}
