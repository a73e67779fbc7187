"""One Redis: connected when a call needs it, looked at before it is used, faults as sentences."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, TypeVar

from extended_memory.domain import (
    Context,
)
from extended_memory.errors import (
    StoreError,
)
from extended_memory.storage.fault_log import FaultLog
from extended_memory.storage.redis import rows
from extended_memory.storage.redis.connection import address, health, scripts
from extended_memory.storage.redis.connection.client import (
    PATIENCE_SECONDS,
    Client,
    close_idle,
    give_up_if_final,
    new_client,
    retry,
)
from extended_memory.storage.redis.connection.faults import cause, fault
from extended_memory.storage.redis.keys import Keys

logger = logging.getLogger(__name__)

_R = TypeVar("_R")

_NOT_INSTALLED = (
    "STORAGE_CONNECTION_STRING names a Redis server, but Redis support is not installed.",
    (
        'run `pip install "extended-memory-mcp[redis]"`, or with uv `uvx --from '
        '"extended-memory-mcp[redis]" extended-memory-mcp`.'
    ),
)


@dataclass
class Hints:
    """Knowledge of ids and clock from earlier saves; a wrong hint costs one more step."""

    bucket: int = 0
    """The bucket of the last id that was reserved."""
    next_id: int = 0
    """The id that is probably the next one, 0 where none is known."""
    ahead: timedelta = timedelta(0)
    """How far the server's clock is ahead of ours, where it was on another day."""


class Store:
    """A Redis with its scripts. Thread-safe; within ``use`` every fault is a ``StoreError``."""

    def __init__(
        self, url: str, keys: Keys, *, may_evict: bool = False, only_reads: bool = False
    ) -> None:
        self.keys = keys
        self.name = "Redis"
        """Where this is, without a secret or a directory."""
        self.is_cluster = False
        """Whether keys lie on several servers, so that no script can change all of them."""
        self.holds_legacy = False
        """Whether memories of 0.9.0 lie beside ours and none was imported yet."""
        self.hints = Hints()
        self._url = url
        self._may_evict = may_evict
        self._only_reads = only_reads  # then any server will do
        self._opening = threading.Lock()
        self._client: Client | None = None
        self._looked_at = False
        self._warned = False
        self._failures = 0
        self._failure: StoreError | None = None
        self._call = threading.local()
        """Of the call in each thread: its client, and until when it may begin a step again."""
        self._fault_log = FaultLog(logger)

    @contextmanager
    def use(self) -> Iterator[None]:
        """Serve one call: connect where needed, and say what is wrong in one sentence."""
        self._call.until = time.monotonic() + PATIENCE_SECONDS
        try:
            _require_installed()
            with self._sentences():
                self._open()
                yield
        except StoreError as refusal:
            self._looked_at = False  # another server may answer next time
            detail = cause(refusal.__cause__) if refusal.__cause__ else ""
            self._fault_log.report("call", refusal, place=self.keys.prefix, detail=detail)
            raise
        self._fault_log.clear("call")

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        from redis.exceptions import RedisError

        try:
            yield
        except (RedisError, OSError, UnicodeDecodeError) as error:
            raise fault(error, name=self.name, prefix=self.keys.prefix) from error

    def run(self, name: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Run a script; it may run twice, where the first reply was lost."""
        from redis.exceptions import NoScriptError

        def ask() -> Any:
            try:
                return self.client.evalsha(scripts.digest(name), len(keys), *keys, *arguments)
            except NoScriptError:
                # Not SCRIPT LOAD: a cluster's client sends that to every node, also to a dead one.
                return self.client.eval(scripts.source(name), len(keys), *keys, *arguments)

        return self.ask(ask)

    def ask(self, question: Callable[[], _R]) -> _R:
        """Return the answer to a question, which may be asked twice."""
        # A Retry of its own for each: its pauses have a state.
        return retry().call_with_retry(question, self._give_up)

    def _give_up(self, error: Exception) -> None:
        """Raise an error that another try would not mend, or not in time."""
        give_up_if_final(error)
        if time.monotonic() > self._call.until:
            raise error

    @property
    def client(self) -> Client:
        """The client of redis-py, within ``use``: one for all of a call, also while closing."""
        return self._call.client

    def read(self, body: str, context_id: int, project: str) -> Context:
        """Return the context that a body holds.

        Raises:
            StoreError: it is not one of ours.
        """
        with self.sound(context_id):
            return rows.read(body, context_id=context_id, project=project)

    @contextmanager
    def sound(self, context_id: int) -> Iterator[None]:
        """Say in one sentence that what is kept of a context cannot be read."""
        try:
            yield
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"#{context_id} on {self.name} is damaged, and it was left as it is.",
                remedy="restore the server's data from a backup.",
            ) from error

    def close(self) -> None:
        """Let go of every connection."""
        with self._opening:
            if self._client is not None:
                close_idle(self._client)
            self._client, self._looked_at = None, False

    def _open(self) -> None:
        self._call.client = self._client  # before the question, or closing could come in between
        if self._looked_at and self._call.client is not None:
            return
        failures = self._failures
        with self._opening:
            self._call.client = self._client
            if self._looked_at:
                return
            if failures != self._failures and self._failure is not None:
                raise self._failure  # of a call that tried while this one waited for it
            try:
                with self._sentences():
                    self._connect()
            except StoreError as refusal:
                self._failures, self._failure = self._failures + 1, refusal
                raise

    def _connect(self) -> None:
        if self._client is None:
            place = address.parse(self._url)
            self.name, self.is_cluster = place.shown, place.kind == "cluster"
            self._client = self.ask(lambda: new_client(place))
        self._call.client = self._client
        self.ask(self._look)
        self._looked_at = True

    def _look(self) -> None:
        if self._only_reads:
            return
        infos = list(health.infos(self.client))
        health.require_usable(infos, name=self.name, may_evict=self._may_evict)
        health.require_layout(self.client, self.keys, name=self.name)
        if not self._warned:
            health.warn(infos, name=self.name)
            self.holds_legacy = health.holds_legacy(self.client, self.keys)
            self._warned = True


def _require_installed() -> None:
    if find_spec("redis") is None:
        fact, remedy = _NOT_INSTALLED
        raise StoreError(fact, remedy=remedy)
