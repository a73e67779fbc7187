"""Commands as forks of a process that has imported everything: real processes without the wait.

Nearly all of a command's time is the import of its libraries. A parent process imports them once;
each command is a fork of it, with arguments, environment, folder and standard streams of its own.
What depends on the start itself (encodings, options of Python, another working directory's
modules) is tested on real starts.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_DECIDE_AT_A_START = ("PYTHON", "LC_", "LANG")
"""Variables that Python itself reads when it starts."""

_LONGEST_REQUEST = 1 << 20
"""Bytes: a command's arguments and its environment."""

_ROOMS = ("cli", "clients", "doctor", "search", "storage", "transfer")
"""The packages that commands are made of."""

_LIBRARIES = (
    "alembic.command",
    "alembic.config",
    "cyclopts.help",
    "platformdirs",
    "pydantic.dataclasses",
    "redis.sentinel",
    "rich.panel",
    "snowballstemmer",
)
"""Imported by commands where they need them."""


def can_be_forked(env: Mapping[str, str]) -> bool:
    """Say whether a fork behaves as a start of its own in an environment."""
    return hasattr(os, "fork") and not any(name.startswith(_DECIDE_AT_A_START) for name in env)


class Parent:
    """The process that commands are forked from, started at the first one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._channel: socket.socket | None = None
        self._child = 0

    def begin(
        self,
        arguments: Sequence[str],
        streams: Sequence[int],
        *,
        env: Mapping[str, str],
        in_terminal: bool = False,
    ) -> None:
        """Begin a command on three streams; ``end`` has to follow before the next one."""
        request = {
            "arguments": [*arguments],
            "env": {**env},
            "cwd": str(Path.cwd()),
            "in_terminal": in_terminal,
        }
        channel = self._channel or self._start()
        socket.send_fds(channel, [json.dumps(request).encode()], streams)
        self._child = self._answer(channel)

    def end(self, *, timeout: float) -> int:
        """Return the exit code of the command that was begun; kill it when it takes longer."""
        assert self._channel is not None
        self._channel.settimeout(timeout)
        try:
            return self._answer(self._channel)
        except TimeoutError:
            os.kill(self._child, signal.SIGKILL)
            self._channel.settimeout(None)
            self._answer(self._channel)  # or it would be taken for that of the next command
            raise
        finally:
            self._channel.settimeout(None)

    def run(
        self, arguments: Sequence[str], *, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, without an input."""
        with self.lock:
            out, err = os.pipe(), os.pipe()
            with Path(os.devnull).open("rb") as nothing:
                self.begin(arguments, [nothing.fileno(), out[1], err[1]], env=env)
            os.close(out[1])
            os.close(err[1])
            texts = {}

            def read(name: str, end: int) -> None:
                with open(end, "rb") as file:
                    texts[name] = file.read().decode()

            readers = [
                threading.Thread(target=read, args=(name, end))
                for name, end in (("out", out[0]), ("err", err[0]))
            ]
            for reader in readers:
                reader.start()
            code = self.end(timeout=timeout)
            for reader in readers:
                reader.join()
        return subprocess.CompletedProcess(
            arguments, code, stdout=texts["out"], stderr=texts["err"]
        )

    @staticmethod
    def _answer(channel: socket.socket) -> int:
        answer = channel.recv(100)
        assert answer, "The parent of the commands ended."
        return int(answer)

    def _start(self) -> socket.socket:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(its.fileno())], pass_fds=[its.fileno()]
        )
        its.close()

        def end() -> None:
            ours.close()
            process.wait()

        atexit.register(end)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST_REQUEST)
        self._channel = ours
        return ours


def serve(channel: socket.socket) -> None:
    """Fork a command for each request; answer with its process id, then with its exit code."""
    _import_everything()
    while True:
        message, streams, _, _ = socket.recv_fds(channel, _LONGEST_REQUEST, 3)
        if not message:
            return
        child = os.fork()
        if child == 0:
            channel.close()
            _run_as_command(json.loads(message), streams)
        channel.send(str(child).encode())
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        channel.send(str(os.waitstatus_to_exitcode(status)).encode())


def _import_everything() -> None:
    import gc
    import importlib
    import pkgutil

    for room in _ROOMS:
        package = importlib.import_module(f"extended_memory.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for library in _LIBRARIES:
        importlib.import_module(library)
    gc.freeze()  # a collection would write to every page that a fork shares


def _run_as_command(request: dict[str, Any], streams: Sequence[int]) -> None:
    """Run a command in this process, and end it as Python would."""
    import fcntl
    import termios
    import time
    import traceback

    from extended_memory import __main__

    if request["in_terminal"]:
        os.setsid()
        fcntl.ioctl(streams[0], termios.TIOCSCTTY, 0)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    sys.argv[:] = [__main__.__file__, *request["arguments"]]
    sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    code: object = 0
    try:
        __main__.main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - Python prints whatever ends a process
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


COMMANDS = Parent()

if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
