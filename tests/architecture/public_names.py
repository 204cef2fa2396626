"""Everything that the versioning policy covers, one line each; ``docs/versioning.md`` explains the policy.

``python -m tests.architecture.public_names > tests/architecture/public_names.txt`` renews the checked-in list, and
prints the line that CHANGELOG.md needs then.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import click

from twiml_app import plugin
from twiml_app.cli import main
from twiml_app.journal.migrations import OLDEST_READER, SCHEMA_VERSION
from twiml_app.recordings.format import SCHEMA
from twiml_app.setting_readers import READERS

#: The public names of each public module; an empty tuple for all that it exports, or else defines.
PUBLIC: dict[str, tuple[str, ...]] = {
    "twiml_app": (),
    "twiml_app.app": ("Twiml", "TwimlState", "create_app", "media_url"),
    "twiml_app.emulator": (),
    "twiml_app.errors": (),
    "twiml_app.journal": ("Ledger", "OptOut"),
    "twiml_app.opt_outs": ("add", "list", "remove"),
    "twiml_app.signature": ("sign", "verify"),
    "twiml_app.testing": ("Phone", "Reply"),
}
LIST = Path(__file__).with_suffix(".txt")
_LITERALS = (bool, int, float, str, bytes, tuple, type(None))


class _Shown:
    """Something in a signature that is shown as this text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def public_lines() -> list[str]:
    """Return the list as the code has it now."""
    python = [line for module in PUBLIC for line in _module_lines(module)]
    oldest = ", ".join(f"{version} in {store}" for store, version in OLDEST_READER.items())
    formats = [f"recording format {SCHEMA}", f"journal schema {SCHEMA_VERSION}, shared with schemas from: {oldest}"]
    settings = [f"setting {name}" for name in READERS]
    return [*python, *_plugin_lines(), *_command_lines(main, "twiml-app"), *settings, *formats]


def digest(text: str) -> str:
    """Return what stands for a list in CHANGELOG.md."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def changelog_line(text: str) -> str:
    """Return the comment by which the changelog names a list."""
    return f"<!-- public names: {digest(text)} -->"


def _module_lines(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    for each in PUBLIC[name] or getattr(module, "__all__", None) or _defined(module):
        value = getattr(module, each)
        if inspect.isclass(value):
            yield from _class_lines(f"{name}.{each}", value)
        elif inspect.isfunction(value):
            yield f"{name}.{each}{_signature(value)}"
        else:
            yield f"{name}.{each} = {_alias(value)}"


def _defined(module: Any) -> list[str]:
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
    return [name for name in own if not name.startswith("_")]


def _class_lines(name: str, kind: type) -> Iterator[str]:
    bases = [base for base in kind.__mro__ if base.__module__.startswith("twiml_app")]
    above = [base.__name__ for base in kind.__bases__ if base is not object and not base.__name__.startswith("_")]
    made_by = any("__init__" in vars(base) for base in bases)
    yield f"class {name}{_signature(kind) if made_by else ''}" + (f": {', '.join(above)}" if above else "")
    members = {
        member: line for base in reversed(bases) for member, line in _members(base) if not member.startswith("_")
    }
    yield from (f"    {line}" for _, line in sorted(members.items()))


def _members(kind: type) -> Iterator[tuple[str, str]]:
    """Yield the members that a class itself has, and how each is shown."""
    fields = {field.name: field.type for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else {}
    yield from ((name, f"{name}: {type_}") for name, type_ in fields.items())
    yield from ((name, name) for name in _instance_attributes(kind))
    for name, value in vars(kind).items():
        if isinstance(value, property):
            yield name, f"{name}: {inspect.signature(value.fget or _no_getter).return_annotation}"
        elif isinstance(value, staticmethod | classmethod):
            yield name, f"{type(value).__name__} {name}{_signature(value.__func__)}"
        elif inspect.isfunction(value):
            yield name, f"{name}{_signature(value)}"
        elif isinstance(value, _LITERALS) and name not in fields:
            yield name, f"{name} = {value!r}"


def _no_getter() -> None: ...


def _instance_attributes(kind: type) -> Iterator[str]:
    """Yield the attributes that a written ``__init__`` sets."""
    made_by = vars(kind).get("__init__")
    if made_by is None or dataclasses.is_dataclass(kind):
        return
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(made_by)))):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def _signature(made: Any) -> str:
    """Return a signature as it is written, the same for every Python: defaults that are objects are left out."""
    signature = inspect.signature(made)
    parameters = [
        parameter.replace(
            annotation=_annotation(parameter.annotation),
            default=parameter.default if _is_literal(parameter.default) else _Shown("..."),
        )
        for parameter in signature.parameters.values()
    ]
    returns = _annotation(signature.return_annotation) if inspect.isfunction(made) else inspect.Signature.empty
    return str(signature.replace(parameters=parameters, return_annotation=returns))


def _annotation(annotation: Any) -> Any:
    return _Shown(annotation) if isinstance(annotation, str) else annotation


def _alias(value: Any) -> str:
    """Return a type, or another value, as it is written, the same for every Python."""
    parts = [_alias(each) for each in get_args(value)]
    origin = get_origin(value)
    if origin in (Union, UnionType):
        return " | ".join(parts)
    if origin:
        return f"{_alias(origin)}[{', '.join(parts)}]"
    if value is type(None):
        return "None"
    if inspect.isclass(value) and value is not Any:
        return value.__qualname__ if value.__module__ == "builtins" else f"{value.__module__}.{value.__qualname__}"
    return repr(value)


def _is_literal(default: Any) -> bool:
    return default is inspect.Parameter.empty or isinstance(default, _LITERALS)


def _plugin_lines() -> Iterator[str]:
    """Yield the fixtures, the marker and the options of the pytest plugin."""
    source = inspect.getsource(plugin)
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and any("fixture" in ast.unparse(each) for each in node.decorator_list):
            yield f"pytest fixture {node.name}: {ast.unparse(node.returns) if node.returns else ''}"
    yield f"pytest marker {plugin.MARKER}"
    yield f"pytest ini option {plugin.INI}"
    yield from (f"pytest option {name}" for name in re.findall(r"addoption\(\s*\"(--[a-z-]+)\"", source))


def _command_lines(command: click.Command, path: str) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name, each in sorted(command.commands.items()):
            yield from _command_lines(each, f"{path} {name}")
        return
    shown = [
        "/".join([*parameter.opts, *parameter.secondary_opts])
        if isinstance(parameter, click.Option)
        else parameter.human_readable_name
        for parameter in command.params
    ]
    yield " ".join(["command", path, *sorted(shown)])


if __name__ == "__main__":
    current = "".join(f"{line}\n" for line in public_lines())
    sys.stdout.write(current)
    sys.stderr.write(f"CHANGELOG.md, under Unreleased, needs: {changelog_line(current)}\n")
