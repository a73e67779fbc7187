"""How what ``checking`` finds is made to hold again; servers may go on meanwhile.

Each context is one script, which does nothing where the context has changed since it was read. A
search index that is wrong is given up: it is made anew by ``Indexer.index_newest``.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from extended_memory.domain import Context, to_milliseconds
from extended_memory.flaws import Flaw
from extended_memory.storage.redis import rows
from extended_memory.storage.redis.check.rules import Checker, score_of
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import bucket, id_of, member
from extended_memory.storage.redis.search.writes import impacts_of

_AT_A_TIME: Final = 500
_TRIES: Final = 5


class Mender:
    """Rebuilds what is wrong in a store; to be used within ``Store.use``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys

    def repair(self, projects: Sequence[str]) -> None:
        """Look at each project again, and rebuild what is wrong in it and can be rebuilt."""
        checker = Checker(self._store, lambda *_: None)
        for project, flaws in checker.by_project(projects).items():
            parts = {flaw.part for flaw in flaws if flaw.can_be_rebuilt}
            if parts - {Flaw.SEARCH_WORDS.part}:
                self._lists(project)
            # Also where lists were wrong: what a search finds was one of them. Not where a context
            # cannot be read: nothing could be found any more until it is restored.
            if parts and not flaws[Flaw.CONTEXT_UNREADABLE]:
                self._give_up_index(project)

    def _lists(self, project: str) -> None:
        """Rebuild the lists of a project."""
        for context_id in self._ids(project):
            for _ in range(_TRIES):
                if self._mend(project, context_id):
                    break
        tags = self._tags(project)
        for start in range(0, len(tags), _AT_A_TIME):
            some = tags[start : start + _AT_A_TIME]
            for tag in some:
                self._drop_strangers(project, tag)
            counts = self._keys.tag_counts(project)
            self._store.run("recount", [counts, *self._keys.tagged(project, some)], some)

    def _ids(self, project: str) -> Iterator[int]:
        """Give the ids that a project's list names, and those that were given in it."""
        ask, client = self._store.ask, self._store.client
        listed: set[int] = {
            id_of(name) for name in ask(partial(client.zrange, self._keys.contexts(project), 0, -1))
        }
        noted = int(ask(partial(client.get, self._keys.sequence)) or 0)
        last = max(noted, *listed, 0)
        if last > noted:
            ask(partial(client.set, self._keys.sequence, last))
        for context_id in listed:
            key = self._keys.project_of(bucket(context_id))
            ask(partial(client.hset, key, str(context_id), project))
        yield from listed
        for number in range(bucket(last) + 1):
            owners = ask(partial(client.hgetall, self._keys.project_of(number)))
            given = {int(one) for one, owner in owners.items() if owner == project}
            yield from given - listed

    def _mend(self, project: str, context_id: int, *, strange_tags: Sequence[str] = ()) -> bool:
        """Make the lists agree with a context; say whether it did not change meanwhile."""
        key = self._keys.body(project, context_id)
        body = self._store.ask(partial(self._store.client.get, key)) or ""
        context = None
        if body:
            try:
                context = rows.read(body, context_id=context_id, project=project)
            except (ValueError, KeyError, TypeError):
                return True  # it stays as it is
        tags = () if context is None else context.note.tags
        strange = [tag for tag in strange_tags if tag not in tags]
        outcome: int = self._store.run(
            "mend",
            [
                *self._keys.of_context(project, context_id),
                *self._keys.tagged(project, (*tags, *strange)),
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

    def _tags(self, project: str) -> list[str]:
        key = self._keys.tag_counts(project)
        tags: list[str] = self._store.ask(partial(self._store.client.zrange, key, 0, -1))
        return tags

    def _drop_strangers(self, project: str, tag: str) -> None:
        """Take those contexts out of the list of a tag that do not carry it."""
        (key,) = self._keys.tagged(project, [tag])
        for name in self._store.ask(partial(self._store.client.zrange, key, 0, -1)):
            for _ in range(_TRIES):
                if self._mend(project, id_of(name), strange_tags=[tag]):
                    break

    def _give_up_index(self, project: str) -> None:
        """Let the search index of a project be made anew, without a posting of now left over."""
        client, vocabulary = self._store.client, self._keys.vocabulary(project)
        names = self._store.ask(partial(client.zrange, self._keys.contexts(project), 0, -1))
        for start in range(0, len(names), _AT_A_TIME):
            ids = [id_of(name) for name in names[start : start + _AT_A_TIME]]
            keys = [self._keys.body(project, context_id) for context_id in ids]
            texts = self._store.ask(partial(client.mget, keys))
            words: dict[str, int] = {}
            for context_id, text in zip(ids, texts, strict=True):
                if text is not None:
                    context = self._store.read(text, context_id, project)
                    words.update(dict.fromkeys(impacts_of(context), 0))
            if words:  # what the vocabulary names is cleared away
                self._store.ask(partial(client.zadd, vocabulary, words))
        self._store.ask(partial(client.hdel, self._keys.project(project), "analyzer"))


def _numbers(context: Context | None) -> tuple[str, int, int]:
    """Return the score and the times of a context, as ``mend.lua`` takes them."""
    if context is None:
        return "0", 0, 0
    return (
        f"{score_of(context):.0f}",
        to_milliseconds(context.created_at),
        to_milliseconds(context.last_changed_at),
    )
