"""``copy``: brings everything in one store into another one, and compares what is there then."""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.progress import Progress

from extended_memory import output
from extended_memory.cli import console, environment
from extended_memory.cli.commands import import_redis
from extended_memory.cli.progress import progress
from extended_memory.domain import (
    TIME_BOUNDS,
    PortableContext,
    SettingsError,
    StoreError,
    TimeRefusedError,
)
from extended_memory.names import normalise_project
from extended_memory.settings import RedisLocation, SqliteLocation
from extended_memory.storage.backends import open_legacy_redis, side_files, store_files
from extended_memory.storage.redis.connection.health import LEGACY_PREFIX
from extended_memory.store_service import StoreService
from extended_memory.transfer.snapshot import Comparison, Copied, batches, everything

if TYPE_CHECKING:
    from extended_memory.storage.redis.legacy import Survey

_SHOWN = 20
"""How many of the contexts that cannot be copied are named."""


def copy(
    source: str,
    target: str,
    /,
    *,
    project: str | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Copy every context of one store into another, and check that it is there.

    Each comes with its project, times, tags and earlier texts, and so does the trash; the contexts
    get new ids. The first store is only read. A second run adds what is new, and completes a copy
    that was interrupted. A Redis of 0.9.0 is copied as import-redis does.

    Parameters
    ----------
    source
        Where they are, such as sqlite:///~/memory/memory.db.
    target
        Where they go to, such as redis://localhost:6379/0.
    project
        Copy this project alone.
    as_json
        Print the report as one JSON object.
    """
    at = environment.place(source, argument="SOURCE", as_written=True)
    to = environment.place(target, argument="TARGET")
    _require_own_place(to, at)
    only = normalise_project(project or "")
    copied = Copied()
    report: dict[str, Any] = {}
    lines: list[str] = []
    with (
        environment.store(at, missing="refused") as old,
        environment.store(to, missing="made") as store,
        progress() as bar,
    ):
        for each in (old, store):
            each.prepare()  # what the log has to say of the stores comes before the bar
        if isinstance(at, RedisLocation) and old.notice and _is_empty(old):
            survey = _bring_over_from_0_9_0(at, store, bar, copied, only=only)
            report["of_0.9.0"] = import_redis.values(survey)
            lines = import_redis.remarks(survey)
        else:
            _bring_over(old, store, bar, copied, only=only)
        if only and not copied.found and not copied.refused:
            raise SettingsError(f'There is no project "{only}" to copy.', remedy="check its name.")
        task = bar.add_task("Checking", total=store.context_count())
        compared = copied.compared(store, lambda: bar.advance(task))
    if as_json:
        numbers: dict[str, Any] = {
            "found": copied.found,
            "copied": copied.new,
            "in_trash": copied.in_trash,
        }
        if copied.refused:
            numbers["refused"] = copied.refused
        console.show_json(numbers | asdict(compared) | report)
    else:
        console.say("\n".join([*_counts(copied), *lines, *_check(compared)]))
    if compared.missing:
        raise StoreError(
            f"{compared.missing:,} contexts are not there as they were copied.",
            remedy="run the same command again, with no client at work on either store.",
        )
    if copied.refused:
        shown = ", ".join(f"#{number}" for number in copied.refused[:_SHOWN])
        more = len(copied.refused) - _SHOWN
        raise TimeRefusedError(
            f"{len(copied.refused):,} have a time that is not {TIME_BOUNDS}, and were left out "
            f"({shown}{f' and {more:,} more' if more > 0 else ''}).",
            remedy="correct the times in an export of the first store, and import that.",
        )


def _require_own_place(
    to: SqliteLocation | RedisLocation, at: SqliteLocation | RedisLocation
) -> None:
    """Refuse a target among the files of another store, and one beside which the source would go.

    Raises:
        OutputError: it is one.
    """
    if not isinstance(to, SqliteLocation):
        return
    others = [at]
    with suppress(SettingsError):  # what cannot be understood names no store
        others.append(environment.settings().storage)
    for other in others:
        if isinstance(other, SqliteLocation) and not output.is_same(to.path, other.path):
            output.target(to.path, store=store_files(other))
    if isinstance(at, SqliteLocation):
        for side in side_files(to):
            output.target(side, store=[at.path])


def _bring_over(
    old: StoreService, store: StoreService, bar: Progress, copied: Copied, *, only: str
) -> None:
    task = bar.add_task("Copying", total=old.context_count(only))
    last = 0
    for batch in batches(everything(old)):
        # What is there under its own id already, is so where both are one store, or where one
        # began as a copy of the other's file.
        there = _between(store, last, max(batch))
        last = max(batch)
        some = {number: one for number, one in batch.items() if only in ("", one.project)}
        missing = {number: one for number, one in some.items() if there.get(number) != one}
        for number, one in missing.items():
            if one.unstorable_time is not None:
                copied.refused.append(number)
                del some[number]
        takable = [one for number, one in missing.items() if number in some]
        copied.add(list(some.values()), store.add_imported(takable))
        bar.advance(task, sum(one.forgotten_at is None for one in some.values()))


def _between(store: StoreService, after: int, last: int) -> dict[int, PortableContext]:
    """Return what has an id in a range."""
    return dict(takewhile(lambda each: each[0] <= last, everything(store, after=after)))


def _bring_over_from_0_9_0(
    at: RedisLocation, store: StoreService, bar: Progress, copied: Copied, *, only: str
) -> "Survey":
    """Copy what 0.9.0 keeps under our prefix, if it was its own as well, or under its default."""
    for prefix in dict.fromkeys((at.key_prefix, LEGACY_PREFIX)):
        with closing(open_legacy_redis(at.url, prefix=prefix)) as legacy:
            survey = import_redis.bring_over(legacy, store, bar, copied, only=only)
        if survey.contexts:
            break
    return survey


def _is_empty(store: StoreService) -> bool:
    return not store.context_count() and not store.trash_after(after=0, limit=1)


def _counts(copied: Copied) -> Iterator[str]:
    yield f"{copied.new:,} of {copied.found:,} contexts copied."
    if copied.in_trash:
        yield f"{copied.in_trash:,} of them are in the trash."
    if copied.found > copied.new:
        yield f"{copied.found - copied.new:,} were there before."


def _check(compared: Comparison) -> Iterator[str]:
    if not compared.missing:
        yield f"Checked: {compared.same:,} are in the second store as in the first."
    if compared.changed:
        yield (
            f"{compared.changed:,} were there before and are different now, because they were "
            "changed in one of the stores: they stay as they are."
        )
