"""The memories that 0.9.0 left in a Redis server: found, put in order, read, and never changed.

What 0.9.0 wrote, below its prefix: ``context:<uuid>``, a STRING of JSON with a time to live, and
lists of ids, ``project:<project>:contexts`` and ``tag:<tag>:contexts``. The bodies are the truth;
the lists are read only to say which of their ids have no body any more. Only commands that read
are sent: SCAN, MGET, PTTL, LRANGE.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from extended_memory.domain import (
    MAXIMUM_IMPORTANCE,
    MINIMUM_IMPORTANCE,
    Note,
    PortableContext,
    can_be_stored,
    from_milliseconds,
    to_milliseconds,
)
from extended_memory.names import adopted_project, normalise_tags
from extended_memory.storage.redis.connection.health import LEGACY_PREFIX
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import Keys

ORIGIN = "0.9.0"
BATCH = 500

_DEFAULT_IMPORTANCE = 5  # 0.9.0's, of a save that named none
_SCANNED = 1_000
_GLOB = str.maketrans({character: f"\\{character}" for character in "\\*?[]^-"})


@dataclass(slots=True, kw_only=True)
class Survey:
    """The findings in an old store. Keys are named without the prefix; times are in UTC."""

    contexts: int = 0
    unreadable: list[str] = field(default_factory=list)
    """Keys whose value is no context."""
    without_time: list[str] = field(default_factory=list)
    """Keys of contexts whose time cannot be read; they get the time of this import."""
    ids_without_body: int = 0
    """Ids in lists whose context has expired or was half deleted."""
    first_expiry: datetime | None = None
    """When the first of the contexts expires in the old store."""
    expiring_soon: int = 0
    """How many expire within 30 days."""
    spellings: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Project -> the names it was written by."""


class LegacyRedis:
    """A Redis server with memories of 0.9.0."""

    def __init__(self, url: str, *, prefix: str = LEGACY_PREFIX) -> None:
        self._prefix = f"{prefix}:"
        self._store = Store(url, Keys(prefix), only_reads=True)
        self._now = datetime.now(timezone.utc)
        self._order: list[tuple[int, str]] = []

    def survey(self) -> Survey:
        """Look at every context once; afterwards ``read`` gives them oldest first.

        Raises:
            StoreError: the server cannot be read.
        """
        survey = Survey()
        times: dict[str, int] = {}
        unreadable: set[str] = set()
        listed: set[str] = set()
        with self._store.use():
            for names in self._scan("context:*"):
                for name, body, life in zip(names, *self._values(names), strict=True):
                    if name in times:  # SCAN may give a key more than once
                        continue
                    context = None if body is None else _context(name, body, self._now)
                    if body is None or context is None:
                        unreadable.add(name)
                        continue
                    times[name] = to_milliseconds(context.created_at)
                    _note(survey, name, json.loads(body), context, life, self._now)
            for pattern in ("project:*:contexts", "tag:*:contexts"):
                for names in self._scan(pattern):
                    for name in names:
                        listed.update(f"context:{number}" for number in self._list(name))
        survey.contexts = len(times)
        survey.unreadable = sorted(unreadable)
        survey.ids_without_body = len(listed - times.keys() - unreadable)
        self._order = sorted((moment, name) for name, moment in times.items())
        return survey

    def read(self) -> Iterator[list[PortableContext]]:
        """Give the contexts that were found, oldest first, in batches.

        One that has expired since is left out.

        Raises:
            StoreError: the server cannot be read any more.
        """
        for start in range(0, len(self._order), BATCH):
            names = [name for _, name in self._order[start : start + BATCH]]
            with self._store.use():
                bodies = self._store.ask(partial(self._store.client.mget, self._keys(names)))
            yield [
                context
                for name, body in zip(names, bodies, strict=True)
                if body is not None and (context := _context(name, body, self._now)) is not None
            ]

    def close(self) -> None:
        """Let go of the server."""
        self._store.close()

    def _keys(self, names: Sequence[str]) -> list[str]:
        return [f"{self._prefix}{name}" for name in names]

    def _scan(self, pattern: str) -> Iterator[list[str]]:
        """Give the names of a pattern below the prefix, in batches."""
        match = f"{self._prefix.translate(_GLOB)}{pattern}"
        cursor: Any = 0
        while True:
            scan = partial(self._store.client.scan, cursor, match=match, count=_SCANNED)
            cursor, keys = self._store.ask(scan)
            if keys:
                yield [key.removeprefix(self._prefix) for key in keys]
            if not cursor:
                return

    def _values(self, names: Sequence[str]) -> tuple[list[str | None], list[int]]:
        """Return the texts below these names, None where it is none, and their lives in ms."""
        keys = self._keys(names)

        def ask() -> tuple[list[str | None], list[int]]:
            with self._store.client.pipeline(transaction=False) as pipeline:
                pipeline.mget(keys)
                for key in keys:
                    pipeline.pttl(key)
                texts, *lives = pipeline.execute()
            return texts, lives

        return self._store.ask(ask)

    def _list(self, name: str) -> list[str]:
        from redis.exceptions import ResponseError

        (key,) = self._keys([name])
        ids: list[str] = []
        with suppress(ResponseError):  # no list: nothing of 0.9.0's
            ids = self._store.ask(partial(self._store.client.lrange, key, 0, -1))
        return ids


def _context(name: str, body: str, now: datetime) -> PortableContext | None:
    """Read a body as 0.9.0 wrote it; return None where it is no context."""
    try:
        values = json.loads(body)
    except ValueError:
        return None
    if not isinstance(values, dict) or not isinstance(values.get("content"), str):
        return None
    importance = values.get("importance_level")
    tags = values.get("tags")
    written = values.get("project_id")
    return PortableContext(
        origin=f"{ORIGIN}:{name.removeprefix('context:')}",
        project=adopted_project(written if isinstance(written, str) else ""),
        note=Note(
            content=_unicode(values["content"]),
            importance=min(max(importance, MINIMUM_IMPORTANCE), MAXIMUM_IMPORTANCE)
            if isinstance(importance, int)
            else _DEFAULT_IMPORTANCE,
            tags=normalise_tags(_unicode(tag) for tag in tags if isinstance(tag, str))
            if isinstance(tags, list)
            else (),
        ),
        created_at=_time(values) or now,
    )


def _note(
    survey: Survey,
    name: str,
    values: dict[str, Any],
    context: PortableContext,
    life: int,
    now: datetime,
) -> None:
    if _time(values) is None:
        survey.without_time.append(name)
    written = values.get("project_id")
    survey.spellings[context.project].add(written if isinstance(written, str) else "")
    if life >= 0:
        expiry = now + timedelta(milliseconds=life)
        survey.first_expiry = min(expiry, survey.first_expiry or expiry)
        survey.expiring_soon += expiry < now + timedelta(days=30)


def _time(values: dict[str, Any]) -> datetime | None:
    """Return when a context was made, or else changed; None where neither can be read."""
    for written in (values.get("created_at"), values.get("updated_at")):
        if isinstance(written, str):
            with suppress(ValueError):
                moment = datetime.fromisoformat(written.replace("Z", "+00:00"))
                moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
                if can_be_stored(moment):
                    return from_milliseconds(to_milliseconds(moment))
    return None


def _unicode(text: str) -> str:
    """Return a text with what is not Unicode in it, a lone surrogate, as U+FFFD."""
    return text.encode(errors="surrogatepass").decode(errors="replace")
