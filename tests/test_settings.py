"""The environment as settings: every form of a place, and what cannot be understood."""

import re
from pathlib import Path

import pytest

from extended_memory.custom_instructions import read
from extended_memory.domain import EVERY_PROJECT, Scope
from extended_memory.errors import PlaceholderError, SettingsError, UnusableSettingError
from extended_memory.settings import Places, RedisLocation, Settings, SqliteLocation


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, with a home and a variable in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATA", str(tmp_path / "data"))
    return tmp_path


def sqlite(connection: str) -> Path:
    location = Places().location(connection)
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


@pytest.mark.parametrize(
    "name",
    ["100%.db", "50%of.db", "a%20b.db", "%C3%A9t%C3%A9.db", "C$/x.db", "a$.db", "1$2.db", "~x.db"],
)
def test_a_sign_alone_is_part_of_a_name(folder: Path, name: str) -> None:
    assert sqlite(name) == folder / name
    assert sqlite(f"sqlite:///{name}") == folder / name


@pytest.mark.parametrize(
    ("path", "placeholder"),
    [
        ("{workspaceFolder}/memory.db", "{workspaceFolder}"),
        ("<path>/memory.db", "<path>"),
        ("!HOME!/memory.db", "!HOME!"),
        ("`pwd`/memory.db", "`pwd`"),
    ],
)
def test_what_a_manual_writes_for_a_value_begins_no_place(
    folder: Path, path: str, placeholder: str
) -> None:
    for connection in (path, f"sqlite:///{path}"):
        with pytest.raises(PlaceholderError) as refusal:
            Places().location(connection)
        assert f'"{placeholder}"' in str(refusal.value)
    fixed = Places().location(f"{folder}/{path}")
    assert fixed == SqliteLocation(path=folder / path)


@pytest.mark.parametrize(
    ("path", "placeholder"),
    [
        ("${CLAUDE_PROJECT_DIR}/memory.db", "${CLAUDE_PROJECT_DIR}"),
        ("${NOWHERE:-/tmp}/memory.db", "${NOWHERE}"),
        ("${NOWHERE:-${NOPE}}/memory.db", "${NOPE}"),
        ("${env:HOME}/memory.db", "${env:HOME}"),
        ("${workspaceFolder}/.memory/memory.db", "${workspaceFolder}"),
        ("${input:folder}", "${input:folder}"),
        ("${user_config.folder}/memory.db", "${user_config.folder}"),
        ("{{folder}}/memory.db", "{{folder}}"),
        ("{env:HOME}/memory.db", "{env:HOME}"),
        ("$(pwd)/memory.db", "$(pwd)"),
        ("$NOWHERE/memory.db", "$NOWHERE"),
        ("notes$NOWHERE.db", "$NOWHERE"),
        ("$env:NOWHERE/memory.db", "$env:NOWHERE"),
        ("%APPDATA%/memory.db", "%APPDATA%"),
        ("C:/%USERNAME%/memory.db", "%USERNAME%"),
        ("%ProgramFiles(x86)%/memory.db", "%ProgramFiles(x86)%"),
        ("%DATA%base.db", "%DATA%"),
        ("~nobody-here/memory.db", "~nobody-here"),
        ("$UNREPLACED/memory.db", "${X}"),
    ],
)
def test_a_placeholder_in_a_path_is_refused_and_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, path: str, placeholder: str
) -> None:
    monkeypatch.setenv("UNREPLACED", "/data/${X}")
    for connection in (path, f"sqlite:///{path}", f"sqlite+aiosqlite:////srv/{path}?timeout=3"):
        if "srv" in connection and path.startswith("~"):
            continue  # in the middle of a path, it is part of a name
        with pytest.raises(PlaceholderError) as refusal:
            Places().location(connection)
        sentence = str(refusal.value)
        assert sentence.startswith(f'STORAGE_CONNECTION_STRING holds "{placeholder}"')
        assert sentence.endswith("write the value itself, or set what it names.")


def test_a_file_that_is_called_like_a_placeholder_is_used_where_its_path_is_absolute(
    folder: Path,
) -> None:
    for name in ("$music", "%music%", "${music}"):
        (folder / name).mkdir()
        (folder / name / "memory.db").touch()
    for name in ("$music", "%music%"):
        path = folder / name / "memory.db"
        assert sqlite(str(path)) == sqlite(f"sqlite:///{path}") == path
        with pytest.raises(PlaceholderError, match=f"copy '?{re.escape(str(path))}'? TARGET"):
            sqlite(f"{name}/memory.db")
    with pytest.raises(PlaceholderError, match="A file of that very name is there"):
        sqlite(f"{folder}/${{music}}/memory.db")
    with pytest.raises(PlaceholderError, match="A folder of that very name is there"):
        sqlite(f"{folder}/${{music}}")


def test_a_place_can_be_a_variable_that_holds_a_url(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORY_URL", "redis://:$DATA@localhost/0")
    assert Places().location("$MEMORY_URL") == RedisLocation(url="redis://:$DATA@localhost/0")
    monkeypatch.setenv("MEMORY_URL", "sqlite:///a.db")
    assert sqlite("${MEMORY_URL}") == folder / "a.db"


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
        "redis://:pa$$word@host",
        "redis://:$ecret@host",
        "redis://:a${b}c%NAME%@host",
        "redis://user:%2Fab%2F%C3%A9%@host/0",
        "unix://%2Frun%2Fab%2Fredis.sock",
        "redis://host?sentinel_password=$ecret",
    ],
)
def test_a_redis_server_whose_url_is_never_shown(url: str) -> None:
    location = Places().location(url)
    assert location == RedisLocation(url=url)
    assert url not in repr(location)


@pytest.mark.parametrize(
    ("url", "placeholder"),
    [
        ("redis://${REDIS_HOST}:6379/0", "${REDIS_HOST}"),
        ("redis://$REDIS_HOST/0", "$REDIS_HOST"),
        ("redis://%REDIS_HOST%:6379/0", "%REDIS_HOST%"),
        ("rediss://me:hunter2@host/${DB:-0}", "${DB}"),
        ("redis://:${REDIS_PASSWORD}@host/0", "${REDIS_PASSWORD}"),
        ("redis://:${REDIS_PASSWORD:-hunter2}@host/0", "${REDIS_PASSWORD}"),
        ("redis://{{user}}:hunter2@host/0", "{{user}}"),
        ("rediss://host?ssl_ca_certs=${env:CERTS}", "${env:CERTS}"),
        ("unix://:hunter2@${XDG_RUNTIME_DIR}/redis.sock", "${XDG_RUNTIME_DIR}"),
        ("redis+cluster://a:1,$OTHER:2", "$OTHER"),
    ],
)
def test_a_placeholder_in_the_url_of_a_redis_is_refused_without_what_may_be_secret(
    url: str, placeholder: str
) -> None:
    with pytest.raises(PlaceholderError) as refusal:
        Places().location(url)
    assert f'holds "{placeholder}", which nothing' in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ("postgresql://user:secret@host/db", "'postgresql://'"),
        ("mysql://h/db", "'mysql://'"),
        ("sqlite://two.db", "two slashes"),
        ("sqlite://", "two slashes"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////:memory:", "names no file"),
        ("sqlite:///:MEMORY:", "names no file"),
        ("sqlite+aiosqlite:///:memory:?cache=shared", "names no file"),
        ("sqlite:///file::memory:?cache=shared&uri=true", "names no file"),
        ("file::memory:?cache=shared", "names no file"),
        (":memory:", "names no file"),
        ("./:memory:", "names no file"),
        ("sqlite:///file:shared?mode=memory&uri=true", "begins with 'file:'"),
        ("file:memory.db", "begins with 'file:'"),
        ("sqlite:memory.db", "'sqlite:///'"),
        ("redis:localhost:6379", "'redis://'"),
        ("rediss:/:secret@localhost", "'rediss://'"),
        ('"memory.db"', "quotation marks"),
        ("'sqlite:////srv/memory.db'", "quotation marks"),
        ("'redis://:secret@host'", "quotation marks"),
        ('sqlite:///"/srv/memory.db"', "quotation marks"),
        ("\u201c/srv/memory.db\u201d", "quotation marks"),
        ("sqlite:////a\0b", "NUL"),
    ],
)
def test_what_cannot_be_understood_is_said_in_a_sentence(connection: str, words: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        Places().location(connection)
    assert words in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert str(refusal.value).startswith("STORAGE_CONNECTION_STRING ")
    assert str(refusal.value).endswith(".")


def test_the_default_place_is_the_same_on_every_system(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    expected = folder / "home/.local/share/extended-memory-mcp/memory.db"
    assert Places().location("") == SqliteLocation(path=expected, own_folder=True)
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "xdg"))
    moved = folder / "xdg/extended-memory-mcp/memory.db"
    assert Places().location("") == SqliteLocation(path=moved, own_folder=True)


def test_a_file_that_0_9_0_wrote_is_found_beside_xdg_data_home(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "xdg"))
    old = folder / "home/.local/share/extended-memory-mcp/memory.db"
    old.parent.mkdir(parents=True)
    old.touch()
    assert Places().location("") == SqliteLocation(path=old, own_folder=True)
    new = folder / "xdg/extended-memory-mcp/memory.db"
    new.parent.mkdir(parents=True)
    new.touch()
    assert Places().location("") == SqliteLocation(path=new, own_folder=True)


def test_a_placeholder_in_xdg_data_home_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", f"{folder}/${{PROFILE}}")
    with pytest.raises(PlaceholderError, match=r'^XDG_DATA_HOME holds "\$\{PROFILE\}"'):
        Places().location("")


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
    assert Settings.from_environment({}).scope == EVERY_PROJECT
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
        scope=Scope(projects=frozenset({"my proj"})),
        custom_instructions=folder / "home/me.md",
        log_level="debug",
    )


@pytest.mark.parametrize(
    "name", ["${PROJECT}", "$PROJECT", "%PROJECT%", "my_$PROJECT", "a ${b} c", "{{p}}", '"shop"']
)
@pytest.mark.parametrize("variable", ["EXTENDED_MEMORY_PROJECT", "REDIS_KEY_PREFIX"])
def test_a_name_that_is_a_placeholder_or_quoted_is_refused(variable: str, name: str) -> None:
    with pytest.raises(UnusableSettingError, match=f"^{variable} (holds|begins)"):
        Settings.from_environment(
            {"STORAGE_CONNECTION_STRING": "redis://localhost", variable: name}
        )


@pytest.mark.parametrize("name", ["micro$oft", "100%", "50%a of 100%", "$100", "it's", "a {b}"])
def test_a_name_may_hold_a_sign(name: str) -> None:
    assert Settings.from_environment({"EXTENDED_MEMORY_PROJECT": name}).scope.pinned == name


def test_instructions_that_a_placeholder_names_end_nothing(folder: Path) -> None:
    settings = Settings.from_environment({"CUSTOM_INSTRUCTION_PATH": "${X}/me.md"})
    assert read(settings.custom_instructions).problem.endswith(
        'CUSTOM_INSTRUCTION_PATH is not there: nothing has replaced "${X}" in its path.'
    )


@pytest.mark.parametrize("name", ["a\tb", "x" * 201])
def test_a_pin_that_is_no_project_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=r"^EXTENDED_MEMORY_PROJECT "):
        Settings.from_environment({"EXTENDED_MEMORY_PROJECT": name})
