"""What lies on the disk is for its owner alone, and what is not ours keeps its mode."""

from contextlib import closing
from pathlib import Path

import pytest

from extended_memory.storage.sqlite.repository import SqliteRepository
from tests.support.sqlite_stores import contents, everything, execute, mode, save


@pytest.mark.usefixtures("open_umask")
def test_a_fresh_store_and_its_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "memory.db"
    with closing(SqliteRepository(path)) as repository:
        save(repository, "Private")
        assert {name.name: mode(name) for name in path.parent.iterdir()} == {
            "memory.db": 0o600,
            "memory.db-wal": 0o600,
            "memory.db-shm": 0o600,
        }
    assert (mode(path.parent), mode(path.parent.parent)) == (0o700, 0o700)


@pytest.mark.usefixtures("open_umask")
def test_an_existing_store_that_others_may_read_is_tightened_with_its_wal(place: Path) -> None:
    with closing(SqliteRepository(place)) as first:
        save(first, "Private")
        for suffix in ("", "-wal", "-shm"):
            place.with_name(f"memory.db{suffix}").chmod(0o644)
        with closing(SqliteRepository(place)) as second:
            save(second, "Also private")
            assert {path.name: mode(path) for path in place.parent.iterdir()} == {
                "memory.db": 0o600,
                "memory.db-wal": 0o600,
                "memory.db-shm": 0o600,
            }


@pytest.mark.parametrize("given", [0o755, 0o777, 0o750])
def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path, given: int) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(given)
    everything(folder / "memory.db")
    assert mode(folder) == given


def test_the_default_folder_is_tightened(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir(mode=0o755)
    with closing(SqliteRepository(folder / "memory.db", own_folder=True)) as repository:
        repository.prepare()
    assert mode(folder) == 0o700


def test_a_mode_stricter_than_ours_stays(place: Path) -> None:
    everything(place)
    place.chmod(0o400)
    with closing(SqliteRepository(place, own_folder=True)) as repository:
        assert contents(repository) == []
    assert mode(place) == 0o400


def test_an_empty_file_becomes_a_store(place: Path) -> None:
    place.parent.mkdir()
    place.touch(mode=0o644)
    with closing(SqliteRepository(place)) as repository:
        assert save(repository, "First") == 1
        assert contents(repository) == ["First"]
    assert mode(place) == 0o600


def test_nothing_is_made_before_the_first_call(place: Path) -> None:
    SqliteRepository(place).close()
    assert not place.parent.exists()


@pytest.mark.parametrize(
    "name",
    [
        "with space.db",
        "quote'\".db",
        "100%.db",
        "what?.db",
        "#1.db",
        "[a].db",
        "память🧠.db",
        "&.db",
    ],
)
def test_a_file_may_have_any_name(place: Path, name: str) -> None:
    path = place.parent / name
    with closing(SqliteRepository(path)) as repository:
        save(repository, "Found")
    assert [other.name for other in path.parent.iterdir()] == [name]
    assert [found.note.content for found in everything(path).values()] == ["Found"]


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_text("Shopping: tea\n" * 100),
        lambda path: execute(path, "CREATE TABLE shopping (item)"),
    ],
    ids=["text", "database"],
)
def test_a_file_of_another_program_keeps_its_mode(place: Path, make: object) -> None:
    assert callable(make)
    place.parent.mkdir()
    make(place)
    place.chmod(0o644)
    with pytest.raises(Exception, match="it was left as it is"):
        SqliteRepository(place).prepare()
    assert mode(place) == 0o644
