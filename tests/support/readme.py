"""Facts that the README and the files of the registry share."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from extended_memory.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[2]

PYPROJECT = (CHECKOUT / "pyproject.toml").read_text("utf-8")

(PACKAGE,) = re.findall(r'^name = "(.+)"$', PYPROJECT, re.MULTILINE)

(_SCRIPTS,) = re.findall(r"^\[project\.scripts\]\n((?:.+\n)+)", PYPROJECT, re.MULTILINE)

SCRIPTS: dict[str, str] = dict(re.findall(r'(\S+) = "(\S+)"', _SCRIPTS))


class Recording(Mapping[str, str]):
    """An empty environment that remembers what was asked of it."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def variables() -> set[str]:
    """Return the names of the variables that the program reads."""
    environment = Recording()
    Settings.from_environment(environment)
    return environment.asked
