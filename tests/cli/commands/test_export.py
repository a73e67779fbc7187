"""``export`` as a person runs it: whole, private, and never in place of half a file."""

import json
import os
import signal
import stat
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.commands import make, run
from tests.support.portable_stores import fill, held
from tests.support.server import COMMAND

EARLIER = b'{"format":"extended-memory","version":1,"exported_at":"2026-11-01T00:00:00.000Z"}\n'


def records(data: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in data.splitlines()[1:]]


def test_a_file_holds_everything(store: str, tmp_path: Path) -> None:
    fill(store)
    file = tmp_path / "memory.jsonl"
    ended = run("export", str(file), env={"STORAGE_CONNECTION_STRING": store})
    assert (ended.returncode, ended.stdout.splitlines()) == (
        0,
        [
            f"19 contexts exported to {file}.",
            "5 more came from the trash, and go there again at an import.",
            "16 earlier texts came along.",
        ],
    ), ended.stderr
    lines = records(file.read_text("utf-8"))
    assert [(line["id"], line["content"], line["forgotten_at"] is not None) for line in lines] == (
        sorted(
            (context.id, context.note.content, since is not None)
            for context, _, since in held(store)
        )
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("*memory.jsonl*")] == ["memory.jsonl"]


def test_standard_output_is_the_data_and_the_report_goes_to_stderr(store: str) -> None:
    fill(store)
    ended = run("export", "--json", env={"STORAGE_CONNECTION_STRING": store})
    header = json.loads(ended.stdout.splitlines()[0])
    assert (header["format"], header["version"]) == ("extended-memory", 1)
    assert datetime.fromisoformat(header["exported_at"].replace("Z", "+00:00"))
    assert len(records(ended.stdout)) == 24
    assert json.loads(ended.stderr.splitlines()[-1]) == {
        "file": "-",
        "contexts": 19,
        "trash": 5,
        "revisions": 16,
    }
    named = run("export", "-", env={"STORAGE_CONNECTION_STRING": store})
    assert records(named.stdout) == records(ended.stdout)


@pytest.mark.long(but=1)
@pytest.mark.parametrize("name", ["project 1", "Project_1"])
def test_one_project_is_exported_alone(name: str, store: str) -> None:
    fill(store)
    ended = run("export", "--project", name, env={"STORAGE_CONNECTION_STRING": store})
    assert {line["project"] for line in records(ended.stdout)} == {"project 1"}
    assert len(records(ended.stdout)) == 8
    env = {"STORAGE_CONNECTION_STRING": store, "EXTENDED_MEMORY_PROJECT": "project 1"}
    assert records(run("export", env=env).stdout) == records(ended.stdout)
    refused = run("export", "--project", "project 2", env=env)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert 'pins this memory to the project "project 1"' in refused.stderr


def test_markdown_is_a_private_file_for_each_context(store: str, tmp_path: Path) -> None:
    fill(store)
    folder = tmp_path / "notes"
    ended = run(
        "export", "--format", "markdown", str(folder), env={"STORAGE_CONNECTION_STRING": store}
    )
    assert (ended.returncode, ended.stdout) == (0, f"19 contexts exported to {folder}.\n")
    files = [file for file in folder.rglob("*") if file.is_file()]
    texts = sorted(file.read_bytes().partition(b"\n---\n")[2] for file in files)
    assert texts == sorted(c.note.content.encode() for c, _, since in held(store) if since is None)
    assert {path.name for path in folder.iterdir()} == {"project-0", "project-1", "project-2"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    again = run(
        "export", "--format", "markdown", str(folder), env={"STORAGE_CONNECTION_STRING": store}
    )
    assert (again.returncode, again.stdout) == (1, "")
    assert "notes is there and not empty: name a new folder." in again.stderr


def test_an_empty_store_is_exported_and_an_empty_folder_is_filled(
    tmp_path: Path, place: Path
) -> None:
    make(str(place))
    ended = run("export", str(tmp_path / "a.jsonl"), env={})
    assert ended.stdout == f"0 contexts exported to {tmp_path}/a.jsonl.\n"
    (tmp_path / "notes").mkdir()
    ended = run("export", "--format", "markdown", str(tmp_path / "notes"), env={})
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{tmp}"], "is a folder: name a file, or say --format markdown"),
        (["{tmp}/none/a.jsonl"], "a.jsonl cannot be written: No such file or directory."),
        (["/dev/full/a.jsonl"], "a.jsonl cannot be written: Not a directory."),
        (["--format", "markdown"], "Markdown goes into a folder: name a new one"),
    ],
)
def test_what_cannot_be_written_is_a_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, place: Path
) -> None:
    make(str(place))
    ended = run("export", *(one.format(tmp=tmp_path) for one in arguments), env={})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_name_that_no_project_has_is_wrong_usage(place: Path) -> None:
    make(str(place))
    ended = run("export", "--project", "a\x07b", env={})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "control character" in ended.stderr


@pytest.mark.long(but=1)
def test_a_full_disk_is_a_sentence(store: str) -> None:
    fill(store)
    env = {**os.environ, "STORAGE_CONNECTION_STRING": store}
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*COMMAND, "export"], env=env, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert ended.returncode == 1
    assert "Standard output cannot be written: No space left on device." in ended.stderr
    assert "Exception" not in ended.stderr


def test_a_reader_that_goes_away_is_a_sentence(store: str) -> None:
    fill(store)
    env = {**os.environ, "STORAGE_CONNECTION_STRING": store}
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [*COMMAND, "export"], env=env, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert ended.returncode == 1
    assert ended.stderr.endswith("Nobody reads on: the export is not whole.\n")


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_export_that_is_interrupted_leaves_the_old_file(
    number: signal.Signals, tmp_path: Path, place: Path
) -> None:
    store = f"sqlite:///{place}"
    fill(store, count=3_000)
    file = tmp_path / "memory.jsonl"
    file.write_bytes(EARLIER)
    with subprocess.Popen(
        [*COMMAND, "export", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as exporter:
        while not any(beside.stat().st_size for beside in tmp_path.glob(".memory.jsonl.*.part")):
            assert exporter.poll() is None
        exporter.send_signal(number)
    assert exporter.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert file.read_bytes() == EARLIER
    if number == signal.SIGINT:
        assert not list(tmp_path.glob(".memory.jsonl.*"))
