"""The tools as a client uses them, in both protocol eras."""

import json
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from mcp_types import TextContent, TextResourceContents

from extended_memory.domain import Selection
from extended_memory.protocol.replies import MAXIMUM_REPLY_BYTES
from extended_memory.server import mcp
from extended_memory.storage.sqlite.repository import SqliteRepository
from extended_memory.version import __version__
from tests.support.tools import MemoryClient, call, refused, structured, text

pytestmark = pytest.mark.anyio

in_one_era = pytest.mark.parametrize("era", ["auto"], indirect=True, ids=["2026-07-28"])
"""For what no era makes a difference to: the grammar of arguments."""


async def overview(client: MemoryClient) -> str:
    """Read the start-up resource."""
    (content,) = await client.read_resource("memory://startup-context")
    assert isinstance(content, TextResourceContents)
    return content.text


async def test_a_save_answers_what_was_stored_but_not_the_content(client: MemoryClient) -> None:
    before = datetime.now(timezone.utc) - timedelta(milliseconds=1)
    result = await call(
        client,
        "save_context",
        content="the content",
        importance_level=8,
        tags=["Web", "api", "web "],
        project_id="My_Proj",
    )
    answer = structured(result)
    created_at = datetime.fromisoformat(answer.pop("created_at"))
    assert before <= created_at <= datetime.now(timezone.utc)
    assert answer.pop("updated_at") == created_at.isoformat(timespec="milliseconds")
    assert answer == {
        "id": 1,
        "project_id": "my proj",
        "importance_level": 8,
        "tags": ["api", "web"],
    }
    assert text(result) == (
        'Saved as #1 in project "my proj" (importance 8, tags: api, web) at '
        f"{created_at.astimezone():%Y-%m-%d %H:%M}."
    )


async def test_a_save_has_the_defaults_of_0_9_0(client: MemoryClient) -> None:
    answer = structured(await call(client, "save_context", content="note"))
    assert (answer["project_id"], answer["importance_level"], answer["tags"]) == ("general", 5, [])


async def test_a_load_gives_whole_contexts_newest_first(client: MemoryClient) -> None:
    saved = [
        structured(
            await call(
                client, "save_context", content=f"note {n}\nline", importance_level=9, tags=["t"]
            )
        )
        for n in range(3)
    ]
    result = await call(client, "load_contexts", init_load=False)
    expected = [{**saved[n], "content": f"note {n}\nline"} for n in (2, 1, 0)]
    assert structured(result) == {
        "project_id": "general",
        "contexts": expected,
        "left_out": [],
        "total": 3,
        "total_is_exact": True,
        "next_offset": None,
    }
    when = datetime.fromisoformat(saved[0]["created_at"]).astimezone().strftime("%Y-%m-%d %H:%M")
    lines = text(result).split("\n\n")
    assert lines[0] == 'Project "general": 3 contexts with importance 7 or more, newest first.'
    assert lines[-1] == f"#1 {when}, importance 9, tags: t\nnote 0\nline"


async def test_a_load_has_the_defaults_of_0_9_0(client: MemoryClient) -> None:
    for number in range(31):
        await call(client, "save_context", content=f"note {number}", importance_level=7)
    await call(client, "save_context", content="minor", importance_level=6)
    answer = structured(await call(client, "load_contexts"))
    assert (len(answer["contexts"]), answer["total"], answer["next_offset"]) == (30, 31, 30)


async def test_what_is_left_is_told_and_can_be_loaded(client: MemoryClient) -> None:
    for number in range(5):
        await call(client, "save_context", content=f"note {number}", importance_level=9)
    first = await call(client, "load_contexts", limit=3)
    assert text(first).endswith(
        "2 more: call load_contexts again with offset=3 and init_load=false, the other arguments "
        "unchanged."
    )
    rest = await call(client, "load_contexts", limit=3, offset=3, init_load=False)
    assert [c["content"] for c in structured(rest)["contexts"]] == ["note 1", "note 0"]
    assert structured(rest)["next_offset"] is None
    beyond = await call(client, "load_contexts", offset=9, init_load=False)
    assert structured(beyond)["contexts"] == []
    assert "Nothing is left at offset 9." in text(beyond)


async def test_an_empty_load_says_what_a_lower_importance_would_find(
    client: MemoryClient,
) -> None:
    assert "Nothing is saved there." in text(await call(client, "load_contexts"))
    await call(client, "save_context", content="note", importance_level=6)
    result = await call(client, "load_contexts")
    assert text(result).endswith(
        "The project holds 1 context below that: importance_level=1 loads all."
    )
    assert structured(result)["total"] == 0


async def test_the_first_load_shows_the_tags_of_this_project_only(client: MemoryClient) -> None:
    await call(client, "save_context", content="a", tags=["mine"], project_id="one")
    await call(client, "save_context", content="b", tags=["theirs"], project_id="two")
    first = text(await call(client, "load_contexts", project_id="one"))
    assert "Tags used most here: mine (1)" in first
    assert "theirs" not in first
    assert "mine" not in text(
        await call(client, "load_contexts", project_id="one", init_load=False)
    )


async def test_tags_filter_loads_any_of_them_and_turns_the_first_load_off(
    client: MemoryClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content, tags in (("one", ["a"]), ("two", ["b"]), ("three", ["c"])):
        await call(client, "save_context", content=content, tags=tags, importance_level=9)
    result = await call(client, "load_contexts", tags_filter=["A", "b"], init_load=True)
    assert [c["content"] for c in structured(result)["contexts"]] == ["two", "one"]
    assert "Tags used most" not in text(result)


async def test_spellings_of_a_project_are_one(client: MemoryClient) -> None:
    await call(client, "save_context", content="note", project_id="my proj", importance_level=9)
    answer = structured(await call(client, "load_contexts", project_id="My_Proj"))
    assert (answer["project_id"], answer["total"]) == ("my proj", 1)


async def test_a_project_that_is_not_named_is_general(client: MemoryClient) -> None:
    answer = structured(await call(client, "save_context", content="note", project_id="---"))
    assert answer["project_id"] == "general"


async def test_similar_projects_are_not_merged(client: MemoryClient) -> None:
    await call(client, "save_context", content="note", project_id="app", importance_level=9)
    for other in ("apps", "app 2", "ap", "a p p", "арр"):
        assert structured(await call(client, "load_contexts", project_id=other))["total"] == 0


async def test_forgetting_by_id(client: MemoryClient) -> None:
    await call(client, "save_context", content="note", project_id="one")
    result = await call(client, "forget_context", context_id=1)
    assert structured(result) == {
        "id": 1,
        "project_id": "one",
        "forgotten": True,
        "can_be_restored": True,
    }
    assert text(result) == (
        'Forgot #1 of project "one". For 30 days, restore_context(context_id=1) brings it back.'
    )
    again = await call(client, "forget_context", context_id=1)
    assert structured(again) == {
        "id": 1,
        "project_id": None,
        "forgotten": False,
        "can_be_restored": False,
    }
    assert text(again) == "There is no context #1; nothing was forgotten."


async def test_forgetting_within_another_project_finds_nothing(client: MemoryClient) -> None:
    await call(client, "save_context", content="note", project_id="one", importance_level=9)
    result = await call(client, "forget_context", context_id=1, project_id="two")
    assert structured(result) == {
        "id": 1,
        "project_id": "two",
        "forgotten": False,
        "can_be_restored": False,
    }
    assert structured(await call(client, "load_contexts", project_id="one"))["total"] == 1


async def test_projects_are_listed_by_their_last_save(client: MemoryClient) -> None:
    assert text(await call(client, "list_all_projects")) == "Nothing is saved yet."
    saved: dict[str, list[str]] = {}
    for name in ("one", "two", "one"):
        answer = structured(
            await call(client, "save_context", content=f"{len(saved)} {name}", project_id=name)
        )
        saved.setdefault(name, []).append(answer["created_at"])
    result = await call(client, "list_all_projects")
    assert structured(result) == {
        "projects": [
            {
                "id": name,
                "context_count": len(times),
                "created_at": times[0],
                "last_saved_at": times[-1],
            }
            for name, times in (("one", saved["one"]), ("two", saved["two"]))
        ],
        "total": 2,
    }
    assert text(result).splitlines()[0] == "2 projects, the one saved to last first:"
    assert text(result).splitlines()[1].startswith("one: 2 contexts, last saved 20")


async def test_popular_tags_of_one_project(client: MemoryClient) -> None:
    for tags in (["b", "a"], ["b"], ["c", "b"]):
        await call(client, "save_context", content=str(tags), tags=tags, project_id="one")
    await call(client, "save_context", content="x", tags=["other"], project_id="two")
    result = await call(client, "get_popular_tags", project_id="one", limit=2)
    assert structured(result) == {
        "project_id": "one",
        "tags": [{"tag": "b", "count": 3}, {"tag": "a", "count": 1}],
        "total": 3,
    }
    assert text(result) == (
        'Project "one": 3 tags, most used first:\nb (3)\na (1)\n1 more are not shown.'
    )
    more = await call(client, "get_popular_tags", project_id="one", min_usage=2)
    assert structured(more)["tags"] == [{"tag": "b", "count": 3}]
    none = await call(client, "get_popular_tags", min_usage=5)
    assert text(none) == 'Project "general" has no tags used 5 times or more.'


async def test_a_repeated_save_answers_the_same_id(client: MemoryClient) -> None:
    arguments = {"content": "note", "tags": ["a"], "importance_level": 9}
    first = structured(await call(client, "save_context", **arguments))
    again = structured(await call(client, "save_context", **arguments))
    assert again == first
    assert structured(await call(client, "load_contexts"))["total"] == 1


@in_one_era
async def test_a_save_is_lenient_where_clients_err(client: MemoryClient) -> None:
    answer = structured(
        await call(
            client,
            "save_context",
            content="note",
            importance_level=" 8.0 ",
            tags='["B", "a"]',
            project_id=None,
        )
    )
    assert (answer["importance_level"], answer["tags"], answer["project_id"]) == (
        8,
        ["a", "b"],
        "general",
    )


@in_one_era
async def test_booleans_may_come_as_strings(client: MemoryClient) -> None:
    await call(client, "save_context", content="note", tags=["seen"])
    for spelling, is_seen in (("no", False), ("YES", True), (None, True)):
        result = await call(client, "load_contexts", init_load=spelling)
        assert ("seen" in text(result)) == is_seen


@in_one_era
async def test_every_argument_of_a_load_may_come_as_a_string(client: MemoryClient) -> None:
    for number in range(4):
        await call(client, "save_context", content=f"note {number}", tags=["a"])
    answer = structured(
        await call(
            client,
            "load_contexts",
            importance_level="1",
            limit="2",
            offset="1",
            tags_filter='["a"]',
            project_id="general",
        )
    )
    assert [c["content"] for c in answer["contexts"]] == ["note 2", "note 1"]
    assert answer["next_offset"] == 3
    nulls = dict.fromkeys(
        ("importance_level", "limit", "offset", "tags_filter", "project_id", "init_load")
    )
    assert structured(await call(client, "load_contexts", **nulls))["total"] == 0


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "save_context",
        {"content": "a", "importance_level": 11},
        "importance_level must be at most 10; given: 11.",
    ),
    ("forget_context", {}, "context_id is required by forget_context and was not given."),
    (
        "list_all_projects",
        {"project_id": "a"},
        'project_id must not be given, list_all_projects has no such argument; given: "a".',
    ),
]
"""One of each kind; the grammar of every argument is in ``test_arguments``."""


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"), REFUSED, ids=[tool for tool, _, _ in REFUSED]
)
async def test_a_wrong_call_is_refused_in_one_sentence(
    client: MemoryClient, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    assert await refused(client, tool, **arguments) == sentence
    listed = await call(client, "list_all_projects")
    assert structured(listed) == {"projects": [], "total": 0}


@in_one_era
async def test_the_bounds_themselves_are_accepted(client: MemoryClient) -> None:
    answer = structured(
        await call(
            client,
            "save_context",
            content="я" * 25_000,
            importance_level=10,
            tags=["ы" * 100, *(f"{n}" for n in range(31))],
            project_id="п" * 200,
        )
    )
    assert len(answer["tags"]) == 32
    loaded = structured(await call(client, "load_contexts", project_id="П" * 200, limit=100))
    assert loaded["contexts"][0]["content"] == "я" * 25_000


@in_one_era
async def test_whatever_can_be_saved_comes_back_whole(client: MemoryClient) -> None:
    contents = [f"{n} " + "й" * 24_990 for n in range(3)] + ["short", "x" * 30_000]
    tags = ["ж" * 99 + f"{n % 10}" for n in range(10)]
    for content in contents:
        await call(
            client,
            "save_context",
            content=content,
            importance_level=9,
            tags=tags,
            project_id="ы" * 200,
        )
    found: list[str] = []
    offset: int | None = 0
    while offset is not None:
        result = await call(client, "load_contexts", project_id="ы" * 200, offset=offset)
        assert len(text(result).encode()) <= MAXIMUM_REPLY_BYTES
        answer = structured(result)
        assert answer["contexts"]
        for context in answer["contexts"]:
            assert context["content"] in text(result)
            found.append(context["content"])
        offset = answer["next_offset"]
    assert found == contents[::-1]


async def test_a_wrong_call_leaves_no_trace_of_others(client: MemoryClient) -> None:
    await call(client, "save_context", content="secret words", project_id="one", tags=["hidden"])
    for tool in ("load_contexts", "get_popular_tags"):
        result = await call(client, tool, project_id="two")
        assert "secret" not in str(result)
        assert "hidden" not in str(result)
    assert "secret" not in str(await call(client, "list_all_projects"))
    assert "hidden" not in str(await call(client, "list_all_projects"))


async def test_the_server_says_its_own_name_and_version(client: MemoryClient) -> None:
    info = client.server_info
    assert info is not None
    assert (info.name, info.version) == ("extended-memory-mcp", __version__)
    assert client.instructions is not None
    assert "load_contexts" in client.instructions


async def test_the_tools_and_their_arguments_are_those_of_0_9_0_and_more(
    client: MemoryClient,
) -> None:
    schemas = {tool.name: tool.input_schema for tool in await client.list_tools()}
    assert {name: list(schema["properties"]) for name, schema in schemas.items()} == {
        "save_context": ["content", "importance_level", "tags", "project_id"],
        "load_contexts": [
            "project_id",
            "importance_level",
            "limit",
            "tags_filter",
            "offset",
            "init_load",
            "since",
            "until",
            "ids",
        ],
        "search_contexts": [
            "query",
            "project_id",
            "tags_filter",
            "importance_level",
            "since",
            "until",
            "limit",
            "offset",
        ],
        "update_context": [
            "context_id",
            "content",
            "importance_level",
            "tags",
            "add_tags",
            "remove_tags",
            "project_id",
            "expected_updated_at",
        ],
        "forget_context": ["context_id", "project_id", "permanently"],
        "restore_context": ["context_id", "revision", "project_id"],
        "list_all_projects": [],
        "get_popular_tags": ["limit", "min_usage", "project_id"],
    }
    types = {
        name: {key: value["type"] for key, value in schema["properties"].items()}
        for name, schema in schemas.items()
    }
    assert types["save_context"] == {
        "content": "string",
        "importance_level": "integer",
        "tags": "array",
        "project_id": "string",
    }
    assert types["load_contexts"]["init_load"] == "boolean"
    defaults = {
        name: {k: v["default"] for k, v in schema["properties"].items() if "default" in v}
        for name, schema in schemas.items()
    }
    assert defaults == {
        "save_context": {"importance_level": 5, "tags": [], "project_id": ""},
        "load_contexts": {
            "project_id": "",
            "importance_level": 7,
            "limit": 30,
            "tags_filter": [],
            "offset": 0,
            "init_load": True,
            "ids": [],
        },
        "search_contexts": {
            "project_id": "",
            "tags_filter": [],
            "importance_level": 1,
            "limit": 10,
            "offset": 0,
        },
        "update_context": {"add_tags": [], "remove_tags": [], "project_id": ""},
        "forget_context": {"project_id": "", "permanently": False},
        "restore_context": {"project_id": ""},
        "list_all_projects": {},
        "get_popular_tags": {"limit": 20, "min_usage": 1, "project_id": ""},
    }


async def test_every_tool_has_its_annotations_and_words(client: MemoryClient) -> None:
    tools = {tool.name: tool for tool in await client.list_tools()}
    hints = {}
    for name, tool in tools.items():
        assert tool.description
        assert tool.output_schema is not None
        assert tool.annotations is not None
        assert tool.annotations.title
        assert tool.annotations.open_world_hint is False
        hints[name] = (
            tool.annotations.read_only_hint,
            tool.annotations.destructive_hint,
            tool.annotations.idempotent_hint,
        )
    assert hints == {
        "save_context": (False, False, False),
        "load_contexts": (True, False, True),
        "search_contexts": (True, False, True),
        "update_context": (False, False, True),
        "forget_context": (False, True, True),
        "restore_context": (False, False, True),
        "list_all_projects": (True, False, True),
        "get_popular_tags": (True, False, True),
    }


async def test_the_list_of_tools_is_small(client: MemoryClient) -> None:
    tools = [
        tool.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"output_schema"})
        for tool in await client.list_tools()
    ]
    assert len(json.dumps({"tools": tools}, ensure_ascii=False).encode()) < 8_000


async def test_the_prompt_tells_how_to_use_the_memory(client: MemoryClient) -> None:
    prompt = await client.get_prompt("memory_instructions")
    (message,) = prompt.messages
    assert isinstance(message.content, TextContent)
    words = message.content.text
    for word in ("load_contexts", "save_context", "Never invent", "Mentioned next steps"):
        assert word in words


async def test_the_startup_resource_gives_projects_and_important_contexts(
    client: MemoryClient,
) -> None:
    for number in range(12):
        await call(
            client,
            "save_context",
            content=f"{number} " + "long " * 200,
            importance_level=10 if number == 3 else 8,
            project_id=f"project {number % 2}",
        )
    await call(client, "save_context", content="minor", project_id="project 0")
    (resource,) = await client.list_resources()
    assert (str(resource.uri), resource.mime_type) == (
        "memory://startup-context",
        "application/json",
    )
    content = await overview(client)
    assert len(content.encode()) <= 8_000
    shown = json.loads(content)
    assert [project["id"] for project in shown["available_projects"]] == [
        "project 0",
        "project 1",
    ]
    important = shown["high_importance_contexts"]
    assert important[0]["importance"] == 10
    assert important[0]["project"] == "project 1"
    assert important[0]["content"].startswith("3 long")
    assert all(context["importance"] >= 7 for context in important)


async def test_custom_instructions_are_read_at_each_first_load(
    era: str, anyio_backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "instructions.md"
    monkeypatch.setenv("CUSTOM_INSTRUCTION_PATH", str(path))
    async with Client(mcp, mode=era) as client:
        missing = await call(client, "load_contexts")
        assert text(missing).splitlines()[0] == (
            "Custom instructions were not loaded: the file of CUSTOM_INSTRUCTION_PATH cannot be "
            "read (No such file or directory)."
        )
        path.write_text("# Be brief\nAlways.\n", encoding="utf-8")
        found = await call(client, "load_contexts")
        assert text(found).startswith("Custom instructions:\n# Be brief\nAlways.\n\nProject")
        assert structured(found)["custom_instructions"] == "# Be brief\nAlways."
        path.write_text("Changed.", encoding="utf-8")
        assert "Changed." in text(await call(client, "load_contexts"))
        for later in ({"init_load": False}, {"tags_filter": ["a"]}):
            result = await call(client, "load_contexts", **later)
            assert "Changed." not in text(result)
            assert "custom_instructions" not in structured(result)


async def test_large_custom_instructions_leave_room_for_contexts(
    era: str, anyio_backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "instructions.md"
    path.write_text("п" * 32_768, encoding="utf-8")
    monkeypatch.setenv("CUSTOM_INSTRUCTION_PATH", str(path))
    async with Client(mcp, mode=era) as client:
        for number in range(3):
            content = f"{number}" + "й" * 24_999
            await call(client, "save_context", content=content, importance_level=9)
        result = await call(client, "load_contexts")
        assert len(text(result).encode()) <= MAXIMUM_REPLY_BYTES
        (context,) = structured(result)["contexts"]
        assert context["content"] == "2" + "й" * 24_999
        assert structured(result)["next_offset"] == 1
        assert "[cut: 65,536 bytes, the file is larger than a reply may be]" in text(result)
        path.write_text("п" * 32_769, encoding="utf-8")
        assert "has more than 65,536 bytes" in text(await call(client, "load_contexts"))


@pytest.fixture
async def pinned(
    era: str, anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[MemoryClient]:
    """Give a client of a server pinned to "Mi_NE", on a store that holds another project's #1."""
    # One after the other: FastMCP enters a server's lifespan, and so reads the environment, once
    # for all the clients that are connected at a time.
    async with Client(mcp, mode=era) as client:
        await call(
            client,
            "save_context",
            content="theirs",
            project_id="theirs",
            tags=["hidden"],
            importance_level=9,
        )
    monkeypatch.setenv("EXTENDED_MEMORY_PROJECT", "Mi_NE")
    async with Client(mcp, mode=era) as pinned:
        yield pinned


async def test_a_pinned_server_works_on_its_project_by_default(pinned: MemoryClient) -> None:
    for name in ("", "mi ne", "MI-NE", None):
        answer = structured(await call(pinned, "save_context", content="m", project_id=name))
        assert answer["project_id"] == "mi ne"
    assert structured(await call(pinned, "get_popular_tags"))["project_id"] == "mi ne"
    assert structured(await call(pinned, "load_contexts"))["project_id"] == "mi ne"


async def test_a_pinned_server_refuses_any_other_project(pinned: MemoryClient) -> None:
    for tool, arguments in (
        ("save_context", {"content": "a"}),
        ("load_contexts", {}),
        ("get_popular_tags", {}),
        ("forget_context", {"context_id": 1}),
    ):
        assert await refused(pinned, tool, project_id="theirs", **arguments) == (
            'This server is pinned to the project "mi ne": leave project_id out or give that one; '
            'given: "theirs".'
        )
        assert "pinned" in await refused(pinned, tool, project_id="general", **arguments)


async def test_a_pinned_server_neither_shows_nor_touches_others(
    pinned: MemoryClient, place: Path
) -> None:
    listed = await call(pinned, "list_all_projects")
    assert structured(listed) == {"projects": [], "total": 0}
    result = await call(pinned, "forget_context", context_id=1)
    assert structured(result) == {
        "id": 1,
        "project_id": "mi ne",
        "forgotten": False,
        "can_be_restored": False,
    }
    assert "theirs" not in await overview(pinned)
    assert "hidden" not in text(await call(pinned, "get_popular_tags"))
    await call(pinned, "save_context", content="mine", importance_level=9)
    names = [p["id"] for p in structured(await call(pinned, "list_all_projects"))["projects"]]
    assert names == ["mi ne"]
    with closing(SqliteRepository(place)) as store:
        page = store.load("theirs", Selection(tags=("hidden",)), limit=9, offset=0)
    (theirs,) = page.contexts
    assert (theirs.id, theirs.note.content) == (1, "theirs")


async def test_no_state_is_kept_between_calls(client: MemoryClient, era: str) -> None:
    await call(client, "save_context", content="note", project_id="one", importance_level=9)
    await call(client, "load_contexts", project_id="one")
    assert structured(await call(client, "load_contexts"))["project_id"] == "general"
