"""Copies of a database file: written whole or not at all, and named for what they are.

A copy beside its file is called ``memory.db.backup-20261123T091500Z-0004`` for the time (UTC) and
the revision. One that was asked for ends in ``-manual``, and what a restored backup took the place
of in ``-replaced``. Of each kind the newest five whole ones stay. So no kind pushes out
another, and no copy of a damaged file pushes out a whole one.
"""

import logging
import re
import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final, Literal

from extended_memory import output
from extended_memory.domain import MovedFile
from extended_memory.errors import StoreError
from extended_memory.storage.sqlite.file import orphans, permissions, side_files
from extended_memory.storage.sqlite.file.engine import IMMUTABLE, connect
from extended_memory.storage.sqlite.file.open_files import require_unused

BACKUPS_KEPT: Final = 5

KEPT_AT_LEAST: Final = timedelta(days=7)
"""A replaced file stays this long: whoever restores one backup after another can go back."""

UNFINISHED: Final = ".unfinished"

Kind = Literal["upgrade", "manual", "replaced"]

Tell = Callable[[int, int], None]
"""Is told how much is done, and of how much."""

_PAGES_AT_ONCE: Final = 4_096
_MOMENT: Final = output.MOMENT
_NAME: Final = re.compile(
    r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-"
    r"(?P<revision>[0-9.]+|unknown)(?:-(?P<kind>manual|replaced))?"
)
_KINDS: Final[dict[str | None, Kind]] = {
    None: "upgrade",
    "manual": "manual",
    "replaced": "replaced",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy beside a file, as its name tells."""

    path: Path
    written_at: datetime
    revision: str
    kind: Kind


def tell_nobody(done: int, total: int) -> None:
    """Tell nobody."""


def new_name(path: Path, revision: str, kind: Kind) -> Path:
    """Return the name of a copy of a file that is made now; no other copy has it."""
    moment = datetime.now(timezone.utc)
    ending = revision if kind == "upgrade" else f"{revision}-{kind}"
    while True:
        name = path.with_name(f"{_prefix(path)}{moment.strftime(_MOMENT)}-{ending}")
        if not name.exists():
            return name
        moment += timedelta(seconds=1)


def beside(path: Path) -> list[Copy]:
    """Return the copies beside a file, the oldest first; no folder, and no link to the file."""
    beginning = _prefix(path)
    itself = permissions.identity(path)
    found: list[Copy] = []
    for other in sorted(path.parent.iterdir()):
        match = _NAME.fullmatch(other.name.removeprefix(beginning))
        if match is None or not other.name.startswith(beginning):
            continue
        if not other.is_file() or permissions.identity(other) == itself:
            continue
        with suppress(ValueError):  # digits that are no time: not a name of ours
            year, month, day, hour, minute, second = map(int, match.groups()[:6])
            moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
            kind = _KINDS[match["kind"]]
            copy = Copy(path=other, written_at=moment, revision=match["revision"], kind=kind)
            found.append(copy)
    return found


def kind_of(name: str, path: Path) -> Kind | None:
    """Return the kind that the name of a copy, or of a part of one, tells; None for others."""
    beginning = _prefix(path)
    match = _NAME.match(name.removeprefix(beginning)) if name.startswith(beginning) else None
    return None if match is None else _KINDS[match["kind"]]


def thin_out(path: Path, kind: Kind, *, spared: Collection[Path]) -> list[Path]:
    """Remove the copies of a kind that have five newer whole ones; return those that are gone.

    Called once what the newest copy was made for has succeeded. ``spared`` stay, also where a
    clock that was set back makes them look old.
    """
    newest_first = [copy for copy in reversed(beside(path)) if copy.kind == kind]
    gone: list[Path] = []
    for copy in reversed(newest_first[_count_to_keep(newest_first) :]):
        if copy.path in spared or (kind == "replaced" and _is_recent(copy)):
            continue
        try:
            remove(copy.path)
        except OSError as error:  # what it was called for has succeeded all the same
            logger.warning("An older backup was left: %s (%s)", copy.path, error.strerror)
        else:
            gone.append(copy.path)
    return gone


def _count_to_keep(newest_first: list[Copy]) -> int:
    """Say how many copies there are up to the fifth whole one; reads none where few are there."""
    if len(newest_first) <= BACKUPS_KEPT:
        return len(newest_first)
    whole = 0
    for count, copy in enumerate(newest_first, 1):
        whole += is_sound(copy.path)
        if whole == BACKUPS_KEPT:
            return count
    return len(newest_first)


def _is_recent(copy: Copy) -> bool:
    return datetime.now(timezone.utc) - copy.written_at < KEPT_AT_LEAST


def remove(copy: Path) -> None:
    """Remove a copy, or a part of one, with what SQLite may have put beside it."""
    for file in side_files.with_database(copy):
        file.unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    return f"{path.name}.backup-"


def write(
    source: sqlite3.Connection,
    target: Path,
    *,
    is_checked: bool = True,
    may_replace: bool = False,
    tell: Tell = tell_nobody,
) -> tuple[MovedFile, ...]:
    """Copy a database into a new file that only its owner may read; return what lay in its way.

    The copy gets its name once it is complete, checked and on the disk. Others may write to the
    database meanwhile, and none of that is in it. Nothing of an earlier file stays beside it:
    SQLite would play that back over the copy. Then the copy is checked under its name.

    Raises:
        StoreError: the copy is not sound, so the database is not.
        StoreBusyError: another process uses the target.
    """
    moved: tuple[MovedFile, ...] = ()
    try:
        with output.written(
            target, beginning="", ending=UNFINISHED, is_new=not may_replace
        ) as part:
            with closing(sqlite3.connect(part)) as copy:
                _copy_pages(source, copy, tell)
            if is_checked:
                _require_sound(part, target.name)
            if may_replace:
                require_unused(target)
            moved = orphans.set_aside(target)
    except FileExistsError:
        # What was moved away stays so: it belongs to neither of the files.
        raise StoreError(
            f"Another program made {target.name} meanwhile, and it was left as it is.",
            remedy="quit it, and try again.",
        ) from None
    except output.OutputError:
        raise  # nor to the one that another program put there
    except BaseException:
        orphans.put_back(moved)
        raise
    if is_checked and not is_sound(target):
        raise StoreError(
            f"{target.name} was written, but is not whole where it lies.",
            remedy=(
                "look what other program writes beside it, and make the copy in another folder."
            ),
        )
    return moved


def _copy_pages(source: sqlite3.Connection, copy: sqlite3.Connection, tell: Tell) -> None:
    # Within one transaction, or what others write in between would begin the copy anew.
    is_ours = not source.in_transaction
    if is_ours:
        source.execute("BEGIN")
    try:
        source.backup(
            copy,
            pages=_PAGES_AT_ONCE,
            progress=lambda _status, left, total: tell(total - left, total),
            sleep=0.05,
        )
    finally:
        if is_ours:
            source.execute("ROLLBACK")


def is_sound(path: Path, mode: str = "") -> bool:
    """Say whether the pages of a file are whole; False if it is no database.

    Without a mode, of one that nobody writes, and without a trace beside it.
    """
    try:
        with closing(connect(path, mode or reading_mode(path))) as database:
            found: object = database.execute("PRAGMA quick_check(1)").fetchone()
            return found == ("ok",)
    except sqlite3.DatabaseError:
        return False


def _require_sound(copy: Path, name: str) -> None:
    if not is_sound(copy):
        raise StoreError(
            f"{name} was not written.",
            remedy=(
                "what was copied is damaged. `extended-memory-mcp check` says "
                "where, and `extended-memory-mcp backups` lists older copies."
            ),
        )


def reading_mode(path: Path) -> str:
    """Return how to read a copy, without a trace beside it where it has no WAL of its own."""
    return "mode=rw" if permissions.size(side_files.wal(path)) else IMMUTABLE
