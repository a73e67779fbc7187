"""The options of commands, read by the rules of the tools' arguments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter, Token
from pydantic import TypeAdapter, ValidationError

from extended_memory.domain import DEFAULT_PROJECT, EVERY_CONTEXT, Selection, TimeSpan
from extended_memory.protocol import arguments, refusals

DEFAULT_LIMIT = arguments.DEFAULT_LIMIT
DEFAULT_SEARCH_LIMIT = arguments.DEFAULT_SEARCH_LIMIT
DEFAULT_TAG_LIMIT = arguments.DEFAULT_TAG_LIMIT


STANDARD = "-"
"""Standard input or output, in place of a file."""


def read(kind: Any, value: object, *, name: str) -> Any:
    """Return a value as an argument of a tool reads it.

    Raises:
        ValueError: it is refused; the sentence says why.
    """
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise ValueError(f"{name} {refusals.broken_rule(error)}") from error


def _one(kind: Any, name: str = "") -> Callable[[Any, Sequence[Token]], Any]:
    def convert(_type: Any, tokens: Sequence[Token]) -> Any:
        # Of an option, cyclopts says the name itself.
        return read(kind, tokens[0].value, name="it" if tokens[0].keyword else name)

    return convert


def _several(kind: Any) -> Callable[[Any, Sequence[Token]], Any]:
    def convert(_type: Any, tokens: Sequence[Token]) -> Any:
        name = "it" if len(tokens) == 1 else tokens[0].keyword or ""
        return read(kind, [token.value for token in tokens], name=name)

    return convert


def _project_name(_type: Any, tokens: Sequence[Token]) -> str:
    """Read the name of a project that has to be there."""
    name = str(read(arguments.ProjectId, tokens[0].value, name="The name of a project"))
    if not name:
        raise ValueError("The name of a project must not be blank.")
    return name


def _ids(_type: Any, tokens: Sequence[Token]) -> tuple[int, ...]:
    """Read numbers, each once."""
    ids = (int(read(arguments.ContextId, token.value, name="ID")) for token in tokens)
    return tuple(dict.fromkeys(ids))


def _project(words: str) -> Parameter:
    return Parameter(
        name="--project",
        converter=_one(arguments.ProjectId),
        metavar="NAME",
        show_default=False,
        help=words,
    )


def _tags(name: str, kind: Any) -> Parameter:
    return Parameter(
        name=name,
        negative="",
        converter=_several(kind),
        metavar="TAG",
        show_default=False,
    )


def _no_option(_type: Any, place: Any) -> None:
    for name in (place,) if isinstance(place, str) else place:
        if name.startswith("-") and name != STANDARD:
            raise ValueError(f"There is no option {name}; a file of that name is ./{name}.")


Place = Annotated[str, Parameter(allow_leading_hyphen=True, validator=_no_option)]
"""A file or a folder, or ``STANDARD``."""
Json = Annotated[
    bool,
    Parameter(name="--json", negative="", show_default=False, help="Print the answer as JSON."),
]
Switch = Annotated[bool, Parameter(negative="", show_default=False)]
Overwrite = Annotated[
    bool,
    Parameter(
        name="--overwrite",
        negative="",
        show_default=False,
        help="Replace a file of another kind; never one of the memory itself, and no folder.",
    ),
]
Yes = Annotated[bool, Parameter(name="--yes", negative="", show_default=False, help="Do not ask.")]
Project = Annotated[
    str, _project(f"The project; without it the pinned one, else {DEFAULT_PROJECT}.")
]
OnlyProject = Annotated[str, _project("This project alone; without it, all.")]
IntoProject = Annotated[
    str, _project("Put everything into this project that is not there, whatever others hold.")
]
InProject = Annotated[str, _project("Only in this project; without it, in any.")]
ProjectName = Annotated[str, Parameter(converter=_project_name)]
Id = Annotated[
    int,
    Parameter(
        name="ID", converter=_one(arguments.ContextId, "ID"), help="Its number, as list shows it."
    ),
]
Ids = Annotated[
    tuple[int, ...],
    Parameter(name="ID", converter=_ids, help="Their numbers, as list shows them."),
]
Text = Annotated[str, Parameter(converter=_one(str, "TEXT"), allow_leading_hyphen=True)]
Importance = Annotated[
    int, Parameter(converter=_one(arguments.Importance), help="10 for what must never be lost.")
]
NewImportance = Annotated[
    int | None, Parameter(name="--importance", converter=_one(arguments.NewImportance))
]
Tags = Annotated[
    tuple[str, ...],
    _tags("--tag", arguments.Tags),
    Parameter(help="A tag; give it once for each."),
]
AddTags = Annotated[tuple[str, ...], _tags("--add-tag", arguments.SomeTags)]
RemoveTags = Annotated[tuple[str, ...], _tags("--remove-tag", arguments.SomeTags)]
Query = Annotated[
    str, Parameter(converter=_one(arguments.Query, "QUERY"), allow_leading_hyphen=True)
]
RevisionNumber = Annotated[
    int | None, Parameter(name="--revision", converter=_one(arguments.RevisionNumber))
]
Limit = Annotated[
    int, Parameter(converter=_one(arguments.Limit), help="How many are shown at the most.")
]
SearchLimit = Annotated[
    int, Parameter(converter=_one(arguments.SearchLimit), help="How many are shown at the most.")
]
TagLimit = Annotated[
    int, Parameter(converter=_one(arguments.TagLimit), help="How many are shown at the most.")
]
Offset = Annotated[
    int, Parameter(converter=_one(arguments.Offset), help="How many are skipped first.")
]
_MinimumImportance = Annotated[
    int,
    Parameter(
        name="--importance",
        converter=_one(arguments.MinimumImportance),
        help="Only what is at least so important.",
    ),
]
_AnyTags = Annotated[
    tuple[str, ...],
    _tags("--tag", arguments.TagsFilter),
    Parameter(help="Only what carries this tag; of several, any."),
]
_Since = Annotated[
    TimeSpan | None,
    Parameter(
        converter=_one(arguments.Moment),
        metavar="TIME",
        accepts_keys=False,
        n_tokens=1,
        help="Only what was saved from this date or time on.",
    ),
]
_Until = Annotated[
    TimeSpan | None,
    Parameter(
        converter=_one(arguments.Moment),
        metavar="TIME",
        accepts_keys=False,
        n_tokens=1,
        help="Only what was saved up to the end of this date or time.",
    ),
]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which contexts are meant: those of a project that pass every filter."""

    project: Project = ""
    importance: _MinimumImportance = EVERY_CONTEXT.minimum_importance
    tag: _AnyTags = EVERY_CONTEXT.tags
    since: _Since = None
    until: _Until = None

    @property
    def selection(self) -> Selection:
        """Which contexts of the project are meant."""
        return Selection(
            minimum_importance=self.importance,
            tags=self.tag,
            span=arguments.span(self.since, self.until),
        )


EVERYTHING = Filters()
