"""The two products, each in a virtual environment of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REFERENCE_RELEASE = "0.9.0"

_CHECKOUT = Path(__file__).resolve().parents[1]
_ON_WINDOWS = sys.platform == "win32"
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "PATHEXT")
_VERSIONS = """
import platform, sqlite3
from importlib.metadata import distributions
found = {each.metadata["Name"].lower(): each.version for each in distributions()}
named = ["extended-memory-mcp", "fastmcp", "redis", "hiredis"]
print(*(f"{name} {found[name]}" for name in named if name in found), sep=", ", end=", ")
print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
"""


@dataclass(frozen=True, slots=True)
class Product:
    """An installed server: ``script`` is the console script that a client would start."""

    name: str
    python: Path
    script: Path

    def versions(self) -> str:
        """Ask the environment for what a figure depends on."""
        command = [str(self.python), "-c", _VERSIONS]
        # Not from the caller's folder: a checkout there would be found before what is installed.
        answer = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, cwd=self.python.parent
        )
        return answer.stdout.strip()


def reference(python: Path | None, folder: Path, *, extra: str = "") -> Product:
    """Return the published predecessor, of a given environment or of a new one in the folder."""
    requirement = f"extended-memory-mcp{extra}=={REFERENCE_RELEASE}"
    python = python or _install(folder / "reference-environment", requirement)
    return _product("reference", python, "extended-memory-mcp-server")


def project(python: Path | None, folder: Path, *, extra: str = "") -> Product:
    """Return this checkout, of a given environment or installed into a new one in the folder."""
    python = python or _install(folder / "project-environment", f"{_CHECKOUT}{extra}")
    return _product("project", python, "extended-memory-mcp")


def isolated(home: Path) -> dict[str, str]:
    """Return an environment from which the caller's memory and configuration are out of reach."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_DATA_HOME": str(home),
        "LOG_LEVEL": "ERROR",
    }


def _product(name: str, python: Path, script: str) -> Product:
    # Not resolved: the link's own folder is what makes it this environment's Python.
    python = python.absolute()
    return Product(name, python, python.parent / (f"{script}.exe" if _ON_WINDOWS else script))


def _install(environment: Path, requirement: str) -> Path:
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / ("Scripts/python.exe" if _ON_WINDOWS else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "-qq", requirement], check=True)
    return python
