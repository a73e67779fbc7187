"""Diagnoses of the installation: versions, and the settings of the environment."""

import platform
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version

from extended_memory.errors import Diagnosis
from extended_memory.settings import EXTENDED_MEMORY_PROJECT, VARIABLES, unknown_variables
from extended_memory.storage.backends import diagnose_sqlite
from extended_memory.version import __version__

_LIBRARIES = {"fastmcp": "FastMCP", "sqlalchemy": "SQLAlchemy", "redis": "redis-py"}


def diagnoses(environment: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Name the versions, and the variables that are set."""
    yield Diagnosis(
        fact=f"extended-memory-mcp {__version__} on Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()} ({platform.machine()})."
    )
    versions = [f"{title} {_version(name)}" for name, title in _LIBRARIES.items()]
    yield Diagnosis(fact=f"{', '.join(versions)}.")
    yield diagnose_sqlite()
    given = [name for name in VARIABLES if environment.get(name, "").strip()]
    yield Diagnosis(fact=f"Settings of the environment: {', '.join(given) or 'none'}.")
    for name in unknown_variables(environment):
        yield Diagnosis(
            level="warning",
            fact=f"{name} is set, and is no setting of this server.",
            remedy=_nearest(name),
        )
    if EXTENDED_MEMORY_PROJECT in given:
        yield Diagnosis(fact="Commands and servers started from here see one project alone.")


def _nearest(name: str) -> str:
    near = get_close_matches(name, VARIABLES, n=1)
    return f"did you mean {near[0]}?" if near else f"those that there are: {', '.join(VARIABLES)}."


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"
