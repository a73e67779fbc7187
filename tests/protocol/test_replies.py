"""Replies stay within their budget, whatever is in the store."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extended_memory.domain import (
    MAXIMUM_CONTENT_BYTES,
    Context,
    ContextPage,
    CustomInstructions,
    Note,
    Opening,
    Project,
    Selection,
    TagCount,
    TagPage,
)
from extended_memory.protocol import answers, replies

NOW = datetime(2026, 11, 23, 9, 15, 30, 123000, tzinfo=timezone.utc)
LONG_NAME = "𝔭" * 200
LONG_TAGS = tuple(f"{n:02}" + "𝔱" * 98 for n in range(32))

SIZES = st.sampled_from([1, 100, 3_000, 12_490, 12_500, 20_000])
"""Characters of four bytes each: from tiny to more than can be saved."""


def context(number: int, content: str, tags: tuple[str, ...] = ()) -> Context:
    return Context(
        id=number,
        project=LONG_NAME,
        note=Note(content=content, importance=10, tags=tags),
        created_at=NOW,
    )


def load(
    contexts: tuple[Context, ...],
    *,
    total: int | None = None,
    offset: int = 0,
    instructions: str = "",
    popular: tuple[TagCount, ...] = (),
) -> replies.Loaded:
    return replies.loaded(
        ContextPage(contexts=contexts, total=len(contexts) if total is None else total),
        Selection(minimum_importance=10, tags=LONG_TAGS[:10]),
        project=LONG_NAME,
        offset=offset,
        opening=Opening(instructions=CustomInstructions(text=instructions), popular_tags=popular),
    )


@given(sizes=st.lists(SIZES, max_size=12), instructions=st.sampled_from([0, 10, 4_000, 16_384]))
def test_a_load_never_exceeds_its_budget_and_always_goes_on(
    sizes: list[int], instructions: int
) -> None:
    contexts = tuple(context(10**15 + n, "𝔠" * size, LONG_TAGS) for n, size in enumerate(sizes))
    popular = tuple(TagCount(tag=tag, count=10**6) for tag in LONG_TAGS)
    rendered = load(contexts, instructions="𝔦" * instructions, popular=popular)
    assert len(rendered.text.encode()) <= replies.MAXIMUM_REPLY_BYTES
    assert bool(rendered.contexts) == bool(contexts)
    shown = len(rendered.contexts)
    assert rendered.next_offset == (shown if shown < len(contexts) else None)
    for given_one, shown_one in zip(contexts, rendered.contexts, strict=False):
        assert shown_one.note.content in rendered.text
        if len(given_one.note.content.encode()) <= MAXIMUM_CONTENT_BYTES:
            assert shown_one == given_one


def test_a_content_larger_than_can_be_saved_is_cut_with_a_plain_note() -> None:
    content = "я" * 40_000
    (shown,) = load((context(1, content),)).contexts
    note = "\n[cut: 80,000 bytes, the whole of it stays in the store]"
    assert shown.note.content.endswith(note)
    assert content.startswith(shown.note.content.removesuffix(note))
    assert len(shown.note.content.encode()) <= MAXIMUM_CONTENT_BYTES
    assert replace(shown, note=replace(shown.note, content=content)) == context(1, content)


def test_a_cut_never_splits_a_character() -> None:
    for lead in range(4):
        (shown,) = load((context(1, "a" * lead + "𝔠" * 20_000),)).contexts
        assert "\ufffd" not in shown.note.content


def test_too_many_tags_are_cut_in_the_text_but_not_in_the_answer() -> None:
    rendered = load((context(1, "note", LONG_TAGS),))
    assert "and 27 more" in rendered.text
    answer = answers.loaded(rendered, ContextPage(contexts=(), total=1), project="p")
    assert answer["contexts"][0]["tags"] == list(LONG_TAGS)


def test_a_long_list_of_projects_is_cut_and_says_so() -> None:
    projects = [
        Project(name=f"{n} {LONG_NAME}", context_count=n, created_at=NOW, last_saved_at=NOW)
        for n in range(100)
    ]
    listed = replies.listed_projects(projects)
    assert len(listed.text.encode()) <= replies.MAXIMUM_REPLY_BYTES
    assert 60 < listed.rows < 100
    assert listed.text.endswith(f"{100 - listed.rows} more are not shown.")


def test_a_long_list_of_tags_is_cut_and_says_so() -> None:
    tags = tuple(TagCount(tag=f"{n} {'𝔱' * 90}", count=1) for n in range(1000))
    listed = replies.popular_tags(TagPage(tags=tags, total=5000), project="p", minimum_count=1)
    assert len(listed.text.encode()) <= replies.MAXIMUM_REPLY_BYTES
    assert listed.text.endswith(f"{5000 - listed.rows} more are not shown.")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_the_text_shows_local_time_and_the_answer_utc(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("TZ", zone)
    time.tzset()
    local = {"UTC": "09:15", "Asia/Tokyo": "18:15", "America/New_York": "04:15"}[zone]
    try:
        assert f"2026-11-23 {local}" in replies.saved(context(1, "note"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert answers.saved(context(1, "n"))["created_at"] == "2026-11-23T09:15:30.123+00:00"
