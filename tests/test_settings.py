"""The environment as settings: every form of a place, and what cannot be understood."""

from pathlib import Path

import pytest

from extended_memory.domain import SettingsError
from extended_memory.settings import (
    RedisLocation,
    Settings,
    SqliteLocation,
    storage_location,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, with a home and a variable in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATA", str(tmp_path / "data"))
    return tmp_path


def sqlite(connection: str) -> Path:
    location = storage_location(connection)
    assert isinstance(location, SqliteLocation)
    return location.path


@pytest.mark.parametrize(
    ("connection", "path"),
    [
        ("sqlite:///relative.db", "relative.db"),
        ("sqlite:///folder/relative.db", "folder/relative.db"),
        ("sqlite:///./a b/ü.db", "a b/ü.db"),
        ("SQLite:///relative.db", "relative.db"),
        ("sqlite:///relative.db?timeout=30&journal_mode=WAL", "relative.db"),
        ("sqlite:///50%25.db", "50%25.db"),
        ("sqlite:///~/memory.db", "home/memory.db"),
        ("sqlite:///$DATA/memory.db", "data/memory.db"),
        ("sqlite:///C:/Users/me/memory.db", "C:/Users/me/memory.db"),
        ("relative.db", "relative.db"),
        ("folder/memory", "folder/memory"),
        ("~/memory.db", "home/memory.db"),
        ("$DATA/memory.db", "data/memory.db"),
    ],
)
def test_a_place_for_sqlite(folder: Path, connection: str, path: str) -> None:
    assert sqlite(connection) == folder / path


def test_an_absolute_place(folder: Path) -> None:
    assert sqlite(f"sqlite:///{folder}/memory.db") == folder / "memory.db"
    assert sqlite(f"{folder}/memory.db") == folder / "memory.db"


def test_three_slashes_find_what_0_9_0_read_from_the_root(folder: Path) -> None:
    spelled = f"sqlite://{folder}/memory.db"  # three slashes in all, then an absolute path
    assert sqlite(spelled) == folder / "memory.db", "its folder is there only from the root"
    (folder / "memory.db").touch()
    assert sqlite(spelled) == folder / "memory.db"
    relative = folder / str(folder).lstrip("/")
    relative.mkdir(parents=True)
    (relative / "memory.db").touch()
    assert sqlite(spelled) == relative / "memory.db", "a file from the working directory wins"


def test_a_folder_that_is_there_stands_for_the_file_in_it(folder: Path) -> None:
    (folder / "memory").mkdir()
    assert sqlite("memory") == folder / "memory" / "memory.db"
    assert sqlite("sqlite:///memory") == folder / "memory", "a URL names a file"


def test_links_are_resolved_so_that_the_wal_lies_beside_the_file(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "link").symlink_to(folder / "real")
    assert sqlite("link/memory.db") == folder / "real" / "memory.db"


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost:6379/0",
        "rediss://user:p%40ss@host/1",
        "unix:///run/redis.sock?db=0",
        "redis+cluster://a:1,b:2",
        "redis+sentinel://a:1/mymaster/0",
    ],
)
def test_a_redis_server_whose_url_is_never_shown(url: str) -> None:
    location = storage_location(url)
    assert location == RedisLocation(url=url)
    assert url not in repr(location)


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ("postgresql://user:secret@host/db", "'postgresql://'"),
        ("mysql://h/db", "'mysql://'"),
        ("sqlite://two.db", "two slashes"),
        ("sqlite://", "two slashes"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:memory.db", "'sqlite:///'"),
        ("sqlite:////a\0b", "NUL"),
    ],
)
def test_what_cannot_be_understood_is_said_in_a_sentence(connection: str, words: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        storage_location(connection)
    assert words in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert str(refusal.value).endswith((".", "it."))


def test_the_default_place_is_the_same_on_every_system(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    expected = folder / "home/.local/share/extended-memory-mcp/memory.db"
    assert storage_location("") == SqliteLocation(path=expected, own_folder=True)
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "xdg"))
    moved = folder / "xdg/extended-memory-mcp/memory.db"
    assert storage_location("") == SqliteLocation(path=moved, own_folder=True)


def test_a_file_that_0_9_0_wrote_is_found_beside_xdg_data_home(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "xdg"))
    old = folder / "home/.local/share/extended-memory-mcp/memory.db"
    old.parent.mkdir(parents=True)
    old.touch()
    assert storage_location("") == SqliteLocation(path=old, own_folder=True)
    new = folder / "xdg/extended-memory-mcp/memory.db"
    new.parent.mkdir(parents=True)
    new.touch()
    assert storage_location("") == SqliteLocation(path=new, own_folder=True)


@pytest.mark.parametrize("nothing", ["  ", "${user_config.project}"])
def test_variables_that_nobody_filled_in_count_as_not_set(folder: Path, nothing: str) -> None:
    blank = dict.fromkeys(
        (
            "STORAGE_CONNECTION_STRING",
            "EXTENDED_MEMORY_PROJECT",
            "CUSTOM_INSTRUCTION_PATH",
            "LOG_LEVEL",
        ),
        nothing,
    )
    assert Settings.from_environment(blank) == Settings.from_environment({})
    assert Settings.from_environment({}).project is None
    assert Settings.from_environment({}).custom_instructions is None
    assert Settings.from_environment({}).log_level == "INFO"


def test_settings_are_read_from_the_mapping_they_are_given(folder: Path) -> None:
    settings = Settings.from_environment(
        {
            "STORAGE_CONNECTION_STRING": "sqlite:///a.db",
            "EXTENDED_MEMORY_PROJECT": " My_Proj ",
            "CUSTOM_INSTRUCTION_PATH": "~/me.md",
            "LOG_LEVEL": "debug",
        }
    )
    assert settings == Settings(
        storage=SqliteLocation(path=folder / "a.db"),
        project="my proj",
        custom_instructions=folder / "home/me.md",
        log_level="debug",
    )


@pytest.mark.parametrize("name", ["a\tb", "x" * 201])
def test_a_pin_that_is_no_project_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=r"^EXTENDED_MEMORY_PROJECT "):
        Settings.from_environment({"EXTENDED_MEMORY_PROJECT": name})
