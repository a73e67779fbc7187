"""Alembic's environment: the server's own connection, or the file that the settings name."""

import os

from alembic import context
from sqlalchemy import Connection

from extended_memory.errors import (
    SettingsError,
)
from extended_memory.settings import Settings, SqliteLocation
from extended_memory.storage.sqlite.file.database import Database
from extended_memory.storage.sqlite.models import Base
from extended_memory.storage.sqlite.schema.upgrade import record_release


def run(connection: Connection) -> None:
    """Run the migrations within the connection's transaction."""
    tables = Base.metadata.tables
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        # Tables an earlier install left in the file (decisions, for one) are none of ours.
        include_name=lambda name, kind, _: kind != "table" or name in tables,
        # SQLAlchemy does not read DESC back from SQLite, so it would find a difference for ever.
        include_object=lambda _, name, *__: name != "ix_tags_popularity",
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if connection.dialect.has_table(connection, "store_facts"):
        record_release(connection)


def run_on_the_command_line() -> None:
    """Serve ``alembic upgrade head``, ``check`` and ``current`` in a checkout."""
    storage = Settings.from_environment(os.environ).storage
    if not isinstance(storage, SqliteLocation):
        raise SettingsError("Alembic migrates SQLite files only.")
    database = Database(storage.path, own_folder=storage.own_folder)
    command = context.config.cmd_opts.cmd[0].__name__ if context.config.cmd_opts else ""
    with database.migration(to_upgrade=command == "upgrade") as connection:
        run(connection)


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    run_on_the_command_line()
