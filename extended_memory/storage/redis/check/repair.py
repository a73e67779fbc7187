"""How what ``checking`` finds is made to hold again; servers may go on meanwhile.

Each context is one script, which does nothing where the context has changed since it was read. A
search index that is wrong is given up: it is made anew by ``writes.index_newest``.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from extended_memory.domain import Context, to_milliseconds
from extended_memory.flaws import Flaw
from extended_memory.storage.redis import rows
from extended_memory.storage.redis.check.rules import Inspection, score_of
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import bucket, id_of, member
from extended_memory.storage.redis.search.writes import impacts_of

_AT_A_TIME: Final = 500
_TRIES: Final = 5


def repair(store: Store, projects: Sequence[str]) -> None:
    """Look at each project again, and rebuild what is wrong in it and can be rebuilt."""
    checker = Inspection(store, lambda *_: None)
    for project, flaws in checker.by_project(projects).items():
        parts = {flaw.part for flaw in flaws if flaw.can_be_rebuilt}
        if parts - {Flaw.SEARCH_WORDS.part}:
            _lists(store, project)
        # Also where lists were wrong: what a search finds was one of them. Not where a context
        # cannot be read: nothing could be found any more until it is restored.
        if parts and not flaws[Flaw.CONTEXT_UNREADABLE]:
            _give_up_index(store, project)


def _lists(store: Store, project: str) -> None:
    """Rebuild the lists of a project."""
    for context_id in _ids(store, project):
        for _ in range(_TRIES):
            if _mend_context(store, project, context_id):
                break
    tags = _tags(store, project)
    for start in range(0, len(tags), _AT_A_TIME):
        some = tags[start : start + _AT_A_TIME]
        for tag in some:
            _drop_strangers(store, project, tag)
        counts = store.keys.tag_counts(project)
        store.run("recount", [counts, *store.keys.tagged(project, some)], some)


def _ids(store: Store, project: str) -> Iterator[int]:
    """Give the ids that a project's list names, and those that were given in it."""
    ask, client = store.ask, store.client
    listed: set[int] = {
        id_of(name) for name in ask(partial(client.zrange, store.keys.contexts(project), 0, -1))
    }
    noted = int(ask(partial(client.get, store.keys.sequence)) or 0)
    last = max(noted, *listed, 0)
    if last > noted:
        ask(partial(client.set, store.keys.sequence, last))
    for context_id in listed:
        key = store.keys.project_of(bucket(context_id))
        ask(partial(client.hset, key, str(context_id), project))
    yield from listed
    for number in range(bucket(last) + 1):
        owners = ask(partial(client.hgetall, store.keys.project_of(number)))
        given = {int(one) for one, owner in owners.items() if owner == project}
        yield from given - listed


def _mend_context(
    store: Store, project: str, context_id: int, *, strange_tags: Sequence[str] = ()
) -> bool:
    """Make the lists agree with a context; say whether it did not change meanwhile."""
    key = store.keys.body(project, context_id)
    body = store.ask(partial(store.client.get, key)) or ""
    context = None
    if body:
        try:
            context = rows.read(body, context_id=context_id, project=project)
        except (ValueError, KeyError, TypeError):
            return True  # it stays as it is
    tags = () if context is None else context.note.tags
    strange = [tag for tag in strange_tags if tag not in tags]
    outcome: int = store.run(
        "mend",
        [
            *store.keys.of_context(project, context_id),
            *store.keys.tagged(project, (*tags, *strange)),
        ],
        [
            body,
            member(context_id),
            *_numbers(context),
            len(tags),
            *tags,
            *strange,
        ],
    )
    return bool(outcome)


def _tags(store: Store, project: str) -> list[str]:
    key = store.keys.tag_counts(project)
    tags: list[str] = store.ask(partial(store.client.zrange, key, 0, -1))
    return tags


def _drop_strangers(store: Store, project: str, tag: str) -> None:
    """Take those contexts out of the list of a tag that do not carry it."""
    (key,) = store.keys.tagged(project, [tag])
    for name in store.ask(partial(store.client.zrange, key, 0, -1)):
        for _ in range(_TRIES):
            if _mend_context(store, project, id_of(name), strange_tags=[tag]):
                break


def _give_up_index(store: Store, project: str) -> None:
    """Let the search index of a project be made anew, without a posting of now left over."""
    client, vocabulary = store.client, store.keys.vocabulary(project)
    names = store.ask(partial(client.zrange, store.keys.contexts(project), 0, -1))
    for start in range(0, len(names), _AT_A_TIME):
        ids = [id_of(name) for name in names[start : start + _AT_A_TIME]]
        keys = [store.keys.body(project, context_id) for context_id in ids]
        texts = store.ask(partial(client.mget, keys))
        words: dict[str, int] = {}
        for context_id, text in zip(ids, texts, strict=True):
            if text is not None:
                context = store.read(text, context_id, project)
                words.update(dict.fromkeys(impacts_of(context), 0))
        if words:  # what the vocabulary names is cleared away
            store.ask(partial(client.zadd, vocabulary, words))
    store.ask(partial(client.hdel, store.keys.project(project), "analyzer"))


def _numbers(context: Context | None) -> tuple[str, int, int]:
    """Return the score and the times of a context, as ``mend.lua`` takes them."""
    if context is None:
        return "0", 0, 0
    return (
        f"{score_of(context):.0f}",
        to_milliseconds(context.created_at),
        to_milliseconds(context.last_changed_at),
    )
