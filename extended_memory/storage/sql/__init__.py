"""The repository on SQLite, through SQLAlchemy and Alembic."""
