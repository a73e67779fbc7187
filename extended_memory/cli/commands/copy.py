"""``copy``: brings everything in one store into another one, and compares what is there then."""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.progress import Progress

from extended_memory import output
from extended_memory.cli import console, environment, legacy_report, options
from extended_memory.cli.progress import progress
from extended_memory.domain import TIME_BOUNDS
from extended_memory.errors import (
    SettingsError,
    StoreError,
    TimeRefusedError,
)
from extended_memory.settings import RedisLocation, SqliteLocation
from extended_memory.storage.backends import open_legacy_redis, side_files, store_files
from extended_memory.storage.redis.connection.health import LEGACY_PREFIX
from extended_memory.store_service import StoreService
from extended_memory.transfer.copier import copy_batches, copy_store
from extended_memory.transfer.verification import Comparison, Copied

if TYPE_CHECKING:
    from extended_memory.storage.redis.legacy import Survey

_SHOWN = 20
"""How many of the contexts that cannot be copied are named."""


def copy(
    source: str,
    target: str,
    /,
    *,
    project: options.OnlyProject = "",
    as_json: options.Json = False,
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
    """
    at = environment.place(source, argument="SOURCE", as_written=True)
    to = environment.place(target, argument="TARGET")
    _require_own_place(to, at)
    project = environment.project_in_scope(project)
    report: dict[str, Any] = {}
    lines: list[str] = []
    with (
        environment.store_at(at, missing="refused") as old,
        environment.store_at(to, missing="made") as store,
        progress() as bar,
    ):
        for each in (old, store):
            each.prepare()  # what the log has to say of the stores comes before the bar
        if isinstance(at, RedisLocation) and old.notice and _is_empty(old):
            copied, survey = _copied_from_0_9_0(at, store, bar, project=project)
            report["of_0.9.0"] = legacy_report.values(survey)
            lines = legacy_report.lines(survey)
        else:
            task = bar.add_task("Copying", total=old.context_count(project))
            copied = copy_store(old, store, partial(bar.advance, task), only=project)
        if project and not copied.found and not copied.refused:
            raise SettingsError(
                f'There is no project "{project}" to copy.', remedy="check its name."
            )
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


def _copied_from_0_9_0(
    at: RedisLocation, store: StoreService, bar: Progress, *, project: str
) -> "tuple[Copied, Survey]":
    """Copy what 0.9.0 keeps under our prefix, if it was its own as well, or under its default."""
    for prefix in dict.fromkeys((at.key_prefix, LEGACY_PREFIX)):
        with closing(open_legacy_redis(at.url, prefix=prefix)) as legacy:
            task = bar.add_task("Looking", total=None)
            survey = legacy.survey()
            bar.update(task, description="Copying", total=survey.contexts)
            copied = copy_batches(legacy.read(), store, partial(bar.advance, task), only=project)
        if survey.contexts:
            break
    return copied, survey


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
