"""``add``: saves a context."""

from extended_memory.cli import console, environment, options
from extended_memory.cli.content import checked_content, standard_input
from extended_memory.domain import DEFAULT_IMPORTANCE, Note
from extended_memory.protocol import answers


def add(
    text: options.Text,
    /,
    *,
    importance: options.Importance = DEFAULT_IMPORTANCE,
    tag: options.Tags = (),
    project: options.Project = "",
    as_json: options.Json = False,
) -> None:
    """Save a context, byte for byte.

    Parameters
    ----------
    text
        What to remember; - reads it from the standard input, without its last line end.
    """
    content = checked_content(standard_input() if text == "-" else text)
    with environment.opened_memory(missing="made") as memory:
        saved = memory.save(project, Note(content=content, importance=importance, tags=tag))
    if as_json:
        console.show_json(answers.saved(saved))
    else:
        console.say(f'Saved as #{saved.id} in the project "{saved.project}".')
