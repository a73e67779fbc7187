"""The home of the person who runs a command."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def home(place: Path) -> Path:
    """Give the home directory of a person, which the guard of all tests made for this one."""
    return Path(os.environ["HOME"])
