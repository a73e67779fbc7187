"""The search as a client uses it, and the answer as a model reads it."""

from typing import Any

import pytest

from extended_memory.protocol.replies import MAXIMUM_REPLY_BYTES
from tests.support.tools import MemoryClient, call, loaded, refused, saved, structured, text

pytestmark = pytest.mark.anyio


async def found(client: MemoryClient, query: str, **arguments: Any) -> dict[str, Any]:
    return structured(await call(client, "search_contexts", query=query, **arguments))


async def test_a_search_answers_with_the_best_and_why(client: MemoryClient) -> None:
    await saved(client, "Nothing about it.", project_id="shop")
    note = await saved(
        client, "Chose PostgreSQL: we need transactions.", project_id="shop", tags=["database"]
    )
    result = await call(
        client, "search_contexts", query="Which database did we choose?", project_id="shop"
    )
    answer = structured(result)
    (context,) = answer["contexts"]
    assert 0 < context.pop("score") <= 1
    assert context == {
        **note,
        "content": "Chose PostgreSQL: we need transactions.",
        "is_cut": False,
        "matched": [{"word": "database", "taken_for": None}],
    }
    assert {key: value for key, value in answer.items() if key != "contexts"} == {
        "project_id": "shop",
        "total": 1,
        "next_offset": None,
        "suggestions": [],
        "unindexed": 0,
    }
    first, second = text(result).split("\n\n")
    assert first == 'Project "shop": 1 context found, best first.'
    assert second.startswith("#2 ")
    assert ", importance 5, tags: database, score 0." in second
    assert ", matched: database" in second
    assert second.endswith("\nChose PostgreSQL: we need transactions.")


async def test_nothing_found_is_an_answer_with_hints(client: MemoryClient) -> None:
    await saved(client, "The deployment to Kubernetes failed.", tags=["ops"])
    result = await call(client, "search_contexts", query="kubrnts")
    assert structured(result)["suggestions"] == ["Kubernetes"]
    assert text(result) == (
        'Project "general": no match.\n\nDid you mean: Kubernetes?\n\nTags used most here: ops (1)'
    )
    empty = await call(client, "search_contexts", query="!?", project_id="empty")
    assert text(empty).endswith("Other words may find it, or fewer filters.")


async def test_a_word_that_stands_for_another_is_told_as_the_note_or_its_tag_has_it(
    client: MemoryClient,
) -> None:
    await saved(client, "Chose PostgreSQL.", tags=["decision"])
    result = await call(client, "search_contexts", query="what was decided of postgresq")
    assert "matched: decided (as decision), postgresq (as PostgreSQL)" in text(result)


async def test_more_than_is_looked_at_is_not_counted(client: MemoryClient) -> None:
    for number in range(205):
        await saved(client, f"zebra {number}")
    result = await call(client, "search_contexts", query="zebra")
    assert text(result).startswith('Project "general": 200 contexts or more found, best first.')


async def test_a_long_note_is_cut_to_the_passage_that_answers(client: MemoryClient) -> None:
    filler = "Lorem ipsum dolor sit amet. " * 300
    note = await saved(client, f"{filler}The zebra lives in Nairobi. {filler}")
    result = await call(client, "search_contexts", query="where does the zebra live")
    (context,) = structured(result)["contexts"]
    assert context["is_cut"]
    assert "The zebra lives in Nairobi." in context["content"]
    assert len(context["content"].encode()) <= 3_000
    assert "load_contexts(ids=[1]) has all]" in text(result)
    (whole,) = await loaded(client, ids=[note["id"]])
    assert whole["content"] == f"{filler}The zebra lives in Nairobi. {filler}"


async def test_a_search_stays_within_the_budget_and_can_be_paged(client: MemoryClient) -> None:
    for number in range(60):
        await saved(client, f"zebra {number} " + "слово " * 3_000)
    seen: list[int] = []
    offset: int | None = 0
    while offset is not None:
        result = await call(client, "search_contexts", query="zebra", limit=50, offset=offset)
        assert len(text(result).encode()) <= MAXIMUM_REPLY_BYTES
        answer = structured(result)
        seen += [context["id"] for context in answer["contexts"]]
        offset = answer["next_offset"]
        if offset is not None:
            assert f"call search_contexts again with offset={offset}" in text(result)
    assert sorted(seen) == list(range(1, 61))
    past = await call(client, "search_contexts", query="zebra", offset=60)
    assert text(past).endswith("Nothing is left at offset 60.")


async def test_a_search_is_filtered(client: MemoryClient) -> None:
    await saved(client, "zebra one", importance_level=2, tags=["a"])
    await saved(client, "zebra two", importance_level=9, tags=["b"])
    for arguments, ids in (
        ({}, [2, 1]),
        ({"importance_level": "5"}, [2]),
        ({"tags_filter": "A, c"}, [1]),
        ({"since": "2000-01-01"}, [2, 1]),
        ({"until": "2000-01-01"}, []),
        ({"since": "2999-12-31T00:00:00Z"}, []),
        ({"project_id": "elsewhere"}, []),
        ({"limit": 1}, [2]),
    ):
        answer = await found(client, "zebra", **arguments)
        assert [context["id"] for context in answer["contexts"]] == ids, arguments


async def test_a_search_that_cannot_be_is_refused_in_one_sentence(client: MemoryClient) -> None:
    for arguments, sentence in (
        ({}, "query is required by search_contexts and was not given."),
        ({"query": "x", "limit": 51}, "limit must be at most 50; given: 51."),
    ):
        assert await refused(client, "search_contexts", **arguments) == sentence


async def test_a_pinned_server_searches_its_project_alone(
    era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastmcp import Client

    from extended_memory.server import mcp

    async with Client(mcp, mode=era) as free:
        await saved(free, "zebra elsewhere", project_id="other")
    monkeypatch.setenv("EXTENDED_MEMORY_PROJECT", "mine")
    async with Client(mcp, mode=era) as pinned:
        own = await saved(pinned, "zebra here")
        answer = await found(pinned, "zebra")
        assert [context["id"] for context in answer["contexts"]] == [own["id"]]
        sentence = await refused(pinned, "search_contexts", query="zebra", project_id="other")
        assert sentence.startswith('This server is pinned to the project "mine"')
        assert await loaded(pinned, ids=[1]) == []
        for tool in ("update_context", "restore_context"):
            result = await call(pinned, tool, context_id=1)
            assert structured(result)["context"] is None
