"""The diagnosis of a round trip: a note saved, loaded, found and forgotten by a real server."""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from extended_memory.doctor.conversation import Conversation, ConversationError
from extended_memory.errors import Diagnosis
from extended_memory.settings import DATABASE_NAME, STORAGE_CONNECTION_STRING, VARIABLES

SECONDS: Final = 30.0
"""A server may take this long to start, or to answer."""

_CONTENT: Final = "The doctor looked whether this server remembers."


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the variables of this product."""
    return {name: value for name, value in environment.items() if name not in VARIABLES}


def scratch_environment(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return an environment that gives a server a store of its own, and no other setting."""
    place = {STORAGE_CONNECTION_STRING: str(folder / DATABASE_NAME)}
    return without_settings(environment) | place


def diagnoses(environment: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Diagnose the server that this installation starts."""
    with tempfile.TemporaryDirectory(prefix="extended-memory-doctor-") as scratch:
        folder = Path(scratch)
        try:
            with Conversation(
                [sys.executable, "-m", "extended_memory"],
                environment=scratch_environment(environment, folder),
                folder=folder,
            ) as server:
                server.shake_hands(within=SECONDS)
                _remember(server)
        except ConversationError as error:
            yield Diagnosis(
                level="problem",
                fact=f"This server, in a store of its own: it {error}.",
                remedy="install it anew (`uv tool install --force extended-memory-mcp`), and if "
                "that does not help, open an issue with `extended-memory-mcp doctor --json`.",
                detail=error.last_line,
            )
            return
    yield Diagnosis(
        fact="A note was saved, loaded, found and forgotten through the server, in a store of its "
        "own."
    )


def _remember(server: Conversation) -> None:
    saved = server.call("save_context", within=SECONDS, content=_CONTENT, importance_level=9)
    loaded = server.call("load_contexts", within=SECONDS)
    found = server.call("search_contexts", within=SECONDS, query="who remembers?")
    contents = [[note["content"] for note in each["contexts"]] for each in (loaded, found)]
    if contents != [[_CONTENT], [_CONTENT]]:
        raise ConversationError("does not give back what it saved")
    server.call("forget_context", within=SECONDS, context_id=saved["id"])
    if server.call("load_contexts", within=SECONDS)["contexts"]:
        raise ConversationError("does not forget what it is told to")
