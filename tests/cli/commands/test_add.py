"""``add``, as a person runs it."""

import json
import subprocess
from contextlib import closing

import pytest

from extended_memory.domain import Context
from tests.support.commands import opened, run
from tests.support.server import COMMAND


def held(env: dict[str, str], context_id: int) -> Context | None:
    with closing(opened(env["STORAGE_CONNECTION_STRING"])) as repository:
        return next(iter(repository.get([context_id], project=None)), None)


def test_a_text_is_saved_with_what_is_said_of_it(env: dict[str, str]) -> None:
    text = "- one\n- two"
    ended = run(
        *("add", text, "--importance", "8", "--tag", "B", "--tag", "a", "--project", "My_Shop"),
        env=env,
    )
    assert (ended.returncode, ended.stdout) == (0, 'Saved as #5 in the project "my shop".\n')
    saved = held(env, 5)
    assert saved is not None
    assert (saved.project, saved.note.content, saved.note.importance, saved.note.tags) == (
        "my shop",
        text,
        8,
        ("a", "b"),
    )


@pytest.mark.long(but=4)
@pytest.mark.parametrize(
    ("given", "kept"), [("a\nb\n", "a\nb"), ("a\r\n", "a"), ("a", "a"), ("a\n\n", "a\n")]
)
def test_the_standard_input_is_saved_without_its_last_line_end(
    env: dict[str, str], given: str, kept: str
) -> None:
    ended = subprocess.run(
        [*COMMAND, "add", "-", "--json"],
        env=env,
        input=given.encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    answer = json.loads(ended.stdout)
    assert (answer["id"], answer["project_id"], answer["importance_level"]) == (5, "general", 5)
    saved = held(env, 5)
    assert saved is not None
    assert saved.note.content == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b" \n", 'The text must not be blank; given: " ".'),
        (b"a" * 50_001, "The text must be at most 50,000 bytes of UTF-8"),
        (b"\xff", "The standard input is not UTF-8"),
    ],
)
def test_what_cannot_be_saved_is_refused(place: object, given: bytes, said: str) -> None:
    ended = subprocess.run(
        [*COMMAND, "add", "-"], input=given, capture_output=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert said in ended.stderr.decode()
