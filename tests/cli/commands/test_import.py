"""``import`` as a person runs it: everything once, whatever happens on the way."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from extended_memory.domain import EVERY_CONTEXT, Change, Note
from tests.support.commands import opened, run
from tests.support.exports import DATA
from tests.support.portable_stores import Held, fill, held, without_ids
from tests.support.redis_servers import RedisServer
from tests.support.server import COMMAND

Servers = tuple[RedisServer, RedisServer]


@pytest.fixture(params=["sqlite", "redis"])
def source(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> str:
    """Give the connection string of a store with everything in it."""
    store = f"sqlite:///{tmp_path}/old.db" if request.param == "sqlite" else servers[0].url
    fill(store)
    return store


def exported(store: str, path: Path, *options: str) -> Path:
    ended = run("export", str(path), *options, env={"STORAGE_CONNECTION_STRING": store})
    assert ended.returncode == 0, ended.stderr
    return path


def imported(store: str, *arguments: str) -> tuple[int, int]:
    """Import and return how many were new, of how many."""
    ended = run("import", "--json", *arguments, env={"STORAGE_CONNECTION_STRING": store})
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    return report["imported"], report["found"]


def test_a_store_is_rebuilt_from_lines(source: str, store: str, tmp_path: Path) -> None:
    file = exported(source, tmp_path / "a.jsonl")
    ended = run("import", str(file), env={"STORAGE_CONNECTION_STRING": store})
    assert (ended.returncode, ended.stdout) == (
        0,
        f"24 of 24 contexts imported from {file}, an export as JSON lines.\n",
    ), ended.stderr
    assert without_ids(held(store)) == without_ids(held(source))
    again = run("import", str(file), env={"STORAGE_CONNECTION_STRING": store})
    assert again.stdout.splitlines()[1:] == ["19 were there before.", "5 left in the trash."]
    assert without_ids(held(store)) == without_ids(held(source))


@pytest.mark.long(but=1)
def test_markdown_brings_the_contexts_as_they_are(source: str, store: str, tmp_path: Path) -> None:
    folder = exported(source, tmp_path / "notes", "--format", "markdown")
    assert imported(store, str(folder)) == (19, 19)
    expected: list[Held] = [
        (context, (), None) for context, _, since in held(source) if since is None
    ]
    assert without_ids(held(store)) == without_ids(expected)
    assert imported(store, str(folder)) == (0, 19)


def test_both_forms_and_a_copy_bring_each_context_once(
    source: str, store: str, tmp_path: Path
) -> None:
    lines = exported(source, tmp_path / "a.jsonl")
    notes = exported(source, tmp_path / "notes", "--format", "markdown")
    assert imported(store, str(lines), str(notes)) == (24, 43)
    copied = run("copy", source, store, env={})
    assert copied.stdout.splitlines()[0] == "0 of 24 contexts copied."


def test_an_export_comes_back_to_its_store_without_doubles(source: str, tmp_path: Path) -> None:
    file = exported(source, tmp_path / "a.jsonl")
    notes = exported(source, tmp_path / "notes", "--format", "markdown")
    with closing(opened(source)) as repository:
        changed, moved, forgotten = (c.id for c in repository.contexts_after(after=0, limit=3))
        repository.update(changed, Change(content="later"), project=None)
        repository.rename_project("project 2", "other")
        repository.forget(forgotten, project=None)
    before = held(source)
    assert imported(source, str(file), str(notes)) == (0, 43)
    assert held(source) == before
    with closing(opened(source)) as repository:
        repository.forget(moved, project=None, permanently=True)
    assert imported(source, str(file)) == (1, 24)


@pytest.mark.long(but=1)
def test_what_a_store_gave_comes_back_from_another_without_doubles(
    source: str, store: str, tmp_path: Path
) -> None:
    with closing(opened(store)) as repository:
        repository.save("own", Note(content="x", importance=1), repeat_within=timedelta(0))
    assert imported(store, str(exported(source, tmp_path / "there.jsonl"))) == (24, 24)
    back = exported(store, tmp_path / "back.jsonl")
    new, found = imported(source, str(back))
    contexts = [context for context, _, since in held(source) if since is None]
    assert (len(contexts), found) == (20, 25)
    assert new == 6  # its own, and the trash, of which nobody knows whence it came


def test_contexts_that_are_alike_in_all_but_their_ids_are_all_kept(
    store: str, tmp_path: Path
) -> None:
    record = {
        "project": "p",
        "content": "twin",
        "importance": 5,
        "tags": [],
        "created_at": "2026-01-01T00:00:00.000Z",
    }
    lines = [json.dumps({"format": "extended-memory", "version": 1})]
    lines += [json.dumps(record | {"id": number}) for number in range(1, 451)]
    (file := tmp_path / "a.jsonl").write_text("\n".join(lines))
    assert imported(store, str(file)) == (450, 450)
    assert imported(store, str(file)) == (0, 450)


def test_a_trial_says_what_is_new_and_changes_nothing(
    source: str, store: str, tmp_path: Path
) -> None:
    file = exported(source, tmp_path / "a.jsonl")
    env = {"STORAGE_CONNECTION_STRING": store}
    trial = run("import", "--dry-run", str(file), env=env)
    assert trial.stdout == (
        f"24 of 24 contexts would be imported from {file}, an export as JSON lines.\n"
    )
    assert not (tmp_path / "store").exists()
    assert held(store) == []
    lines = file.read_text().splitlines(keepends=True)
    (tmp_path / "half.jsonl").write_text("".join(lines[:11]))
    assert imported(store, str(tmp_path / "half.jsonl")) == (10, 10)
    before = held(store)
    assert imported(store, "--dry-run", str(file)) == (14, 24)
    assert held(store) == before


def test_everything_goes_into_the_project_that_is_named(store: str, tmp_path: Path) -> None:
    assert imported(store, str(DATA / "openmemory.zip"), "--project", "My_Proj") == (2, 2)
    assert {context.project for context, _, _ in held(store)} == {"my proj"}
    assert imported(store, str(DATA / "openmemory.zip")) == (0, 2)
    env = {"STORAGE_CONNECTION_STRING": store, "EXTENDED_MEMORY_PROJECT": "pin"}
    assert run("import", str(DATA / "server-memory.jsonl"), env=env).returncode == 0
    assert {context.project for context, _, _ in held(store)} == {"my proj", "pin"}
    refused = run("import", str(DATA / "mem0.json"), "--project", "other", env=env)
    assert refused.returncode == 1
    assert 'pins this memory to the project "pin"' in refused.stderr


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("server-memory.jsonl", 3),
        ("mcp-memory-keeper.json", 4),
        ("basic-memory", 2),
        ("mcp-memory-service.json", 3),
        ("mem0.json", 2),
        ("openmemory.zip", 2),
        ("claude-answer.txt", 4),
        ("claude-memories.json", 3),
    ],
)
def test_what_other_tools_keep_comes_once(name: str, count: int, store: str) -> None:
    assert imported(store, str(DATA / name)) == (count, count)
    before = held(store)
    assert imported(store, str(DATA / name)) == (0, count)
    assert held(store) == before


def test_a_damaged_line_is_said_with_its_number_and_the_rest_imported(
    store: str, tmp_path: Path
) -> None:
    fill(store)
    file = exported(store, tmp_path / "a.jsonl")
    lines = file.read_text().splitlines()
    lines[5] = lines[5][:30]
    file.write_text("\n".join(lines))
    place = f"sqlite:///{tmp_path}/new.db"
    ended = run("import", str(file), env={"STORAGE_CONNECTION_STRING": place})
    assert ended.returncode == 1
    assert ended.stdout == f"23 of 23 contexts imported from {file}, an export as JSON lines.\n"
    *_, damaged, last = ended.stderr.splitlines()
    assert damaged == f"{file}, line 6: it is no JSON."
    assert last == "extended-memory-mcp: 1 could not be read; the rest was imported."
    assert len(held(place)) == 23
    scripted = run("import", "--json", str(file), env={"STORAGE_CONNECTION_STRING": place})
    assert scripted.returncode == 1
    (report,) = json.loads(scripted.stdout)["sources"]
    assert (report["unreadable"], report["unreadable_places"][0]["place"]) == (1, "line 6")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{tmp}/none.jsonl"], "none.jsonl: check the path."),
        (["{tmp}/words.txt"], "words.txt is no export that is known here: say what it is"),
        (["{tmp}/newer.jsonl"], "newer.jsonl was written by a newer release"),
        (["{tmp}/old.db"], "old.db is a database, no export: `copy` brings a store"),
        (["{tmp}/words.txt", "--from", "jsonl"], "words.txt does not begin as an export does"),
        (["{data}/mem0.json", "{tmp}/words.txt"], "words.txt is no export that is known here"),
    ],
)
def test_what_is_no_export_is_refused_before_anything_is_written(
    arguments: list[str], sentence: str, store: str, tmp_path: Path
) -> None:
    (tmp_path / "words.txt").write_text("just words\n")
    (tmp_path / "newer.jsonl").write_text('{"format":"extended-memory","version":2}\n')
    fill(f"sqlite:///{tmp_path}/old.db", count=1)
    names = [one.format(tmp=tmp_path, data=DATA) for one in arguments]
    ended = run("import", *names, env={"STORAGE_CONNECTION_STRING": store})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert held(store) == []


@pytest.mark.parametrize("arguments", [[], ["--dryrun", "x"], ["x", "--from", "nothing"]])
def test_wrong_usage_is_another_exit_code(arguments: list[str]) -> None:
    assert run("import", *arguments, env={}).returncode == 2


def test_standard_input_is_imported(store: str, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path}/old.db"
    fill(source)
    with (
        subprocess.Popen(
            [*COMMAND, "export"],
            env={**os.environ, "STORAGE_CONNECTION_STRING": source},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as exporter,
        subprocess.Popen(
            [*COMMAND, "import", "-"],
            env={**os.environ, "STORAGE_CONNECTION_STRING": store},
            stdin=exporter.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as importer,
    ):
        out, _ = importer.communicate(timeout=60)
    assert out.decode() == "24 of 24 contexts imported from -, an export as JSON lines.\n"
    assert without_ids(held(store)) == without_ids(held(source))


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_import_that_is_interrupted_is_completed_by_the_next(
    number: signal.Signals, store: str, tmp_path: Path
) -> None:
    source = f"sqlite:///{tmp_path}/old.db"
    fill(source, count=1_500)
    file = exported(source, tmp_path / "a.jsonl")
    with (
        closing(opened(store)) as repository,
        subprocess.Popen(
            [*COMMAND, "import", str(file)],
            env={**os.environ, "STORAGE_CONNECTION_STRING": store},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as importer,
    ):
        while not repository.contexts_after(after=0, limit=1):
            assert importer.poll() is None
            time.sleep(0.01)
        importer.send_signal(number)
        _, said = importer.communicate(timeout=60)
    if number == signal.SIGINT:
        assert importer.returncode == 130
        assert "the same command imports the rest." in said
    whole = without_ids(held(source))
    half = without_ids(held(store))
    assert 0 < len(half) < len(whole)
    assert all(one in whole for one in half)
    new, found = imported(store, str(file))
    assert found == 1_500
    assert new <= found - len(half)
    assert without_ids(held(store)) == whole


def test_a_text_that_is_larger_than_a_save_allows_comes_whole(store: str, tmp_path: Path) -> None:
    record = {
        "id": 1,
        "project": "p",
        "content": "ё" * 60_000,
        "importance": 5,
        "tags": [],
        "created_at": "2026-01-01T00:00:00.000Z",
    }
    header = json.dumps({"format": "extended-memory", "version": 1})
    (file := tmp_path / "a.jsonl").write_text(f"{header}\n{json.dumps(record)}\n")
    assert imported(store, str(file)) == (1, 1)
    ((context, _, _),) = held(store)
    assert context.note.content == record["content"]


def test_a_folder_of_notes_can_be_moved_and_edited_without_doubles(
    store: str, tmp_path: Path
) -> None:
    fill(store)
    notes = exported(store, tmp_path / "notes", "--format", "markdown")
    moved = Path(shutil.move(notes, tmp_path / "vault"))
    for file in moved.rglob("*.md"):
        file.write_bytes(file.read_bytes() + b"\n")
    place = f"sqlite:///{tmp_path}/new.db"
    assert imported(place, str(moved)) == (19, 19)
    assert imported(place, str(moved)) == (0, 19)
    assert imported(store, str(moved)) == (0, 19)


def report(store: str, *arguments: str, pin: str = "") -> dict[str, int]:
    """Import and return what became of one source."""
    env = {"STORAGE_CONNECTION_STRING": store, "EXTENDED_MEMORY_PROJECT": pin}
    ended = run("import", "--json", *arguments, env=env)
    assert ended.returncode == 0, ended.stderr
    (source,) = json.loads(ended.stdout)["sources"]
    names = ("imported", "there_before", "in_trash", "moved", "forgotten")
    return {name: source[name] for name in names if source[name]}


def projects(store: str) -> dict[str, int]:
    """Return how many contexts each project holds, with its trash."""
    return dict(Counter(context.project for context, _, _ in held(store)))


def test_a_project_that_is_named_gets_its_own_copies_and_each_once(
    store: str, tmp_path: Path
) -> None:
    fill(store, count=6)  # three projects of two, 0 and 5 in the trash
    file = str(exported(store, tmp_path / "a.jsonl"))
    assert report(store, file) == {"there_before": 6, "in_trash": 2}
    assert report(store, file, "--project", "other", "--dry-run") == {"imported": 6}
    assert report(store, file, "--project", "other") == {"imported": 6}
    for _ in range(2):
        assert report(store, file, "--project", "other") == {"there_before": 6, "in_trash": 2}
    assert report(store, file) == {"there_before": 6, "in_trash": 2}
    assert report(store, file, "--project", "project 0") == {
        "imported": 4,
        "there_before": 2,
        "in_trash": 1,
    }
    assert projects(store) == {"project 0": 6, "project 1": 2, "project 2": 2, "other": 6}
    with closing(opened(store)) as repository:
        repository.rename_project("other", "third")
    assert report(store, file, "--project", "third") == {"there_before": 6, "in_trash": 2}
    assert report(store, file, "--project", "other") == {"imported": 6}
    assert projects(store)["other"] == projects(store)["third"] == 6


def test_what_moved_or_was_forgotten_is_not_brought_and_counted_apart(
    store: str, tmp_path: Path
) -> None:
    source = f"sqlite:///{tmp_path}/old.db"
    with closing(opened(source)) as repository:
        for number, project in enumerate(("moved", "trashed", "gone", "stays")):
            repository.save(
                project,
                Note(content=f"{number}", importance=5, tags=()),
                repeat_within=timedelta(0),
            )
    file = str(exported(source, tmp_path / "a.jsonl"))
    assert report(store, file) == {"imported": 4}
    with closing(opened(store)) as repository:
        repository.rename_project("moved", "elsewhere")
        ids = {
            context.project: context.id for context in repository.contexts_after(after=0, limit=9)
        }
        repository.forget(ids["trashed"], project=None)
        repository.forget(ids["gone"], project=None, permanently=True)
    expected = {"there_before": 4, "moved": 1, "in_trash": 1, "forgotten": 1}
    assert report(store, file) == expected
    ended = run("import", file, env={"STORAGE_CONNECTION_STRING": store})
    assert ended.stdout.splitlines()[1:] == [
        "1 were there before.",
        "1 left in the trash.",
        "1 left in the project they moved to.",
        "1 left out, forgotten for good.",
    ]
    assert report(store, file, "--project", "gone") == {
        "imported": 3,
        "there_before": 1,
        "forgotten": 1,
    }
    assert report(store, file, "--project", "elsewhere") == {"imported": 3, "there_before": 1}


def test_a_pinned_import_is_told_nothing_of_other_projects(store: str, tmp_path: Path) -> None:
    fill(store, count=6)
    file = str(exported(store, tmp_path / "a.jsonl"))
    with closing(opened(store)) as repository:
        first = repository.contexts_after(after=0, limit=1)[0]
        repository.forget(first.id, project=None, permanently=True)
    assert report(store, file, "--dry-run", pin="pin") == {"imported": 6}
    assert report(store, file, pin="pin") == {"imported": 6}
    assert report(store, file, pin="pin") == {"there_before": 6, "in_trash": 2}
    with closing(opened(store)) as repository:
        for context in repository.load("pin", EVERY_CONTEXT, limit=9, offset=0).contexts:
            repository.forget(context.id, project="pin", permanently=True)
    assert report(store, file, pin="pin") == {"there_before": 6, "in_trash": 2, "forgotten": 4}
    assert projects(store)["pin"] == 2


@pytest.mark.long(but=1)
@pytest.mark.parametrize("name", ["server-memory.jsonl", "mem0.json", "basic-memory"])
def test_what_other_tools_keep_is_copied_to_a_project_once(name: str, store: str) -> None:
    file = str(DATA / name)
    count = report(store, file)["imported"]
    assert report(store, file, "--project", "other") == {"imported": count}
    assert report(store, file, "--project", "other") == {"there_before": count}
    assert report(store, file) == {"there_before": count}
    assert projects(store)["other"] == count


def test_a_compressed_export_is_what_it_was(store: str, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path}/old.db"
    fill(source)
    file = exported(source, tmp_path / "m.jsonl")
    packed = tmp_path / "m.jsonl.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    ended = run("import", str(packed), env={"STORAGE_CONNECTION_STRING": store})
    assert ended.stdout == f"24 of 24 contexts imported from {packed}, an export as JSON lines.\n"
    assert without_ids(held(store)) == without_ids(held(source))
    shutil.make_archive(str(tmp_path / "m"), "zip", tmp_path, "m.jsonl")
    assert imported(store, str(tmp_path / "m.zip")) == (0, 24)
    refused = run(
        "import", str(packed), "--from", "openmemory", env={"STORAGE_CONNECTION_STRING": store}
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "looks like an export as JSON lines, not like openmemory" in refused.stderr


def test_a_time_out_of_bounds_is_said_by_line_and_field_and_the_rest_imported(
    store: str, tmp_path: Path
) -> None:
    good = {"project": "p", "content": "x", "importance": 5, "tags": []}
    times = ("2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T00:00:00Z")
    lines = [json.dumps({"format": "extended-memory", "version": 1})]
    lines += [json.dumps(good | {"id": n, "created_at": at}) for n, at in enumerate(times, start=1)]
    (file := tmp_path / "a.jsonl").write_text("\n".join(lines))
    memories = [{"id": f"{n}", "memory": "y", "created_at": at} for n, at in enumerate(times)]
    memories.append({"id": "soon", "memory": "z", "created_at": "soon"})
    (other := tmp_path / "mem0.json").write_text(json.dumps(memories))
    env = {"STORAGE_CONNECTION_STRING": store, "TZ": "Asia/Tokyo"}
    ended = run("import", str(file), str(other), env=env)
    assert ended.returncode == 1
    why = "created_at: a time must be from 1970 to 2247."
    assert ended.stderr.splitlines()[-5:] == [
        f"{file}, line 3: {why}",
        f"{file}, line 4: {why}",
        f"{other}, memory 2: {why}",
        f"{other}, memory 3: {why}",
        "extended-memory-mcp: 4 could not be read; the rest was imported.",
    ]
    assert "1 got the time of this import: their own cannot be read." in ended.stdout
    assert len(held(store)) == 3
