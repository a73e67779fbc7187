"""The errors of clients' configurations."""

from extended_memory.errors import ExtendedMemoryError


class ConfigurationError(ExtendedMemoryError):
    """A client's configuration cannot be read or changed."""


class MalformedError(ConfigurationError):
    """A configuration breaks the rules of its format; the sentence gives line and column."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
