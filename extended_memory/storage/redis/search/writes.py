"""What is written of a context for a search, and how contexts without it come by it later."""

from collections.abc import Sequence
from functools import partial

from extended_memory.domain import Context
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import id_of, member

_AT_A_TIME = 1_000
"""How many terms or contexts a script looks at before others get a turn."""


def impacts_of(context: Context) -> dict[str, int]:
    """Return the terms of a context and what each weighs in it."""
    from extended_memory.search.ranking import impacts  # at first use: it brings the stemmer

    return impacts(context.note.content, context.note.tags, context.created_at)


def analyzer_version() -> int:
    """Return the version of what ``impacts_of`` returns."""
    from extended_memory.search import analyzer

    return analyzer.VERSION


class Indexer:
    """Gives contexts an index that have none; to be used within ``Store.use``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys

    def state(self, project: str) -> tuple[int, bool]:
        """Return how many contexts no search finds, and whether there is an index to search."""
        left, _, analyzer = self._look(project)
        return left, analyzer == analyzer_version()

    def index_newest(self, projects: Sequence[str], limit: int) -> int:
        """Index the newest contexts without an index; return how many are left.

        Each is one script, which does nothing where another server was quicker. An index of a
        newer release is left to it: that would only make it anew in turn.
        """
        found: dict[str, tuple[int, int]] = {}
        for project in projects:
            left, last, analyzer = self._look(project)
            if analyzer < analyzer_version():
                self._reset(project)
                left, last, analyzer = self._look(project)
            if analyzer == analyzer_version():
                found[project] = left, last
        newest: list[tuple[int, int, str]] = []
        for project, (left, last) in sorted(found.items(), key=lambda each: -each[1][1]):
            if not left or (newest and len(newest) == limit and last < newest[-1][0]):
                break
            newest += self._newest(project, last, limit)
            newest = sorted(newest, reverse=True)[:limit]
        for _, context_id, project in newest:
            self._index(project, context_id)
        for project in {project for _, _, project in newest}:
            found[project] = self._look(project)[:2]
        return sum(left for left, _ in found.values())

    def _look(self, project: str) -> tuple[int, int, int]:
        """Return what ``scripts/unindexed.lua`` does."""
        left, newest, analyzer = self._store.run(
            "unindexed",
            [
                self._keys.contexts(project),
                self._keys.timeline(project),
                self._keys.project(project),
            ],
            [analyzer_version()],
        )
        return int(left), int(newest), int(analyzer)

    def _newest(self, project: str, last: int, limit: int) -> list[tuple[int, int, str]]:
        """Return time, id and project of the newest contexts without an index, made until then."""
        contexts, timeline = self._keys.contexts(project), self._keys.timeline(project)
        found: list[tuple[int, int, str]] = []
        after: tuple[str, str] = ("", "")
        while len(found) < limit:
            _, _, *flat = self._store.run(
                "page", [contexts], [1, _AT_A_TIME, _AT_A_TIME, "", last, *after]
            )
            members, times = flat[::2], flat[1::2]
            if not members:
                break
            there = self._store.ask(partial(self._store.client.zmscore, timeline, members))
            found += [
                (int(time), id_of(name), project)
                for name, time, score in zip(members, times, there, strict=True)
                if score is None
            ]
            after = (times[-1], members[-1])
        return found[:limit]

    def _index(self, project: str, context_id: int) -> None:
        key = self._keys.body(project, context_id)
        body = self._store.ask(partial(self._store.client.get, key))
        if body is None:
            return  # forgotten since
        impacts = impacts_of(self._store.read(body, context_id, project))
        self._store.run(
            "index",
            [
                *self._keys.of_context(project, context_id),
                *self._keys.postings(project, impacts),
            ],
            [body, member(context_id), analyzer_version(), *impacts.values()],
        )

    def _reset(self, project: str) -> None:
        """Make an empty index of our analyzer out of one of an earlier or of no analyzer."""
        timeline, vocabulary = self._keys.timeline(project), self._keys.vocabulary(project)
        client, is_ours = self._store.client, 0
        while not is_ours:
            members = self._store.ask(partial(client.zrange, timeline, 0, _AT_A_TIME - 1))
            terms = self._store.ask(partial(client.zrange, vocabulary, 0, _AT_A_TIME - 1))
            is_ours = self._store.run(
                "reset",
                [
                    self._keys.project(project),
                    timeline,
                    vocabulary,
                    self._keys.empty_postings(project),
                    *self._keys.postings(project, terms),
                ],
                [analyzer_version(), len(members), *members, *terms],
            )
