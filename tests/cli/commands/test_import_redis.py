"""The command that brings over what 0.9.0 keeps in Redis, run as a person does."""

import json
import os
import signal
import subprocess
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from extended_memory.domain import EVERY_CONTEXT, Context, Note, Selection
from tests.support import legacy_redis
from tests.support.commands import opened, run
from tests.support.redis_checker import flaws
from tests.support.redis_servers import RedisServer
from tests.support.server import COMMAND, eventually

_GREETING = {"hello", "client", "client|setinfo", "ping", "info", "config|resetstat"}
"""What a client sends when it connects, and this test itself."""

Servers = tuple[RedisServer, RedisServer]

SAVED = {entry["key"]: entry["value"] for entry in legacy_redis.written()}


def contexts(store: str) -> dict[str, Context]:
    """Return everything in a store, by content."""
    with closing(opened(store)) as repository:
        return {
            context.note.content: context
            for project in repository.projects()
            for context in repository.load(
                project.name, EVERY_CONTEXT, limit=1000, offset=0
            ).contexts
        }


def written_at(content: str) -> datetime:
    """Return the time that 0.9.0 noted for a content, to the millisecond."""
    (moment,) = (
        values["created_at"]
        for key, text in SAVED.items()
        if key.startswith("extended_memory:context:") and isinstance(text, str)
        for values in [json.loads(text) if text.endswith("}") else {}]
        if values.get("content") == content
    )
    parsed = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)
    return parsed.replace(microsecond=parsed.microsecond // 1000 * 1000)


def test_every_context_comes_over_with_its_time_tags_and_project(
    servers: Servers, store: str
) -> None:
    legacy_redis.put_into(servers[0])
    begun = datetime.now(timezone.utc) - timedelta(milliseconds=1)
    ended = run("import-redis", servers[0].url, env={"STORAGE_CONNECTION_STRING": store})
    assert ended.returncode == 0, ended.stderr
    imported = contexts(store)
    no_time = imported.pop("No time")
    assert begun <= no_time.created_at <= datetime.now(timezone.utc)
    assert (no_time.project, no_time.note.importance, no_time.note.tags) == ("my proj", 8, ("db",))
    expected = [
        ("No project", "general", 8, ("db",)),
        ("Not normalised", "my proj", 8, ("db",)),
        ("No project was named", "general", 7, ()),
        ("Решили: храним всё в Redis 🗄️", "my proj", 9, ()),
        ("Hyphens mean the same", "my proj", 5, ("a:b", "api design")),
        ("More than ten", "заметки", 10, ()),
        ("Less than one", "заметки", 1, ()),
        ("  Spaces,\r\n\ttabs and \0 stay.  \n", "general", 5, ("verbatim", "x")),
    ]
    by_age = sorted(imported.values(), key=lambda context: context.id)
    assert by_age == [
        Context(
            id=number,
            project=project,
            note=Note(content=content, importance=importance, tags=tags),
            created_at=written_at(content),
        )
        for number, (content, project, importance, tags) in enumerate(expected, start=1)
    ]


def test_the_report_says_what_came_and_what_could_not(servers: Servers, store: str) -> None:
    legacy_redis.put_into(servers[0])
    ended = run("import-redis", servers[0].url, env={"STORAGE_CONNECTION_STRING": store})
    first_expiry = datetime.now(timezone.utc) + timedelta(days=1)
    report = ended.stdout.splitlines()
    assert report[0] == "9 of 9 contexts imported."
    assert (
        report[1]
        == 'Project "general" was written as no project, "general": it is one project now.'
    )
    assert report[2:] == [
        'Project "my proj" was written as "MY  PROJ", "My_Proj", "my proj": it is one project now.',
        "3 could not be read: context:broken, context:list, context:number",
        "1 had no readable time and got that of this import: "
        "context:a0000000-0000-4000-8000-000000000003",
        "1 ids are listed whose context is gone: it expired, or 0.9.0 deleted it by half.",
        f"In the old store the first context expires on {first_expiry:%Y-%m-%d}, and 3 within 30 "
        "days. Here nothing expires.",
    ]


def test_a_second_run_adds_nothing_not_even_what_was_forgotten(
    servers: Servers, store: str
) -> None:
    legacy_redis.put_into(servers[0])
    env = {"STORAGE_CONNECTION_STRING": store}
    assert run("import-redis", servers[0].url, env=env).returncode == 0
    before = contexts(store)
    with closing(opened(store)) as repository:
        repository.forget(before.pop("No project").id, project=None)
    again = run("import-redis", "--json", servers[0].url, env=env)
    report = json.loads(again.stdout)
    assert (report["found"], report["imported"]) == (9, 0)
    assert contexts(store) == before


def test_the_source_is_never_changed(servers: Servers, store: str) -> None:
    legacy_redis.put_into(servers[0])
    before = legacy_redis.dump(servers[0])
    with servers[0].client() as client:
        client.config_resetstat()
        assert run("import-redis", servers[0].url, env={"STORAGE_CONNECTION_STRING": store}).stdout
        sent = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}
    assert sent - _GREETING == {"scan", "mget", "pttl", "lrange"}
    assert legacy_redis.dump(servers[0]) == before


def test_what_was_saved_meanwhile_is_brought_by_the_next_run(servers: Servers, store: str) -> None:
    legacy_redis.put_into(servers[0])
    env = {"STORAGE_CONNECTION_STRING": store}
    run("import-redis", servers[0].url, env=env)
    later = {
        "content": "Saved meanwhile",
        "importance_level": 8,
        "project_id": "general",
        "tags": [],
        "created_at": "2026-01-01T00:00:00+00:00",
    }
    with servers[0].client() as client:
        client.set(
            "extended_memory:context:b0000000-0000-4000-8000-000000000000", json.dumps(later)
        )
    again = run("import-redis", servers[0].url, env=env)
    assert again.stdout.splitlines()[:2] == [
        "1 of 10 contexts imported.",
        "9 were imported before.",
    ]


def test_another_prefix_is_read_where_it_is_named(servers: Servers, store: str) -> None:
    legacy_redis.put_into(servers[0], prefix="my*[app]")
    legacy_redis.put_into(servers[0], prefix="my-other-app]")
    ended = run(
        "import-redis",
        servers[0].url,
        "--prefix",
        "my*[app]",
        env={"STORAGE_CONNECTION_STRING": store},
    )
    assert ended.stdout.splitlines()[0] == "9 of 9 contexts imported."


def test_without_a_url_the_redis_of_the_settings_is_read(servers: Servers) -> None:
    legacy_redis.put_into(servers[1])
    store = servers[1].url
    ended = run("import-redis", env={"STORAGE_CONNECTION_STRING": store})
    assert ended.stdout.splitlines()[0] == "9 of 9 contexts imported."
    assert len(contexts(store)) == 9
    with servers[1].client() as client:
        assert flaws(client) == []


def test_without_a_url_and_without_redis_the_place_is_asked_for(place: Path) -> None:
    ended = run("import-redis", env={"STORAGE_CONNECTION_STRING": f"sqlite:///{place}"})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "extended-memory-mcp: Say where 0.9.0 keeps its memories: import-redis "
        "redis://localhost:6379/0.\n"
    )
    assert not place.exists()


@pytest.mark.long
def test_a_server_that_is_down_is_one_sentence_without_its_password(place: Path) -> None:
    ended = run(
        "import-redis",
        "redis://me:swordfish@127.0.0.1:1/0",
        env={"STORAGE_CONNECTION_STRING": f"sqlite:///{place}"},
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Redis at 127.0.0.1:1 cannot be reached" in ended.stderr
    assert "swordfish" not in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.long
def test_an_import_that_is_killed_is_completed_by_the_next_one(
    servers: Servers, store: str
) -> None:
    count = 3_000
    with servers[0].client() as client, client.pipeline() as pipeline:
        for number in range(count):
            values = {
                "content": f"Note {number}",
                "importance_level": 5,
                "project_id": "many",
                "tags": ["a", f"t{number % 7}"],
                "created_at": f"2026-01-01T00:{number // 60:02}:{number % 60:02}+00:00",
            }
            key = f"extended_memory:context:c0000000-0000-4000-8000-{number:012}"
            pipeline.set(key, json.dumps(values))
        pipeline.execute()
    env = {**os.environ, "STORAGE_CONNECTION_STRING": store}
    with subprocess.Popen(
        [*COMMAND, "import-redis", servers[0].url], env=env, stdout=subprocess.DEVNULL
    ) as importer:
        with closing(opened(store)) as repository:
            eventually(lambda: repository.project("many") is not None)
        importer.send_signal(signal.SIGKILL)
    time.sleep(0.01)
    half = len(contexts(store))
    assert 0 < half < count
    completed = run("import-redis", "--json", servers[0].url, env=env)
    assert completed.returncode == 0, completed.stderr
    imported = sorted(contexts_of(store, count), key=lambda context: context.created_at)
    assert [context.note.content for context in imported] == [f"Note {n}" for n in range(count)]
    assert [context.id for context in imported] == sorted(context.id for context in imported)


def contexts_of(store: str, count: int) -> tuple[Context, ...]:
    with closing(opened(store)) as repository:
        page = repository.load("many", Selection(tags=("a",)), limit=count, offset=0)
        counts = repository.popular_tags("many", minimum_count=1, limit=1)
    assert len(page.contexts) == count
    assert counts.tags[0].count == count
    return page.contexts


def test_an_option_that_is_not_known_starts_the_server_as_0_9_0_did(place: Path) -> None:
    ended = run("--no-such-option", env={"STORAGE_CONNECTION_STRING": f"sqlite:///{place}"})
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
