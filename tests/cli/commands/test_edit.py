"""The command that changes a context in an editor, run with editors that are small programs."""

import json
import shlex
import sys
from contextlib import closing
from pathlib import Path

import pytest

from extended_memory.domain import Context, Revision
from tests.support.commands import opened, run
from tests.support.contexts import CONTENTS, fill

CONTENT = CONTENTS[0][1]


@pytest.fixture
def env(store: str, tmp_path: Path) -> dict[str, str]:
    return {**fill(store), "TMPDIR": str(tmp_path)}  # texts that are kept stay in there


@pytest.fixture
def editor(tmp_path: Path) -> "Editor":
    return Editor(tmp_path)


class Editor:
    """An editor that is a program of a few lines, and knows the path of the file as ``path``."""

    def __init__(self, folder: Path) -> None:
        self._program = folder / "my editor.py"
        self.seen = folder / "seen"

    def __call__(self, *lines: str) -> str:
        """Return the command of an editor that does this."""
        program = ["import pathlib, sys", f"seen = pathlib.Path({str(self.seen)!r})"]
        program += ["assert sys.argv[1] == '--wait'", "path = pathlib.Path(sys.argv[2])", *lines]
        self._program.write_text("\n".join(program))
        return shlex.join([sys.executable, str(self._program), "--wait"])


def held(env: dict[str, str], context_id: int = 1) -> tuple[Context, tuple[Revision, ...]]:
    with closing(opened(env["STORAGE_CONNECTION_STRING"])) as repository:
        (context,) = repository.get([context_id], project=None)
        return context, repository.revisions(context_id, project=None, limit=10)


def kept(stderr: str) -> Path:
    (line,) = (line for line in stderr.splitlines() if line.startswith("Your text is kept in "))
    return Path(line.removeprefix("Your text is kept in ").removesuffix("."))


@pytest.mark.parametrize("variable", ["VISUAL", "EDITOR"])
def test_the_text_of_the_editor_is_stored_and_what_it_was_kept(
    env: dict[str, str], editor: Editor, variable: str
) -> None:
    command = editor(
        "seen.write_text(f'{path}\\n{path.stat().st_mode & 0o777:o}\\n{path.read_text()}')",
        "path.write_bytes('Ё\\r\\n new \\n'.encode())",
    )
    ended = run("edit", "1", env={**env, "EDITOR": "false", variable: command})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "Changed #1; restore 1 --revision 1 brings back what it was.\n"
    context, (revision,) = held(env)
    assert (context.note.content, revision.note.content) == ("Ё\r\n new ", CONTENT)
    path, mode, text = editor.seen.read_text().split("\n", 2)
    assert (mode, text) == ("600", CONTENT)
    assert path.endswith("context-1.md")
    assert not Path(path).parent.exists()


def test_an_editor_that_changes_nothing_or_a_last_line_end_alone_changes_nothing(
    env: dict[str, str], editor: Editor
) -> None:
    for line in ("pass", "path.write_text(path.read_text() + '\\n')"):
        ended = run("edit", "1", env={**env, "EDITOR": editor(line)})
        assert ended.stdout == "#1 is so already; nothing was changed.\n"
    assert held(env)[1] == ()


def test_a_change_that_was_made_meanwhile_is_shown_and_not_overwritten(
    env: dict[str, str], editor: Editor
) -> None:
    command = editor(
        "import subprocess",
        f"change = [{sys.executable!r}, '-m', 'extended_memory', 'edit', '1', '--importance', '2']",
        "subprocess.run(change, check=True, stdout=subprocess.DEVNULL)",
        "path.write_text('mine')",
    )
    ended = run("edit", "1", env={**env, "EDITOR": command})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "extended-memory-mcp: #1 was changed meanwhile, at 20" in ended.stderr
    assert ended.stderr.endswith(f"so it was left as it is. It is now:\n\n{CONTENT}\n")
    assert kept(ended.stderr).read_text() == "mine"
    context, _ = held(env)
    assert (context.note.content, context.note.importance) == (CONTENT, 2)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("path.write_text(' ')", 'The text must not be blank; given: " ".'),
        ("path.write_bytes(b'\\xff')", "The editor saved no UTF-8: set its encoding to UTF-8."),
        ("path.write_text('mine'); sys.exit(3)", "ended with exit code 3; nothing was changed."),
        (
            "path.write_text('x' * 50_001)",
            "The text must be at most 50,000 bytes of UTF-8: split it into several contexts",
        ),
    ],
)
def test_a_text_that_is_refused_is_kept(
    env: dict[str, str], editor: Editor, line: str, said: str
) -> None:
    ended = run("edit", "1", env={**env, "EDITOR": editor(line)})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert said in ended.stderr
    assert kept(ended.stderr).exists()
    assert kept(ended.stderr).stat().st_mode & 0o777 == 0o600
    assert held(env)[1] == ()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "There is no editor to open it in: set EDITOR to yours, such as EDITOR=nano."),
        (
            "no-such-editor --wait",
            'The editor "no-such-editor" cannot be started: set EDITOR to one that can, such as '
            "nano.",
        ),
        ("'vi", "EDITOR cannot be understood (No closing quotation): check its quotes."),
        ("false", 'The editor "false" ended with exit code 1; nothing was changed.'),
    ],
)
def test_an_editor_that_cannot_be_used_is_a_sentence(
    env: dict[str, str], command: str, said: str
) -> None:
    ended = run("edit", "1", env={**env, "VISUAL": "", "EDITOR": command})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"extended-memory-mcp: {said}\n"


def test_options_change_without_an_editor(env: dict[str, str]) -> None:
    ended = run(
        *("edit", "1", "--importance", "4", "--add-tag", "New", "--remove-tag", "decision"),
        "--json",
        env={**env, "EDITOR": "false"},
    )
    answer = json.loads(ended.stdout)
    assert (answer["revision"], answer["context"]["tags"]) == (1, ["database", "new"])
    context, _ = held(env)
    assert (context.note.content, context.note.importance, context.note.tags) == (
        CONTENT,
        4,
        ("database", "new"),
    )


@pytest.mark.parametrize("options", [(), ("--importance", "3")])
def test_what_is_not_there_cannot_be_changed(env: dict[str, str], options: tuple[str, ...]) -> None:
    ended = run("edit", "3", *options, "--project", "shop", env={**env, "EDITOR": "false"})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert 'There is no context #3 in the project "shop"' in ended.stderr
