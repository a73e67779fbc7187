"""What ``export`` and ``import`` are told: places and projects; and how they count."""

from typing import Annotated, Any

from cyclopts import Parameter

from extended_memory.domain import SettingsError
from extended_memory.names import (
    MAXIMUM_PROJECT_CHARACTERS,
    control_character,
    normalise_project,
)

STANDARD = "-"
"""Standard input or output, in place of a file."""

BATCH = 200
"""How many contexts are held at once, each with all of its earlier texts."""


def _no_option(_type: Any, place: Any) -> None:
    for name in (place,) if isinstance(place, str) else place:
        if name.startswith("-") and name != STANDARD:
            raise ValueError(f"There is no option {name}; a file of that name is ./{name}.")


Place = Annotated[str, Parameter(allow_leading_hyphen=True, validator=_no_option)]
"""A file or a folder, or ``STANDARD``."""


def project_name(name: str) -> str:
    """Return a project's name as it is stored, "" for none.

    Raises:
        SettingsError: no project can be called so.
    """
    project = normalise_project(name)
    if control_character(project) is not None or len(project) > MAXIMUM_PROJECT_CHARACTERS:
        raise SettingsError(
            f"A project's name has no control characters and at most {MAXIMUM_PROJECT_CHARACTERS} "
            "others.",
            remedy="give another --project.",
        )
    return project
