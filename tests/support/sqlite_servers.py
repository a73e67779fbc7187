"""What tests run in another process; imports little, for each process imports it anew."""

import os
import resource
import sys
import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

from extended_memory.domain import Context
from extended_memory.errors import StoreError
from extended_memory.storage.sqlite.repository import SqliteRepository
from tests.support.sqlite_stores import contents, everything, save, search

NOBODY = 65534


def prepare(path: Path) -> None:
    """Do what a server does at its start."""
    with closing(SqliteRepository(path)) as repository:
        repository.prepare()


def prepare_then_load(path: Path, start: float) -> dict[int, Context]:
    """Meet the file at the same moment as the others do."""
    time.sleep(max(0.0, start - time.time()))
    prepare(path)
    return everything(path)


def prepare_with_limit(path: Path, largest: int) -> str:
    """Open a store on a disk that takes no file larger than this; return the refusal."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    try:
        prepare(path)
    except StoreError as refusal:
        return str(refusal)
    return ""


def refusal_of_prepare(path: Path) -> str:
    """Open a store; return the sentence it is refused with, or nothing."""
    with closing(SqliteRepository(path)) as repository:
        return _refusal_of_prepare(repository)


def save_on_a_full_disk(path: Path) -> tuple[str, list[str], int]:
    """Fill the disk, make space again; return the refusal, what was kept, the next id."""
    with closing(SqliteRepository(path)) as repository:
        save(repository, "before")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        size = path.with_name("memory.db-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        refused = refusal_of_save(repository, "too much " * 1000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        return refused, contents(repository), save(repository, "after")


def refusal_of_save(repository: SqliteRepository, content: str) -> str:
    """Save; return the sentence it is refused with, or nothing."""
    try:
        save(repository, content)
    except StoreError as refusal:
        return str(refusal)
    return ""


def become_nobody(scratch: Path) -> None:
    """Give up the rights of root, which no permission binds; an ordinary user stays itself.

    Whatever the program imports late is imported before: nobody may not be able to read it.
    """
    warm = SqliteRepository(scratch / "warm.db")
    save(warm, "Everything is imported now", tags=("warm",))
    search(warm, "everything")
    warm.close()
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def read_and_save_without_rights(folder: Path, given: dict[str, int]) -> list[object]:
    """Load and save as someone who may not write; then be allowed to, and save again.

    ``given`` are the modes of files in the folder, and of the folder itself (``"."``).
    """
    become_nobody(folder)
    path = folder / "memory.db"
    with closing(SqliteRepository(path)) as writer:
        save(writer, "before")
    for name, mode in given.items():
        (folder / name).chmod(mode)
    with closing(SqliteRepository(path)) as repository:
        answers: list[object] = [contents(repository), refusal_of_save(repository, "refused")]
        answers.append(contents(repository))
        folder.chmod(0o700)
        path.chmod(0o600)
        return [*answers, refusal_of_save(repository, "after"), contents(repository)]


def prepare_without_rights(folder: Path, given: dict[str, int]) -> tuple[str, str]:
    """Open a file that may only be read; then be allowed to write it, and open it again.

    Return the sentence of each opening, nothing where it succeeds.
    """
    become_nobody(folder)
    path = folder / "memory.db"
    for name, mode in given.items():
        (folder / name).chmod(mode)
    with closing(SqliteRepository(path)) as repository:
        before = _refusal_of_prepare(repository)
        folder.chmod(0o700)
        path.chmod(0o600)
        return before, _refusal_of_prepare(repository)


def refusal_without_rights(folder: Path, given: dict[str, int]) -> str:
    """Open a file that may only be read; return the refusal."""
    become_nobody(folder)
    for name, mode in given.items():
        (folder / name).chmod(mode)
    with closing(SqliteRepository(folder / "memory.db")) as repository:
        return _refusal_of_prepare(repository)


def _refusal_of_prepare(repository: SqliteRepository) -> str:
    try:
        repository.prepare()
    except StoreError as refusal:
        return str(refusal)
    return ""


def read_while_another_begins_to_write(folder: Path) -> list[list[str]]:
    """Load where nothing may be written; then let another repository save, and load again."""
    become_nobody(folder)
    path = folder / "memory.db"
    with closing(SqliteRepository(path)) as first:
        save(first, "before")
    folder.chmod(0o500)
    with closing(SqliteRepository(path)) as reader:
        loaded = [contents(reader)]
        folder.chmod(0o700)
        with closing(SqliteRepository(path)) as writer:
            save(writer, "after")
            loaded.append(contents(reader))
        return [*loaded, contents(reader)]


def load_a_wal_without_rights(folder: Path) -> tuple[list[str], str]:
    """Load where a crash left a WAL and nothing may be written; return contents or refusal."""
    become_nobody(folder)
    path = folder / "memory.db"
    with closing(SqliteRepository(path)) as crashed:
        save(crashed, "in the file")
    with closing(SqliteRepository(path)) as crashed:
        save(crashed, "in the WAL")
        for suffix in ("", "-wal"):
            copy = folder / f"copy.db{suffix}"
            copy.write_bytes((folder / f"memory.db{suffix}").read_bytes())
    folder.chmod(0o500)
    try:
        with closing(SqliteRepository(folder / "copy.db")) as reader:
            return contents(reader), ""
    except StoreError as refusal:
        return [], str(refusal)


def save_many(path: Path, name: str, count: int) -> None:
    """Save as a busy server does."""
    with closing(SqliteRepository(path)) as repository:
        for number in range(count):
            save(repository, f"{name} {number}")


def save_until_told(path: Path, count: int, size: int) -> None:
    """Save large contents and die without closing the file, as a crash does."""
    repository = SqliteRepository(path)
    for number in range(count):
        save(repository, f"{number:06}" * (size // 6))
    os._exit(0)


def save_as_told(path: Path, orders: "Connection[str, str]") -> None:
    """Save every content that is sent, answering with the refusal, until an empty one comes."""
    with closing(SqliteRepository(path)) as repository:
        while content := orders.recv():
            orders.send(refusal_of_save(repository, content))


def index_all(path: Path, limit: int) -> None:
    """Index what no search finds yet, as a server does in the background."""
    with closing(SqliteRepository(path)) as repository:
        while repository.index_newest(limit):
            pass


def index_and_save(path: Path, name: str, count: int) -> None:
    """Save, while others index, and index as well."""
    with closing(SqliteRepository(path)) as repository:
        for number in range(count):
            save(repository, f"{name} {number}")
            repository.index_newest(3)


def search_without_rights(folder: Path, given: dict[str, int]) -> tuple[list[str], int]:
    """Search a file that may only be read; return what is found and what is left to index."""
    become_nobody(folder)
    path = folder / "memory.db"
    with closing(SqliteRepository(path)) as writer:
        save(writer, "a zebra")
    for name, mode in given.items():
        (folder / name).chmod(mode)
    with closing(SqliteRepository(path)) as repository:
        found = [one.context.note.content for one in search(repository, "zebra").found]
        return found, repository.index_newest(10)


def imported_by_a_load(path: Path) -> list[str]:
    """Return what a start and a load import of the search."""
    everything(path)
    return [
        name
        for name in sys.modules
        if name.startswith(("snowballstemmer", "extended_memory.storage.sqlite.search.reads"))
    ]
