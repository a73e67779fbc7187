"""Programs that nobody here wrote: where they are, and how a test runs one."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

HERE = Path(__file__).resolve().parents[1] / "peers"
CHECKOUT = HERE.parents[1]
REQUIRED = "TEST_CLIENTS"
"""Names the folder where ``npm ci`` was run. Where it is set, a client that cannot run fails."""

OLDEST_NODE = 24

SERVER = str(Path(sys.executable).with_name("extended-memory-mcp"))

MANIFEST = json.loads((CHECKOUT / "publish" / "manifest.json").read_text("utf-8"))
TOOLS = {tool["name"] for tool in MANIFEST["tools"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Npm:
    """The clients from npm, in the folder they were installed in, and a Node that runs them."""

    folder: Path
    node: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of a package to its end."""
        return self.command(str(self._bin / program), *arguments)

    def script(self, script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script of ours, which imports packages from the folder."""
        beside_them = self.folder / script.name
        if beside_them != script:
            shutil.copy(script, beside_them)
        return self.command(str(self.node), str(beside_them), *arguments)

    def claude(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Claude Code; npm does not run its own installation."""
        wrapper = self.folder / "node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs"
        return self.command(str(self.node), str(wrapper), *arguments)

    def command(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run any command, with Node and the packages' own on PATH."""
        path = os.pathsep.join([str(self.node.parent), str(self._bin), os.environ["PATH"]])
        return subprocess.run(
            command,
            env={**os.environ, "PATH": path, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
        )

    @property
    def _bin(self) -> Path:
        return self.folder / "node_modules" / ".bin"


def find() -> Npm:
    """Find the clients, or end the test with what is missing."""
    folder = Path(os.environ.get(REQUIRED, HERE))
    if not (folder / "node_modules").is_dir():
        cannot_run("the clients from npm are not installed")
    node = shutil.which("node")
    if node is None:
        cannot_run("there is no Node on PATH")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)", told)
    if found is None or int(found[1]) < OLDEST_NODE:
        cannot_run(f"they need Node {OLDEST_NODE} or newer, and this is {told.strip()}")
    return Npm(folder=folder, node=Path(node))


def find_program(name: str) -> str:
    """Find a program on PATH, or end the test."""
    program = shutil.which(name)
    if program is None:
        cannot_run(f"there is no {name} on PATH")
    return program


def cannot_run(reason: str) -> NoReturn:
    """Skip the test with the reason, or fail where it has to run."""
    reason = f"{reason}; bash .ci/clients brings it all"
    if REQUIRED in os.environ:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
