"""A terminal in which a command runs, as a person sees it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.support.forks import COMMANDS, can_be_forked
from tests.support.server import COMMAND, PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and all that the terminal was sent."""

    returncode: int
    screen: str

    @property
    def lines(self) -> list[str]:
        """Return what is on the screen, without the blanks at the ends of lines."""
        return [line.rstrip() for line in self.screen.splitlines()]


def run_in_terminal(
    *arguments: str,
    env: Mapping[str, str],
    columns: int = 80,
    typed: str = "",
    until: str = "",
    command: Sequence[str] = COMMAND,
) -> Ended:
    """Run a command in a terminal without colours, and type something once it said ``until``."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    inherited = {name: os.environ[name] for name in os.environ.keys() - {"COLUMNS", "LINES"}}
    variables = {**inherited, "TERM": "xterm", "NO_COLOR": "1", **env}
    process = None
    if command == COMMAND and can_be_forked(env):
        COMMANDS.begin(arguments, [its, its, its], env=variables, in_terminal=True)
    else:
        process = subprocess.Popen(
            [*command, *arguments],
            env=variables,
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
        )
    os.close(its)
    received, deadline, is_typed = b"", time.monotonic() + PATIENCE, not typed
    try:
        while time.monotonic() < deadline:
            if not is_typed and until in received.decode(errors="replace"):
                os.write(ours, typed.encode())
                is_typed = True
            if select.select([ours], [], [], 0.05)[0]:
                try:
                    data = os.read(ours, 65536)
                except OSError:  # Linux: the other end is closed
                    data = b""
                if not data:
                    break
                received += data
        return Ended(
            returncode=process.wait(PATIENCE) if process else COMMANDS.end(timeout=PATIENCE),
            screen=received.decode().replace("\r\n", "\n"),
        )
    finally:
        if process and process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
