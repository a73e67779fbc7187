"""Imports the server as quickly as its libraries allow: of a start, nearly all is their import."""

import gc
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extended_memory.protocol.app import MemoryServer

# They decide for programs of other people: a level unknown to FastMCP, a propagator that is not
# installed here, and the server would not start.
_READ_BY_LIBRARIES = ("FASTMCP_", "OTEL_", "PYDANTIC_")

# Read by the libraries when they are imported: no .env of the working directory, no question to
# the package index, no coloured logging, no compilation of type checks at the first tools/list,
# no plugins of pydantic.
_LIBRARY_SETTINGS = {
    "FASTMCP_ENV_FILE": os.devnull,
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "FASTMCP_SHOW_SERVER_BANNER": "false",
    "FASTMCP_LOG_ENABLED": "false",
    "FASTMCP_ENABLE_RICH_LOGGING": "false",
    "PY_KEY_VALUE_DISABLE_BEARTYPE": "true",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}


def import_server() -> "MemoryServer":
    """Import the server and return it."""
    for name in list(os.environ):
        if name.upper().startswith(_READ_BY_LIBRARIES):  # FastMCP reads them in any case
            del os.environ[name]
    os.environ.update(_LIBRARY_SETTINGS)
    _give_libraries_a_home()
    # Building some thousand classes triggers the collector again and again, for nothing.
    gc.disable()
    from extended_memory.server import mcp

    gc.freeze()
    gc.enable()
    return mcp


def _give_libraries_a_home() -> None:
    """Name a home where there is none: FastMCP asks for it when it is imported, for nothing."""
    from platformdirs import user_data_dir

    try:
        user_data_dir()
    except RuntimeError:
        os.environ["HOME"] = os.devnull
