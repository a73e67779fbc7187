"""What a start imports, and when: a client waits for the handshake, not for the store."""

from pathlib import Path

import pytest

from tests.support.imports import CLOCK, imports
from tests.support.server import ERAS, Start, eventually


@pytest.mark.long(but=1)
@pytest.mark.parametrize("version", ERAS)
def test_nothing_of_the_store_is_imported_before_the_handshake_is_answered(
    version: str, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    log = tmp_path / "imports"
    env = {"PYTHONPATH": str(tmp_path), "IMPORT_LOG": str(log)}
    server = start(env=env, version=version)
    server.handshake()
    answered = server.answered_at(1)
    server.ok("save_context", content="The first one.")
    assert server.end() == 0
    found = imports(log)
    assert found["fastmcp"] < answered
    assert {name: found[name] > answered for name in ("sqlalchemy", "alembic")} == {
        "sqlalchemy": True,
        "alembic": True,
    }
    assert "redis" not in found


@pytest.mark.long
def test_a_store_that_is_current_is_opened_without_alembic(
    start: Start, filled: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    log = tmp_path / "imports"
    server = start(env={"PYTHONPATH": str(tmp_path), "IMPORT_LOG": str(log)})
    server.handshake()
    assert server.ok("load_contexts")["total"] == 300
    saved = server.ok("save_context", content="The second one.")
    server.ok("get_popular_tags")
    server.ok("list_all_projects")
    server.ok("forget_context", context_id=saved["id"])
    assert server.end() == 0
    found = imports(log)
    assert "sqlalchemy" in found
    assert not {"alembic", "mako", "redis"} & found.keys()


def test_the_store_is_opened_soon_after_the_start_without_any_call(
    start: Start, place: Path
) -> None:
    server = start()
    server.handshake()
    eventually(lambda: "is at revision" in server.log())
    assert place.exists()
