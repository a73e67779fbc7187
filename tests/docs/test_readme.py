"""Both READMEs say what the program does, and the same as each other."""

import ast
import json
import re
import shlex
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from mcp_types.version import SUPPORTED_PROTOCOL_VERSIONS

from extended_memory import __main__, custom_instructions, domain, logs, service, shutdown
from extended_memory.cli import app
from extended_memory.domain import (
    DEFAULT_PROJECT,
    MAXIMUM_CONTENT_BYTES,
    MAXIMUM_IMPORTANCE,
    MINIMUM_IMPORTANCE,
    Scope,
)
from extended_memory.names import normalise_project
from extended_memory.protocol import arguments, nesting, replies, transport
from extended_memory.server import mcp
from extended_memory.settings import (
    DATABASE_NAME,
    DEFAULT_KEY_PREFIX,
    Places,
    RedisLocation,
    Settings,
    SqliteLocation,
    default_path,
)
from extended_memory.storage.redis.connection import address
from extended_memory.storage.redis.connection.health import LEGACY_PREFIX
from extended_memory.storage.sqlite.file import copies, permissions
from extended_memory.storage.sqlite.schema import upgrade
from tests.support.readme import CHECKOUT, PACKAGE, PYPROJECT, SCRIPTS, variables
from tests.support.redis_permissions import PERMISSIONS

pytestmark = pytest.mark.anyio

CI = (CHECKOUT / ".ci" / "run").read_text("utf-8").splitlines()

# Python 3.10 has no tomllib.
(PYTHON,) = re.findall(r'^requires-python = ">=(\d+)\.(\d+)"$', PYPROJECT, re.MULTILINE)

_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_MARKER = re.compile(r"#+|-(?= )|\||(?=.)")
_ARGUMENT = re.compile(
    r"`(?P<name>\w+)`(?: (?P<least>\d+)–(?P<most>\d+))?(?: = (?P<default>\w+))?"
    r"(?: \((?P<remark>.+)\))?"
)
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::[\d.]+\+00:00)?")
_NUMBER = r"(\d[\d, ]*|\w+)"
_WORDS = {"five": 5, "пять": 5, "ten": 10, "десяти": 10}


@dataclass(frozen=True)
class Readme:
    """A README, taken apart."""

    name: str

    @cached_property
    def text(self) -> str:
        return (CHECKOUT / self.name).read_text("utf-8")

    @cached_property
    def prose(self) -> str:
        """Everything but the code blocks."""
        return _FENCE.sub("", self.text)

    @cached_property
    def words(self) -> str:
        """The prose with every white space, also one that does not break, as one space."""
        return " ".join(self.prose.split())

    @cached_property
    def spans(self) -> list[str]:
        """Return what is set as code within the prose."""
        return spans(self.prose)

    @cached_property
    def code(self) -> str:
        """Everything that is set as code, in the prose or in blocks."""
        return "\n".join([*self.spans, *(code for _, code in self.blocks)])

    @cached_property
    def blocks(self) -> list[tuple[str, str]]:
        """The code blocks, each with its language; shell ones without comments."""
        return [
            (language, re.sub(r"\s+# .*$", "", code, flags=re.MULTILINE))
            if language == "sh"
            else (language, code)
            for language, code in _FENCE.findall(self.text)
        ]

    @cached_property
    def shell_lines(self) -> list[str]:
        return "".join(code for language, code in self.blocks if language == "sh").splitlines()

    @cached_property
    def configurations(self) -> list[Any]:
        return [json.loads(code) for language, code in self.blocks if language == "json"]

    @cached_property
    def tables(self) -> list[list[list[str]]]:
        """The tables as rows of cells, without their heads."""
        found = re.findall(r"(?:^\|.*\|\n)+", self.prose, re.MULTILINE)
        return [
            [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]
            for rows in (table.splitlines() for table in found)
        ]

    def table(self, first: str) -> list[list[str]]:
        """The table whose first cell is this."""
        return next(rows for rows in self.tables if rows[0][0] == first)

    @cached_property
    def tools(self) -> dict[str, list[re.Match[str]]]:
        """The arguments of each row of the tools table."""
        return {
            tool.strip("`"): [_argument(part) for part in cell.split("; ") if part != "–"]
            for tool, cell, _ in self.tables[0]
        }

    @cached_property
    def settings(self) -> dict[str, tuple[str, str]]:
        """The meaning and the default of each row of the settings table."""
        rows = self.table("`STORAGE_CONNECTION_STRING`")
        return {name.strip("`"): (meaning, unset) for name, meaning, unset in rows}

    @cached_property
    def links(self) -> list[str]:
        return re.findall(r"\]\(([^)]+)\)", self.prose)


def _argument(words: str) -> re.Match[str]:
    argument = _ARGUMENT.fullmatch(words)
    assert argument is not None, f"{words} is not an argument as the table states them"
    return argument


def spans(markdown: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", markdown)


ENGLISH = Readme("README.md")
RUSSIAN = Readme("README.ru.md")


@pytest.fixture(params=[ENGLISH, RUSSIAN], ids=["English", "Russian"])
def readme(request: pytest.FixtureRequest) -> Readme:
    """Give each README in turn."""
    found: Readme = request.param
    return found


async def program() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the tools that the program offers, with the schema of each argument."""
    async with Client(mcp) as client:
        return {tool.name: tool.input_schema["properties"] for tool in await client.list_tools()}


async def program_bounds() -> dict[tuple[str, str], tuple[int, int]]:
    """Return the bounds of the arguments, but for those that every JSON number has."""
    return {
        (tool, argument): (schema["minimum"], schema["maximum"])
        for tool, schemas in (await program()).items()
        for argument, schema in schemas.items()
        if schema.get("maximum", domain.MAXIMUM_INTEGER) < domain.MAXIMUM_INTEGER
    }


def stated_bounds(readme: Readme) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (tool, argument["name"]): (int(argument["least"]), int(argument["most"]))
        for tool, row in readme.tools.items()
        for argument in row
        if argument["least"]
    }


async def test_the_tools_table_names_every_tool_with_its_arguments_and_no_other(
    readme: Readme,
) -> None:
    table = {tool: [argument["name"] for argument in row] for tool, row in readme.tools.items()}
    assert table == {tool: list(schemas) for tool, schemas in (await program()).items()}


async def test_the_tools_table_states_every_default_that_is_not_empty(readme: Readme) -> None:
    stated = {
        (tool, argument["name"]): json.loads(argument["default"])
        for tool, row in readme.tools.items()
        for argument in row
        if argument["default"]
    }
    assert stated == {
        (tool, argument): schema["default"]
        for tool, schemas in (await program()).items()
        for argument, schema in schemas.items()
        if schema.get("default", "") not in ("", [])
    }


async def test_bounds_in_the_tools_table_are_the_programs(readme: Readme) -> None:
    stated, bounds = stated_bounds(readme), await program_bounds()
    assert stated == {place: bounds.get(place) for place in stated}


async def test_the_bounds_of_every_argument_are_stated(readme: Readme) -> None:
    def by_argument(found: Mapping[tuple[str, str], tuple[int, int]]) -> set[Any]:
        return {(argument, bounds) for (_, argument), bounds in found.items()}

    assert by_argument(stated_bounds(readme)) == by_argument(await program_bounds())


def test_the_tools_table_says_how_many_tags_filter(readme: Readme) -> None:
    (remark,) = (a["remark"] for a in readme.tools["load_contexts"] if a["name"] == "tags_filter")
    assert re.findall(r"\d+", remark) == [str(arguments.MAXIMUM_FILTER_TAGS)]


async def test_every_prompt_is_named(readme: Readme) -> None:
    async with Client(mcp) as client:
        prompts = {prompt.name for prompt in await client.list_prompts()}
    assert prompts == {span for span in readme.spans if span.endswith("_instructions")}


async def test_every_resource_is_named_and_no_other(readme: Readme) -> None:
    async with Client(mcp) as client:
        resources = {str(resource.uri) for resource in await client.list_resources()}
    assert resources == {span for span in readme.spans if span.startswith("memory://")}


async def test_the_example_conversations_are_what_the_tools_answer(readme: Readme) -> None:
    examples = [code for _, code in readme.blocks if code.startswith("> ")]
    assert len(examples) == 3
    async with Client(mcp) as client:
        for example in examples:
            answered = ""
            for exchange in re.split(r"^> ", example, flags=re.MULTILINE)[1:]:
                question, tool, values = _call(exchange)
                result = await client.call_tool(tool, values)
                (block,) = result.content
                answered += f"> {question}\n{block.text}\n\n"
            assert _when_is_blank(answered) == _when_is_blank(example)


def _when_is_blank(text: str) -> str:
    return _DATE_AND_TIME.sub("WHEN", text.strip())


def _call(exchange: str) -> tuple[str, str, dict[str, Any]]:
    """Return the call that an exchange begins with: its text, its tool, its arguments."""
    question = exchange[: exchange.index(")\n") + 1]
    call = ast.parse(question, mode="eval").body
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Name)
    values = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
    return question, call.func.id, values


def test_the_settings_table_names_every_variable_and_no_other(readme: Readme) -> None:
    assert set(readme.settings) == variables()


def test_no_other_variable_is_named_anywhere(readme: Readme) -> None:
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", readme.text))
    assert named == variables() | {"XDG_DATA_HOME", "REDIS_TTL_HOURS"}


def test_the_default_place_is_the_one_that_is_used(readme: Readme) -> None:
    place, _ = spans(readme.settings["STORAGE_CONNECTION_STRING"][1])
    assert default_path() == Path(place).expanduser()


def test_the_default_place_moves_with_the_variable_beside_it(
    readme: Readme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, variable = spans(readme.settings["STORAGE_CONNECTION_STRING"][1])
    monkeypatch.setenv(variable, str(tmp_path))
    assert default_path() == tmp_path / Path(place).relative_to("~/.local/share")


def test_every_place_in_the_settings_table_is_understood(readme: Readme) -> None:
    meaning, _ = readme.settings["STORAGE_CONNECTION_STRING"]
    places = [place for place in spans(meaning) if place.startswith("sqlite:")]
    understood = [type(Places().location(place)) for place in places]
    assert understood == [SqliteLocation] * 4


def test_every_form_of_a_redis_url_is_understood(readme: Readme) -> None:
    forms = [row[0].strip("`") for row in readme.table("`redis://user:password@host:6379/0`")]
    assert [address.parse(form).kind for form in forms] == [
        "server",
        "server",
        "socket",
        "cluster",
        "sentinel",
    ]
    assert all(isinstance(Places().location(form), RedisLocation) for form in forms)


def test_every_option_of_a_redis_url_that_is_named_is_known(readme: Readme) -> None:
    named = {span for span in readme.spans if re.fullmatch(r"(ssl|sentinel)_\w+", span)}
    assert named
    for option in named:
        value = {"ssl_check_hostname": "yes", "ssl_cert_reqs": "none"}.get(option, "x")
        assert address.parse(f"rediss://host?{option}={value}").options.keys() == {option}


def test_the_default_key_prefix_is_stated_and_differs_from_that_of_0_9_0(readme: Readme) -> None:
    assert spans(readme.settings["REDIS_KEY_PREFIX"][1]) == [DEFAULT_KEY_PREFIX]
    assert DEFAULT_KEY_PREFIX != LEGACY_PREFIX


def test_the_user_of_a_shared_redis_may_do_what_the_tests_need(readme: Readme) -> None:
    (line,) = (code for _, code in readme.blocks if code.startswith("ACL SETUSER"))
    assert line.strip().endswith(PERMISSIONS)


def test_a_copy_between_a_file_and_a_redis_names_two_places(readme: Readme) -> None:
    (line,) = (line for line in readme.shell_lines if " copy " in line)
    source, target = shlex.split(line)[-2:]
    assert isinstance(Places().location(source), SqliteLocation)
    assert isinstance(Places().location(target), RedisLocation)


def test_the_settings_table_names_every_log_level(readme: Readme) -> None:
    meaning, _ = readme.settings["LOG_LEVEL"]
    assert spans(meaning) == list(logs._LEVELS)


def test_the_settings_table_states_the_default_log_level(readme: Readme) -> None:
    _, unset = readme.settings["LOG_LEVEL"]
    assert spans(unset) == [Settings.from_environment({}).log_level]


def test_every_option_of_the_command_is_named_and_no_other(
    readme: Readme, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ([], ["--install-completion"], *([name] for name in commands())):
        with pytest.raises(SystemExit):
            app.run([*command, "--help"])
    options = set(re.findall(r"--\w[\w-]*", capsys.readouterr().out))
    assert {span for span in readme.spans if span.startswith("--")} == options


def test_every_command_is_named(readme: Readme) -> None:
    assert set(readme.spans) >= set(commands())
    started = re.findall(rf"{PACKAGE} ([a-z][\w-]+)\s", "\n".join([*readme.shell_lines, ""]))
    assert set(started) == set(commands())


def commands() -> list[str]:
    return [name for name in app.app if not name.startswith("-")]


def test_every_console_script_is_named_and_no_other(readme: Readme) -> None:
    assert set(re.findall(r"extended-memory-mcp(?:-\w+)*", readme.code)) == set(SCRIPTS)


@pytest.mark.parametrize("target", SCRIPTS.values(), ids=SCRIPTS)
def test_every_console_script_starts_the_server(target: str) -> None:
    module, _, function = target.partition(":")
    assert getattr(import_module(module), function) is __main__.main


def test_every_module_and_file_that_starts_the_server_is_named_and_no_other(
    readme: Readme,
) -> None:
    starting = {
        path.relative_to(CHECKOUT)
        for folder in ("extended_memory", "extended_memory_mcp", "mcp-server")
        for path in (CHECKOUT / folder).rglob("*.py")
        if 'if __name__ == "__main__":' in path.read_text("utf-8")
    }
    modules = set(re.findall(r"python3? -m ([\w.]+)", readme.code)) - {"venv"}
    scripts = set(re.findall(r"python3? <checkout>/(\S+\.py)", readme.code))
    assert starting == {
        *map(Path, scripts),
        *(_source(module) for module in modules),
    }


def _source(module: str) -> Path:
    path = Path(*module.split("."))
    return path / "__main__.py" if (CHECKOUT / path).is_dir() else path.with_suffix(".py")


def test_every_configuration_starts_the_package_with_uvx(readme: Readme) -> None:
    started = [
        (entry["command"], entry["args"])
        for configuration in readme.configurations
        for entry in configuration["mcpServers"].values()
    ]
    with_redis = ("uvx", ["--from", f"{PACKAGE}[redis]", PACKAGE])
    assert started == [("uvx", [PACKAGE]), ("uvx", [PACKAGE]), with_redis]


def test_uvx_finds_a_console_script_of_the_packages_name() -> None:
    assert PACKAGE in SCRIPTS


def test_claude_code_is_given_the_entry_of_the_configurations(readme: Readme) -> None:
    ((name, entry),) = readme.configurations[0]["mcpServers"].items()
    command = shlex.join(["claude", "mcp", "add", name, "--", entry["command"], *entry["args"]])
    assert command in readme.shell_lines


def test_the_full_configurations_set_every_variable(readme: Readme) -> None:
    (file,) = readme.configurations[1]["mcpServers"].values()
    (server,) = readme.configurations[2]["mcpServers"].values()
    assert set(file["env"]) | set(server["env"]) == variables()
    assert set(file["env"]) & set(server["env"]) == {"STORAGE_CONNECTION_STRING"}


def test_the_configuration_for_redis_is_understood(readme: Readme) -> None:
    (entry,) = readme.configurations[2]["mcpServers"].values()
    assert Settings.from_environment(entry["env"]).storage == RedisLocation(
        url="redis://localhost:6380/0", key_prefix=DEFAULT_KEY_PREFIX, may_evict=False
    )


def test_the_full_configuration_is_understood(readme: Readme) -> None:
    (entry,) = readme.configurations[1]["mcpServers"].values()
    assert Settings.from_environment(entry["env"]) == Settings(
        storage=SqliteLocation(path=Path.home().resolve() / "memory" / "memory.db"),
        scope=Scope(projects=frozenset({"my project"})),
        custom_instructions=Path.home().resolve() / "memory" / "instructions.md",
        log_level="INFO",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Numbers of the program, and the phrase that states them in each README."""

    numbers: tuple[float, ...]
    english: str
    russian: str


FACTS = {
    "the largest content": Fact(
        numbers=(MAXIMUM_CONTENT_BYTES,),
        english="Saves one note of up to {} bytes.",
        russian="Сохраняет одну заметку размером до {} байт.",
    ),
    "the largest reply": Fact(
        numbers=(replies.MAXIMUM_REPLY_BYTES,),
        english="A reply is at most {} bytes",
        russian="Ответ занимает не больше {} байт",
    ),
    "the largest file of instructions": Fact(
        numbers=(custom_instructions.MAXIMUM_BYTES / 1024,),
        english="file of at most {} kB",
        russian="размером до {} КБ",
    ),
    "the window of a retry": Fact(
        numbers=(service.RETRY_WINDOW / timedelta(minutes=1),),
        english="within {} minutes",
        russian="в течение {} минут",
    ),
    "the most tags": Fact(
        numbers=(domain.MAXIMUM_TAGS,),
        english="at most {} to a note",
        russian="не больше {} тегов",
    ),
    "the backups that are kept": Fact(
        numbers=(copies.BACKUPS_KEPT,),
        english="Of each kind the newest {} are kept",
        russian="Копий каждого вида хранятся {} самых новых",
    ),
    "the scale of importance": Fact(
        numbers=(MINIMUM_IMPORTANCE, MAXIMUM_IMPORTANCE),
        english="importance outside {}–{} is set",
        russian="важность за пределами {}–{} заменяется",
    ),
    "the oldest Python": Fact(
        numbers=tuple(map(int, PYTHON)),
        english="You need Python {}.{} or newer",
        russian="Нужен Python {}.{} или новее",
    ),
    "the mode of the files": Fact(
        numbers=(int(f"{permissions.FILE_MODE:o}"),),
        english="(mode {})",
        russian="(права {})",
    ),
    "the mode of their folder": Fact(
        numbers=(int(f"{permissions.FOLDER_MODE:o}"),),
        english="when the server makes it ({})",
        russian="если её создал сервер ({})",
    ),
    "the patience at the end of input": Fact(
        numbers=(shutdown.PATIENCE_SECONDS,),
        english="after {} seconds in which nothing goes on",
        russian="если {} секунд ничего не происходит",
    ),
    "the largest message": Fact(
        numbers=(transport.MAXIMUM_LINE_BYTES / 1024**2, nesting.MAXIMUM_DEPTH),
        english="may be {} MiB long and {} levels deep",
        russian="может занимать {} МиБ и иметь {} уровней вложенности",
    ),
    "the exit code": Fact(
        numbers=(__main__._UNUSABLE_SETTINGS,),
        english="exit code {} (",
        russian="кодом выхода {} (",
    ),
}


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_numbers_are_those_of_the_program(readme: Readme, fact: Fact) -> None:
    phrase = fact.english if readme is ENGLISH else fact.russian
    pattern = _NUMBER.join(map(re.escape, phrase.split("{}")))
    stated = [tuple(map(_number, found.groups())) for found in re.finditer(pattern, readme.words)]
    assert stated == [fact.numbers]


def _number(stated: str) -> int:
    digits = re.sub(r"[, ]", "", stated)
    return int(digits) if digits.isdecimal() else _WORDS[stated]


def test_the_protocol_versions_are_those_of_the_library(readme: Readme) -> None:
    stated = re.findall(r"\d{4}-\d\d-\d\d", readme.prose)
    assert stated == [SUPPORTED_PROTOCOL_VERSIONS[0], SUPPORTED_PROTOCOL_VERSIONS[-1]]


def test_the_project_of_a_call_that_names_none_is_stated(readme: Readme) -> None:
    phrase = {
        ENGLISH: r"Without a project Claude uses `(.+?)`",
        RUSSIAN: r"Если проект не назван, Claude пользуется проектом `(.+?)`",
    }[readme]
    assert re.findall(phrase, readme.words) == [DEFAULT_PROJECT]


def test_spellings_that_are_said_to_be_one_project_are_one(readme: Readme) -> None:
    (spellings,) = (line for line in readme.prose.splitlines() if line.startswith("`My_Project`"))
    assert {normalise_project(name) for name in spans(spellings)[:3]} == {"my project"}


@pytest.mark.parametrize("revision", [upgrade.HEAD, upgrade.LEGACY])
def test_backups_are_named_as_the_program_names_them(
    readme: Readme, revision: str, tmp_path: Path
) -> None:
    path = tmp_path / DATABASE_NAME
    sqlite3.connect(path).close()
    moment = re.compile(r"(?<=\.backup-)(\d{8}T\d{6}Z|…)(?=-)")
    named = {moment.sub("WHEN", span) for span in readme.spans if ".backup-" in span}
    assert moment.sub("WHEN", upgrade.back_up(path, revision).name) in named


def test_the_release_that_is_moved_from_is_the_one_that_is_adopted(readme: Readme) -> None:
    assert set(re.findall(r"\b\d+\.\d+\.\d+\b", readme.prose)) == {upgrade.LEGACY}


async def test_the_backup_command_copies_a_memory_in_use(
    readme: Readme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (command,) = (line for line in readme.shell_lines if line.startswith(f"{PACKAGE} backup "))
    monkeypatch.delenv("STORAGE_CONNECTION_STRING")
    async with Client(mcp) as client:
        await client.call_tool("save_context", {"content": "We chose Postgres."})
        copying = [sys.executable, "-m", "extended_memory", *shlex.split(command)[1:]]
        subprocess.run(copying, cwd=tmp_path, check=True, timeout=60)
    with closing(sqlite3.connect(Path.home() / "memory-copy.db")) as copy:
        assert copy.execute("SELECT content FROM contexts").fetchall() == [("We chose Postgres.",)]


def test_the_test_command_is_the_very_line_that_ci_runs(readme: Readme) -> None:
    commands = [line for line in readme.shell_lines if "pytest" in line]
    assert commands == [line for line in CI if "pytest" in line]


def test_the_style_command_is_what_ci_runs_in_its_environment(readme: Readme) -> None:
    (line,) = (line for line in readme.shell_lines if line.startswith("ruff "))
    commands = [f".venv/bin/{command}" for command in line.split(" && ")]
    assert commands == [line for line in CI if re.match(r"\.venv/bin/(ruff|mypy)\b", line)]


def test_files_that_commands_name_exist(readme: Readme) -> None:
    named = {word for line in readme.shell_lines for word in line.split() if word.endswith(".py")}
    assert named == {name for name in named if (CHECKOUT / name).is_file()}


def test_relative_links_point_at_files_that_exist(readme: Readme) -> None:
    relative = [link for link in readme.links if "://" not in link]
    assert [link for link in relative if not (CHECKOUT / link).is_file()] == []


@pytest.mark.parametrize(
    ("readme", "other"), [(ENGLISH, RUSSIAN), (RUSSIAN, ENGLISH)], ids=["English", "Russian"]
)
def test_each_language_links_to_the_other_once(readme: Readme, other: Readme) -> None:
    assert [link for link in readme.links if link.startswith("README")] == [other.name]


def test_both_languages_have_the_same_code_blocks() -> None:
    assert RUSSIAN.blocks == ENGLISH.blocks


def test_both_languages_set_the_same_words_as_code() -> None:
    assert Counter(RUSSIAN.spans) == Counter(ENGLISH.spans)


def test_both_languages_have_the_same_headings_paragraphs_lists_and_tables() -> None:
    assert _shape(RUSSIAN) == _shape(ENGLISH)


def _shape(readme: Readme) -> list[str]:
    """Return what each line begins with, nothing for a paragraph; of a table's row, its bars."""
    return [
        "|" * line.count("|") if line.startswith("|") else found.group()
        for line in readme.prose.splitlines()
        if (found := _MARKER.match(line))
    ]


def test_both_languages_have_the_same_links() -> None:
    languages = {ENGLISH.name, RUSSIAN.name}
    assert [link for link in RUSSIAN.links if link not in languages] == [
        link for link in ENGLISH.links if link not in languages
    ]
