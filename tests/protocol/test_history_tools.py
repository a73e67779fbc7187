"""Correcting, forgetting, restoring, and loading by time and by id, as a client uses the tools."""

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from extended_memory.protocol.replies import MAXIMUM_REPLY_BYTES
from tests.support.tools import MemoryClient, call, loaded, refused, saved, structured, text

pytestmark = pytest.mark.anyio

MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")


async def test_a_correction_changes_what_is_given_and_says_how_to_take_it_back(
    client: MemoryClient,
) -> None:
    before = await saved(client, "We chose MySQL.", importance_level=8, tags=["db"])
    result = await call(
        client, "update_context", context_id=1, content="We chose PostgreSQL.", add_tags=["SQL"]
    )
    answer = structured(result)
    assert answer == {
        "context": {
            **before,
            "content": "We chose PostgreSQL.",
            "tags": ["db", "sql"],
            "updated_at": answer["context"]["updated_at"],
        },
        "revision": 1,
    }
    assert MILLISECONDS.fullmatch(answer["context"]["updated_at"])
    assert text(result) == (
        'Changed #1 in project "general" (importance 8, tags: db, sql), updated_at '
        f"{answer['context']['updated_at']}. What it was is kept: restore_context(context_id=1, "
        "revision=1) brings it back."
    )
    assert await loaded(client) == [answer["context"]]
    back = structured(await call(client, "restore_context", context_id=1, revision=1))
    assert (back["context"]["content"], back["context"]["tags"]) == ("We chose MySQL.", ["db"])


async def test_a_correction_of_nothing_changes_nothing(client: MemoryClient) -> None:
    before = await saved(client, "same", tags=["a"])
    for nothing in ({}, {"content": "same"}, {"tags": "a"}, {"importance_level": "5"}):
        result = await call(client, "update_context", context_id=1, **nothing)
        assert structured(result) == {"context": {**before, "content": "same"}, "revision": None}
        assert text(result) == "#1 is so already; nothing was changed."


async def test_a_correction_of_what_is_not_there_says_so(client: MemoryClient) -> None:
    await saved(client, "elsewhere", project_id="other")
    for arguments in ({"context_id": 7}, {"context_id": 1, "project_id": "mine"}):
        result = await call(client, "update_context", content="x", **arguments)
        assert structured(result) == {"context": None, "revision": None}
        assert "nothing was changed" in text(result)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tags": []}, []),
        ({"tags": "x, Y"}, ["x", "y"]),
        ({"tags": '["z"]', "add_tags": "a"}, ["a", "z"]),
        ({"remove_tags": ["A"]}, ["b"]),
        ({"tags": None, "add_tags": ["c"]}, ["a", "b", "c"]),
    ],
    ids=str,
)
async def test_tags_are_replaced_added_and_removed(
    client: MemoryClient, changes: dict[str, Any], expected: list[str]
) -> None:
    await saved(client, "note", tags=["a", "b"])
    answer = structured(await call(client, "update_context", context_id=1, **changes))
    assert answer["context"]["tags"] == expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"content": " "}, "content must not be blank"),
        ({"importance_level": 11}, "importance_level must be at most 10; given: 11."),
        ({"expected_updated_at": "now"}, "expected_updated_at must be a date or a time, such as"),
    ],
    ids=str,
)
async def test_a_correction_that_cannot_be_is_refused(
    client: MemoryClient, changes: dict[str, Any], sentence: str
) -> None:
    before = await saved(client, "note")
    assert sentence in await refused(client, "update_context", context_id=1, **changes)
    assert await loaded(client) == [{**before, "content": "note"}]


async def test_what_was_changed_meanwhile_is_shown_and_not_overwritten(
    client: MemoryClient,
) -> None:
    seen = (await saved(client, "first"))["updated_at"]
    arguments = {"context_id": 1, "expected_updated_at": seen}
    await call(client, "update_context", content="second", **arguments)
    sentence = await refused(client, "update_context", content="third", **arguments)
    assert sentence.startswith("#1 was changed meanwhile, at ")
    assert "\nsecond\n" in sentence
    (context,) = await loaded(client)
    assert context["content"] == "second"
    for precision in (10, 16, 19, 23):  # a day, a minute, a second, a millisecond
        shown = context["updated_at"][:precision]
        zone = "" if precision == 10 else "Z"
        local = datetime.now().astimezone().date().isoformat()
        answer = await call(
            client,
            "update_context",
            context_id=1,
            content=f"by {precision}",
            expected_updated_at=local if precision == 10 else shown + zone,
        )
        context = structured(answer)["context"]


async def test_what_is_forgotten_is_restored_with_a_word_on_how(client: MemoryClient) -> None:
    before = await saved(client, "note", tags=["a"], importance_level=9)
    assert structured(await call(client, "forget_context", context_id=1))["can_be_restored"]
    assert await loaded(client) == []
    result = await call(client, "restore_context", context_id=1)
    assert structured(result) == {"context": {**before, "content": "note"}, "revisions": []}
    assert text(result).startswith('Restored in project "general":\n\n#1 ')
    again = await call(client, "restore_context", context_id=1)
    assert structured(again)["context"] is None
    assert text(again) == "There is no context #1 in the trash; nothing was restored."


async def test_a_restore_that_finds_nothing_lists_the_earlier_texts(client: MemoryClient) -> None:
    await saved(client, "The first text of it.")
    await call(client, "update_context", context_id=1, content="The second one.")
    result = await call(client, "restore_context", context_id=1, revision=9)
    (revision,) = structured(result)["revisions"]
    assert (revision["revision"], revision["beginning"]) == (1, "The first text of it.")
    assert "no context #1 with a revision 9" in text(result)
    assert re.search(r"revision 1, .*: The first text of it\.$", text(result))


async def test_what_is_forgotten_permanently_is_gone(client: MemoryClient) -> None:
    await saved(client, "note")
    result = await call(client, "forget_context", context_id=1, permanently="true")
    assert structured(result)["can_be_restored"] is False
    assert text(result) == 'Forgot #1 of project "general"; it is gone for good.'
    assert structured(await call(client, "restore_context", context_id=1))["context"] is None


async def test_a_load_by_time(client: MemoryClient) -> None:
    await saved(client, "note")
    today = datetime.now().astimezone().date()
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    for span, count in (
        ({"since": today.isoformat()}, 1),
        ({"until": today.isoformat()}, 1),  # to the end of that day
        ({"since": yesterday.isoformat(), "until": yesterday.isoformat()}, 0),
        ({"since": tomorrow.isoformat()}, 0),
        ({"since": datetime.now(timezone.utc).isoformat()}, 0),
        ({"since": None, "until": ""}, 1),
    ):
        assert len(await loaded(client, **span)) == count, span
    result = await call(client, "load_contexts", since=tomorrow.isoformat(), importance_level=1)
    assert f"saved from {tomorrow} 00:00 on" in text(result)
    assert "since must be a date or a time" in await refused(client, "load_contexts", since="soon")


async def test_a_load_by_ids_gives_whole_contexts_of_any_project(client: MemoryClient) -> None:
    first = await saved(client, "one", project_id="a")
    second = await saved(client, "two", project_id="b", importance_level=1)
    result = await call(client, "load_contexts", ids=[2, 9, 1])
    answer = structured(result)
    assert answer["contexts"] == [{**second, "content": "two"}, {**first, "content": "one"}]
    assert (answer["project_id"], answer["total"], answer["next_offset"]) == (None, 2, None)
    assert 'project "b"\ntwo' in text(result)
    assert text(result).endswith("There is no #9.")
    assert len(await loaded(client, ids="[1, 2]", project_id="b")) == 1
    assert len(await loaded(client, ids="1,2")) == 2
    assert "ids" in await refused(client, "load_contexts", ids=[0])
    assert "ids" in await refused(client, "load_contexts", ids=list(range(1, 102)))


async def test_what_does_not_fit_into_a_load_has_a_line_each(client: MemoryClient) -> None:
    for number in range(6):
        await saved(client, f"Note {number} " + "word " * 4_000, importance_level=8)
    result = await call(client, "load_contexts", init_load=False)
    answer = structured(result)
    shown = [context["id"] for context in answer["contexts"]]
    left = [context["id"] for context in answer["left_out"]]
    assert [*shown, *left] == [6, 5, 4, 3, 2, 1]
    assert len(shown) == 2
    assert answer["next_offset"] == 2
    assert answer["left_out"][0]["beginning"].startswith("Note 3 word word")
    lines = text(result).splitlines()[-4:]
    assert all(
        re.match(rf"#{n} .*: Note {n - 1} word", x) for n, x in zip(left, lines, strict=True)
    )
    assert len(text(result).encode()) <= MAXIMUM_REPLY_BYTES
    whole = await loaded(client, ids=left[:2])
    assert [context["id"] for context in whole] == left[:2]
    many = await call(client, "load_contexts", ids=[1, 2, 3, 4, 5, 6])
    assert "More: call load_contexts again with ids=[" in text(many)
    assert len(text(many).encode()) <= MAXIMUM_REPLY_BYTES
