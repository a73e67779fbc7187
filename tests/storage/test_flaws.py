"""The same damage is the same flaw on every backend."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from extended_memory.domain import Change, Note
from extended_memory.flaws import Finding, Flaw
from extended_memory.storage.contract import MemoryRepository
from extended_memory.storage.redis.repository import RedisRepository
from extended_memory.storage.sqlite.repository import SqliteRepository
from tests.support.contract import NO_TIME, tell
from tests.support.redis_servers import RedisServer
from tests.support.sqlite_stores import execute

P = "{general}"

DAMAGES: dict[Flaw, tuple[str, Callable[[Any], object]]] = {
    Flaw.TAG_COUNT: (
        "UPDATE tags SET context_count = 7 WHERE name = 'all'",
        lambda c: c.zincrby(f"em:k:{P}", -4, "all"),
    ),
    Flaw.PROJECT_TIMES: (
        "UPDATE projects SET last_saved_at = 5",
        lambda c: c.hset(f"em:m:{P}", "last_saved_at", 5),
    ),
    Flaw.ID_REUSABLE: (
        "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'contexts'",
        lambda c: c.set("em:{g}:seq", 3),
    ),
    Flaw.TRASH_DUPLICATE: (
        "INSERT INTO trash VALUES (2, 1, 5, 0, NULL, 0, '[]', 'x')",
        lambda c: (c.copy(f"em:y:{P}:1", f"em:y:{P}:2"), c.zadd(f"em:x:{P}", {"a2": 7})),
    ),
    Flaw.TRASH_UNREADABLE: (
        "UPDATE trash SET tags = '[' WHERE id = 1",
        lambda c: c.set(f"em:y:{P}:1", "{"),
    ),
    Flaw.REVISION_ORPHANED: (
        "INSERT INTO revisions VALUES (90, 3, 1, 5, 0, '[]', 'gone')",
        lambda c: c.rpush(f"em:v:{P}:3", "{}"),
    ),
    Flaw.REVISION_UNREADABLE: (
        "UPDATE revisions SET tags = '[' WHERE context_id = 4",
        lambda c: c.lset(f"em:v:{P}:4", 0, "{"),
    ),
    Flaw.SEARCH_WORDS: (
        "UPDATE postings SET impact = impact + 1 WHERE context_id = 5; "
        "UPDATE recent_postings SET impact = impact + 1 WHERE context_id = 5",
        lambda c: c.setrange(f"em:p:{P}:tree", 4, b"\x01\0"),
    ),
}
"""Of each flaw the harm that SQL does, and the one that a client of a Redis does."""


def test_codes_differ() -> None:
    assert len({flaw.code for flaw in Flaw}) == len(Flaw)


@pytest.mark.parametrize("flaw", DAMAGES)
def test_damage_of_a_file_is_its_flaw(place: Path, flaw: Flaw) -> None:
    with closing(SqliteRepository(place)) as repository:
        fill(repository)
    execute(place, DAMAGES[flaw][0])
    with closing(SqliteRepository(place)) as repository:
        assert repository.check(tell) == (Finding(flaw=flaw, count=1),)


@pytest.mark.parametrize("flaw", DAMAGES)
def test_damage_of_a_redis_is_its_flaw(damaged_redis: RedisServer, flaw: Flaw) -> None:
    with closing(RedisRepository(damaged_redis.url, key_prefix="em")) as repository:
        fill(repository)
        with damaged_redis.client() as client:
            DAMAGES[flaw][1](client)
        assert repository.check(tell) == (Finding(flaw=flaw, count=1),)


@pytest.fixture
def damaged_redis(shared_redis: RedisServer) -> Iterator[RedisServer]:
    """Give a server that holds nothing, and empty it afterwards."""
    with shared_redis.client() as client:
        client.flushall()
        yield shared_redis
        client.flushall()


def fill(repository: MemoryRepository) -> None:
    """Save contexts 1 to 5, of which 1 is in the trash, 3 is gone and 4 has a revision."""
    for number in range(1, 6):
        note = Note(content=f"note {number} of a tree", importance=5, tags=("all",))
        repository.save("general", note, repeat_within=NO_TIME)
    repository.forget(1, project=None)
    repository.forget(3, project=None, permanently=True)
    repository.update(4, Change(content="another tree"), project=None)
