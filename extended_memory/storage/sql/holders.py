"""Which other processes have a file open, as far as the system tells."""

import os
from contextlib import suppress
from pathlib import Path

_PROCESSES = Path("/proc")


def holders(path: Path) -> tuple[int, ...] | None:
    """Return the ids of other processes that have a file open, None where nobody can say.

    Linux alone says it in files, and of another user's processes to root alone.
    """
    descriptors = _PROCESSES / "self" / "fd"
    if not descriptors.is_dir():
        return None
    wanted = str(path.resolve())
    found = []
    for process in _PROCESSES.iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            with suppress(OSError):  # it has ended, or is somebody else's
                if any(str(file.readlink()) == wanted for file in (process / "fd").iterdir()):
                    found.append(int(process.name))
    return tuple(sorted(found))
