"""``install``, as a person runs it."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import run
from tests.support.server import COMMAND, Server

WITHOUT_FOLDER = ["-P"] if sys.version_info >= (3, 11) else []

THIS = {"command": sys.executable, "args": [*WITHOUT_FOLDER, "-m", "extended_memory"]}

UNSET = {"STORAGE_CONNECTION_STRING": ""}

_SETTINGS = "Library/Application Support" if sys.platform == "darwin" else ".config"

DESKTOP = f"{_SETTINGS}/Claude/claude_desktop_config.json"


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="")
    return path


def answering(answer: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with a terminal that a person answers at."""
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    try:
        return subprocess.run(
            [*COMMAND, *arguments],
            env={**os.environ, **UNSET},
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_change_is_shown_asked_for_written_and_kept(home: Path) -> None:
    path = written(
        home / DESKTOP, '{\n    "mcpServers": {\n        "a": {"command": "x"}\n    }\n}\n'
    )
    ended = answering("y", "install", "claude-desktop", "--project", "My Shop")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.startswith(f"Write this to {path}? [y/N] ")
    (backup,) = path.parent.glob("*.backup-*")
    assert re.fullmatch(r"claude_desktop_config.json.backup-\d{8}T\d{6}Z", backup.name)
    assert ended.stdout.splitlines() == [
        str(path),
        "@@ -1,5 +1,12 @@",
        " {",
        '     "mcpServers": {',
        '-        "a": {"command": "x"}',
        '+        "a": {"command": "x"},',
        '+        "extended-memory": {',
        f'+            "command": "{sys.executable}",',
        f'+            "args": {json.dumps(THIS["args"])},',
        '+            "env": {',
        '+                "EXTENDED_MEMORY_PROJECT": "My Shop"',
        "+            }",
        "+        }",
        "     }",
        " }",
        f"Claude Desktop: written to {path}.",
        f"What was there is kept as {backup.name}.",
        "Quit Claude Desktop, also from its icon in the bar, and start it again.",
    ]
    assert json.loads(path.read_text("utf-8")) == {
        "mcpServers": {
            "a": {"command": "x"},
            "extended-memory": {**THIS, "env": {"EXTENDED_MEMORY_PROJECT": "My Shop"}},
        }
    }
    assert json.loads(backup.read_text("utf-8")) == {"mcpServers": {"a": {"command": "x"}}}


def test_what_is_written_starts_the_server(home: Path, tmp_path: Path) -> None:
    run("install", "claude-desktop", "--project", "shop", "--yes", env=UNSET)
    entry = json.loads((home / DESKTOP).read_text("utf-8"))["mcpServers"]["extended-memory"]
    command = (entry["command"], *entry["args"])
    with Server(command, stderr=tmp_path / "log", env=entry["env"], cwd=Path("/")) as server:
        server.handshake()
        server.ok("save_context", content="Said")
        assert server.refused("load_contexts", project_id="garden")  # it is pinned


def test_an_installed_command_is_written_with_its_whole_path(home: Path) -> None:
    script = Path(sys.executable).with_name("extended-memory-mcp")
    ended = subprocess.run(
        [script.name, "install", "vscode", "--print", "--json"],
        env={**os.environ, **UNSET, "PATH": f"{script.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    entry = {"type": "stdio", "command": str(script), "args": []}
    assert json.loads(ended.stdout)["entry"] == entry, ended.stderr


@pytest.mark.parametrize("answer", ["", "n"])
def test_without_a_yes_nothing_is_written(answer: str, home: Path) -> None:
    ended = answering(answer, "install", "cursor")
    assert ended.returncode == 1
    assert ended.stderr.endswith("extended-memory-mcp: Nothing was changed.\n")
    assert not (home / ".cursor").exists()


def test_nobody_to_ask_is_a_refusal(home: Path) -> None:
    ended = run("install", "cursor", env=UNSET)
    assert ended.returncode == 1
    assert ended.stderr.endswith("Nobody is there to be asked: say it with --yes.\n")
    assert not (home / ".cursor").exists()


def test_a_second_run_says_that_nothing_is_to_change(home: Path) -> None:
    path = home / ".codex" / "config.toml"
    first = run("install", "codex", "--yes", env=UNSET)
    assert first.stderr == "Codex was not found here; its file is made all the same.\n"
    again = run("install", "codex", env=UNSET)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == f"Nothing to change: {path} is as it should be.\n"
    assert list(path.parent.iterdir()) == [path]


def test_several_entries_have_names_of_their_own(home: Path) -> None:
    path = home / ".cursor/mcp.json"
    for project in ("shop", "garden"):
        arguments = ("--name", project, "--project", project, "--yes")
        assert run("install", "cursor", *arguments, env=UNSET).returncode == 0
    assert json.loads(path.read_text("utf-8"))["mcpServers"] == {
        project: {**THIS, "env": {"EXTENDED_MEMORY_PROJECT": project}}
        for project in ("shop", "garden")
    }
    assert run("uninstall", "cursor", "--name", "shop", "--yes", env=UNSET).returncode == 0
    assert list(json.loads(path.read_text("utf-8"))["mcpServers"]) == ["garden"]


def test_an_entry_of_0_9_0_is_brought_up_to_date_under_its_name(home: Path) -> None:
    old = {
        "command": "python3",
        "args": ["/src/extended-memory-mcp/mcp-server/server.py"],
        "env": {"STORAGE_CONNECTION_STRING": "sqlite:///~/m.db"},
    }
    path = written(home / DESKTOP, json.dumps({"mcpServers": {"notes": old}}))
    ended = run("install", "claude-desktop", "--yes", env=UNSET)
    assert ended.stderr == (
        'The entry "notes" starts this server already: it is brought up to date.\n'
    )
    assert json.loads(path.read_text("utf-8")) == {
        "mcpServers": {"notes": {**THIS, "env": old["env"]}}
    }


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (
            '{\n  "mcpServers": {},\n}',
            "{path} is malformed and was left alone: line 3, column 1: Expecting property name "
            "enclosed in double quotes. Mend it first.",
        ),
        ('{"mcpServers": []}', '{path} was left alone: "mcpServers" is no object.'),
        (
            '{"mcpServers": {"extended-memory": {"url": "https://x"}}}',
            '"extended-memory" is in {path} already, and not as a command: take another --name.',
        ),
    ],
)
def test_a_file_that_cannot_be_changed_is_left_alone(text: str, refusal: str, home: Path) -> None:
    path = written(home / DESKTOP, text)
    ended = run("install", "claude-desktop", "--yes", env=UNSET)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"extended-memory-mcp: {refusal.replace('{path}', str(path))}\n"
    assert path.read_text("utf-8") == text
    assert list(path.parent.iterdir()) == [path]


def test_the_name_of_another_server_is_refused(home: Path) -> None:
    path = written(home / DESKTOP, '{"mcpServers": {"github": {"command": "gh-mcp"}}}')
    ended = run("install", "claude-desktop", "--name", "github", "--yes", env=UNSET)
    assert ended.stderr == (
        f'extended-memory-mcp: "github" is another server in {path}: take another --name.\n'
    )


def test_print_prints_the_entry_and_writes_nothing(home: Path) -> None:
    ended = run("install", "zed", "--print", env=UNSET)
    assert json.loads(ended.stdout) == {"context_servers": {"extended-memory": THIS}}
    assert ended.stderr == f"For Zed, in {home}/.config/zed/settings.json:\n"
    code = run("install", "claude-code", "--print", "--project", "my shop", env=UNSET)
    env = {"EXTENDED_MEMORY_PROJECT": "my shop"}
    entry = {"type": "stdio", **THIS, "env": env}
    assert json.loads(code.stdout) == {"mcpServers": {"extended-memory": entry}}
    assert code.stderr.splitlines()[1] == (
        "Or: claude mcp add --scope user extended-memory -e 'EXTENDED_MEMORY_PROJECT=my shop' -- "
        f"{' '.join([sys.executable, *THIS['args']])}"
    )
    as_json = run("install", "codex", "--print", "--json", env=UNSET)
    assert json.loads(as_json.stdout) == {
        "client": "codex",
        "file": f"{home}/.codex/config.toml",
        "keys": ["mcp_servers", "extended-memory"],
        "entry": THIS,
    }
    assert list(home.iterdir()) == []


def test_variables_of_here_are_copied_only_when_asked_for(home: Path) -> None:
    here = {
        "STORAGE_CONNECTION_STRING": "sqlite:///mine.db",
        "CUSTOM_INSTRUCTION_PATH": "rules.md",
        "LOG_LEVEL": "DEBUG",
    }
    silent = run("install", "cursor", "--yes", "--json", env=here)
    assert silent.stderr.splitlines()[1:] == [
        "STORAGE_CONNECTION_STRING is set here, and not written: the client's memory will be in "
        "the default place. --env STORAGE_CONNECTION_STRING copies it."
    ]
    path = home / ".cursor" / "mcp.json"
    assert json.loads(path.read_text("utf-8")) == {"mcpServers": {"extended-memory": THIS}}
    options = (
        *("--env", "STORAGE_CONNECTION_STRING", "--env", "CUSTOM_INSTRUCTION_PATH"),
        *("--env", "LOG_LEVEL=INFO"),
    )
    asked = run("install", "cursor", "--print", *options, env=here)
    assert json.loads(asked.stdout)["mcpServers"]["extended-memory"]["env"] == {
        "STORAGE_CONNECTION_STRING": f"sqlite:///{Path.cwd()}/mine.db",  # a client starts elsewhere
        "CUSTOM_INSTRUCTION_PATH": f"{Path.cwd()}/rules.md",
        "LOG_LEVEL": "INFO",
    }
    absent = run("install", "cursor", "--print", "--env", "REDIS_KEY_PREFIX", env=here)
    assert absent.stderr == (
        "extended-memory-mcp: REDIS_KEY_PREFIX is not set here: write REDIS_KEY_PREFIX=VALUE, or "
        "leave it out.\n"
    )
    bad = run("install", "cursor", "--print", "--project", "a\tb", env=UNSET)
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "EXTENDED_MEMORY_PROJECT holds a control character" in bad.stderr


def test_another_file_is_taken_when_it_is_named(home: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "repository" / ".mcp.json", "")
    ended = run("install", "claude-code", "--file", str(path), "--yes", env=UNSET)
    assert ended.returncode == 0, ended.stderr
    entry = {"type": "stdio", **THIS}
    assert json.loads(path.read_text("utf-8")) == {"mcpServers": {"extended-memory": entry}}
    assert list(home.iterdir()) == []


def test_without_a_client_all_are_listed(home: Path) -> None:
    run("install", "zed", "--yes", env=UNSET)
    written(home / ".cursor/mcp.json", "{")
    listed = json.loads(run("install", "--json", env=UNSET).stdout)
    assert [(at["client"], at["found"], at["entries"]) for at in listed] == [
        ("claude-desktop", False, []),
        ("claude-code", False, []),
        ("cursor", True, []),
        ("vscode", False, []),
        ("codex", False, []),
        ("gemini-cli", False, []),
        ("zed", True, ["extended-memory"]),
    ]
    assert [at["client"] for at in listed if at["fault"]] == ["cursor"]
    table = run("install", env=UNSET).stdout.splitlines()
    assert [line.split() for line in table if line.startswith(("cursor", "zed", "codex"))] == [
        ["cursor", "yes", "malformed", "~/.cursor/mcp.json"],
        ["codex", "no", "-", "~/.codex/config.toml"],
        ["zed", "yes", "extended-memory", "~/.config/zed/settings.json"],
    ]


def test_an_unknown_client_is_wrong_usage(home: Path) -> None:
    ended = run("install", "emacs", env=UNSET)
    assert ended.returncode == 2
    assert "emacs" in ended.stderr
