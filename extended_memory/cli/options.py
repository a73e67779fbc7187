"""The options of commands, each declared once and read by the rules of the tools' arguments.

An alias is what a command's parameter is annotated with. Where a name means one thing in one
command and another in the next, as ``--project`` does, each meaning has its alias.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token
from pydantic import TypeAdapter, ValidationError

from extended_memory.cli.app import WORD_MARK
from extended_memory.domain import DEFAULT_PROJECT, EVERY_CONTEXT, Selection, TimeSpan
from extended_memory.protocol import arguments, refusals

DEFAULT_LIMIT = arguments.DEFAULT_LIMIT
DEFAULT_SEARCH_LIMIT = arguments.DEFAULT_SEARCH_LIMIT
DEFAULT_TAG_LIMIT = arguments.DEFAULT_TAG_LIMIT

_LONG_OPTION = re.compile(r"--[a-z][a-z-]*")

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
        values = [value for token in tokens for value in token.value.split(",")]
        return read_argument(kind, values, name=name)

    return convert


def _convert_project_name(_type: Any, tokens: Sequence[Token]) -> str:
    """Read the name of a project that has to be there."""
    name = str(read_argument(arguments.ProjectId, tokens[0].value, name="The name of a project"))
    if not name:
        raise ValueError("The name of a project must not be blank.")
    return name


def _read_id(token: Token) -> int:
    """Read a number as it is typed or as it is printed: ``5`` or ``#5``."""
    number = read_argument(arguments.ContextId, token.value.removeprefix("#"), name="ID")
    return int(number)


def _convert_id(_type: Any, tokens: Sequence[Token]) -> int:
    return _read_id(tokens[0])


def _convert_ids(_type: Any, tokens: Sequence[Token]) -> tuple[int, ...]:
    """Read numbers, each once."""
    return tuple(dict.fromkeys(map(_read_id, tokens)))


def _words_converter(kind: Any, name: str) -> Callable[[Any, Sequence[Token]], Any]:
    """Return a function that reads words as one text, which so needs no quotes."""

    def convert(_type: Any, tokens: Sequence[Token]) -> Any:
        for token in tokens:
            if _LONG_OPTION.fullmatch(token.value):
                raise ValueError(f"There is no option {token.value}.")
        words = (token.value.removeprefix(WORD_MARK) for token in tokens)
        return read_argument(kind, " ".join(words), name=name)

    return convert


def _refuse_options(_type: Any, place: Any) -> None:
    """Refuse a place that is a mistyped option.

    Raises:
        ValueError: it begins as an option does.
    """
    for name in (place,) if isinstance(place, str) else place:
        if name.startswith("-") and name != STANDARD:
            raise ValueError(f"There is no option {name}; a file of that name is ./{name}.")


def _switch(name: str | tuple[str, ...], words: str) -> Parameter:
    return Parameter(name=name, negative="", show_default=False, help=words)


def _project(words: str) -> Parameter:
    return Parameter(
        name=("--project", "-p"),
        converter=_converter(arguments.ProjectId),
        metavar="NAME",
        show_default=False,
        help=words,
    )


def _tags(name: str | tuple[str, ...], kind: Any, words: str) -> Parameter:
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
        name=("--limit", "-n"), converter=_converter(kind), help="How many are shown at the most."
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
Yes = Annotated[bool, _switch(("--yes", "-y"), "Do not ask.")]
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
        converter=_convert_id,
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

Text = Annotated[
    str,
    Parameter(converter=_words_converter(str, "TEXT"), n_tokens=-1, allow_leading_hyphen=True),
]
Query = Annotated[
    str,
    Parameter(
        converter=_words_converter(arguments.Query, "QUERY"),
        n_tokens=-1,
        allow_leading_hyphen=True,
    ),
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
Tags = Annotated[
    tuple[str, ...], _tags(("--tag", "-t"), arguments.Tags, "A tag; several with commas.")
]
AnyTags = Annotated[
    tuple[str, ...],
    _tags(("--tag", "-t"), arguments.TagsFilter, "Only what carries this tag; of several, any."),
]
AddTags = Annotated[
    tuple[str, ...],
    _tags("--add-tag", arguments.SomeTags, "A tag more; several with commas."),
]
RemoveTags = Annotated[
    tuple[str, ...],
    _tags("--remove-tag", arguments.SomeTags, "A tag less; several with commas."),
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
