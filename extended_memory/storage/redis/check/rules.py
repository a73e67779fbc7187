"""The rules of a store in Redis, checked a project at a time.

The bodies of the contexts are the truth; lists, counts, tags and postings are worked out of them
anew and compared. Redis gives no state of all keys at one moment, so a project that others write
to meanwhile is looked at again. Only the different tags and words of one project are held in
memory. Keys are found through the ids that were ever given, so no permission to scan is needed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from struct import iter_unpack
from typing import Any, Final

from extended_memory.domain import (
    Context,
    can_be_stored,
    to_milliseconds,
)
from extended_memory.flaws import Finding, Flaw
from extended_memory.storage.contract import Tell
from extended_memory.storage.redis import rows
from extended_memory.storage.redis.connection.client import Client
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import LEVEL, bucket, id_of, member
from extended_memory.storage.redis.search.writes import analyzer_version, impacts_of

_AT_A_TIME: Final = 500
_TERMS_AT_A_TIME: Final = 200
_QUESTIONS: Final = 6
"""How many questions are asked about each id."""
_LOOKS: Final = 4
"""How often a project is looked at again that others write to."""


class Inspection:
    """One look through a store, and how far it is; to be used within ``Store.use``."""

    def __init__(self, store: Store, tell: Tell) -> None:
        self._store = store
        self._keys = store.keys
        self._tell = tell
        self._done = self._total = 0

    def findings(self, projects: Sequence[str]) -> tuple[Finding, ...]:
        """Return what does not fit together."""
        flaws = Counter[Flaw]()
        for each in self.by_project(projects).values():
            flaws.update(each)
        return tuple(Finding(flaw=flaw, count=flaws[flaw]) for flaw in Flaw if flaws[flaw])

    def by_project(self, projects: Sequence[str]) -> dict[str, Counter[Flaw]]:
        """Return the flaws of each project that has any."""
        sizes = [self._ask("zcard", self._keys.contexts(project)) for project in projects]
        self._total = sum(sizes)
        found = {}
        for project, size in zip(projects, sizes, strict=True):
            flaws = self._project(project)
            self._done += size
            if flaws:
                found[project] = flaws
        for project, flaws in self._outside_of_lists().items():
            found.setdefault(project, Counter()).update(flaws)
        return found

    def _project(self, project: str) -> Counter[Flaw]:
        flaws = Counter[Flaw]()
        for _ in range(_LOOKS):
            before = self._mark(project)
            flaws = self._look(project)
            if not flaws or self._mark(project) == before:
                break
        return flaws

    def _mark(self, project: str) -> tuple[Any, ...]:
        """Return what becomes another value when somebody writes to a project."""
        keys = self._keys
        return (
            self._ask("zrange", keys.recent(project), -1, -1, withscores=True),
            self._ask("zcard", keys.contexts(project)),
            self._ask("zcard", keys.timeline(project)),
        )

    def _look(self, project: str) -> Counter[Flaw]:
        look = _Look(is_indexed=self._is_indexed(project))
        for contexts in self._batches(self._keys.contexts(project)):
            self._tell("the contexts", self._done + look.seen, self._total)
            self._look_at(project, contexts, look)
        self._look_at_tags(project, look)
        self._look_at_the_trash(project, look)
        times = self._ask("hmget", self._keys.project(project), "created_at", "last_saved_at")
        if look.seen and (None in times or int(times[0]) > look.first or int(times[1]) < look.last):
            look.flaws[Flaw.PROJECT_TIMES] += 1
        moves = self._ask("hgetall", self._keys.moves(project))
        look.flaws[Flaw.MOVE_UNFINISHED] = sum(bool(note) for note in moves.values())
        if look.is_indexed and not look.flaws[Flaw.CONTEXT_UNREADABLE]:  # whose words nobody knows
            self._look_at_words(project, look)
        return +look.flaws

    def _is_indexed(self, project: str) -> bool:
        analyzer: object = self._ask("hget", self._keys.project(project), "analyzer")
        return analyzer == str(analyzer_version())

    def _look_at(self, project: str, listed: Sequence[tuple[str, float]], look: "_Look") -> None:
        """Compare some of a project's contexts with the lists they should be in."""
        ids = [id_of(name) for name, _ in listed]
        texts = self._ask("mget", [self._keys.body(project, number) for number in ids])
        names = [name for name, _ in listed]
        timeline = self._ask("zmscore", self._keys.timeline(project), names)
        contexts: list[tuple[Context, float]] = []
        for number, text, (_, score), time in zip(ids, texts, listed, timeline, strict=True):
            look.seen += 1
            look.timed += time is not None
            if text is None:
                look.flaws[Flaw.CONTEXT_GONE] += 1
                continue
            try:
                context = rows.read(text, context_id=number, project=project)
            except (ValueError, KeyError, TypeError):
                look.flaws[Flaw.CONTEXT_UNREADABLE] += 1
                continue
            contexts.append((context, score))
            look.flaws[Flaw.CONTEXT_MISPLACED] += score != score_of(context)
            look.flaws[Flaw.TIME_OUT_OF_BOUNDS] += not can_be_stored(context.created_at)
            saved_at = to_milliseconds(context.created_at)
            look.flaws[Flaw.SEARCH_CONTEXTS] += time not in (None, saved_at)
            look.first = min(look.first, saved_at)
            look.last = max(look.last, to_milliseconds(context.last_changed_at))
            if look.is_indexed and time is not None:
                look.expect_words(context)
        self._look_at_links(project, [context for context, _ in contexts], look)
        self._look_at_owners(project, ids, look)
        self._look_at_revisions(project, [c for c, _ in contexts], look)

    def _look_at_links(self, project: str, contexts: Sequence[Context], look: "_Look") -> None:
        links = [(tag, context) for context in contexts for tag in context.note.tags]
        keys = self._keys.tagged(project, [tag for tag, _ in links])
        scores = self._ask_each(
            partial(_zscore, key, member(context.id))
            for key, (_, context) in zip(keys, links, strict=True)
        )
        for (tag, context), score in zip(links, scores, strict=True):
            look.tags[tag] += 1
            if score != score_of(context):
                look.wrong_tags.add(tag)

    def _look_at_owners(self, project: str, ids: Sequence[int], look: "_Look") -> None:
        owners = self._ask_each(
            partial(_hget, self._keys.project_of(bucket(number)), str(number)) for number in ids
        )
        look.flaws[Flaw.ID_REUSABLE] += sum(owner != project for owner in owners)
        last = int(self._ask("get", self._keys.sequence) or 0)
        look.flaws[Flaw.ID_REUSABLE] += max(ids, default=0) > last

    def _look_at_revisions(self, project: str, contexts: Sequence[Context], look: "_Look") -> None:
        for context in contexts:
            if context.updated_at is not None:
                key = self._keys.revisions(project, context.id)
                entries = self._ask("lrange", key, 0, -1)
                look.flaws[Flaw.REVISION_UNREADABLE] += not _are_in_order(entries)

    def _look_at_tags(self, project: str, look: "_Look") -> None:
        counted = dict(self._ask("zrange", self._keys.tag_counts(project), 0, -1, withscores=True))
        look.flaws[Flaw.TAG_COUNT] = sum(
            counted.get(tag) != -look.tags.get(tag, 0) for tag in counted.keys() | look.tags.keys()
        )
        names = sorted(counted.keys() | look.tags.keys())
        for some in _portions(names, _AT_A_TIME):
            keys = self._keys.tagged(project, some)
            sizes = self._ask_each(partial(_zcard, key) for key in keys)
            look.wrong_tags |= {
                tag for tag, size in zip(some, sizes, strict=True) if size != look.tags.get(tag, 0)
            }
        look.flaws[Flaw.TAG_CONTEXTS] = len(look.wrong_tags)

    def _look_at_the_trash(self, project: str, look: "_Look") -> None:
        for listed in self._batches(self._keys.trash(project)):
            ids = [id_of(name) for name, _ in listed]
            texts = self._ask("mget", [self._keys.trashed(project, number) for number in ids])
            forgotten = []
            for number, text in zip(ids, texts, strict=True):
                look.flaws[Flaw.TRASH_UNREADABLE] += 1
                with suppress(ValueError, KeyError, TypeError):
                    forgotten.append(rows.read(text, context_id=number, project=project))
                    look.flaws[Flaw.TRASH_UNREADABLE] -= 1
            self._look_at_revisions(project, forgotten, look)

    def _look_at_words(self, project: str, look: "_Look") -> None:
        """Compare the postings with the words that the contexts have."""
        timeline = self._ask("zcard", self._keys.timeline(project))
        look.flaws[Flaw.SEARCH_CONTEXTS] += abs(timeline - look.timed)
        empty = self._ask("hgetall", self._keys.empty_postings(project))
        for listed in self._batches(self._keys.vocabulary(project), _TERMS_AT_A_TIME):
            terms = [term for term, _ in listed]
            self._tell("the words", self._done + look.seen, self._total)
            for term, (held, gaps) in self._postings(project, terms).items():
                is_right = held == look.words.pop(term, Words()) and held.count > 0
                look.flaws[Flaw.SEARCH_WORDS] += not (is_right and int(empty.pop(term, 0)) == gaps)
        look.flaws[Flaw.SEARCH_WORDS] += len(look.words) + len(empty)

    def _postings(self, project: str, terms: Sequence[str]) -> dict[str, tuple["Words", int]]:
        """Return what the postings of terms add up to, and how many of them are empty."""
        keys = self._keys.postings(project, terms)
        client = self._store.client
        texts = self._store.ask(partial(client.execute_command, "MGET", *keys, NEVER_DECODE=True))
        found = {}
        for term, text in zip(terms, texts, strict=True):
            postings, gaps = Words(), 0
            whole = (text or b"")[: len(text or b"") // 6 * 6]
            for number, impact in iter_unpack("<IH", whole):
                if number:
                    postings.add(number, impact)
                else:
                    gaps += 1
            found[term] = postings, gaps if whole == (text or b"") else -1
        return found

    def _outside_of_lists(self) -> dict[str, Counter[Flaw]]:
        """Return the flaws of what was stored under ids that were given and that no list names."""
        found: dict[str, Counter[Flaw]] = {}
        last = int(self._ask("get", self._keys.sequence) or 0)
        for number in range(bucket(last) + 1):
            self._tell("the numbers", number, bucket(last) + 1)
            owners = self._ask("hgetall", self._keys.project_of(number))
            suspects = self.stray(owners)
            # What was moved between two questions is not there the second time.
            again = self.stray({one: owners[one] for one, _ in suspects}) if suspects else set()
            for context_id, flaw in suspects & again:
                found.setdefault(owners[context_id], Counter())[flaw] += 1
        return found

    def stray(self, owners: dict[str, str]) -> set[tuple[str, Flaw]]:
        """Return those of some ids under which something lies that no list names, with the flaw."""
        keys, asked = self._keys, []
        for context_id, project in owners.items():
            number = int(context_id)
            asked += [
                partial(_zscore, keys.contexts(project), member(number)),
                partial(_zscore, keys.trash(project), member(number)),
                partial(_exists, keys.body(project, number)),
                partial(_exists, keys.trashed(project, number)),
                partial(_exists, keys.on_the_way(project, number)),
                partial(_llen, keys.revisions(project, number)),
            ]
        answers = self._ask_each(asked)
        found = set()
        for place, context_id in enumerate(owners):
            first = _QUESTIONS * place
            listed, trashed, body, forgotten, moving, revisions = answers[first:][:_QUESTIONS]
            if body and listed is None:
                found.add((context_id, Flaw.CONTEXT_UNLISTED))
            if forgotten and trashed is None:
                found.add((context_id, Flaw.TRASH_UNREADABLE))
            if body and forgotten:
                found.add((context_id, Flaw.TRASH_DUPLICATE))
            if revisions and not (body or forgotten or moving):
                found.add((context_id, Flaw.REVISION_ORPHANED))
        return found

    def _batches(self, key: str, size: int = _AT_A_TIME) -> Iterator[list[tuple[str, float]]]:
        """Give the members of a ZSET with their scores, some at a time."""
        start = 0
        while some := self._ask("zrange", key, start, start + size - 1, withscores=True):
            yield [(name, score) for name, score in some]
            start += size

    def _ask(self, command: str, *arguments: Any, **named: Any) -> Any:
        return self._store.ask(lambda: getattr(self._store.client, command)(*arguments, **named))

    def _ask_each(self, questions: Iterable[Callable[[Client], Any]]) -> list[Any]:
        """Return the answers to many short questions, asked at once."""
        asked = list(questions)
        answers: list[Any] = []
        for some in _portions(asked, _QUESTIONS * _AT_A_TIME):

            def ask(some: Sequence[Callable[[Client], Any]] = some) -> list[Any]:
                with self._store.client.pipeline(transaction=False) as pipeline:
                    for question in some:
                        question(pipeline)
                    replies: list[Any] = pipeline.execute()
                    return replies

            answers += self._store.ask(ask)
        return answers


@dataclass
class Words:
    """The postings of a term, added up: equal sums are equal postings but for 1 in 2**61."""

    count: int = 0
    total: int = 0

    def add(self, context_id: int, impact: int) -> None:
        """Count one posting."""
        self.count += 1
        self.total += hash((context_id, impact))


@dataclass
class _Look:
    """The findings of one look at a project so far."""

    is_indexed: bool
    flaws: Counter[Flaw] = field(default_factory=Counter)
    seen: int = 0
    timed: int = 0
    first: int = 2**53
    last: int = -1
    tags: Counter[str] = field(default_factory=Counter)
    wrong_tags: set[str] = field(default_factory=set)
    words: dict[str, Words] = field(default_factory=dict)

    def expect_words(self, context: Context) -> None:
        for term, impact in impacts_of(context).items():
            self.words.setdefault(term, Words()).add(context.id, impact)


def score_of(context: Context) -> float:
    """Return what sorts a context in the lists of its project."""
    return float(context.note.importance * LEVEL + to_milliseconds(context.created_at))


def _are_in_order(entries: Sequence[str]) -> bool:
    """Say whether a list of revisions can be read, and rises in number and time."""
    try:
        revisions = [rows.read_revision(entry) for entry in entries]
    except (ValueError, KeyError, TypeError):
        return False
    moments = [revision.replaced_at for revision in revisions]
    numbers = [revision.number for revision in revisions]
    return moments == sorted(moments) and numbers == sorted(set(numbers))


def _portions(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _zscore(key: str, name: str, client: Client) -> None:
    client.zscore(key, name)


def _zcard(key: str, client: Client) -> None:
    client.zcard(key)


def _hget(key: str, name: str, client: Client) -> None:
    client.hget(key, name)


def _exists(key: str, client: Client) -> None:
    client.exists(key)


def _llen(key: str, client: Client) -> None:
    client.llen(key)
