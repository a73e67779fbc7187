"""What the tests of SQLite files share."""

import gzip
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.sqlite_servers import NOBODY
from tests.support.sqlite_stores import CHECKOUT


@pytest.fixture
def written(place: Path) -> Path:
    """Put the file that the published 0.9.0 wrote in place; return its path."""
    place.parent.mkdir()
    stored = CHECKOUT / "tests" / "data" / "written_by_0.9.0.sqlite3.gz"
    place.write_bytes(gzip.decompress(stored.read_bytes()))
    return place


@pytest.fixture
def local_zone() -> Iterator[Callable[[str], None]]:
    """Give a function that moves this machine to another time zone, for one test."""
    with pytest.MonkeyPatch.context() as patch:

        def move(zone: str) -> None:
            patch.setenv("TZ", zone)
            time.tzset()

        yield move
    time.tzset()


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Let every file be made as open as its maker asks."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Give a folder that nobody owns and can reach, as pytest's own folders cannot be."""
    folder = Path(tempfile.mkdtemp(prefix="extended-memory-nobody-"))
    if os.getuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    yield folder
    for path in (folder, *folder.iterdir()):
        path.chmod(0o700)
    shutil.rmtree(folder)
