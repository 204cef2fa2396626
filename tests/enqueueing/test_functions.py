"""Functions by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from twiml_app.enqueueing import extra_arguments, find_function, function_name, require_importable, work_parameters
from twiml_app.errors import CannotStore, UnknownWork


class Reports:
    """Group functions."""

    @staticmethod
    def make(*, attempt: int) -> None:
        """Do nothing."""

    def method(self) -> None:
        """Do nothing."""


NUMBER = 5


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(Reports.make, id="static method"),
        pytest.param(find_function, id="function"),
        pytest.param(print, id="builtin"),
        pytest.param(Reports, id="class"),
    ],
)
def test_function_is_found_by_its_name(function: Callable[..., Any]) -> None:
    """Another process runs the same function."""
    assert find_function(function_name(function)) is function


def in_script() -> None:
    """Stand for a function in the script that was started."""


in_script.__module__ = "__main__"


@pytest.mark.parametrize(
    ("function", "says"),
    [
        pytest.param(Reports().method, "is not this function", id="bound method"),
        pytest.param(partial(print), "partial cannot be run as work", id="partial"),
        pytest.param(in_script, "move it to a module", id="script"),
        pytest.param(lambda: None, "is a lambda", id="lambda"),
    ],
)
def test_function_that_others_could_not_find_is_refused(function: Callable[..., Any], says: str) -> None:
    """The error says what to write instead."""
    with pytest.raises(CannotStore, match=says):
        function_name(function)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(f"{__name__}:NUMBER", id="no function"),
        pytest.param(f"{__name__}:Reports.missing", id="missing method"),
        pytest.param("tests.no_such:function", id="missing module"),
    ],
)
def test_name_that_the_code_does_not_have_is_an_error_of_its_own(name: str) -> None:
    """It happens while a deployment is under way."""
    with pytest.raises(UnknownWork, match="Deploy the code that has it") as unknown:
        find_function(name)
    assert unknown.value.function == name


def test_function_gets_only_the_extra_arguments_that_it_declares() -> None:
    """Most functions need none."""
    assert extra_arguments(Reports.make, idempotency_key="k", attempt=2) == {"attempt": 2}
    assert work_parameters(find_function) == frozenset()
    assert work_parameters(type) == frozenset()
    assert require_importable(find_function) == "twiml_app.enqueueing.functions:find_function"
