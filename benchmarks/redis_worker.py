"""One product as a process: it fills its server and makes its calls, timed in here.

Started by its path in either product's environment, so it imports nothing of this package: with
the checkout on the path, 0.9.0 could not be imported. Each line of JSON on its standard input
names an operation and the arguments of some calls that are made in a row; a line answers it with
the seconds that the product's own method took and what it returned, for each.
"""

import asyncio
import json
import random
import re
import secrets
import sys
import time
import uuid
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from importlib import import_module
from typing import Any

import redis

HOST = "127.0.0.1"
PROJECT = "benchmark"

Operation = tuple[Callable[..., Any], Callable[[Any], Any]]
"""A call of the product, and what is made of its answer afterwards: JSON that can be compared."""

Filled = tuple[int, str, int, list[str], int]
"""Number, content, importance, tags, and when it was saved in milliseconds since 1970."""


class Adapter(ABC):
    """A product on the server at a port, with all its keys under one prefix."""

    def __init__(self, port: int, prefix: str) -> None:
        self.port = port
        self.prefix = prefix
        self.client = redis.Redis(host=HOST, port=port, decode_responses=True)
        self.operations: dict[str, Operation] = {}

    @abstractmethod
    def fill(self, contexts: Sequence[Filled]) -> None:
        """Put contexts into the server as the product's saves would have left them."""

    @abstractmethod
    def timed(self, call: Callable[..., Any], arguments: dict[str, Any]) -> tuple[float, Any]:
        """Make a call; return the seconds it took, and its answer."""

    def call(self, operation: str, arguments: dict[str, Any]) -> tuple[float, Any]:
        """Make a call by name; return the seconds it took, and its answer as JSON."""
        call, shown = self.operations[operation]
        seconds, answer = self.timed(call, arguments)
        return seconds, shown(answer)

    def emptied(self) -> dict[str, tuple[Any, ...]]:
        """Remove every key of the prefix; return what each was, with ids and digits blank."""
        values: dict[str, Callable[[str], Any]] = {
            # As bytes: postings are no text.
            "string": lambda key: self.client.execute_command("GET", key, NEVER_DECODE=True),
            "hash": self.client.hgetall,
            "set": self.client.smembers,
            "list": lambda key: self.client.lrange(key, 0, -1),
            "zset": lambda key: sorted(
                self.client.zrange(key, 0, -1, withscores=True), key=lambda each: each[0][:5]
            ),
        }
        found = {}
        for key in list(self.client.scan_iter(f"{self.prefix}:*")):
            kind = str(self.client.type(key))
            value = _blank(repr(values[kind](key)))
            found[_blank(key[len(self.prefix) :])] = (kind, value, round(self.client.ttl(key), -2))
            self.client.delete(key)
        return found


class Reference(Adapter):
    """0.9.0's provider; the number of a context stands for a UUID."""

    def __init__(self, port: int, prefix: str) -> None:
        super().__init__(port, prefix)
        module = import_module("extended_memory_mcp.core.storage.providers.redis")
        provider = module.RedisStorageProvider(host=HOST, port=port, key_prefix=prefix)
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(provider.initialize())
        self._seconds: int = provider.ttl_seconds
        self.operations = {
            "save": (
                lambda content, importance, tags: provider.save_context(
                    content, importance, PROJECT, tags
                ),
                str,
            ),
            "load": (
                lambda minimum, tags, limit: provider.load_contexts(
                    PROJECT, limit, minimum, tags or None
                ),
                lambda found: [each["content"] for each in found],
            ),
            "popular_tags": (
                lambda limit: provider.get_popular_tags(
                    limit=limit, min_usage=1, project_id=PROJECT
                ),
                lambda found: [[each["tag"], each["count"]] for each in found],
            ),
            "projects": (
                provider.list_all_projects_global,
                lambda found: [[each["name"], each["context_count"]] for each in found],
            ),
            "forget": (lambda number: provider.forget_context(_uuid(number)), bool),
        }

    def fill(self, contexts: Sequence[Filled]) -> None:
        """Write what its ``save_context`` writes, list by list instead of save by save."""
        lists = defaultdict(list)
        pipeline = self.client.pipeline(transaction=False)
        for number, content, importance, tags, created_at in contexts:
            name = _uuid(number)
            saved_at = datetime.fromtimestamp(created_at / 1000, timezone.utc)
            body = {
                "id": name,
                "content": content,
                "importance_level": importance,
                "project_id": PROJECT,
                "tags": tags,
                "created_at": saved_at.isoformat(timespec="microseconds"),
                "updated_at": saved_at.isoformat(timespec="microseconds"),
            }
            pipeline.set(f"{self.prefix}:context:{name}", json.dumps(body), ex=self._seconds)
            for key in (f"project:{PROJECT}", *(f"tag:{tag}" for tag in tags)):
                lists[f"{self.prefix}:{key}:contexts"].append(name)
        for key, names in lists.items():
            pipeline.lpush(key, *names)
            pipeline.expire(key, self._seconds)
        pipeline.execute()

    def timed(self, call: Callable[..., Any], arguments: dict[str, Any]) -> tuple[float, Any]:
        """Await a method of the provider; what the loop needs around it is not timed."""

        async def timed() -> tuple[float, Any]:
            begun = time.perf_counter()
            answer = await call(**arguments)
            return time.perf_counter() - begun, answer

        return self._loop.run_until_complete(timed())


class Project(Adapter):
    """This checkout's repository; in a store that was empty, the number of a context is its id."""

    def __init__(self, port: int, prefix: str) -> None:
        from extended_memory.domain import Note, Selection
        from extended_memory.service import RETRY_WINDOW
        from extended_memory.storage.redis.connection import scripts
        from extended_memory.storage.redis.keys import Keys
        from extended_memory.storage.redis.repository import RedisRepository

        super().__init__(port, prefix)
        self._keys = Keys(prefix)
        repository = RedisRepository(f"redis://{HOST}:{port}/0", key_prefix=prefix)
        repository.prepare()
        self._scripts = {
            name: str(self.client.script_load(scripts.source(name)))
            for name in ("reserve", "bring")
        }
        self.operations = {
            "save": (
                lambda content, importance, tags: repository.save(
                    PROJECT,
                    Note(content=content, importance=importance, tags=tuple(tags)),
                    repeat_within=RETRY_WINDOW,
                ),
                lambda context: str(context.id),
            ),
            "load": (
                lambda minimum, tags, limit: repository.load(
                    PROJECT,
                    Selection(minimum_importance=minimum, tags=tuple(tags)),
                    limit=limit,
                    offset=0,
                ),
                lambda page: [each.content for each in page.contexts],
            ),
            "popular_tags": (
                lambda limit: repository.popular_tags(PROJECT, minimum_count=1, limit=limit),
                lambda page: [[each.tag, each.count] for each in page.tags],
            ),
            "projects": (
                repository.projects,
                lambda found: [[each.name, each.context_count] for each in found],
            ),
            "forget": (
                lambda number: repository.forget(number, project=None),
                lambda name: name == PROJECT,
            ),
        }

    def fill(self, contexts: Sequence[Filled]) -> None:
        """Run the scripts of an import, many in one go."""
        pipeline = self.client.pipeline(transaction=False)
        for context in contexts:
            for script, keys, arguments in self._steps(*context):
                pipeline.evalsha(self._scripts[script], len(keys), *keys, *arguments)
        outcomes = [outcome for outcome, *_ in pipeline.execute()]
        if outcomes != ["new", "stored"] * len(contexts):
            raise RuntimeError(f"The scripts answered {set(outcomes)} to a fill.")

    def _steps(
        self, number: int, content: str, importance: int, tags: list[str], created_at: int
    ) -> tuple[tuple[str, list[str], list[Any]], ...]:
        """Return both scripts of a save, each with its keys and arguments, as the repository."""
        from extended_memory.domain import Context, Note, from_milliseconds
        from extended_memory.storage.redis.imports import put_request
        from extended_memory.storage.redis.keys import IDS_PER_HASH, LAYOUT, bucket
        from extended_memory.version import __version__

        keys = self._keys
        context = Context(
            id=number,
            project=PROJECT,
            note=Note(content=content, importance=importance, tags=tuple(tags)),
            created_at=from_milliseconds(created_at),
        )
        of_all = [*keys.of_ids(bucket(number)), keys.origins]
        return (
            ("reserve", of_all, [bucket(number), IDS_PER_HASH, PROJECT, "", LAYOUT, __version__]),
            ("bring", *put_request(keys, context, (), f"call:{secrets.token_hex(8)}")),
        )

    def timed(self, call: Callable[..., Any], arguments: dict[str, Any]) -> tuple[float, Any]:
        """Call a method of the repository."""
        begun = time.perf_counter()
        answer = call(**arguments)
        return time.perf_counter() - begun, answer


def require_true_to_life(kind: Callable[[int, str], Adapter], port: int) -> None:
    """Compare what one save of the product leaves in the server with what filling does."""
    saved, filled = kind(port, "saved"), kind(port, "filled")
    saved.call("save", {"content": "one", "importance": 7, "tags": ["a", "b"]})
    filled.fill([(1, "one", 7, ["a", "b"], int(time.time() * 1000))])
    left = saved.emptied(), filled.emptied()
    if left[0] != left[1]:
        raise RuntimeError(f"A save leaves {left[0]}, and filling {left[1]}.")


def main() -> None:
    """Answer the calls on standard input until it ends."""
    kinds: dict[str, Callable[[int, str], Adapter]] = {"reference": Reference, "project": Project}
    kind, port = kinds[sys.argv[1]], int(sys.argv[2])
    adapter = kind(port, "measured")
    for line in sys.stdin:
        operation, arguments = json.loads(line)
        answer: Any = None
        if operation == "require_true_to_life":
            require_true_to_life(kind, port)
        elif operation == "fill":
            adapter.fill(arguments)
        else:
            answer = [adapter.call(operation, each) for each in arguments]
        print(json.dumps(answer), flush=True)


def _uuid(number: int) -> str:
    return str(uuid.UUID(int=random.Random(number).getrandbits(128), version=4))


def _blank(text: str) -> str:
    """Blank ids and digits, so that only the layout is left."""
    text = re.sub("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>", text)
    return re.sub("[0-9]", "0", re.sub("call:[0-9a-f]{16}", "call:<token>", text))


if __name__ == "__main__":
    main()
