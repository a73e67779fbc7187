"""A server as a process: newline-delimited JSON-RPC over its standard streams, timed raw."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import Product, isolated

END_SECONDS = 30
"""How long a server may take to end once its input is closed; 0.9.0 needs a moment."""


class ServerError(Exception):
    """A server refused a call or ended before it answered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of a tool's answer and the seconds from the request's first byte to its last."""

    text: str
    seconds: float


class Server:
    """A running server of one product on one database file; ``close`` ends it."""

    def __init__(self, product: Product, database: Path) -> None:
        home = database.parent
        environment = isolated(home) | {"STORAGE_CONNECTION_STRING": f"sqlite:///{database}"}
        self._name = product.name
        self._log = home / f"{product.name}.stderr"
        self._requests = 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [product.script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                cwd=home,
            )

    def close(self) -> None:
        """Close its input, which ends it, and wait until it has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def initialize(self) -> None:
        """Ask for the handshake and wait for its answer."""
        self._request(
            "initialize",
            {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "benchmark", "version": "1"},
            },
        )

    def list_tools(self) -> None:
        """Complete the handshake, ask for the tools and wait for the answer."""
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self._request("tools/list", {})

    def shake_hands(self) -> None:
        """Do what a client does before its first call."""
        self.initialize()
        self.list_tools()

    def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        """Call a tool.

        Raises:
            ServerError: the answer is an error, in the protocol or in its words.
        """
        result, seconds = self._request("tools/call", {"name": tool, "arguments": arguments})
        text = str(result["content"][0]["text"]) if result.get("content") else ""
        # 0.9.0 tells an error by its first character alone.
        if result.get("isError") or text.startswith("❌"):
            raise ServerError(f"{self._name}: {tool}: {text}")
        return Answer(text, seconds)

    def _request(self, method: str, params: dict[str, Any]) -> tuple[dict[str, Any], float]:
        self._requests += 1
        request = {"jsonrpc": "2.0", "id": self._requests, "method": method, "params": params}
        begun = time.perf_counter()
        self._send(request)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            seconds = time.perf_counter() - begun  # reading JSON is the client's cost
            message = json.loads(line)
            if message.get("id") == self._requests:
                if "result" not in message:
                    raise ServerError(f"{self._name}: {method}: {message.get('error')}")
                return message["result"], seconds
        said = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise ServerError(f"{self._name} ended before it answered {method}:\n{said}")

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()
