"""What the source of a dialog must not do, as it runs again at every answer."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator

from ..errors import RegistrationError
from ..opt_out_words import kind_of_word
from .dialog_options import DialogOptions
from .routes import Handler, place_of

_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef


def require_dialog(function: Handler, options: DialogOptions) -> None:
    """Refuse a function that cannot be a dialog, and what would go wrong when it runs again.

    Raises: RegistrationError, naming the line.
    """
    if not inspect.isgeneratorfunction(inspect.unwrap(function)):
        raise RegistrationError("a dialog asks with yield, and this function has none", place_of(function))
    for word in options.cancel:
        _refuse_reserved(word, "cancel word", place_of(function))
    tree, file, first = _source(function)
    for statement in _outside_of_functions(ast.iter_child_nodes(tree)) if tree else ():
        _refuse_statement(statement, f"{file}:{first + getattr(statement, 'lineno', 1) - 1}")


def _source(function: Handler) -> tuple[ast.AST | None, str, int]:
    """Return the syntax tree of a function, its file and its first line; None where there is no source."""
    code = inspect.unwrap(function)
    try:
        lines, first = inspect.getsourcelines(code)
        tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None, "", 0
    return tree, inspect.getsourcefile(code) or "", first


def _refuse_statement(node: ast.AST, place: str) -> None:
    if isinstance(node, ast.Try | ast.TryStar) and node.finalbody and _asks(*node.body, *node.handlers, *node.orelse):
        raise RegistrationError("finally around a question would run at each message: use a step", place)
    if isinstance(node, ast.With | ast.AsyncWith) and _asks(*node.body):
        raise RegistrationError("with around a question would end at each message: use it inside a step", place)
    if isinstance(node, ast.Try | ast.TryStar) and _asks(*node.body):
        for handler in node.handlers:
            if handler.type is None or getattr(handler.type, "id", "") in ("BaseException", "GeneratorExit"):
                raise RegistrationError(
                    "this except around a question would run at each message: name the error", place
                )
    if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "choice":
        for option in node.args:
            if isinstance(option, ast.Constant) and isinstance(option.value, str):
                _refuse_reserved(option.value, "choice", place)


def _asks(*nodes: ast.AST) -> bool:
    """Return whether there is a question in some statements: a yield that is not a step."""
    own = list(_outside_of_functions(nodes))
    return any(isinstance(each, ast.Yield) or (isinstance(each, ast.YieldFrom) and not _is_step(each)) for each in own)


def _outside_of_functions(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    for node in nodes:
        if not isinstance(node, _Scope):
            yield node
            yield from _outside_of_functions(ast.iter_child_nodes(node))


def _is_step(node: ast.YieldFrom) -> bool:
    return isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "step"


def _refuse_reserved(word: str, what: str, place: str) -> None:
    if (kind := kind_of_word(word)) in ("STOP", "HELP"):
        raise RegistrationError(
            f"{word!r} cannot be a {what}: Twilio takes it as {kind}, so the dialog would not get it", place
        )
