"""Statements are built from the models."""

import ast
import re
from pathlib import Path

import extended_memory.storage.sqlite.statements

PACKAGE = Path(extended_memory.storage.sqlite.statements.__file__).parent

_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|REPLACE)\s")

# They read files of another structure, or of one that is broken.
WITH_SQL_AS_TEXT = {"check", "file", "schema"}


def test_sql_as_text_stands_where_a_file_may_not_be_as_the_models_say() -> None:
    found = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if _SQL.match(node.value)
    }
    assert found == WITH_SQL_AS_TEXT
