"""TOML, changed in its text: what is not the change stays as it is, comments too."""

import re

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from extended_memory.clients import toml
from extended_memory.clients.errors import ConfigurationError, MalformedError

KEYS = ("mcp_servers", "extended-memory")
ENTRY = {"command": "uvx", "args": ["extended-memory-mcp"], "env": {"A_B": 'c "d"'}}
ADDED = (
    '[mcp_servers.extended-memory]\ncommand = "uvx"\nargs = ["extended-memory-mcp"]\n'
    'env = { A_B = "c \\"d\\"" }\n'
)
CONFIGURATION = """\
# Mine
model = "gpt-5"  # the large one

[mcp_servers.docs] # documentation
command = "npx" # by Node
args = ["-y", "docs"]

# How much may be done
[profiles.careful]
approval_policy = "untrusted"
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ADDED),
        (CONFIGURATION, f"{CONFIGURATION}\n{ADDED}"),
        ("a = 1", f"a = 1\n\n{ADDED}"),
        ("a = 1\r\n", "a = 1\r\n\r\n" + ADDED.replace("\n", "\r\n")),
        (
            'mcp_servers.a.command = "x"\nb = 1\n',
            f'mcp_servers.a.command = "x"\nb = 1\n\n{ADDED}',
        ),
        (
            'mcp_servers = { a = { command = "x" } } # inline\nb = 1\n',
            'mcp_servers = { a = { command = "x" }, extended-memory = { command = "uvx", '
            'args = ["extended-memory-mcp"], env = { A_B = "c \\"d\\"" } }} # inline\nb = 1\n',
        ),
        (
            f"{CONFIGURATION}\n[tui]\nx = '''\n[mcp_servers.extended-memory]\n'''\n",
            f"{CONFIGURATION}\n[tui]\nx = '''\n[mcp_servers.extended-memory]\n'''\n\n{ADDED}",
        ),
    ],
)
def test_an_entry_is_added_and_taken_away_again(before: str, after: str) -> None:
    assert toml.put(before, KEYS, ENTRY) == after
    assert toml.put(after, KEYS, ENTRY) == after
    if before.endswith("\n") or not before:
        again = toml.cut(after, KEYS)
        assert toml.read(again) == toml.read(before)
        assert again.replace(" }} #", " } } #") == before


def test_values_are_changed_where_they_stand() -> None:
    text = toml.put(CONFIGURATION, ("mcp_servers", "docs", "command"), "/usr/bin/npx")
    text = toml.put(text, ("mcp_servers", "docs", "args"), [])
    text = toml.put(text, ("mcp_servers", "docs", "env"), {"A": "1"})
    text = toml.put(text, ("mcp_servers", "docs", "env", "B"), "2")
    assert text == CONFIGURATION.replace('"npx"', '"/usr/bin/npx"').replace(
        'args = ["-y", "docs"]\n', 'args = []\nenv = { A = "1", B = "2"}\n'
    )


def test_tables_below_an_entry_go_with_it_and_comments_of_others_stay() -> None:
    text = CONFIGURATION.replace(
        "\n# How",
        '\n[mcp_servers.docs.env]\nA = "1" # one\n\n[ mcp_servers . "docs" . tools.read ]\n'
        'approval_mode = "ask"\n\n# How',
    )
    assert toml.cut(text, ("mcp_servers", "docs")) == (
        '# Mine\nmodel = "gpt-5"  # the large one\n\n'
        '# How much may be done\n[profiles.careful]\napproval_policy = "untrusted"\n'
    )


def test_what_is_not_there_is_not_taken() -> None:
    assert toml.cut(CONFIGURATION, KEYS) == CONFIGURATION
    assert toml.cut("", KEYS) == ""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('a = 1\nb = "open\n', "line 2, column 10"),
        ("a = 1\n[b\n", "line 2, column 3"),
        ("a = 1\na = 2\n", "line"),
        ("[a]\n[a]\n", "line"),
    ],
)
def test_a_malformed_text_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(MalformedError, match=re.escape(place)):
        toml.read(text)


def test_what_is_no_table_is_not_overwritten() -> None:
    with pytest.raises(ConfigurationError, match='"mcp_servers" is no table'):
        toml.put("mcp_servers = 3\n", KEYS, ENTRY)


_SECTIONS = st.lists(
    st.tuples(
        st.sampled_from(["", "# note\n", "\n# note\n\n", "\n"]),
        st.sampled_from(
            ["[mcp_servers.a]", "[mcp_servers.a.env]", "[mcp_servers.'b c'] # b", "[tui]", "[[x]]"]
        ),
        st.sampled_from(
            [
                "",
                'command = "x"\n',
                'args = [\n  "a", # one\n]\n',
                'x = """\n[y]\n"""\n',
                "y.z = 1\n",
            ]
        ),
    ),
    max_size=5,
    unique_by=lambda section: section[1],
)


@settings(deadline=None)
@given(_SECTIONS, st.sampled_from(["", "\n", "# end\n"]), st.booleans())
def test_any_text_takes_an_entry_and_gives_it_back(
    sections: list[tuple[str, str, str]], end: str, crlf: bool
) -> None:
    text = "".join(f"{before}{header}\n{keys}" for before, header, keys in sections) + end
    text = text.replace("\n", "\r\n") if crlf else text
    before = tomlkit.parse(text).unwrap()
    put = toml.put(text, KEYS, ENTRY)
    expected = {**before, "mcp_servers": {**before.get("mcp_servers", {}), KEYS[1]: ENTRY}}
    assert tomlkit.parse(put).unwrap() == expected
    assert put.startswith(text)
    assert toml.cut(put, KEYS) == text


@settings(deadline=None)
@given(_SECTIONS, st.sampled_from(["", "\n", "# end\n"]))
def test_any_table_can_be_taken_away(sections: list[tuple[str, str, str]], end: str) -> None:
    text = "".join(f"{before}{header}\n{keys}" for before, header, keys in sections) + end
    cut = toml.cut(text, ("mcp_servers", "a"))
    expected = tomlkit.parse(text).unwrap()
    expected.get("mcp_servers", {}).pop("a", None)
    found = tomlkit.parse(cut).unwrap()
    assert {"mcp_servers": {}, **found} == {"mcp_servers": {}, **expected}
    others = [section for section in sections if "mcp_servers.a" not in section[1]]
    assert cut.count("# note") >= sum(before.count("# note") for before, _, _ in others)
