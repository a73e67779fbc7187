"""Write ``written_by_0.9.0.sqlite3.gz`` anew, with the published 0.9.0 itself.

    python -m venv /somewhere && /somewhere/bin/pip install extended-memory-mcp==0.9.0
    python tests/data/write_with_0_9_0.py /somewhere/bin/extended-memory-mcp-server

The first rows are saved and forgotten through the real server, as a client does it: newline
JSON-RPC over stdio. 0.9.0 normalises names on the way, so the rows of earlier releases, which
did not, are put into its tables afterwards; ``AFTERWARDS`` says how. The file is stored as
0.9.0 left it, only compressed. Its times are the local ones of the machine that wrote it.
"""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

TARGET = Path(__file__).with_name("written_by_0.9.0.sqlite3.gz")

LONG = "Память — это то, что остаётся. 🧠 Memory is what stays.\n" * 900

CAFE = ("caf\u00e9", "cafe\u0301")  # the same word, composed and decomposed

SAVED: tuple[dict[str, object], ...] = (
    {"content": "No project was named", "importance_level": 7},
    {"content": "Решили: храним всё в SQLite 🗄️", "importance_level": 9, "project_id": "My_Proj"},
    {"content": "Hyphens mean the same", "project_id": "my-proj", "tags": ["API Design", "db"]},
    {"content": "More than ten", "importance_level": 99, "project_id": "MY  PROJ"},
    {"content": "Less than one", "importance_level": 0, "project_id": "Заметки"},
    {
        "content": "Tags with capitals and spaces",
        "importance_level": 8,
        "tags": ["  Next Steps ", "next steps", "Архитектура", "🚀 Launch", *CAFE],
    },
    {"content": "  Spaces around,\r\n\ttabs and \x00 inside stay.  \n", "tags": ["verbatim"]},
    {"content": LONG, "importance_level": 10, "project_id": "Заметки", "tags": ["long"]},
    {"content": "To be forgotten from the middle", "tags": ["forgotten", "db"]},
    {"content": "An emoji project", "project_id": "🧪_Lab", "tags": ["db"]},
    {"content": "The last one, to be forgotten", "tags": ["forgotten"]},
)
"""The arguments of ``save_context``, in order: the first call gets the id 1."""

FORGOTTEN = (9, 11)

AFTERWARDS = """
    INSERT INTO contexts (id, project_id, content, importance_level, created_at) VALUES
        (101, 'My_Proj', 'A raw name', 6, '2025-11-02T01:30:00.999999'),
        (102, 'my-proj', 'Its other spelling', 6, '2025-07-01T23:59:59'),
        (103, NULL, 'No project at all', 5, '2025-03-09T02:30:00.000001'),
        (104, '', 'An empty project', 5, '2025-01-31T12:00:00.500000'),
        (105, ' \t', 'A blank project', -3, '2024-02-29T00:00:00.123456');
    INSERT INTO contexts (id, project_id, content, importance_level, created_at) VALUES
        (106, 'General', 'SQLite''s own clock', 1000000, '2025-07-02 10:00:00'),
        (107, 'МОЙ_Проект', 'Cyrillic capitals', 7, '1999-12-31 23:59:59');
    INSERT INTO contexts (id, content, importance_level) VALUES (108, 'All defaults', 5);
    INSERT INTO tags (id, name) VALUES (201, ' DB '), (202, 'Unused'), (203, '  ');
    INSERT INTO context_tags (context_id, tag_id) VALUES (101, 201), (102, 201), (103, 203);
    INSERT INTO context_tags SELECT 101, id FROM tags WHERE name = 'db';
    INSERT INTO contexts (id, project_id, content, importance_level) VALUES
        (120, 'general', 'Forgotten again: 121 comes next', 5);
    DELETE FROM contexts WHERE id = 120;
"""


def write(server: str, path: Path) -> None:
    """Write a database with a server of 0.9.0."""
    process = subprocess.Popen(
        [server],
        env=os.environ | {"STORAGE_CONNECTION_STRING": f"sqlite:///{path}", "LOG_LEVEL": "ERROR"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    hello = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {}}
    requests: list[tuple[str, dict[str, object]]] = [("initialize", dict(hello))]
    requests += [("tools/call", {"name": "save_context", "arguments": saved}) for saved in SAVED]
    requests += [
        ("tools/call", {"name": "forget_context", "arguments": {"context_id": forgotten}})
        for forgotten in FORGOTTEN
    ]
    assert process.stdin is not None
    assert process.stdout is not None
    for number, (method, params) in enumerate(requests, 1):
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        if answer["id"] != number or "❌" in json.dumps(answer, ensure_ascii=False):
            raise SystemExit(f"0.9.0 refused {str(request)[:200]}: {answer}")
    process.stdin.close()
    process.wait(timeout=10)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(AFTERWARDS)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "memory.db")
        write(sys.argv[1], written)
        TARGET.write_bytes(gzip.compress(written.read_bytes(), mtime=0))
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")
