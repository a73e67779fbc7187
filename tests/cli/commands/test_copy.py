"""The command that copies a store into another, run as a person does."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from extended_memory.domain import Change, Context, ForgottenContext, Note, Project, Revision
from extended_memory.storage.contract import MemoryRepository
from tests.support import legacy_redis
from tests.support.commands import opened, run
from tests.support.contract import foreign
from tests.support.redis_servers import RedisServer
from tests.support.server import COMMAND, eventually

Servers = tuple[RedisServer, RedisServer]

COPIED = "40 of 40 contexts copied.\n8 of them are in the trash.\n"
CHECKED = "Checked: 40 are in the second store as in the first.\n"
NOTHING_NEW = (
    "0 of 40 contexts copied.\n8 of them are in the trash.\n40 were there before.\n" + CHECKED
)


@pytest.fixture(params=["sqlite", "redis"])
def source(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> str:
    """Give the connection string of a store with contexts of several projects.

    Some of them were changed, some are in the trash, some both.
    """
    store = f"sqlite:///{tmp_path}/old.db" if request.param == "sqlite" else servers[0].url
    with closing(opened(store)) as repository:
        for number in range(40):
            saved = repository.save(
                f"project {number % 3}",
                Note(
                    content=f"note {number}\r\n ё 🧠 \0",
                    importance=number % 10 + 1,
                    tags=("all", f"t{number % 4}"),
                ),
                repeat_within=timedelta(0),
            )
            for change in range(number % 4):
                content = Change(content=f"{change} of {number}", remove_tags=("all",))
                repository.update(saved.id, content, project=None)
            if number % 5 == 0:
                repository.forget(saved.id, project=None)
    return store


def save(store: str, content: str, project: str = "p") -> Context:
    with closing(opened(store)) as repository:
        return repository.save(
            project, Note(content=content, importance=5), repeat_within=timedelta(0)
        )


Held = tuple[Context | ForgottenContext, tuple[Revision, ...]]


def held(store: str) -> list[Held]:
    """Return all that a store holds, in the trash or not, by id."""
    with closing(opened(store)) as repository:
        return list(_held(repository))


def _held(repository: MemoryRepository) -> Iterator[Held]:
    found: dict[int, Context | ForgottenContext] = {
        context.id: context for context in repository.contexts_after(after=0, limit=10_000)
    }
    found |= {one.context.id: one for one in repository.trash_after(after=0, limit=10_000)}
    revised = repository.revisions_of(list(found))
    for context_id, one in sorted(found.items()):
        yield one, revised.get(context_id, ())


def without_ids(found: list[Held]) -> list[Held]:
    return [
        (
            replace(one, id=0)
            if isinstance(one, Context)
            else replace(one, context=replace(one.context, id=0)),
            revisions,
        )
        for one, revisions in found
    ]


def context_of(found: Held) -> Context:
    return found[0] if isinstance(found[0], Context) else found[0].context


def project_of(found: Held) -> str:
    return context_of(found).project


def projects(store: str) -> tuple[Project, ...]:
    with closing(opened(store)) as repository:
        return repository.projects()


def test_everything_is_copied_in_its_order(source: str, store: str) -> None:
    before = held(source)
    ended = run("copy", source, store, env={})
    assert (ended.returncode, ended.stdout) == (0, COPIED + CHECKED), ended.stderr
    assert len(before) == 40
    assert without_ids(held(store)) == without_ids(before)
    assert projects(store) == projects(source)
    assert held(source) == before


def test_a_second_copy_adds_what_is_new_alone(source: str, store: str) -> None:
    run("copy", source, store, env={})
    save(source, "x")
    ended = run("copy", source, store, env={})
    assert ended.stdout == (
        "1 of 41 contexts copied.\n8 of them are in the trash.\n40 were there before.\n"
        "Checked: 41 are in the second store as in the first.\n"
    )
    assert without_ids(held(store)) == without_ids(held(source))


def test_what_is_there_already_stays_beside_the_copy(source: str, store: str) -> None:
    own = save(store, "own")
    run("copy", source, store, env={})
    assert held(store)[0] == (own, ())
    assert without_ids(held(store)[1:]) == without_ids(held(source))


def test_a_store_copied_into_itself_stays_as_it_is(source: str) -> None:
    before = held(source)
    ended = run("copy", source, source, env={})
    assert ended.stdout == NOTHING_NEW
    assert held(source) == before


def test_two_files_of_one_history_are_joined_without_doubles(tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    for number in range(1, 30):
        save(str(first), f"{number}")
    with closing(opened(str(first))) as repository:
        repository.update(3, Change(content="changed"), project=None)
        repository.forget(5, project=None)
    shutil.copy(first, second)
    for path in (first, second):
        save(str(path), path.name)
    ended = run("copy", str(first), str(second), env={})
    assert ended.stdout == (
        "1 of 30 contexts copied.\n1 of them are in the trash.\n29 were there before.\n"
        "Checked: 30 are in the second store as in the first.\n"
    )
    contents = [context_of(each).note.content for each in held(str(second))]
    assert contents[-2:] == ["second.db", "first.db"]


def test_what_was_changed_there_since_stays_so_and_is_said(source: str, store: str) -> None:
    run("copy", source, store, env={})
    with closing(opened(store)) as repository:
        first, second, *_ = repository.contexts_after(after=0, limit=9)
        repository.update(first.id, Change(content="changed there"), project=None)
        repository.forget(second.id, project=None)
        repository.rename_project("project 2", "renamed")
    before = held(store)
    ended = run("copy", source, store, env={})
    assert ended.returncode == 0
    changed = {first.id, second.id}
    changed |= {context_of(each).id for each in before if project_of(each) == "renamed"}
    assert ended.stdout.splitlines()[2:] == [
        "40 were there before.",
        f"Checked: {40 - len(changed)} are in the second store as in the first.",
        f"{len(changed)} were there before and are different now, because they were changed in one "
        "of the stores: they stay as they are.",
    ]
    assert held(store) == before


def test_one_project_is_copied_alone(source: str, store: str) -> None:
    ended = run("copy", source, store, "--project", "Project_1", env={})
    of_project = [each for each in held(source) if project_of(each) == "project 1"]
    assert ended.stdout == (
        "13 of 13 contexts copied.\n2 of them are in the trash.\n"
        "Checked: 13 are in the second store as in the first.\n"
    )
    assert without_ids(held(store)) == without_ids(of_project)


def test_a_project_that_is_not_there_is_refused(source: str, store: str) -> None:
    ended = run("copy", source, store, "--project", "typo", env={})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert 'There is no project "typo" to copy: check its name.' in ended.stderr


def test_the_report_is_one_json_object(source: str, store: str) -> None:
    ended = run("copy", source, store, "--json", env={})
    assert json.loads(ended.stdout) == {
        "found": 40,
        "copied": 40,
        "in_trash": 8,
        "same": 40,
        "changed": 0,
        "missing": 0,
    }
    assert ended.stdout.count("\n") == 1


def test_a_file_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    ended = run("copy", str(tmp_path / "typo.db"), str(tmp_path / "new.db"), env={})
    assert (ended.returncode, ended.stdout) == (1, "")
    said = f"There is no memory at {tmp_path}/typo.db to copy from: check the path."
    assert said in ended.stderr
    assert not list(tmp_path.glob("*.db"))


def test_what_changed_or_moved_since_is_not_copied_again(source: str, store: str) -> None:
    run("copy", source, store, env={})
    with closing(opened(source)) as repository:
        first, *_ = repository.contexts_after(after=0, limit=99)
        repository.update(first.id, Change(content="another text"), project=None)
        repository.rename_project("project 1", "another project")
    ended = run("copy", source, store, env={})
    assert ended.stdout.splitlines()[0] == "0 of 40 contexts copied."
    assert ended.returncode == 0
    assert len(held(store)) == 40


@pytest.mark.long
def test_a_copy_that_was_killed_is_completed_by_the_next_one(
    servers: Servers, store: str, tmp_path: Path
) -> None:
    source = f"sqlite:///{tmp_path}/old.db"
    with closing(opened(source)) as repository:
        repository.add_imported([foreign(number) for number in range(4_000)])
    command = subprocess.Popen(
        [*COMMAND, "copy", source, store],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: bool(count(store)))
    os.kill(command.pid, signal.SIGKILL)
    command.wait()
    assert 0 < count(store) < 4_000
    ended = run("copy", source, store, env={})
    assert ended.stdout.splitlines()[-1] == (
        "Checked: 4,000 are in the second store as in the first."
    )
    assert without_ids(held(store)) == without_ids(held(source))


def count(store: str) -> int:
    return sum(project.context_count for project in projects(store))


def test_a_copy_that_is_not_whole_is_said(source: str, place: Path) -> None:
    save(str(place), "own")
    with closing(sqlite3.connect(place)) as database:
        database.execute(
            "CREATE TRIGGER spoil AFTER INSERT ON contexts WHEN new.content LIKE 'note 1%' BEGIN "
            "UPDATE contexts SET content = 'spoilt' WHERE id = new.id; END"
        )
    ended = run("copy", source, str(place), "--json", env={})
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["missing"] == 2
    assert "2 contexts are not there as they were copied: run the same command" in ended.stderr


def test_a_redis_of_0_9_0_is_copied_as_it_is_imported(servers: Servers, store: str) -> None:
    legacy_redis.put_into(servers[0])
    before = legacy_redis.dump(servers[0])
    ended = run("copy", servers[0].url, store, env={})
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0] == "9 of 9 contexts copied."
    assert lines[-1] == "Checked: 9 are in the second store as in the first."
    assert any("could not be read" in line for line in lines)
    assert legacy_redis.dump(servers[0]) == before
    again = run("import-redis", servers[0].url, env={"STORAGE_CONNECTION_STRING": store})
    assert again.stdout.startswith("0 of 9 contexts imported.\n9 were imported before.\n")
    alone = run("copy", servers[0].url, store, "--project", "my proj", "--json", env={})
    report = json.loads(alone.stdout)
    # One has no readable time, and gets that of each import.
    assert [report[name] for name in ("found", "copied", "same", "changed")] == [4, 0, 3, 1]
    assert report["of_0.9.0"]["unreadable"]


def test_a_redis_that_holds_memories_of_both_is_copied_as_ours(
    servers: Servers, store: str
) -> None:
    legacy_redis.put_into(servers[0])
    save(servers[0].url, "ours")
    ended = run("copy", servers[0].url, store, env={})
    assert ended.stdout.splitlines()[0] == "1 of 1 contexts copied."
    assert [context_of(each).note.content for each in held(store)] == ["ours"]


def test_what_has_a_time_that_no_store_takes_is_named_and_shown_in_every_zone(
    store: str, tmp_path: Path
) -> None:
    old = f"sqlite:///{tmp_path}/old.db"
    last = datetime(9999, 12, 31, 23, 30, tzinfo=timezone.utc)
    contexts = [
        foreign(1, project="p"),
        foreign(2, project="p", created_at=last),
        foreign(3, project="p", forgotten_at=last),
    ]
    with pytest.MonkeyPatch.context() as patch, closing(opened(old)) as repository:
        patch.setattr("extended_memory.domain.NEWEST_TIME", last)  # as 1.0.0 took them
        repository.add_imported(contexts)
    ended = run("copy", old, store, env={})
    assert ended.returncode == 1
    assert "2 have a time that is not from 1970 to 2247, and were left out (#2, #3)" in ended.stderr
    with closing(opened(store)) as repository:
        assert [
            context.note.content for context in repository.contexts_after(after=0, limit=9)
        ] == ["note 1"]
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles"):
        env = {"STORAGE_CONNECTION_STRING": old, "TZ": zone}
        for command in (
            ["list", "--project", "p"],
            ["trash"],
            ["stats"],
            ["show", "2"],
            ["projects"],
        ):
            shown = run(*command, env=env)
            assert (shown.returncode, shown.stderr) == (0, ""), (command, shown.stderr)


def test_a_pin_holds_for_a_copy_too(place: Path, tmp_path: Path) -> None:
    source = f"sqlite:///{place}"
    with closing(opened(source)) as repository:
        for project in ("mine", "other"):
            repository.save(
                project, Note(content=project, importance=5), repeat_within=timedelta(0)
            )
    env = {"EXTENDED_MEMORY_PROJECT": "mine"}
    target = str(tmp_path / "copy.db")
    refused = run("copy", source, target, "--project", "other", env=env)
    assert refused.returncode == 1
    assert "EXTENDED_MEMORY_PROJECT pins this memory" in refused.stderr
    assert run("copy", source, target, env=env).returncode == 0
    with closing(opened(f"sqlite:///{target}")) as repository:
        assert [each.name for each in repository.projects()] == ["mine"]
