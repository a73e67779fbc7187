"""What was acknowledged survives the server's end, and its indexes agree, whoever was saving."""

import random
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

import pytest

from extended_memory.domain import Context
from extended_memory.errors import StoreError
from extended_memory.storage.contract import MemoryRepository
from extended_memory.storage.redis.connection import store
from extended_memory.storage.redis.repository import RedisRepository
from tests.support.contract import load, save
from tests.support.redis_checker import flaws
from tests.support.redis_servers import PATIENCE, RedisServer, until

CLIENTS = 4
SHARED = "shared"
SAVES_BETWEEN = 60
"""How many saves are awaited before and after the server ends."""

OPTIONS = ("--appendonly", "yes", "--appendfsync", "everysec")
ENDS: dict[str, Callable[[RedisServer], None]] = {
    "killed": RedisServer.kill,
    "shut down": RedisServer.terminate,
}


@dataclass
class Worker(threading.Thread):
    """A client that saves and forgets until it is told to stop, and notes what it was told."""

    repository: MemoryRepository
    number: int
    saved: dict[int, Context] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)
    perhaps_saved: set[str] = field(default_factory=set)
    perhaps_forgotten: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    """What it was told is not there, though it was saved and never forgotten."""
    stopping: threading.Event = field(default_factory=threading.Event)

    __hash__ = threading.Thread.__hash__

    def __post_init__(self) -> None:
        super().__init__()
        self._random = random.Random(self.number)

    def run(self) -> None:
        count = 0
        while not self.stopping.is_set():
            count += 1
            self._save(f"{self.number}:{count}")
            if count % 3 == 0:
                self._forget()

    def _save(self, content: str) -> None:
        try:
            context = save(
                self.repository,
                content,
                project=self._random.choice([SHARED, f"of {self.number}"]),
                importance=self._random.randint(1, 10),
                tags=tuple(sorted(self._random.sample("abcd", self._random.randint(0, 3)))),
            )
        except StoreError:
            self.perhaps_saved.add(content)
        else:
            self.saved[context.id] = context

    def _forget(self) -> None:
        at_hand = sorted(self.saved.keys() - self.forgotten - self.perhaps_forgotten)
        if not at_hand:
            return
        chosen = self._random.choice(at_hand)
        try:
            project = self.repository.forget(chosen, project=None)
        except StoreError:
            self.perhaps_forgotten.add(chosen)
        else:
            (self.lost if project is None else self.forgotten).add(chosen)


def work(server: RedisServer, meanwhile: Callable[[list[Worker]], None]) -> list[Worker]:
    """Let clients work while something happens, and for some saves before and after it."""
    with ExitStack() as stack:
        workers = [
            Worker(stack.enter_context(closing(RedisRepository(server.url, key_prefix="em"))), n)
            for n in range(CLIENTS)
        ]
        for worker in workers:
            worker.start()
        try:
            wait_for_saves(workers)
            meanwhile(workers)
            wait_for_saves(workers)
        finally:
            for worker in workers:
                worker.stopping.set()
            for worker in workers:
                worker.join()
    return workers


def wait_for_saves(workers: list[Worker]) -> None:
    before = [len(worker.saved) for worker in workers]
    until(
        lambda: all(
            len(worker.saved) >= count + SAVES_BETWEEN
            for worker, count in zip(workers, before, strict=True)
        ),
        "every client saves",
    )


def held(server: RedisServer) -> dict[int, Context]:
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        return {
            context.id: context
            for project in repository.projects()
            for context in load(repository, project.name, limit=100_000).contexts
        }


def assert_nothing_is_lost(server: RedisServer, workers: list[Worker]) -> None:
    saved = {id_: context for worker in workers for id_, context in worker.saved.items()}
    forgotten = {id_ for worker in workers for id_ in worker.forgotten}
    perhaps_forgotten = {id_ for worker in workers for id_ in worker.perhaps_forgotten}
    perhaps_saved = {content for worker in workers for content in worker.perhaps_saved}
    assert len(saved) == sum(len(worker.saved) for worker in workers)  # no id twice
    assert [worker.lost for worker in workers] == [set()] * CLIENTS
    found = held(server)
    certain = {
        id_: context
        for id_, context in saved.items()
        if id_ not in forgotten and id_ not in perhaps_forgotten
    }
    assert {id_: found.get(id_) for id_ in certain} == certain
    assert found.keys() & forgotten == set()
    others = [found[id_] for id_ in found.keys() - certain.keys() - perhaps_forgotten]
    assert {context.note.content for context in others} <= perhaps_saved
    assert len({context.note.content for context in found.values()}) == len(found)  # nothing twice
    with server.client() as client:
        assert flaws(client) == []


@pytest.mark.parametrize("ending", ENDS.values(), ids=ENDS)
def test_a_restart_under_saving_clients_loses_nothing_and_none_notices(
    ending: Callable[[RedisServer], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PATIENCE_SECONDS", PATIENCE)  # a busy machine restarts slowly

    def restart(_: list[Worker]) -> None:
        ending(server)
        server.restart()

    with RedisServer(*OPTIONS, tcp=True) as server:
        workers = work(server, restart)
        assert_nothing_is_lost(server, workers)
        refused = [worker.perhaps_saved or worker.perhaps_forgotten for worker in workers]
        assert refused == [set()] * CLIENTS


@pytest.mark.long
def test_a_crash_that_clients_notice_loses_nothing_they_were_told_is_stored() -> None:
    def crash(workers: list[Worker]) -> None:
        server.kill()
        until(
            lambda: all(worker.perhaps_saved or worker.perhaps_forgotten for worker in workers),
            "every client meets the outage",
        )
        server.restart()

    with RedisServer(*OPTIONS, tcp=True) as server:
        assert_nothing_is_lost(server, work(server, crash))
