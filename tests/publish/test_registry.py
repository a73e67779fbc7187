"""``server.json`` is what the MCP registry takes, and tells of this program."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from extended_memory import logs
from extended_memory.domain import DEFAULT_TRASH_DAYS
from extended_memory.settings import DEFAULT_KEY_PREFIX, EXTENDED_MEMORY_PROJECT, Settings
from tests.support.readme import PACKAGE, variables

CHECKOUT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((CHECKOUT / "tests" / "data" / "server.schema.json").read_text("utf-8"))
SERVER = json.loads((CHECKOUT / "publish" / "server.json").read_text("utf-8"))
(PYPI,) = SERVER["packages"]
VARIABLES: dict[str, dict[str, Any]] = {
    variable["name"]: variable for variable in PYPI["environmentVariables"]
}


def test_it_is_valid() -> None:
    validator = jsonschema.Draft7Validator(SCHEMA)
    assert [error.message for error in validator.iter_errors(SERVER)] == []
    assert SERVER["$schema"] == SCHEMA["$id"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "extended-memory-mcp"},
        {"description": "x" * 101},
        {"packages": [{**PYPI, "version": "latest"}]},
        {"packages": [{**PYPI, "transport": {"type": "pipe"}}]},
        {"packages": [{**PYPI, "environmentVariables": [{"isSecret": "yes", "name": "X"}]}]},
    ],
)
def test_what_the_registry_would_refuse_is_not_valid(wrong: dict[str, Any]) -> None:
    assert not jsonschema.Draft7Validator(SCHEMA).is_valid({**SERVER, **wrong})


def test_the_readme_that_pypi_shows_proves_whose_it_is() -> None:
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    assert re.findall(r"<!-- mcp-name: (\S+) -->", readme) == [SERVER["name"]]
    assert 'readme = "README.md"' in (CHECKOUT / "pyproject.toml").read_text("utf-8")


def test_the_image_carries_the_same_name() -> None:
    dockerfile = (CHECKOUT / "publish" / "Dockerfile").read_text("utf-8")
    label = re.findall(r'io\.modelcontextprotocol\.server\.name="(.+)"', dockerfile)
    assert label == [SERVER["name"]]


def test_uvx_starts_the_package_over_stdio() -> None:
    assert (PYPI["registryType"], PYPI["identifier"]) == ("pypi", PACKAGE)
    assert (PYPI["runtimeHint"], PYPI["transport"]) == ("uvx", {"type": "stdio"})


def test_every_variable_is_described_and_no_other() -> None:
    assert set(VARIABLES) == variables()
    assert [name for name, variable in VARIABLES.items() if not variable["description"]] == []


def test_only_what_may_hold_a_password_is_a_secret() -> None:
    secret = [name for name, variable in VARIABLES.items() if variable.get("isSecret")]
    assert secret == ["STORAGE_CONNECTION_STRING"]


def test_defaults_are_those_of_the_program() -> None:
    stated = {name: found["default"] for name, found in VARIABLES.items() if "default" in found}
    assert stated == {
        "EXTENDED_MEMORY_TRASH_DAYS": str(DEFAULT_TRASH_DAYS),
        "REDIS_KEY_PREFIX": DEFAULT_KEY_PREFIX,
        "REDIS_ALLOW_EVICTION": "no",
        "LOG_LEVEL": Settings.from_environment({}).log_level,
    }
    assert Settings.from_environment(stated) == Settings.from_environment({})
    assert VARIABLES["LOG_LEVEL"]["choices"] == list(logs._LEVELS)


def test_placeholders_are_understood() -> None:
    given = {
        name: found["placeholder"] for name, found in VARIABLES.items() if "placeholder" in found
    }
    assert Settings.from_environment(given).scope.pinned == given[EXTENDED_MEMORY_PROJECT]
