"""An export on the disk: how one is known again, and the files of its folder."""

import json
import os
from pathlib import Path

from extended_memory.output import OWN_FILE, OWN_FOLDER
from extended_memory.transfer.formats import jsonl

_HEADER_BYTES = 1_000
"""The first line of an export is far shorter."""


def is_export(path: Path) -> bool:
    """Say whether a file is an export as JSON lines, by its first line."""
    with path.open("rb") as file:
        first = file.readline(_HEADER_BYTES)
    try:
        return jsonl.is_header(json.loads(first))
    except ValueError:
        return False


def put(path: Path, data: bytes) -> None:
    """Write one file of a folder, which only its owner can read."""
    path.parent.mkdir(mode=OWN_FOLDER, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWN_FILE), "wb") as file:
        file.write(data)
