"""The same made-up contexts in two database files, one for each product.

The reference's own server makes its file, so that the schema and the indexes are the real ones;
the rows are then put in with SQL, as it would have written them. The project gets a copy of that
file and adopts it, which is what happens to the file of somebody who upgrades.
"""

import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from benchmarks.client import Server
from benchmarks.environments import Product

PROJECT = "benchmark"
TAG = "tag-30"
NEWEST = 30
"""How many contexts ``load_contexts`` gives by default, and from which importance on."""
MINIMUM_IMPORTANCE = 7

_TAGS = tuple(f"tag-{number:02}" for number in range(60))
_SUBJECTS = (
    "The invoice service",
    "Our search index",
    "The nightly import",
    "Each client session",
    "The payment worker",
    "The first release",
    "Every report",
    "The login page",
    "Our test database",
    "The message queue",
)
_VERBS = (
    "keeps",
    "no longer reads",
    "now stores",
    "must not touch",
    "returns",
    "rejects",
    "depends on",
    "replaces",
    "has to check",
    "writes",
)
_OBJECTS = (
    "the customer's address",
    "an expired token",
    "the old schema",
    "a second copy of the settings",
    "the monthly totals",
    "orders without a number",
    "the PostgreSQL replica",
    "the cached answers",
    "a file of about 40 MB",
    "the legacy REST endpoint",
)
_REASONS = (
    "because retries made it slow",
    "until the migration of March is done",
    "as the team decided on Tuesday",
    "and nobody has measured it yet",
    "since the timeout is 30 seconds",
    "which broke the build twice",
    "instead of asking the user again",
    "so that a restart loses nothing",
    "unless the flag is set",
    "and the review found no objection",
)
_TAGGED = """
    AND id IN (SELECT context_id FROM context_tags
               JOIN tags ON tags.id = context_tags.tag_id WHERE tags.name = :tag)
"""


@dataclass(frozen=True, slots=True)
class Note:
    """A context that is made up."""

    content: str
    importance: int
    tags: tuple[str, ...]


def made_up(seed: str) -> Iterator[Note]:
    """Give notes without end, the same ones for the same seed: 200 to 800 characters each."""
    chance = random.Random(seed)
    while True:
        size = chance.randint(200, 800)
        content = ""
        while len(content) < size:
            parts = (chance.choice(part) for part in (_SUBJECTS, _VERBS, _OBJECTS, _REASONS))
            content += f"{' '.join(parts)}. "
        tags = tuple(chance.sample(_TAGS, chance.randint(1, 4)))
        yield Note(content[:size].strip(), chance.randint(1, 10), tags)


def fill_reference(product: Product, database: Path, contexts: int, *, bulk: int) -> None:
    """Let the reference make its file, then put in so many contexts of the last year."""
    with closing(Server(product, database)) as server:
        server.shake_hands()
        server.call("save_context", {"content": "the first", "tags": list(_TAGS)})
    now = datetime.now()  # noqa: DTZ005 - 0.9.0 stored local times without a zone
    step = timedelta(days=365) / contexts
    notes = enumerate(islice(made_up(f"store of {contexts}"), contexts))
    with closing(sqlite3.connect(database)) as connection:
        # What was saved made the tables and the tags; the context itself is in nobody's way.
        connection.execute("DELETE FROM context_tags")
        connection.execute("DELETE FROM contexts")
        tag_ids = dict(connection.execute("SELECT name, id FROM tags"))
        while chunk := list(islice(notes, bulk)):
            connection.executemany(
                "INSERT INTO contexts (id, project_id, content, importance_level, created_at) "
                "VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        number + 1,
                        PROJECT,
                        note.content,
                        note.importance,
                        (now - (contexts - number) * step).isoformat(),
                    )
                    for number, note in chunk
                ],
            )
            connection.executemany(
                "INSERT INTO context_tags (context_id, tag_id) VALUES (?, ?)",
                [(number + 1, tag_ids[tag]) for number, note in chunk for tag in note.tags],
            )
        connection.commit()


def adopt(product: Product, reference_database: Path, database: Path) -> tuple[float, float]:
    """Give the project a copy of the reference's file, and let it index it for its search.

    Return how long its first call takes, and how long until a search finds everything.
    """
    shutil.copyfile(reference_database, database)
    begun = time.perf_counter()
    with closing(Server(product, database)) as server:
        server.shake_hands()
        server.call("get_popular_tags", {"project_id": PROJECT})
        adopted = time.perf_counter() - begun
        search = {"query": "zebra", "project_id": PROJECT}
        while "cannot be found yet" in server.call("search_contexts", search).text:
            time.sleep(0.2)
        return adopted, time.perf_counter() - begun


def count(database: Path) -> int:
    """Count the contexts of a file of either product."""
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM contexts").fetchone()[0])


def true_newest(reference_database: Path, *, tag: str | None = None) -> list[str]:
    """Return the contents that a load has to answer, read from the reference's own tables."""
    with closing(sqlite3.connect(reference_database)) as connection:
        rows = connection.execute(
            "SELECT content FROM contexts WHERE project_id = :project "
            f"AND importance_level >= :minimum {_TAGGED if tag else ''} "
            "ORDER BY created_at DESC, id DESC LIMIT :limit",
            {"project": PROJECT, "minimum": MINIMUM_IMPORTANCE, "limit": NEWEST, "tag": tag},
        )
        return [content for (content,) in rows]
