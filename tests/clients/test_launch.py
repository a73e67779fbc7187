"""The command that a client is told to start this server with."""

import sys
from pathlib import Path

import pytest

from extended_memory.clients.launch import Running, command


def running(prefix: Path, *, program: str | None, uvx: str | None) -> Running:
    return Running(
        program=prefix / "bin" / program if program else None,
        interpreter=prefix / "bin" / "python",
        prefix=prefix,
        uvx=Path(uvx) if uvx else None,
    )


@pytest.mark.parametrize("uvx", [None, "/opt/homebrew/bin/uvx"])
def test_what_is_installed_is_started_by_its_path(uvx: str | None) -> None:
    tool = Path("/home/me/.local/share/uv/tools/extended-memory-mcp")
    program = str(tool / "bin" / "extended-memory-mcp")
    assert command(running(tool, program="extended-memory-mcp", uvx=uvx)) == (program, ())
    module, args = command(running(tool, program=None, uvx=uvx), redis=True)
    assert (module, args[-2:]) == (str(tool / "bin" / "python"), ("-m", "extended_memory"))


def test_python_is_told_to_take_no_module_of_the_clients_folder_where_it_can_be() -> None:
    _, args = command(running(Path("/venv"), program=None, uvx=None))
    assert args[:-2] == (("-P",) if sys.version_info >= (3, 11) else ())


def test_an_environment_that_carries_a_cache_tag_itself_is_installed(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "CACHEDIR.TAG").touch()
    here = running(tmp_path / ".venv", program="extended-memory-mcp", uvx="/bin/uvx")
    assert command(here) == (str(tmp_path / ".venv" / "bin" / "extended-memory-mcp"), ())


@pytest.mark.parametrize("tagged", [True, False])
def test_what_lies_in_a_cache_is_started_by_uvx(tagged: bool, tmp_path: Path) -> None:
    cache = tmp_path / ("uv-of-mine" if tagged else ".cache")
    cache.mkdir()
    if tagged:
        (cache / "CACHEDIR.TAG").touch()
    here = running(cache / "archive-v0" / "x", program="extended-memory-mcp", uvx="/opt/bin/uvx")
    redis = ("--from", "extended-memory-mcp[redis]", "extended-memory-mcp")
    assert command(here) == ("/opt/bin/uvx", ("extended-memory-mcp",))
    assert command(here, redis=True) == ("/opt/bin/uvx", redis)
    nowhere = running(cache / "x", program="extended-memory-mcp", uvx=None)
    assert command(nowhere) == ("uvx", ("extended-memory-mcp",))
