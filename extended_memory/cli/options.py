"""The options of commands, each declared once and read by the rules of the tools' arguments.

An alias is what a command's parameter is annotated with. Where a name means one thing in one
command and another in the next, as ``--project`` does, each meaning has its alias.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
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


def read_argument(kind: Any, value: object, *, name: str) -> Any:
    """Return a value as an argument of a tool reads it.

    Raises:
        ValueError: it is refused; the sentence says why.
    """
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise ValueError(f"{name} {refusals.broken_rule(error)}") from error


def _converter(kind: Any, name: str = "") -> Callable[[Any, Sequence[Token]], Any]:
    """Return a function that reads the one value of an option or, with a name, of an argument."""

    def convert(_type: Any, tokens: Sequence[Token]) -> Any:
        # Of an option, cyclopts says the name itself.
        return read_argument(kind, tokens[0].value, name="it" if tokens[0].keyword else name)

    return convert


def _list_converter(kind: Any) -> Callable[[Any, Sequence[Token]], Any]:
    """Return a function that reads the values of an option that can be repeated."""

    def convert(_type: Any, tokens: Sequence[Token]) -> Any:
        name = "it" if len(tokens) == 1 else tokens[0].keyword or ""
        return read_argument(kind, [token.value for token in tokens], name=name)

    return convert


def _convert_project_name(_type: Any, tokens: Sequence[Token]) -> str:
    """Read the name of a project that has to be there."""
    name = str(read_argument(arguments.ProjectId, tokens[0].value, name="The name of a project"))
    if not name:
        raise ValueError("The name of a project must not be blank.")
    return name


def _convert_ids(_type: Any, tokens: Sequence[Token]) -> tuple[int, ...]:
    """Read numbers, each once."""
    ids = (int(read_argument(arguments.ContextId, token.value, name="ID")) for token in tokens)
    return tuple(dict.fromkeys(ids))


def _refuse_options(_type: Any, place: Any) -> None:
    """Refuse a place that is a mistyped option.

    Raises:
        ValueError: it begins as an option does.
    """
    for name in (place,) if isinstance(place, str) else place:
        if name.startswith("-") and name != STANDARD:
            raise ValueError(f"There is no option {name}; a file of that name is ./{name}.")


def _switch(name: str, words: str) -> Parameter:
    return Parameter(name=name, negative="", show_default=False, help=words)


def _project(words: str) -> Parameter:
    return Parameter(
        name="--project",
        converter=_converter(arguments.ProjectId),
        metavar="NAME",
        show_default=False,
        help=words,
    )


def _tags(name: str, kind: Any, words: str) -> Parameter:
    return Parameter(
        name=name,
        negative="",
        converter=_list_converter(kind),
        metavar="TAG",
        show_default=False,
        help=words,
    )


def _limit(kind: Any) -> Parameter:
    return Parameter(
        name="--limit", converter=_converter(kind), help="How many are shown at the most."
    )


def _moment(words: str) -> Parameter:
    return Parameter(
        converter=_converter(arguments.Moment),
        metavar="TIME",
        accepts_keys=False,
        n_tokens=1,
        help=words,
    )


Switch = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option without a value that one command alone has, and describes in its docstring."""
Json = Annotated[bool, _switch("--json", "Print the answer as JSON.")]
Yes = Annotated[bool, _switch("--yes", "Do not ask.")]
Overwrite = Annotated[
    bool,
    _switch(
        "--overwrite",
        "Replace a file of another kind; never one of the memory itself, and no folder.",
    ),
]

Project = Annotated[
    str, _project(f"The project; without it the pinned one, else {DEFAULT_PROJECT}.")
]
OnlyProject = Annotated[str, _project("This project alone; without it, all.")]
IntoProject = Annotated[
    str, _project("Put everything into this project that is not there, whatever others hold.")
]
PinnedProject = Annotated[
    str | None, Parameter(name="--project", metavar="NAME", help="Pin the server to this project.")
]
ProjectName = Annotated[str, Parameter(converter=_convert_project_name)]

Id = Annotated[
    int,
    Parameter(
        name="ID",
        converter=_converter(arguments.ContextId, "ID"),
        help="Its number, as list shows it.",
    ),
]
Ids = Annotated[
    tuple[int, ...],
    Parameter(name="ID", converter=_convert_ids, help="Their numbers, as list shows them."),
]
RevisionNumber = Annotated[
    int | None,
    Parameter(
        name="--revision",
        converter=_converter(arguments.RevisionNumber),
        help="As it was before the change of this number; show --revisions lists them.",
    ),
]

Text = Annotated[str, Parameter(converter=_converter(str, "TEXT"), allow_leading_hyphen=True)]
Query = Annotated[
    str, Parameter(converter=_converter(arguments.Query, "QUERY"), allow_leading_hyphen=True)
]
Importance = Annotated[
    int,
    Parameter(
        name="--importance",
        converter=_converter(arguments.Importance),
        help="10 for what must never be lost.",
    ),
]
NewImportance = Annotated[
    int | None,
    Parameter(
        name="--importance",
        converter=_converter(arguments.NewImportance),
        help="Its importance from now on.",
    ),
]
MinimumImportance = Annotated[
    int,
    Parameter(
        name="--importance",
        converter=_converter(arguments.MinimumImportance),
        help="Only what has at least this importance.",
    ),
]
Tags = Annotated[tuple[str, ...], _tags("--tag", arguments.Tags, "A tag; give it once for each.")]
AnyTags = Annotated[
    tuple[str, ...],
    _tags("--tag", arguments.TagsFilter, "Only what carries this tag; of several, any."),
]
AddTags = Annotated[
    tuple[str, ...],
    _tags("--add-tag", arguments.SomeTags, "A tag more; give it once for each."),
]
RemoveTags = Annotated[
    tuple[str, ...],
    _tags("--remove-tag", arguments.SomeTags, "A tag less; give it once for each."),
]
Since = Annotated[TimeSpan | None, _moment("Only what was saved from this date or time on.")]
Until = Annotated[
    TimeSpan | None, _moment("Only what was saved up to the end of this date or time.")
]
Limit = Annotated[int, _limit(arguments.Limit)]
SearchLimit = Annotated[int, _limit(arguments.SearchLimit)]
TagLimit = Annotated[int, _limit(arguments.TagLimit)]
Offset = Annotated[
    int, Parameter(converter=_converter(arguments.Offset), help="How many are skipped first.")
]

Place = Annotated[str, Parameter(allow_leading_hyphen=True, validator=_refuse_options)]
"""A file or a folder, or ``STANDARD``."""
ConfigurationFile = Annotated[
    Path | None,
    Parameter(
        name="--file",
        help="The configuration file, where it is not the user's own: a project's, or a profile's.",
    ),
]
EntryName = Annotated[
    str | None,
    Parameter(
        name="--name",
        help="What the client calls the server, for several with a project each: extended-memory "
        "if nothing is said.",
    ),
]
OnlyEntry = Annotated[
    str | None,
    Parameter(
        name="--name", help="Only the entry of this name, not every one that starts this server."
    ),
]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The filters of a project's contexts: a context has to pass every one."""

    project: Project = ""
    importance: MinimumImportance = EVERY_CONTEXT.minimum_importance
    tag: AnyTags = EVERY_CONTEXT.tags
    since: Since = None
    until: Until = None

    @property
    def selection(self) -> Selection:
        """The contexts of the project that are meant."""
        return Selection(
            minimum_importance=self.importance,
            tags=self.tag,
            span=arguments.span(self.since, self.until),
        )


EVERYTHING = Filters()
