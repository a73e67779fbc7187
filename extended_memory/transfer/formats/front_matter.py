"""YAML front matter before a Markdown text, read and written so that the text keeps every byte."""

import re
from collections.abc import Mapping

import yaml

# libyaml's where it is there: ten times as fast, and as safe.
_Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Loader(_Safe):  # type: ignore[misc, valid-type]
    """Leaves a time that there is not as its text, for whoever knows the name of its field."""


def _time(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> object:
    try:
        return loader.construct_yaml_timestamp(node)
    except (ValueError, OverflowError):
        return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _time)


_OPENING = re.compile(rb"---[ \t]*\r?\n")
_CLOSING = re.compile(rb"^---[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_WIDTH = 2**20
"""Nothing is broken over lines: a value a line is what tools that look for one expect."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def join(values: Mapping[str, object], text: bytes) -> bytes:
    """Return a file of front matter and a text, which begins right after the closing line."""
    front: str = yaml.dump(
        dict(values), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_WIDTH
    )
    return b"---\n" + front.encode() + b"---\n" + text


def split(data: bytes) -> tuple[dict[str, object], bytes]:
    """Return the front matter of a file and the text after it; {} where there is none.

    Raises:
        ValueError: the front matter is no YAML, or no mapping.
    """
    data = data.removeprefix(_BYTE_ORDER_MARK)
    opening = _OPENING.match(data)
    closing = opening and _CLOSING.search(data, opening.end())
    if not opening or not closing:
        return {}, data
    front = data[opening.end() : closing.start()]
    try:
        if b"*" in front and any(isinstance(e, yaml.AliasEvent) for e in yaml.parse(front, _Safe)):
            # A few nested ones stand for more than any memory holds.
            raise ValueError("its front matter has an alias (*name), which is not read here")
        values = yaml.load(front, Loader=_Loader)  # noqa: S506
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 2}" if mark else ""
        raise ValueError(f"its front matter is not YAML{where}") from error
    if not isinstance(values, dict):
        raise ValueError("its front matter is no list of names and values")  # noqa: TRY004
    return {str(name): value for name, value in values.items()}, data[closing.end() :]
