"""Drive an installed server over stdio as a client does: save, end it, start it again, load."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "drive", "version": "1"},
}


def conversation(
    command: list[str], environment: dict[str, str], tool: str, arguments: dict[str, object]
) -> dict[str, object]:
    """Start the server, call one tool, end its input; return the structured answer."""
    messages: list[dict[str, object]] = [
        {"id": 1, "method": "initialize", "params": INITIALIZE},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": tool, "arguments": arguments}},
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        answer: dict[str, dict[str, object]] = {}
        for message in messages:
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            server.stdin.flush()
            if "id" in message:
                answer = json.loads(server.stdout.readline())
        server.stdin.close()
        if server.wait(timeout=10):
            sys.exit(f"{command} ended with {server.returncode}")
    result = answer["result"]
    if result["isError"]:
        sys.exit(f"{tool} failed: {result}")
    return dict(result["structuredContent"])  # type: ignore[call-overload]


def main() -> None:
    """Save a note, restart, and expect the same note."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    environment = dict(os.environ)
    if options.home:
        environment["XDG_DATA_HOME"] = str(options.home / ".local" / "share")
    content = f"Started as {' '.join(options.command)}: ё, 日本語, 😀"
    arguments: dict[str, object] = {"content": content, "importance_level": 8, "tags": ["drive"]}
    saved = conversation(options.command, environment, "save_context", arguments)
    loaded = conversation(options.command, environment, "load_contexts", {"tags_filter": ["drive"]})
    contexts = loaded["contexts"]
    assert isinstance(contexts, list)
    if contexts[0] != {**saved, "content": content}:
        sys.exit(f"Saved {saved}, loaded {contexts[0]}")
    print(f"saved and loaded #{saved['id']} through {options.command}")


if __name__ == "__main__":
    main()
