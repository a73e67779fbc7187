"""A cluster serves the same contract, and says what is wrong where a node is missing."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote

import pytest

from extended_memory.domain import Context, ContextPage, Project, TagCount, TagPage
from extended_memory.storage.redis.repository import RedisRepository
from tests.support.contract import load, save
from tests.support.redis_calls import FOREIGN, PATIENCE_SECONDS, end, ends, prepare, unlike
from tests.support.redis_checker import flaws
from tests.support.redis_faults import Fault, down, hung
from tests.support.redis_servers import Cluster, RedisServer, until

PROJECTS = [f"project {number}" for number in range(12)]
TAGS = "abcde"


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(running: Cluster) -> Iterator[Cluster]:
    """Give a cluster that holds nothing; whatever a test does, it is sound."""
    for server in running.servers:
        with server.client() as client:
            client.flushall()
            client.script_flush()
    yield running
    with running.client() as client:
        assert flaws(client) == []


@pytest.fixture
def repository(cluster: Cluster) -> Iterator[RedisRepository]:
    with closing(RedisRepository(cluster.url, key_prefix="em")) as repository:
        yield repository


def node_of(cluster: Cluster, tag: str) -> RedisServer:
    """Return the server with the keys of a hash tag."""
    with cluster.client() as client:
        port = client.get_node_from_key(f"{{{tag}}}").port
    return next(server for server in cluster.servers if server.port == port)


@dataclass
class Model:
    """The contract as plain Python."""

    contexts: dict[int, Context] = field(default_factory=dict)
    created: dict[str, Context] = field(default_factory=dict)
    saved_last: dict[str, Context] = field(default_factory=dict)

    def save(self, context: Context) -> None:
        self.contexts[context.id] = context
        self.created.setdefault(context.project, context)
        self.saved_last[context.project] = context

    def load(self, project: str, minimum: int, tags: tuple[str, ...]) -> ContextPage:
        found = [
            context
            for context in self.contexts.values()
            if context.project == project
            and context.note.importance >= minimum
            and (not tags or set(tags) & set(context.note.tags))
        ]
        found.sort(key=lambda context: (context.created_at, context.id), reverse=True)
        return ContextPage(contexts=tuple(found), total=len(found))

    def projects(self) -> set[Project]:
        return {
            Project(
                name=name,
                context_count=len(self.load(name, 1, ()).contexts),
                created_at=self.created[name].created_at,
                last_saved_at=self.saved_last[name].created_at,
            )
            for name in {context.project for context in self.contexts.values()}
        }

    def popular_tags(self, project: str) -> TagPage:
        tags = [tag for context in self.load(project, 1, ()).contexts for tag in context.note.tags]
        counts = [TagCount(tag=tag, count=tags.count(tag)) for tag in sorted(set(tags))]
        counts.sort(key=lambda each: -each.count)
        return TagPage(tags=tuple(counts), total=len(counts))


def test_a_cluster_does_what_the_contract_says(repository: RedisRepository) -> None:
    choose, model = random.Random(7), Model()
    for number in range(400):
        project = choose.choice(PROJECTS)
        tags = tuple(sorted(choose.sample(TAGS, choose.randint(0, 3))))
        minimum = choose.randint(1, 10)
        match choose.choice(["save", "save", "repeat", "load", "tags", "forget", "projects"]):
            case "save":
                model.save(
                    save(repository, f"{number}", project=project, importance=minimum, tags=tags)
                )
            case "repeat" if model.contexts:
                was = choose.choice(list(model.contexts.values()))
                again = save(
                    repository,
                    was.note.content,
                    project=was.project,
                    importance=was.note.importance,
                    tags=was.note.tags,
                )
                assert again == was
            case "load":
                page = load(repository, project, minimum_importance=minimum, tags=tags)
                assert page == model.load(project, minimum, tags)
            case "tags":
                counted = repository.popular_tags(project, minimum_count=1, limit=100)
                assert counted == model.popular_tags(project)
            case "forget" if model.contexts:
                chosen = choose.choice(list(model.contexts))
                project = model.contexts.pop(chosen).project
                assert repository.forget(chosen, project=None) == project
                assert repository.forget(chosen, project=project) is None
            case "projects":
                projects = repository.projects()
                assert len(projects) == len(set(projects))
                assert set(projects) == model.projects()
                times = [each.last_saved_at for each in projects]
                assert times == sorted(times, reverse=True)
    assert {name: load(repository, name) for name in PROJECTS} == {
        name: model.load(name, 1, ()) for name in PROJECTS
    }


def test_what_is_brought_to_a_cluster_is_there_once(repository: RedisRepository) -> None:
    assert repository.add_imported([FOREIGN]) == 1
    assert repository.add_imported([FOREIGN]) == 0
    (brought,) = load(repository).contexts
    assert (brought.note.content, brought.created_at) == (FOREIGN.note.content, FOREIGN.created_at)


def test_scripts_that_a_node_has_lost_are_loaded_again(
    repository: RedisRepository, cluster: Cluster
) -> None:
    before = [save(repository, "before", project=name) for name in PROJECTS]
    for server in cluster.servers:
        with server.client() as client:
            client.script_flush()
    assert [load(repository, each.project).contexts for each in before] == [(e,) for e in before]


WORDS = "cannot be reached|does not answer in time|is not complete"


def is_incomplete(server: RedisServer) -> bool:
    with server.client() as client:
        return "cluster_state:fail" in client.execute_command("CLUSTER", "INFO")


@pytest.mark.long
@pytest.mark.parametrize(("fault", "tag"), [(down, "g"), (hung, "alpha")], ids=["down", "hung"])
def test_a_missing_node_is_a_sentence_and_the_cluster_is_used_when_it_is_back(
    repository: RedisRepository, cluster: Cluster, fault: Fault, tag: str
) -> None:
    saved = save(repository, "note", tags=("a", "b"))
    for name in PROJECTS:
        save(repository, "note", project=name, tags=("a",))
    missing = node_of(cluster, tag)
    others = [server for server in cluster.servers if server is not missing]
    with fault(missing):
        # Until the others have noticed, what lies elsewhere is served.
        early = ends(repository, ["projects", "project", "walk"]).values()
        until(lambda: all(map(is_incomplete, others)), "the others miss it")
        with (
            closing(RedisRepository(cluster.url, key_prefix="em")) as late,
            ThreadPoolExecutor() as threads,
        ):
            opening = threads.submit(end, prepare, late)
            found = ends(repository) | {"prepare": opening.result()}
    refused = [each for each in early if each.sentence or each.seconds > PATIENCE_SECONDS]
    assert [each for each in refused if not each.refuses_with(WORDS)] == []
    assert unlike(found, WORDS) == {}
    until(lambda: not any(map(is_incomplete, cluster.servers)), "the cluster is complete again")
    assert repository.forget(saved.id, project="alpha") == "alpha"
    assert save(repository, "after").id > saved.id
    assert len(repository.projects()) == len(PROJECTS) + 1


@contextmanager
def slots_may_be_missing(cluster: Cluster) -> Iterator[None]:
    def require(full: str) -> None:
        for server in cluster.servers:
            with server.client() as client:
                client.config_set("cluster-require-full-coverage", full)

    require("no")
    try:
        yield
    finally:
        require("yes")


@pytest.mark.long
def test_where_slots_may_be_missing_the_projects_of_the_others_are_served(
    repository: RedisRepository, cluster: Cluster
) -> None:
    saved = {name: save(repository, "note", project=name, tags=("a",)) for name in PROJECTS}
    missing = next(server for server in cluster.servers if server is not node_of(cluster, "g"))
    served = [name for name in PROJECTS if node_of(cluster, quote(name)) is not missing]
    elsewhere = [name for name in PROJECTS if name not in served]
    with slots_may_be_missing(cluster):
        with down(missing):
            found = [end(partial(load, project=name), repository) for name in served]
            refused = end(partial(load, project=elsewhere[0]), repository)
        until(lambda: not any(map(is_incomplete, cluster.servers)), "the cluster is complete")
    assert [each.answer for each in found] == [
        ContextPage(contexts=(saved[name],), total=1) for name in served
    ]
    assert refused.refuses_with(WORDS)
