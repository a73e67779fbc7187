"""``uninstall``, as a person runs it."""

import json
import sys
from pathlib import Path

from tests.support.commands import run

WITHOUT_FOLDER = ["-P"] if sys.version_info >= (3, 11) else []

THIS = {"command": sys.executable, "args": [*WITHOUT_FOLDER, "-m", "extended_memory"]}

UNSET = {"STORAGE_CONNECTION_STRING": ""}


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="")
    return path


def test_uninstall_takes_every_entry_of_this_server_and_no_other(home: Path) -> None:
    others = {"other": {"command": "x"}, "far": {"url": "https://x"}}
    ours = {"extended-memory": THIS, "shop": {"command": "uvx", "args": ["extended-memory-mcp"]}}
    path = written(home / ".cursor/mcp.json", json.dumps({"mcpServers": {**others, **ours}}))
    ended = run("uninstall", "cursor", "--yes", "--json", env=UNSET)
    (backup,) = path.parent.glob("*.backup-*")
    assert json.loads(ended.stdout) == {
        "client": "cursor",
        "file": str(path),
        "entries": ["extended-memory", "shop"],
        "changed": True,
        "backup": str(backup),
    }
    assert json.loads(path.read_text("utf-8")) == {"mcpServers": others}
    again = run("uninstall", "cursor", env=UNSET)
    assert (again.returncode, again.stdout) == (
        0,
        f"Nothing to change: {path} has no entry of this server.\n",
    )
