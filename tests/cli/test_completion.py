"""The shell completes commands and options, once a person has asked for it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from extended_memory.cli import app
from tests.support.commands import run

COMPLETE = """
source ~/.bashrc
words() {
    COMP_WORDS=(extended-memory-mcp "$@")
    COMP_CWORD=$#
    "$(complete -p extended-memory-mcp | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
    echo "${COMPREPLY[@]}"
}
words rename
words forget --
"""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_a_script_for_every_shell_names_every_command(shell: str, tmp_path: Path) -> None:
    script = tmp_path / "completion"
    ended = run("--install-completion", "--shell", shell, "--output", str(script), env={})
    assert ended.returncode == 0, ended.stderr
    commands = {name for name in app.app if not name.startswith("-")}
    text = script.read_text("utf-8")
    assert {name for name in commands if name not in text} == set()
    assert "permanently" in text


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_commands_and_their_options() -> None:
    run("--install-completion", "--shell", "bash", env={})
    completed = subprocess.run(
        ["bash", "--norc", "-c", COMPLETE], capture_output=True, text=True, check=True, timeout=60
    )
    assert completed.stdout.splitlines() == [
        "rename-project",
        "--permanently --yes --project --json --help --version",
    ]
