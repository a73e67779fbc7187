"""The errors in a client's configuration."""

from extended_memory.errors import ExtendedMemoryError


class ConfigurationError(ExtendedMemoryError):
    """A client's configuration cannot be read or changed."""


class MalformedError(ConfigurationError):
    """A configuration is not what its format asks for; says the line and the column."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
