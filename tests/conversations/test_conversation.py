"""The mapping that a handler gets: JSON values, and not too many."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app import Conversation
from twiml_app.conversations.conversation import MAX_STATE
from twiml_app.errors import StateError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def conversation(state: str = "{}") -> Conversation:
    """Return the conversation of one person."""
    return Conversation("+15005550001", "+15005550006", state)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_values_come_back_as_they_were(values: dict[str, Any]) -> None:
    """Whatever JSON can say is kept exactly."""
    one = conversation()
    one.update(values)

    assert dict(conversation(one.to_json())) == values


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(object(), id="object"),
        pytest.param({1, 2}, id="set"),
        pytest.param((1, 2), id="tuple"),
        pytest.param({1: "one"}, id="key that is a number"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param(float("inf"), id="infinity"),
        pytest.param(b"bytes", id="bytes"),
        pytest.param([[(1,)]], id="nested tuple"),
    ],
)
def test_value_that_is_not_json_is_refused_where_it_is_set(value: object) -> None:
    """The traceback then shows the line of the mistake."""
    with pytest.raises(StateError, match=r"conversation\['size'\]"):
        conversation()["size"] = value


def test_value_that_contains_itself_is_refused() -> None:
    """It has no end."""
    value: list[object] = []
    value.append(value)

    with pytest.raises(StateError, match="size"):
        conversation()["size"] = value


def test_name_that_is_not_a_string_is_refused() -> None:
    """JSON has no other names."""
    with pytest.raises(StateError, match="int"):
        conversation()[1] = "one"  # type: ignore[index]


def test_value_that_was_changed_to_something_else_is_refused_when_it_is_stored() -> None:
    """A list can be changed behind the back of the conversation."""
    one = conversation()
    one["sizes"] = []
    one["sizes"].append(object())

    with pytest.raises(StateError, match="sizes"):
        one.to_json()


def test_state_has_a_limit() -> None:
    """Every message reads and writes the whole state."""
    one = conversation()
    one["text"] = "x" * (MAX_STATE - len('{"text": ""}'))
    assert len(one.to_json()) == MAX_STATE
    one["text"] += "x"

    with pytest.raises(StateError, match=str(MAX_STATE)):
        one.to_json()


def test_it_is_a_mapping() -> None:
    """Everything that a dict can do."""
    one = conversation('{"name": "Ann", "size": "large"}')
    del one["size"]

    assert (list(one), len(one), one["name"], one.get("size")) == (["name"], 1, "Ann", None)
    assert dict(one) == json.loads(one.to_json()) == {"name": "Ann"}


def test_change_is_noticed() -> None:
    """Also inside of a value."""
    one = conversation('{"sizes": [1]}')
    assert not one.is_changed
    one["sizes"].append(2)

    assert one.is_changed


def test_its_repr_shows_neither_numbers_nor_values() -> None:
    """It ends up in logs."""
    one = conversation('{"name": "Ann"}')

    assert repr(one) == "<Conversation of +*******0001 with +*******0006: name>"
    assert repr(conversation()).endswith("empty>")
