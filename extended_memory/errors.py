"""The errors of every layer: a fact, and what a person can do about it."""

from dataclasses import dataclass
from typing import Literal


class ExtendedMemoryError(Exception):
    """Something that cannot be done, and how a person can mend it.

    Both parts may be shown to a client: they hold no SQL, no trace, no directory and nothing
    of another project.

    Attributes:
        fact: A sentence with its full stop.
        remedy: A clause in lower case with its full stop, "" where nothing can be done. As a
            string, the error is both, joined by a colon.
    """

    def __init__(self, fact: str, *, remedy: str = "") -> None:
        super().__init__(f"{fact.removesuffix('.')}: {remedy}" if remedy else fact)
        self.fact = fact
        self.remedy = remedy


class SettingsError(ExtendedMemoryError):
    """A setting cannot be understood: the process ends."""


class UnusableSettingError(SettingsError):
    """A setting would lead to a memory that is lost, or to another one in each folder.

    A command ends with the exit code of a server then.
    """


class PlaceholderError(UnusableSettingError):
    """A setting holds a placeholder that nothing has replaced by its value."""


class ProjectRefusedError(ExtendedMemoryError):
    """A project was asked for that this server does not serve."""


class ReadOnlyError(ExtendedMemoryError):
    """A change was asked for where the memory may only be read; nothing was changed."""


class StoreError(ExtendedMemoryError):
    """The store cannot serve a call now; the next call may find the cause gone."""


class TimeRefusedError(StoreError):
    """A time is out of the bounds of every store; nothing was stored."""


class StoreBusyError(StoreError):
    """Another writer is at work, and the call was not to wait for it; nothing has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One fact about an installation, how bad it is, and what to do where something is.

    Neither holds anything that was saved, a project's name or a secret. ``detail`` is for the
    person alone: it may hold what another program says.
    """

    level: Literal["ok", "warning", "problem"] = "ok"
    fact: str
    remedy: str = ""
    detail: str = ""

    @classmethod
    def of(cls, error: ExtendedMemoryError) -> "Diagnosis":
        """Return an error as a diagnosis of a problem."""
        return cls(level="problem", fact=error.fact, remedy=error.remedy)
