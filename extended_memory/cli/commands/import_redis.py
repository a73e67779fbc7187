"""``import-redis``: brings the memories over that 0.9.0 keeps in a Redis server."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.progress import Progress

from extended_memory.cli import console, environment
from extended_memory.cli.progress import progress
from extended_memory.domain import SettingsError
from extended_memory.settings import RedisLocation
from extended_memory.storage.backends import open_legacy_redis
from extended_memory.storage.redis.connection.health import LEGACY_PREFIX
from extended_memory.store_service import StoreService
from extended_memory.transfer.snapshot import Copied

if TYPE_CHECKING:
    from extended_memory.storage.redis.legacy import LegacyRedis, Survey

_KEYS_SHOWN = 20


def import_redis(
    old_url: str | None = None,
    /,
    *,
    prefix: str = LEGACY_PREFIX,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Copy the memories that 0.9.0 keeps in Redis into this store.

    They go to the store that STORAGE_CONNECTION_STRING names, a SQLite file or a Redis server.
    The old server is only read, and a second run adds nothing.

    Parameters
    ----------
    old_url
        Where 0.9.0 keeps them, such as redis://localhost:6379/0. Left out: on the Redis server of
        STORAGE_CONNECTION_STRING itself.
    prefix
        What their keys begin with: 0.9.0's REDIS_KEY_PREFIX.
    as_json
        Print the report as one JSON object.
    """
    settings = environment.settings()
    if old_url is None:
        if not isinstance(settings.storage, RedisLocation):
            raise SettingsError(
                "Say where 0.9.0 keeps its memories.",
                remedy="import-redis redis://localhost:6379/0.",
            )
        old_url = settings.storage.url
    copied = Copied()
    with (
        closing(open_legacy_redis(old_url, prefix=prefix)) as source,
        environment.store(settings.storage, missing="made") as store,
    ):
        store.prepare()  # what the log has to say of the store comes before the bar
        with progress() as bar:
            survey = bring_over(source, store, bar, copied)
    if as_json:
        console.show_json({"found": survey.contexts, "imported": copied.new, **values(survey)})
        return
    lines = [f"{copied.new:,} of {survey.contexts:,} contexts imported."]
    if survey.contexts > copied.new:
        lines.append(f"{survey.contexts - copied.new:,} were imported before.")
    console.say("\n".join(lines + remarks(survey)))


def bring_over(
    source: "LegacyRedis",
    store: StoreService,
    bar: Progress,
    copied: Copied,
    *,
    only: str = "",
) -> "Survey":
    """Bring what 0.9.0 keeps in a server into a store, perhaps of one project only."""
    task = bar.add_task("Looking", total=None)
    survey = source.survey()
    bar.update(task, description="Importing", total=survey.contexts)
    for contexts in source.read():
        some = [context for context in contexts if only in ("", context.project)]
        copied.add(some, store.add_imported(some))
        bar.advance(task, len(contexts))
    return survey


def values(survey: "Survey") -> dict[str, Any]:
    """Return what there is to know about an old server, for a program."""
    return {
        "unreadable": survey.unreadable,
        "without_time": survey.without_time,
        "ids_without_body": survey.ids_without_body,
        "first_expiry": survey.first_expiry.isoformat() if survey.first_expiry else None,
        "expiring_within_30_days": survey.expiring_soon,
        "merged_projects": {
            project: sorted(written) for project, written in _merged(survey).items()
        },
    }


def remarks(survey: "Survey") -> list[str]:
    """Return what a person wants to know about an old server, a line for each thing."""
    lines = []
    for project, written in sorted(_merged(survey).items()):
        spellings = ", ".join(f'"{name}"' if name else "no project" for name in sorted(written))
        lines.append(f'Project "{project}" was written as {spellings}: it is one project now.')
    if survey.unreadable:
        lines.append(f"{len(survey.unreadable):,} could not be read: {_keys(survey.unreadable)}")
    if survey.without_time:
        lines.append(
            f"{len(survey.without_time):,} had no readable time and got that of this import: "
            f"{_keys(survey.without_time)}"
        )
    if survey.ids_without_body:
        lines.append(
            f"{survey.ids_without_body:,} ids are listed whose context is gone: it expired, or "
            "0.9.0 deleted it by half."
        )
    if survey.first_expiry:
        lines.append(
            f"In the old store the first context expires on {survey.first_expiry:%Y-%m-%d}, and "
            f"{survey.expiring_soon:,} within 30 days. Here nothing expires."
        )
    return lines


def _merged(survey: "Survey") -> dict[str, set[str]]:
    return {project: names for project, names in survey.spellings.items() if len(names) > 1}


def _keys(names: list[str]) -> str:
    more = len(names) - _KEYS_SHOWN
    return ", ".join(names[:_KEYS_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
