"""JSON with comments, changed in its text: what is not the change stays byte for byte."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extended_memory.clients import jsonc
from extended_memory.clients.errors import ConfigurationError, MalformedError

ENTRY = {"command": "uvx", "args": ["extended-memory-mcp"]}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "",
            '{\n  "servers": {\n    "x": {\n      "command": "uvx",\n'
            '      "args": ["extended-memory-mcp"]\n    }\n  }\n}\n',
        ),
        (
            "// Zed settings\n",
            '// Zed settings\n{\n  "servers": {\n    "x": {\n      "command": "uvx",\n'
            '      "args": ["extended-memory-mcp"]\n    }\n  }\n}\n',
        ),
        (
            '{"servers": {}}',
            '{"servers": {"x": {"command": "uvx", "args": ["extended-memory-mcp"]}}}',
        ),
        (
            '{"servers":{"a":{}},"b":1}',
            '{"servers":{"a":{}, "x": {"command": "uvx", "args": ["extended-memory-mcp"]}},"b":1}',
        ),
        (
            '{\n\t// why\n\t"servers": {\n\t\t"a": {}, // last one\n\t\t/* end */\n\t},\n}\n',
            '{\n\t// why\n\t"servers": {\n\t\t"a": {}, // last one\n\t\t"x": {\n'
            '\t\t\t"command": "uvx",\n\t\t\t"args": ["extended-memory-mcp"]\n\t\t},\n'
            "\t\t/* end */\n\t},\n}\n",
        ),
        (
            '{\r\n    "servers": {\r\n        "a": {} // none\r\n    }\r\n}',
            '{\r\n    "servers": {\r\n        "a": {}, // none\r\n        "x": {\r\n'
            '            "command": "uvx",\r\n            "args": ["extended-memory-mcp"]\r\n'
            "        }\r\n    }\r\n}",
        ),
        (
            '{\n  "theme": "Окно" /* one\n  two */\n}\n',
            '{\n  "theme": "Окно", /* one\n  two */\n  "servers": {\n    "x": {\n'
            '      "command": "uvx",\n      "args": ["extended-memory-mcp"]\n    }\n  }\n}\n',
        ),
        (
            '{\n  "servers": null\n}\n',
            '{\n  "servers": {\n    "x": {\n      "command": "uvx",\n'
            '      "args": ["extended-memory-mcp"]\n    }\n  }\n}\n',
        ),
        (
            '{\n  "servers": { // none yet\n  }\n}\n',
            '{\n  "servers": { // none yet\n    "x": {\n      "command": "uvx",\n'
            '      "args": ["extended-memory-mcp"]\n    }\n  }\n}\n',
        ),
        (
            '{\n  "servers": {\n    "a": {}}}\n',
            '{\n  "servers": {\n    "a": {},\n    "x": {\n      "command": "uvx",\n'
            '      "args": ["extended-memory-mcp"]\n    }}}\n',
        ),
    ],
)
def test_a_new_entry_is_laid_out_as_its_neighbours(before: str, after: str) -> None:
    assert jsonc.put(before, ("servers", "x"), ENTRY) == after
    assert jsonc.put(after, ("servers", "x"), ENTRY) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"servers": {"x": 1}}', '{"servers": {}}'),
        ('{"servers": {"x": 1, "a": 2}}', '{"servers": {"a": 2}}'),
        ('{"servers": {"a": 2, "x": 1}}', '{"servers": {"a": 2}}'),
        ('{"servers": {"a": 2, "x": 1,}}', '{"servers": {"a": 2,}}'),
        ('{"servers": {"a": 2, /* c */ "x": 1}}', '{"servers": {"a": 2 /* c */ }}'),
        (
            '{"servers": {\n  // of a\n  "a": {}, // a\n  // of x\n  "x": {} // x\n}}',
            '{"servers": {\n  // of a\n  "a": {} // a\n  // of x\n  // x\n}}',
        ),
        ('{"servers": {\n  "x": {},\n  "a": {}\n}}', '{"servers": {\n  "a": {}\n}}'),
        ('{"servers": {"x": 1, "a": 2, "x": 3}}', '{"servers": {"a": 2}}'),
        ('{"servers": {"a": 2}}', '{"servers": {"a": 2}}'),
        ('{"servers": {\n  "a": {},\n  "x": {}}}', '{"servers": {\n  "a": {}}}'),
        ('{"servers": []}', '{"servers": []}'),
        ("[]", "[]"),
        ("{}", "{}"),
        ("", ""),
    ],
)
def test_an_entry_goes_with_its_comma_and_its_line(before: str, after: str) -> None:
    assert jsonc.cut(before, ("servers", "x")) == after


def test_a_value_that_is_there_is_replaced_and_nothing_else() -> None:
    text = '{"servers": {"x": {"command": "old" /* why */, "off": true}}}'
    assert (
        jsonc.put(text, ("servers", "x", "command"), "new")
        == '{"servers": {"x": {"command": "new" /* why */, "off": true}}}'
    )


def test_a_trailing_comma_is_refused_where_its_program_does_not_take_one() -> None:
    text = '{"a": 1, // one\n}'
    assert jsonc.read(text) == {"a": 1}
    with pytest.raises(MalformedError, match="line 2, column 1"):
        jsonc.read(text, trailing_commas=False)
    assert jsonc.read(text.replace(",", ""), trailing_commas=False) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "comments", "place"),
    [
        ('{\n  "a": 1\n  "b": 2\n}', True, "line 3, column 3: Expecting ',' delimiter"),
        ('{\n  /* two\n lines */ "a": }', True, "line 3, column 16: Expecting value"),
        ('{"a": [1,,]}', True, "line 1, column 10: Expecting value"),
        ("{,}", True, "line 1, column 2: Expecting property name enclosed in double quotes"),
        ('{"a": 1} x', True, "line 1, column 10: Extra data"),
        ('{"a": "x\n"}', True, "line 1, column 9: Invalid control character at"),
        ('{"a": 1, // why\n}', False, "line 1, column 10: Expecting property name enclosed"),
        ("/* open", True, "line 1, column 1: Expecting value"),
    ],
)
def test_a_malformed_text_is_refused_with_its_place(text: str, comments: bool, place: str) -> None:
    with pytest.raises(MalformedError, match=re.escape(place)):
        jsonc.read(text, comments=comments)


@pytest.mark.parametrize("text", ['{"servers": 3}', '{"servers": [1]}', "[]", "3"])
def test_what_is_no_object_is_not_overwritten(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no object"):
        jsonc.put(text, ("servers", "x"), ENTRY)


_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just('// "no" /* x */,}')
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "b", 'c"', "servers", "//", "ж"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "servers", "x"]), _VALUES, max_size=4)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, Any, list[str]]:
    """Give a text, its value and its comments, laid out in any way that the format allows."""
    chance = draw(st.randoms(use_true_random=False))
    newline: str = chance.choice(["\n", "\r\n"])
    comments: list[str] = []

    def gap() -> str:
        parts = []
        for kind in chance.choices([" ", "\t", "line", "//", "/*"], k=chance.randint(0, 3)):
            if kind == "line":
                parts.append(newline)
            elif kind in ("//", "/*"):
                mark = f"#{len(comments)}, }} ]{'*' * len(comments)}"
                comment = f"// {mark}" if kind == "//" else f'/* {mark}{newline} " */'
                comments.append(comment)
                parts.append(comment + (newline if kind == "//" else ""))
            else:
                parts.append(kind)
        return "".join(parts)

    def written(value: Any) -> str:
        if isinstance(value, dict):
            inner = [
                f"{gap()}{json.dumps(key)}{gap()}:{gap()}{written(member)}{gap()}"
                for key, member in value.items()
            ]
            opening, closing = "{}"
        elif isinstance(value, list):
            inner = [f"{gap()}{written(member)}{gap()}" for member in value]
            opening, closing = "[]"
        else:
            return json.dumps(value, ensure_ascii=chance.random() < 0.5)
        trailing = "," + gap() if inner and chance.random() < 0.5 else "" if inner else gap()
        return opening + ",".join(inner) + trailing + closing

    value = draw(_OBJECTS)
    return gap() + written(value) + gap(), value, comments


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(texts(), _VALUES)
def test_any_text_takes_an_entry_and_gives_it_back(
    drawn: tuple[str, Any, list[str]], entry: Any
) -> None:
    text, value, comments = drawn
    assert jsonc.read(text) == value
    servers = value.get("servers")
    if not isinstance(servers, dict | None):
        return
    put = jsonc.put(text, ("servers", "new"), entry)
    expected = {**value, "servers": {**(servers or {}), "new": entry}}
    assert jsonc.read(put) == expected
    assert list(jsonc.read(put)) == list(expected)
    assert jsonc.put(put, ("servers", "new"), entry) == put
    cut = jsonc.cut(put, ("servers", "new"))
    if servers:
        assert "".join(cut.split()) == "".join(text.split())  # but for white space
    assert jsonc.read(cut) == {**value, "servers": servers or {}}
    for comment in comments:
        assert comment in put
        assert comment in cut


@settings(deadline=None)
@given(texts())
def test_any_member_can_be_taken_away(drawn: tuple[str, Any, list[str]]) -> None:
    text, value, _ = drawn
    for key in value:
        cut = jsonc.cut(text, (key,))
        assert jsonc.read(cut) == {k: v for k, v in value.items() if k != key}
        assert key in ("servers", "x", "a", "b")
