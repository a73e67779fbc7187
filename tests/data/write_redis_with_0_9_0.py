"""Write ``written_by_0.9.0.redis.json`` anew, with the published 0.9.0 itself.

    python -m venv /somewhere
    /somewhere/bin/pip install "extended-memory-mcp[redis]==0.9.0"
    python -m tests.data.write_redis_with_0_9_0 /somewhere/bin/extended-memory-mcp-server

The contexts are saved through the real server, as a client does it: newline JSON-RPC over stdio,
against a real Redis. Its API was also used directly, without its tools' normalising, so some more
are put beside them as its Redis provider would have written those; ``AFTERWARDS`` says how. Every
key is stored with its type, value and time to live in milliseconds.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.redis_servers import RedisServer

TARGET = Path(__file__).with_name("written_by_0.9.0.redis.json")

SAVED: tuple[dict[str, object], ...] = (
    {"content": "No project was named", "importance_level": 7},
    {"content": "Решили: храним всё в Redis 🗄️", "importance_level": 9, "project_id": "My_Proj"},
    {"content": "Hyphens mean the same", "project_id": "my-proj", "tags": ["API Design", "a:b"]},
    {"content": "More than ten", "importance_level": 99, "project_id": "Заметки"},
    {"content": "Less than one", "importance_level": 0, "project_id": "Заметки"},
    {"content": "  Spaces,\r\n\ttabs and \0 stay.  \n", "tags": ["verbatim", "Verbatim", " x "]},
    {"content": "To be forgotten by half", "project_id": "half", "tags": ["gone"]},
)

AFTERWARDS = (
    ("a0000000-0000-4000-8000-000000000001", "My_Proj", "Not normalised", "2025-07-01T23:59:59"),
    ("a0000000-0000-4000-8000-000000000002", None, "No project", "2025-03-09T02:30:00.000001Z"),
    ("a0000000-0000-4000-8000-000000000003", "MY  PROJ", "No time", "yesterday"),
)


def write(command: str) -> None:
    """Let 0.9.0 save, and store what is in Redis then."""
    with RedisServer("--databases", "1", tcp=True) as server, server.client() as client:
        env = {**os.environ, "STORAGE_CONNECTION_STRING": server.url}
        with subprocess.Popen(
            [command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        ) as process:
            for number, arguments in enumerate(SAVED):
                params = {"name": "save_context", "arguments": arguments}
                _ask(process, {"id": number, "method": "tools/call", "params": params})
            assert process.stdin is not None
            process.stdin.close()
        for uuid, project, content, moment in AFTERWARDS:
            values = {
                "id": uuid,
                "content": content,
                "importance_level": 8,
                "project_id": project,
                "tags": ["DB", "db", " DB "],
                "created_at": moment,
                "updated_at": moment,
            }
            client.set(f"extended_memory:context:{uuid}", json.dumps(values), ex=86_400)
        (half,) = client.lrange("extended_memory:project:half:contexts", 0, -1)
        client.delete(f"extended_memory:context:{half}")
        client.set("extended_memory:context:broken", '{"content": "cut off in the mid')
        client.set("extended_memory:context:number", "7")
        client.rpush("extended_memory:context:list", "no text at all")
        keys = sorted(client.scan_iter())
        dump = [{"key": key, "ttl": client.pttl(key), **_value(client, key)} for key in keys]
    TARGET.write_text(json.dumps(dump, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _ask(process: Any, message: dict[str, object]) -> None:
    process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    assert "error" not in answer, answer


def _value(client: Any, key: str) -> dict[str, Any]:
    kind = client.type(key)
    read = {
        "string": lambda: client.get(key),
        "list": lambda: client.lrange(key, 0, -1),
        "hash": lambda: client.hgetall(key),
    }
    return {"type": kind, "value": read[kind]()}


if __name__ == "__main__":
    write(sys.argv[1])
