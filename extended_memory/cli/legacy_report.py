"""The survey of a Redis of 0.9.0, in words and in JSON."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from extended_memory.storage.redis.legacy import Survey

_KEYS_SHOWN = 20


def values(survey: "Survey") -> dict[str, Any]:
    """Return a survey, for JSON."""
    return {
        "unreadable": survey.unreadable,
        "without_time": survey.without_time,
        "ids_without_body": survey.ids_without_body,
        "first_expiry": survey.first_expiry.isoformat() if survey.first_expiry else None,
        "expiring_within_30_days": survey.expiring_soon,
        "merged_projects": {
            project: sorted(written) for project, written in _merged(survey).items()
        },
    }


def lines(survey: "Survey") -> list[str]:
    """Return a survey in words, a line for each finding."""
    found = []
    for project, written in sorted(_merged(survey).items()):
        spellings = ", ".join(f'"{name}"' if name else "no project" for name in sorted(written))
        found.append(f'Project "{project}" was written as {spellings}: it is one project now.')
    if survey.unreadable:
        found.append(f"{len(survey.unreadable):,} could not be read: {_keys(survey.unreadable)}")
    if survey.without_time:
        found.append(
            f"{len(survey.without_time):,} had no readable time and got that of this import: "
            f"{_keys(survey.without_time)}"
        )
    if survey.ids_without_body:
        found.append(
            f"{survey.ids_without_body:,} ids are listed whose context is gone: it expired, or "
            "0.9.0 deleted it by half."
        )
    if survey.first_expiry:
        found.append(
            f"In the old store the first context expires on {survey.first_expiry:%Y-%m-%d}, and "
            f"{survey.expiring_soon:,} within 30 days. Here nothing expires."
        )
    return found


def _merged(survey: "Survey") -> dict[str, set[str]]:
    return {project: names for project, names in survey.spellings.items() if len(names) > 1}


def _keys(names: list[str]) -> str:
    more = len(names) - _KEYS_SHOWN
    return ", ".join(names[:_KEYS_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
