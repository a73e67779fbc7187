"""A Valkey or Redis server as a process on loopback, and what it says that it spent."""

import socket
import subprocess
import time
from pathlib import Path

LOOPBACK = "127.0.0.1"
START_SECONDS = 20
END_SECONDS = 20

_TRIES = 10
_OPTIONS = ("--bind", LOOPBACK, "--save", "", "--appendonly", "no", "--loglevel", "warning")


class RedisServer:
    """A running server with nothing in it and no file; ``close`` ends it."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._log = folder / "server.log"
        for _ in range(_TRIES):
            with socket.create_server((LOOPBACK, 0)) as listener:
                self.port: int = listener.getsockname()[1]
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [binary, "--port", str(self.port), "--dir", folder, *_OPTIONS],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            if self._answers():
                return
            self._process.kill()  # another process was quicker to take the port
            self._process.wait(END_SECONDS)
        raise RuntimeError(f"The server did not start:\n{self._log.read_text(errors='replace')}")

    def close(self) -> None:
        """Kill it, and wait until it has ended."""
        self._connection.close()
        self._process.kill()
        self._process.wait(END_SECONDS)

    def version(self) -> str:
        """Return the name and version of the server."""
        info = self._info("server")
        if "valkey_version" in info:
            return f"Valkey {info['valkey_version']}"
        return f"Redis {info['redis_version']}"

    def memory(self) -> int:
        """Return the bytes that it has allocated."""
        return int(self._info("memory")["used_memory"])

    def spent(self) -> int:
        """Return the microseconds of all commands so far, but for those that asked for this."""
        info = self._info("stats", "commandstats")
        own = info.get("cmdstat_info", "usec=0").partition("usec=")[2].partition(",")[0]
        return int(info["eventloop_duration_cmd_sum"]) - int(own)

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self._connection = socket.create_connection((LOOPBACK, self.port), END_SECONDS)
            except ConnectionError:
                time.sleep(0.01)
                continue
            # On a port that ours could not have, a neighbour's server may answer.
            if int(self._info("server")["process_id"]) == self._process.pid:
                return True
            self._connection.close()
        return False

    def _info(self, *sections: str) -> dict[str, str]:
        """Ask for sections of INFO (RESP, https://valkey.io/topics/protocol/)."""
        self._connection.sendall(f"INFO {' '.join(sections)}\r\n".encode())
        with self._connection.makefile("rb") as answer:
            size = int(answer.readline().removeprefix(b"$"))
            lines = answer.read(size + len("\r\n")).decode().splitlines()
        return {name: value for name, _, value in (line.partition(":") for line in lines) if value}
