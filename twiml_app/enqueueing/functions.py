"""Functions by name: work is stored as ``module:function``, and another process finds the function again."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import CannotStore, UnknownWork

WorkFunction = Callable[..., Any]

#: The keyword-only parameters that a function gets if it declares them.
_EXTRAS = ("idempotency_key", "attempt")


def function_name(function: WorkFunction) -> str:
    """Return the name under which every process finds a function: ``module:function``.

    Raises: CannotStore, for a function that only exists in this process.
    """
    name = require_importable(function)
    module, _, path = name.partition(":")
    if _at(sys.modules.get(module), path) is not function:
        raise CannotStore(
            f"{name} is not this function, so another process would run a different one: enqueue a function that is"
            " defined at the top of a module, and give it what it needs as arguments"
        )
    return name


def require_importable(function: WorkFunction) -> str:
    """Return the name of a function, which may not be assigned to its module yet.

    Raises: CannotStore, for a lambda, a function inside of another one, and what the started script defines.
    """
    module, path = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not callable(function) or not isinstance(module, str) or not isinstance(path, str):
        raise CannotStore(
            f"{type(function).__name__} cannot be run as work, as other processes could not find it: give a function"
            " that is defined at the top of a module, and its arguments after it"
        )
    if "<" in path:
        raise CannotStore(
            f"{module}.{path} is a lambda or is defined inside of another function, so other processes could not find"
            " it: define a function at the top of a module"
        )
    if module == "__main__":
        raise CannotStore(
            f"{path} is defined in the script that was started, which other processes do not import: move it to a"
            " module, such as one in handlers/"
        )
    return f"{module}:{path}"


def find_function(name: str) -> WorkFunction:
    """Return the function of a name, importing its module if necessary.

    Raises: UnknownWork, and whatever the module raises.
    """
    module_name, _, path = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UnknownWork(name, str(error)) from error
    found = _at(module, path)
    if not callable(found):
        raise UnknownWork(name, f"{module_name} has no function {path}")
    return found  # type: ignore[no-any-return]


def work_parameters(function: WorkFunction) -> frozenset[str]:
    """Return which of ``idempotency_key`` and ``attempt`` a function declares as keyword-only parameters."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # a builtin whose parameters are unknown
        return frozenset()
    return frozenset(
        name for name in _EXTRAS if name in parameters and parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
    )


def extra_arguments(function: WorkFunction, *, idempotency_key: str, attempt: int) -> Mapping[str, Any]:
    """Return the arguments that a function gets besides those it was enqueued with."""
    given = {"idempotency_key": idempotency_key, "attempt": attempt}
    return {name: given[name] for name in work_parameters(function)}


def _at(module: object, path: str) -> Any:
    """Return what is at a path of attributes, None if there is nothing."""
    found = module
    for name in path.split("."):
        found = getattr(found, name, None)
    return found
