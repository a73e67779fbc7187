"""The repository on SQLite, through SQLAlchemy and Alembic.

- ``repository``    the contract, a method for each of its own
- ``queries``       what is read, through SQLAlchemy's connection
- ``statements``    what is written, as SQL for the driver's connection
- ``compilation``   statements become SQL for the driver's connection, and why
- ``pages``         the ids that a selection means, a page of them
- ``rows``          rows become values, and values rows: the one codec
- ``writing``       the steps that change a store, within a transaction
- ``renaming``      a project gets another name, or joins the project that has it
- ``summary``       the numbers of a store
- ``models``        the tables
- ``content_hash``  a short hash of a content, to find an equal one
- ``search``        the search index
- ``check``         what must hold in a file, and a diagnosis of it
- ``schema``        which release wrote a file, and its upgrade
- ``file``          the file: transactions, faults, permissions, copies
"""
