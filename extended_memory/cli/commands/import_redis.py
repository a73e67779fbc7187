"""``import-redis``: brings the memories over that 0.9.0 keeps in a Redis server."""

from contextlib import closing
from functools import partial

from extended_memory.cli import console, environment, legacy_report, options
from extended_memory.cli.progress import progress
from extended_memory.errors import SettingsError
from extended_memory.settings import RedisLocation
from extended_memory.storage.backends import open_legacy_redis
from extended_memory.storage.redis.connection.health import LEGACY_PREFIX
from extended_memory.transfer.copier import copy_batches


def import_redis(
    old_url: str | None = None,
    /,
    *,
    prefix: str = LEGACY_PREFIX,
    as_json: options.Json = False,
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
    """
    settings = environment.settings()
    if old_url is None:
        if not isinstance(settings.storage, RedisLocation):
            raise SettingsError(
                "Say where 0.9.0 keeps its memories.",
                remedy="import-redis redis://localhost:6379/0.",
            )
        old_url = settings.storage.url
    with (
        closing(open_legacy_redis(old_url, prefix=prefix)) as source,
        environment.store_at(settings.storage, missing="made") as store,
    ):
        store.prepare()  # what the log has to say of the store comes before the bar
        with progress() as bar:
            task = bar.add_task("Looking", total=None)
            survey = source.survey()
            bar.update(task, description="Importing", total=survey.contexts)
            copied = copy_batches(source.read(), store, partial(bar.advance, task))
    if as_json:
        console.show_json(
            {"found": survey.contexts, "imported": copied.new, **legacy_report.values(survey)}
        )
        return
    lines = [f"{copied.new:,} of {survey.contexts:,} contexts imported."]
    if survey.contexts > copied.new:
        lines.append(f"{survey.contexts - copied.new:,} were imported before.")
    console.say("\n".join(lines + legacy_report.lines(survey)))
