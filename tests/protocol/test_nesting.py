"""How deep JSON is nested is counted right, whatever stands in its texts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extended_memory.protocol import nesting
from extended_memory.protocol.nesting import MAXIMUM_DEPTH, holds_too_much, is_too_deep, outermost

LINES = st.text(alphabet='[]{}"\\/:,a1é\ud83d\u2028', max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | LINES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(LINES, inner, max_size=4),
    max_leaves=40,
)


def depth(value: Any) -> int:
    """Count by recursion what the program counts without."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(value=VALUES, bound=st.integers(1, 6), is_ascii=st.booleans(), indent=st.none() | st.just(1))
def test_a_text_and_its_value_are_as_deep_as_json_says(
    value: Any, bound: int, is_ascii: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii, indent=indent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nesting, "MAXIMUM_DEPTH", bound)
        found = (is_too_deep(text.encode(errors="surrogatepass")), holds_too_much(value))
    assert found == (depth(value) > bound, depth(value) > bound)


@given(value=st.dictionaries(LINES, VALUES, max_size=5))
def test_the_outermost_object_is_the_object_without_what_is_in_it(value: dict[str, Any]) -> None:
    flat = {key: None if isinstance(item, (dict, list)) else item for key, item in value.items()}
    assert outermost(json.dumps(value).encode()) == flat


@given(junk=st.binary(max_size=40))
def test_what_is_no_json_is_looked_at_without_harm(junk: bytes) -> None:
    assert is_too_deep(b"[" * (MAXIMUM_DEPTH + 1) + junk)
    assert isinstance(outermost(junk), dict)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("count", [MAXIMUM_DEPTH, MAXIMUM_DEPTH + 1, 1_000_000])
def test_the_bound_is_one_for_a_text_that_is_deep_or_breaks_off(opening: str, count: int) -> None:
    assert is_too_deep((opening * count).encode()) == (count > MAXIMUM_DEPTH)
