"""``restore``, as a person runs it."""

from contextlib import closing

import pytest

from extended_memory.domain import Context
from tests.support.commands import opened, run

NOT_THERE = "list and search show the ids, trash those that were forgotten."


def held(env: dict[str, str], context_id: int) -> Context | None:
    with closing(opened(env["STORAGE_CONNECTION_STRING"])) as repository:
        return next(iter(repository.get([context_id], project=None)), None)


def test_what_was_forgotten_is_restored_as_it_was(env: dict[str, str]) -> None:
    before = held(env, 1)
    run("forget", "1", "--yes", env=env)
    ended = run("restore", "1", env=env)
    assert (ended.returncode, ended.stdout) == (0, 'Restored #1 in the project "shop".\n')
    assert held(env, 1) == before


def test_an_earlier_text_is_restored(env: dict[str, str]) -> None:
    run("edit", "1", "--importance", "3", "--add-tag", "x", env=env)
    ended = run("restore", "1", "--revision", "1", env=env)
    assert (ended.returncode, ended.stdout) == (0, "#1 is again what it was before change 1.\n")
    restored = held(env, 1)
    assert restored is not None
    assert (restored.note.importance, restored.note.tags) == (9, ("database", "decision"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("99",), f"There is no context #99: {NOT_THERE}"),
        (("1",), "#1 is not in the trash; nothing was restored."),
        (("1", "--revision", "7"), "#1 has no revision 7: show 1 --revisions lists them."),
    ],
)
def test_what_cannot_be_restored_is_said(
    env: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    ended = run("restore", *arguments, env=env)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"extended-memory-mcp: {said}\n"
