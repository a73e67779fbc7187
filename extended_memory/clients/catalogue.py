"""The clients: the file, the format and the shape of an entry of each one's configuration.

Each fact has the address it was found at beside it, as it was in November 2026.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

System = Literal["linux", "macos", "windows"]
Format = Literal["json", "json with comments", "jsonc", "toml"]
"""``jsonc`` has comments and trailing commas, as VS Code reads it."""

ClientName = Literal[
    "claude-desktop", "claude-code", "cursor", "vscode", "codex", "gemini-cli", "zed"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine to look at: its system, a home directory and the environment's variables."""

    system: System
    home: Path
    environment: Mapping[str, str]

    def folder(self, variable: str, *otherwise: str) -> Path:
        """Return the folder a variable names, or one below the home directory."""
        named = self.environment.get(variable, "")
        return Path(named) if named else self.home.joinpath(*otherwise)

    def application_data(self) -> Path:
        """Return the folder that most applications with windows keep their settings in."""
        if self.system == "windows":
            return self.folder("APPDATA", "AppData", "Roaming")
        if self.system == "macos":
            return self.home / "Library" / "Application Support"
        return self.folder("XDG_CONFIG_HOME", ".config")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A program that starts MCP servers.

    Attributes:
        files: Its configuration files on a machine. The first is the one to write, there or not;
            the others exist.
        keys: The path to its servers within a file.
        more_keys: The paths to other places with servers, ``*`` for any key.
        shape: The members of an entry besides command, arguments and environment.
        next_step: The step after which it reads the file again.
        knows_placeholders: It replaces some, such as ``${NAME}``, in an entry's variables.
    """

    name: ClientName
    title: str
    files: Callable[[Machine], tuple[Path, ...]]
    format: Format
    keys: tuple[str, ...]
    next_step: str
    more_keys: tuple[tuple[str, ...], ...] = ()
    shape: Mapping[str, str] = field(default_factory=dict)
    knows_placeholders: bool = False


def _claude_desktop(machine: Machine) -> tuple[Path, ...]:
    """Find the file that Claude Desktop reads.

    On Windows it is an MSIX package, from the Store and from Anthropic's page alike. Windows puts
    each new file that a package writes below AppData into a folder of that package, and shows the
    package this file in place of the one outside, which its own menu opens. A file outside is
    only read, and written to, while there is none inside.
    https://modelcontextprotocol.io/docs/develop/connect-local-servers
    https://github.com/anthropics/claude-code/issues/26073
    https://github.com/anthropics/claude-code/issues/91409
    https://learn.microsoft.com/en-us/windows/msix/desktop/flexible-virtualization
    """
    name = "claude_desktop_config.json"
    outside = machine.application_data() / "Claude" / name
    if machine.system != "windows":
        return (outside,)
    packages = machine.folder("LOCALAPPDATA", "AppData", "Local") / "Packages"
    inside = [
        package / "LocalCache" / "Roaming" / "Claude" / name
        for package in sorted(packages.glob("Claude_*"))
    ]
    there = sorted((path for path in inside if path.exists()), key=_last_written, reverse=True)
    if outside.exists():
        return (*there, outside)
    return tuple(there or inside[:1]) or (outside,)


def _last_written(path: Path) -> float:
    return path.stat().st_mtime


def _claude_code(machine: Machine) -> tuple[Path, ...]:
    # https://code.claude.com/docs/en/mcp: servers of the user scope are in ~/.claude.json; with
    # CLAUDE_CONFIG_DIR the file is in there: https://github.com/anthropics/claude-code/issues/48448
    return (machine.folder("CLAUDE_CONFIG_DIR") / ".claude.json",)


def _cursor(machine: Machine) -> tuple[Path, ...]:
    return (machine.home / ".cursor" / "mcp.json",)  # https://cursor.com/docs/mcp


def _vscode(machine: Machine) -> tuple[Path, ...]:
    # The user profile's mcp.json, beside settings.json; every further profile has its own.
    # https://code.visualstudio.com/docs/agents/reference/mcp-configuration.md
    # https://code.visualstudio.com/docs/getstarted/settings#_settings-file-locations
    user = machine.application_data() / "Code" / "User"
    return (user / "mcp.json", *sorted((user / "profiles").glob("*/mcp.json")))


def _codex(machine: Machine) -> tuple[Path, ...]:
    # https://github.com/openai/codex/blob/main/docs/config.md
    return (machine.folder("CODEX_HOME", ".codex") / "config.toml",)


def _gemini_cli(machine: Machine) -> tuple[Path, ...]:
    # https://geminicli.com/docs/tools/mcp-server/; its home can be moved, not the folder in it:
    # https://github.com/google-gemini/gemini-cli/issues/23622
    return (machine.folder("GEMINI_CLI_HOME") / ".gemini" / "settings.json",)


def _zed(machine: Machine) -> tuple[Path, ...]:
    # https://zed.dev/docs/configuring-zed; macOS has ~/.config too, and Flatpak says its own place:
    # https://github.com/zed-industries/zed/blob/main/crates/paths/src/paths.rs
    if machine.system == "windows":
        folder = machine.folder("APPDATA", "AppData", "Roaming") / "Zed"
    elif machine.system == "macos":
        folder = machine.home / ".config" / "zed"
    else:
        own = machine.environment.get("FLATPAK_XDG_CONFIG_HOME")
        folder = (Path(own) if own else machine.folder("XDG_CONFIG_HOME", ".config")) / "zed"
    return (folder / "settings.json",)


CLIENTS = (
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        files=_claude_desktop,
        format="json",
        keys=("mcpServers",),
        next_step="Quit Claude Desktop, also from its icon in the bar, and start it again.",
    ),
    Client(
        name="claude-code",
        title="Claude Code",
        files=_claude_code,
        format="json",
        keys=("mcpServers",),
        more_keys=(("projects", "*", "mcpServers"),),  # the local scope of a folder
        shape={"type": "stdio"},
        knows_placeholders=True,  # https://code.claude.com/docs/en/mcp
        next_step="Start a new session; /mcp shows the server.",
    ),
    Client(
        name="cursor",
        title="Cursor",
        files=_cursor,
        format="jsonc",
        keys=("mcpServers",),
        knows_placeholders=True,  # https://cursor.com/docs/mcp
        next_step="Switch the server on in Cursor's settings, where MCP servers are listed.",
    ),
    Client(
        name="vscode",
        title="VS Code",
        files=_vscode,
        format="jsonc",
        keys=("servers",),
        shape={"type": "stdio"},
        knows_placeholders=True,  # https://code.visualstudio.com/docs/reference/variables-reference
        next_step='Start the server in VS Code with "MCP: List Servers".',
    ),
    Client(
        name="codex",
        title="Codex",
        files=_codex,
        format="toml",
        keys=("mcp_servers",),
        next_step="Start a new session; /mcp shows the server.",
    ),
    Client(
        name="gemini-cli",
        title="Gemini CLI",
        files=_gemini_cli,
        format="json with comments",  # which it takes out; a trailing comma ends it
        keys=("mcpServers",),
        knows_placeholders=True,  # https://geminicli.com/docs/tools/mcp-server/
        next_step="Start a new session; /mcp shows the server.",
    ),
    Client(
        name="zed",
        title="Zed",
        files=_zed,
        format="jsonc",
        keys=("context_servers",),  # https://zed.dev/docs/ai/mcp
        next_step="Zed starts the server by itself; the agent panel's settings show it.",
    ),
)


def named(name: ClientName) -> Client:
    """Return a client by its name on the command line."""
    return next(client for client in CLIENTS if client.name == name)
