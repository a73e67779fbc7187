"""The index entries of a context, and those that contexts without any get later."""

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


def state(store: Store, project: str) -> tuple[int, bool]:
    """Return how many contexts no search finds, and whether there is an index to search."""
    left, _, analyzer = _look(store, project)
    return left, analyzer == analyzer_version()


def index_newest(store: Store, projects: Sequence[str], limit: int) -> int:
    """Index the newest contexts without an index; return how many are left.

    Each is one script, which does nothing where another server was quicker. An index of a
    newer release is left to it: that would only make it anew in turn.
    """
    found: dict[str, tuple[int, int]] = {}
    for project in projects:
        left, last, analyzer = _look(store, project)
        if analyzer < analyzer_version():
            _reset(store, project)
            left, last, analyzer = _look(store, project)
        if analyzer == analyzer_version():
            found[project] = left, last
    newest: list[tuple[int, int, str]] = []
    for project, (left, last) in sorted(found.items(), key=lambda each: -each[1][1]):
        if not left or (newest and len(newest) == limit and last < newest[-1][0]):
            break
        newest += _newest(store, project, last, limit)
        newest = sorted(newest, reverse=True)[:limit]
    for _, context_id, project in newest:
        _index(store, project, context_id)
    for project in {project for _, _, project in newest}:
        found[project] = _look(store, project)[:2]
    return sum(left for left, _ in found.values())


def _look(store: Store, project: str) -> tuple[int, int, int]:
    """Return what ``scripts/unindexed.lua`` does."""
    left, newest, analyzer = store.run(
        "unindexed",
        [
            store.keys.contexts(project),
            store.keys.timeline(project),
            store.keys.project(project),
        ],
        [analyzer_version()],
    )
    return int(left), int(newest), int(analyzer)


def _newest(store: Store, project: str, last: int, limit: int) -> list[tuple[int, int, str]]:
    """Return time, id and project of the newest contexts without an index, made until then."""
    contexts, timeline = store.keys.contexts(project), store.keys.timeline(project)
    found: list[tuple[int, int, str]] = []
    after: tuple[str, str] = ("", "")
    while len(found) < limit:
        _, _, *flat = store.run("page", [contexts], [1, _AT_A_TIME, _AT_A_TIME, "", last, *after])
        members, times = flat[::2], flat[1::2]
        if not members:
            break
        there = store.ask(partial(store.client.zmscore, timeline, members))
        found += [
            (int(time), id_of(name), project)
            for name, time, score in zip(members, times, there, strict=True)
            if score is None
        ]
        after = (times[-1], members[-1])
    return found[:limit]


def _index(store: Store, project: str, context_id: int) -> None:
    key = store.keys.body(project, context_id)
    body = store.ask(partial(store.client.get, key))
    if body is None:
        return  # forgotten since
    impacts = impacts_of(store.read(body, context_id, project))
    store.run(
        "index",
        [
            *store.keys.of_context(project, context_id),
            *store.keys.postings(project, impacts),
        ],
        [body, member(context_id), analyzer_version(), *impacts.values()],
    )


def _reset(store: Store, project: str) -> None:
    """Make an empty index of our analyzer out of one of an earlier or of no analyzer."""
    timeline, vocabulary = store.keys.timeline(project), store.keys.vocabulary(project)
    client, is_ours = store.client, 0
    while not is_ours:
        members = store.ask(partial(client.zrange, timeline, 0, _AT_A_TIME - 1))
        terms = store.ask(partial(client.zrange, vocabulary, 0, _AT_A_TIME - 1))
        is_ours = store.run(
            "reset",
            [
                store.keys.project(project),
                timeline,
                vocabulary,
                store.keys.empty_postings(project),
                *store.keys.postings(project, terms),
            ],
            [analyzer_version(), len(members), *members, *terms],
        )
