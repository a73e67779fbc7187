"""Random operations on every backend and on a plain model of the contract: each answer is equal.

Ids and times are each store's own, so the model takes both from the answer to a save, after having
checked that they are new; everything else has to be what the model says, whole.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from extended_memory.domain import (
    Change,
    Context,
    ContextPage,
    Note,
    PortableContext,
    Project,
    Revision,
    SearchPage,
    Selection,
    Summary,
    TagCount,
    TagPage,
    TimeSpan,
)
from extended_memory.storage.contract import MemoryRepository
from extended_memory.storage.redis.repository import RedisRepository
from extended_memory.storage.search import found
from extended_memory.storage.sqlite.repository import SqliteRepository
from tests.support.memory_index import MemoryIndex
from tests.support.redis_checker import flaws
from tests.support.redis_servers import RedisServer
from tests.support.rounds import FACTOR
from tests.support.sqlite_stores import faults_within, index_flaws

WINDOW = timedelta(minutes=10)
PROJECTS = st.sampled_from(["alpha", "beta", "a}:{b"])
TAGS = st.lists(st.sampled_from(["api", "бд", "a:b", "x y"]), unique=True, max_size=3).map(
    lambda tags: tuple(sorted(tags))
)
CONTENTS = st.sampled_from(
    ["note", "Note", "ё \0 🧠", '"}', "{}", "notes of an api", "note note бд"]
)
QUERIES = st.sampled_from(["note", "Notes 🧠", "nota", "api бд", "2020 е", "x", "noteworthy", "?"])
IMPORTANCE = st.integers(1, 10)
OLD = datetime(2020, 1, 1, tzinfo=timezone.utc)


class Model:
    """The contract on a list, in the plainest words."""

    def __init__(self) -> None:
        self.contexts: list[Context] = []
        self.origins: set[str] = set()
        self.times: dict[str, tuple[datetime, datetime]] = {}
        self.trash: list[Context] = []
        self.revisions: dict[int, list[Revision]] = {}
        self.last_id = 0

    def equal(self, given: Context) -> Context | None:
        """Return the newest context that a save with these values repeats."""
        same = [
            c
            for c in self.contexts
            if (c.project, c.note) == (given.project, given.note)
            and c.created_at >= given.created_at - WINDOW
        ]
        return max(same, key=lambda c: c.id, default=None)

    def add(self, context: Context) -> None:
        assert context.id > self.last_id
        self.last_id = context.id
        self.put(context)

    def put(self, context: Context) -> None:
        self.contexts.append(context)
        first, last = self.times.get(context.project, (context.created_at, context.created_at))
        self.times[context.project] = (
            min(first, context.created_at),
            max(last, context.last_changed_at),
        )

    def change(self, old: Context, new: Context) -> None:
        assert new.last_changed_at > old.last_changed_at
        kept = self.revisions.setdefault(old.id, [])
        kept.insert(
            0,
            Revision(
                number=len(kept) + 1,
                note=old.note,
                replaced_at=new.last_changed_at,
            ),
        )
        self.put(new)

    def rename(self, old: str, new: str) -> int:
        if old == new:
            return 0
        moved = sum(c.project == old for c in self.contexts)
        for place in (self.contexts, self.trash):
            place[:] = [replace(c, project=new) if c.project == old else c for c in place]
        if old in self.times:
            first, last = self.times.pop(old)
            of_new = self.times.get(new, (first, last))
            self.times[new] = (min(first, of_new[0]), max(last, of_new[1]))
        return moved

    def summary(self, project: str | None) -> Summary:
        contexts = [c for c in self.contexts if project in (None, c.project)]
        trash = [c for c in self.trash if project in (None, c.project)]
        times = [c.created_at for c in contexts]
        weeks = Counter(t.date() - timedelta(days=t.weekday()) for t in times)
        return Summary(
            context_count=len(contexts),
            trash_count=len(trash),
            revision_count=sum(len(self.revisions.get(c.id, ())) for c in [*contexts, *trash]),
            content_bytes=sum(len(c.note.content.encode()) for c in contexts),
            by_importance=Counter(c.note.importance for c in contexts),
            by_week=tuple(sorted(weeks.items())),
            oldest=min(times, default=None),
            newest=max(times, default=None),
        )

    def some(self, which: int, among: list[Context]) -> Context | None:
        return among[which % len(among)] if among else None

    def matching(self, project: str, minimum: int, tags: tuple[str, ...]) -> list[Context]:
        found = [
            c
            for c in self.contexts
            if c.project == project
            and c.note.importance >= minimum
            and (not tags or set(tags) & set(c.note.tags))
        ]
        return sorted(found, key=lambda c: (c.created_at, c.id), reverse=True)

    def search(
        self, project: str, text: str, selection: Selection, *, limit: int, offset: int
    ) -> SearchPage:
        index = MemoryIndex()
        for context in self.contexts:
            index.add(context)
        return found(
            index,
            lambda ids: index.contexts,
            project,
            text,
            selection,
            limit=limit,
            offset=offset,
            unindexed=0,
        )

    def projects(self) -> tuple[Project, ...]:
        counted = Counter(c.project for c in self.contexts)
        listed = [
            Project(
                name=name,
                context_count=count,
                created_at=self.times[name][0],
                last_saved_at=self.times[name][1],
            )
            for name, count in sorted(counted.items())
        ]
        return tuple(sorted(listed, key=lambda p: p.last_saved_at, reverse=True))

    def tags(self, project: str, minimum: int, limit: int) -> TagPage:
        counted = Counter(tag for c in self.contexts if c.project == project for tag in c.note.tags)
        found = [TagCount(tag=t, count=n) for t, n in counted.items() if n >= minimum]
        found.sort(key=lambda t: (-t.count, t.tag))
        return TagPage(tags=tuple(found[:limit]), total=len(found))


class Stores(RuleBasedStateMachine):
    """The same operations on a model and a repository for each backend."""

    server: RedisServer

    @initialize()
    def open(self) -> None:
        self.folder = TemporaryDirectory()
        with self.server.client() as client:
            client.flushall()
        self.repositories: list[MemoryRepository] = [
            SqliteRepository(Path(self.folder.name, "memory.db")),
            RedisRepository(self.server.url, key_prefix="em"),
        ]
        self.models = [Model() for _ in self.repositories]

    @property
    def pairs(self) -> Iterator[tuple[MemoryRepository, Model]]:
        return zip(self.repositories, self.models, strict=True)

    @rule(
        project=PROJECTS,
        content=CONTENTS,
        importance=IMPORTANCE,
        tags=TAGS,
    )
    def save(self, project: str, content: str, importance: int, tags: tuple[str, ...]) -> None:
        for repository, model in self.pairs:
            context = repository.save(
                project,
                Note(content=content, importance=importance, tags=tags),
                repeat_within=WINDOW,
            )
            expected = Context(
                id=context.id,
                project=project,
                note=Note(content=content, importance=importance, tags=tags),
                created_at=context.created_at,
            )
            before = model.equal(expected)
            assert context == (before or expected)
            if before is None:
                model.add(context)

    @rule(
        number=st.integers(0, 9),
        project=PROJECTS,
        content=CONTENTS,
        importance=IMPORTANCE,
        tags=TAGS,
        seconds=st.integers(0, 1),
        is_recent=st.booleans(),
        was=st.lists(st.tuples(CONTENTS, IMPORTANCE, TAGS), max_size=3),
        is_forgotten=st.booleans(),
    )
    def bring(
        self,
        number: int,
        project: str,
        content: str,
        importance: int,
        tags: tuple[str, ...],
        seconds: int,
        is_recent: bool,
        was: list[tuple[str, int, tuple[str, ...]]],
        is_forgotten: bool,
    ) -> None:
        now = datetime.now(timezone.utc).replace(microsecond=0)
        created_at = (now if is_recent else OLD) + timedelta(seconds=-seconds)
        revisions = tuple(
            Revision(
                number=place + 1,
                note=Note(content=past[0], importance=past[1], tags=past[2]),
                replaced_at=created_at + timedelta(milliseconds=place + 1),
            )
            for place, past in enumerate(was)
        )
        foreign = PortableContext(
            origin=f"there:{number}",
            project=project,
            note=Note(content=content, importance=importance, tags=tags),
            created_at=created_at,
            updated_at=revisions[-1].replaced_at if revisions else None,
            revisions=tuple(replace(past, number=past.number + 5) for past in revisions),
            forgotten_at=created_at + timedelta(days=1) if is_forgotten else None,
        )
        for repository, model in self.pairs:
            is_new = foreign.origin not in model.origins
            assert repository.add_imported([foreign]) == int(is_new)
            if is_new:
                model.origins.add(foreign.origin)
                there = {c.id for c in repository.contexts_after(after=0, limit=1000)}
                there |= {t.context.id for t in repository.trash_after(after=0, limit=1000)}
                (context_id,) = there - {c.id for c in [*model.contexts, *model.trash]}
                brought = Context(
                    id=context_id,
                    project=project,
                    note=Note(content=content, importance=importance, tags=tags),
                    created_at=created_at,
                    updated_at=foreign.updated_at,
                )
                model.add(brought)
                if revisions:
                    model.revisions[context_id] = list(reversed(revisions))
                if is_forgotten:
                    model.contexts.remove(brought)
                    model.trash.append(brought)

    @rule(
        which=st.integers(0, 30),
        within=st.sampled_from([None, "alpha", "beta"]),
        permanently=st.booleans(),
        from_trash=st.booleans(),
    )
    def forget(self, which: int, within: str | None, permanently: bool, from_trash: bool) -> None:
        for repository, model in self.pairs:
            place = model.trash if from_trash else model.contexts
            context = model.some(which, place)
            if context is None:
                continue
            forgets = within in (None, context.project) and (permanently or not from_trash)
            answer = repository.forget(context.id, project=within, permanently=permanently)
            assert answer == (context.project if forgets else None)
            if forgets:
                place.remove(context)
                if permanently:
                    model.revisions.pop(context.id, None)
                else:
                    model.trash.append(context)

    @rule(
        which=st.integers(0, 30),
        content=st.none() | CONTENTS,
        importance=st.none() | IMPORTANCE,
        tags=st.none() | TAGS,
        add=TAGS,
        remove=TAGS,
    )
    def update(
        self,
        which: int,
        content: str | None,
        importance: int | None,
        tags: tuple[str, ...] | None,
        add: tuple[str, ...],
        remove: tuple[str, ...],
    ) -> None:
        change = Change(
            content=content, importance=importance, tags=tags, add_tags=add, remove_tags=remove
        )
        for repository, model in self.pairs:
            old = model.some(which, model.contexts)
            if old is None:
                continue
            updated = repository.update(old.id, change, project=None)
            assert updated is not None
            new = updated.context
            number = None if new == old else len(model.revisions.get(old.id, [])) + 1
            assert updated.revision == number
            assert new == replace(old, note=change.applied_to(old.note), updated_at=new.updated_at)
            if new != old:
                model.contexts.remove(old)
                model.change(old, new)

    @rule(which=st.integers(0, 30), number=st.none() | st.integers(1, 3), in_trash=st.booleans())
    def restore(self, which: int, number: int | None, in_trash: bool) -> None:
        for repository, model in self.pairs:
            place = model.trash if in_trash else model.contexts
            old = model.some(which, place)
            if old is None:
                continue
            new = repository.restore(old.id, project=None, revision=number)
            kept = {r.number: r for r in model.revisions.get(old.id, [])}
            if number not in kept and (number is not None or not in_trash):
                assert new is None
                continue
            assert new is not None
            place.remove(old)
            if number is None:
                assert new == old
                model.put(new)
                continue
            past = kept[number]
            expected = replace(old, note=past.note)
            assert new == replace(expected, updated_at=new.updated_at)
            if expected == old:
                model.put(new)
            else:
                model.change(old, new)

    @rule(old=PROJECTS, new=PROJECTS)
    def rename_project(self, old: str, new: str) -> None:
        for repository, model in self.pairs:
            assert repository.rename_project(old, new) == model.rename(old, new)

    @rule(project=st.none() | PROJECTS)
    def summary(self, project: str | None) -> None:
        for repository, model in self.pairs:
            assert repository.summary(project) == model.summary(project)

    @rule(after=st.integers(0, 20), limit=st.integers(1, 30))
    def walk_trash(self, after: int, limit: int) -> None:
        for repository, model in self.pairs:
            expected = sorted((c for c in model.trash if c.id > after), key=lambda c: c.id)
            walked = repository.trash_after(after=after, limit=limit)
            assert tuple(t.context for t in walked) == tuple(expected[:limit])
            trash = repository.trash(project=None, limit=1000)
            assert set(walked) <= set(trash)

    @rule(ids=st.lists(st.integers(1, 30), unique=True, max_size=9))
    def revised(self, ids: list[int]) -> None:
        for repository, model in self.pairs:
            expected = {
                each: tuple(reversed(model.revisions[each]))
                for each in ids
                if model.revisions.get(each)
            }
            assert repository.revisions_of(ids) == expected

    @rule()
    def look_into_the_trash(self) -> None:
        for repository, model in self.pairs:
            trash = repository.trash(project=None, limit=1000)
            assert {t.context.id: t.context for t in trash} == {c.id: c for c in model.trash}
            for context in [*model.trash, *model.contexts]:
                expected = tuple(model.revisions.get(context.id, ()))
                assert repository.revisions(context.id, project=None, limit=99) == expected

    @rule(context_id=st.integers(1, 10**15))
    def forget_what_is_not_there(self, context_id: int) -> None:
        for repository, model in self.pairs:
            if context_id not in {c.id for c in [*model.contexts, *model.trash]}:
                assert repository.forget(context_id, project=None, permanently=True) is None

    @rule(
        project=PROJECTS,
        minimum=IMPORTANCE,
        tags=TAGS,
        limit=st.integers(1, 5),
        offset=st.integers(0, 6),
    )
    def load(
        self, project: str, minimum: int, tags: tuple[str, ...], limit: int, offset: int
    ) -> None:
        for repository, model in self.pairs:
            matching = model.matching(project, minimum, tags)
            page = repository.load(
                project,
                Selection(minimum_importance=minimum, tags=tags),
                limit=limit,
                offset=offset,
            )
            assert page == ContextPage(
                contexts=tuple(matching[offset : offset + limit]), total=len(matching)
            )

    @rule(
        project=PROJECTS,
        text=QUERIES,
        minimum=st.just(1) | IMPORTANCE,
        tags=st.just(()) | TAGS,
        since=st.sampled_from([None, OLD]),
        until=st.sampled_from([None, OLD]),
        limit=st.integers(1, 5),
        offset=st.integers(0, 6),
    )
    def search(
        self,
        project: str,
        text: str,
        minimum: int,
        tags: tuple[str, ...],
        since: datetime | None,
        until: datetime | None,
        limit: int,
        offset: int,
    ) -> None:
        selection = Selection(
            minimum_importance=minimum, tags=tags, span=TimeSpan(since=since, until=until)
        )
        asked = {"limit": limit, "offset": offset}
        for repository, model in self.pairs:
            expected = model.search(project, text, selection, **asked)
            assert repository.search(project, text, selection, **asked) == expected

    @rule(project=PROJECTS, minimum=st.integers(1, 3), limit=st.integers(1, 4))
    def popular_tags(self, project: str, minimum: int, limit: int) -> None:
        for repository, model in self.pairs:
            page = repository.popular_tags(project, minimum_count=minimum, limit=limit)
            assert page == model.tags(project, minimum, limit)

    @rule(after=st.integers(0, 20), limit=st.integers(1, 30))
    def walk(self, after: int, limit: int) -> None:
        for repository, model in self.pairs:
            expected = sorted((c for c in model.contexts if c.id > after), key=lambda c: c.id)
            assert repository.contexts_after(after=after, limit=limit) == tuple(expected[:limit])

    @invariant()
    def everything_is_equal(self) -> None:
        for repository, model in self.pairs:
            assert repository.projects() == model.projects()
            for project in model.projects():
                assert repository.project(project.name) == project

    @rule()
    def close(self) -> None:
        for repository in self.repositories:
            repository.close()

    def teardown(self) -> None:
        for repository in self.repositories:
            repository.close()
        with self.server.client() as client:
            assert flaws(client) == []
        if self.models[0].last_id:
            path = Path(self.folder.name, "memory.db")
            assert index_flaws(path) == faults_within(path) == []
        self.folder.cleanup()


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as own:
        yield own


@pytest.mark.long
def test_every_backend_answers_as_the_model_does(server: RedisServer) -> None:
    Stores.server = server
    run_state_machine_as_test(
        Stores,
        settings=settings(
            max_examples=60 * FACTOR,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
