"""Which module uses which, read from the syntax tree: what the drawings of the architecture page are compared with.

A module uses another one when it names something of it outside of annotations, or when it calls a method of a value
whose class is defined there. The class of a value is read from annotations and from what is assigned: parameters,
attributes, local variables, and the results of functions. A container counts as what it contains.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.architecture.sources import FILES, PACKAGE, parsed
from tests.servers import ROOT

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Ref(NamedTuple):
    """Something that a module defines; with an empty name, the module itself."""

    module: str
    name: str


Refs = frozenset[Ref]
Scope = Mapping[str, Refs]
NONE: Refs = frozenset()


def _name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / PACKAGE).with_suffix("").parts).removesuffix(".__init__")


#: The file of every module, by its name without ``twiml_app.``; a package is its ``__init__``.
MODULES = {_name_of(path): path for path in FILES}


@cache
def definitions(module: str) -> dict[str, ast.stmt]:
    """Return what a module defines at its top level, by name."""
    found: dict[str, ast.stmt] = {}
    for node in parsed(MODULES[module]).body:
        if isinstance(node, ast.ClassDef | Function):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id: node for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


@cache
def names(module: str) -> Scope:
    """Return what the names of a module refer to: its own definitions, and what it imports of this package."""
    found = {name: frozenset({Ref(module, name)}) for name in definitions(module)}
    path = MODULES[module]
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom):
            outer = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*outer, *filter(None, [node.module])])
            if source.split(".")[0] == PACKAGE:
                inside = source.removeprefix(PACKAGE).removeprefix(".")
                found |= {alias.asname or alias.name: frozenset({_origin(inside, alias.name)}) for alias in node.names}
    return found


def _origin(source: str, name: str) -> Ref:
    """Return where an imported name is defined: packages export what their modules define."""
    inner = f"{source}.{name}".removeprefix(".")
    if inner in MODULES:
        return Ref(inner, "")
    if source in MODULES and name not in definitions(source):
        return next(iter(names(source).get(name, {Ref(source, name)})))
    return Ref(source, name)


class Class(NamedTuple):
    """What is known of a class: the classes of its attributes, and its methods."""

    attributes: dict[str, Refs]
    methods: dict[str, Function]


_classes: dict[Ref, Class] = {}


def class_at(ref: Ref) -> Class | None:
    """Return the class that a reference names; None for anything else."""
    if ref in _classes:
        return _classes[ref]
    node = definitions(ref.module).get(ref.name) if ref.module in MODULES else None
    if not isinstance(node, ast.ClassDef):
        return None
    found = Class({}, {each.name: each for each in node.body if isinstance(each, Function)})
    _classes[ref] = found  # two classes may refer to each other
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            found.attributes[each.target.id] = _annotated(each.annotation, ref.module)
    for method in found.methods.values():
        reader = Reader(ref.module, ref)
        scope = reader.scope_of(method)
        for target, value in _assignments(method):
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
                found.attributes[target.attr] = found.attributes.get(target.attr, NONE) | reader.classes(value, scope)
    return found


def _assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield each target of an assignment with the expression that it gets."""
    for each in ast.walk(node):
        pairs: Iterable[tuple[ast.expr, ast.expr | None]] = ()
        if isinstance(each, ast.Assign):
            pairs = [(target, each.value) for target in each.targets]
        elif isinstance(each, ast.AnnAssign | ast.NamedExpr):
            pairs = [(each.target, each.value)]
        elif isinstance(each, ast.withitem) and each.optional_vars:
            pairs = [(each.optional_vars, each.context_expr)]
        elif isinstance(each, ast.For | ast.comprehension):
            pairs = [(each.target, each.iter)]
        for target, value in pairs:
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                yield from zip(target.elts, value.elts, strict=False)
            elif value is not None:
                yield target, value


def _annotated(annotation: ast.expr | None, module: str) -> Refs:
    """Return the classes of this package that an annotation names."""
    if annotation is None:
        return NONE
    named = (names(module).get(node.id, NONE) for node in ast.walk(annotation) if isinstance(node, ast.Name))
    return frozenset(ref for refs in named for ref in refs if _is_class(ref))


def _is_class(ref: Ref) -> bool:
    return ref.module in MODULES and isinstance(definitions(ref.module).get(ref.name), ast.ClassDef)


class Reader:
    """Reads the classes of expressions in one module, within a class or outside of any."""

    def __init__(self, module: str, owner: Ref | None = None) -> None:
        self.module = module
        self._owner = owner

    def scope_of(self, function: Function) -> dict[str, Refs]:
        """Return what the names within a function refer to."""
        scope = dict(names(self.module))
        if self._owner:
            scope["self"] = frozenset({self._owner})
        arguments = function.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            if argument.arg != "self":
                scope[argument.arg] = _annotated(argument.annotation, self.module)
        for target, value in _assignments(function):
            if isinstance(target, ast.Name):
                scope[target.id] = scope.get(target.id, NONE) | self.classes(value, scope)
        return scope

    def classes(self, expression: ast.expr, scope: Scope) -> Refs:
        """Return the classes that the value of an expression may have; of a class or a function, itself."""
        match expression:
            case ast.Name():
                return scope.get(expression.id, NONE)
            case ast.Attribute():
                return self._attribute(expression, scope)
            case ast.Call():
                return self._result(expression.func, scope)
            case ast.Subscript() | ast.Starred() | ast.NamedExpr() | ast.Await():
                return self.classes(expression.value, scope)
            case ast.BoolOp():
                return self._all(expression.values, scope)
            case ast.IfExp():
                return self._all([expression.body, expression.orelse], scope)
            case ast.Tuple() | ast.List() | ast.Set():
                return self._all(expression.elts, scope)
        return NONE

    def _all(self, expressions: Iterable[ast.expr], scope: Scope) -> Refs:
        return NONE.union(*(self.classes(each, scope) for each in expressions))

    def _attribute(self, expression: ast.Attribute, scope: Scope) -> Refs:
        found = NONE
        for ref in self.classes(expression.value, scope):
            if not ref.name:
                found |= {Ref(ref.module, expression.attr)}
            elif known := class_at(ref):
                found |= known.attributes.get(expression.attr, NONE)
                if method := known.methods.get(expression.attr):
                    found |= _annotated(method.returns, ref.module)
        return found

    def _result(self, called: ast.expr, scope: Scope) -> Refs:
        """Return the classes of what a call gives; a method that is not known is one of a container."""
        if isinstance(called, ast.Attribute):
            owners = self.classes(called.value, scope)
            methods = [known for ref in owners if (known := class_at(ref)) and called.attr in known.methods]
            return self._attribute(called, scope) if methods or any(not ref.name for ref in owners) else owners
        found = NONE
        for ref in self.classes(called, scope):
            node = definitions(ref.module).get(ref.name) if ref.module in MODULES else None
            found |= _annotated(node.returns, ref.module) if isinstance(node, Function) else {ref}
        return found


def _functions(module: str) -> Iterator[tuple[Reader, Function]]:
    for name, node in definitions(module).items():
        if isinstance(node, Function):
            yield Reader(module), node
        elif isinstance(node, ast.ClassDef):
            ref = Ref(module, name)
            for method in node.body:
                if isinstance(method, Function):
                    yield Reader(module, ref), method


@cache
def used(module: str) -> frozenset[str]:
    """Return the modules of which a module names something outside of annotations, or calls a method."""
    known = names(module)
    found = {ref.module for node in _outside_of_annotations(parsed(MODULES[module])) for ref in known.get(node, NONE)}
    for reader, function in _functions(module):
        scope = reader.scope_of(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                found |= {ref.module for ref in reader.classes(node.func.value, scope)}
    return frozenset(found - {module})


def _outside_of_annotations(tree: ast.AST) -> Iterator[str]:
    """Yield the names that are read when the code runs."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.Name):
                yield node.id
            elif isinstance(node, ast.AST):
                yield from _outside_of_annotations(node)


@cache
def handed(assembler: str) -> frozenset[tuple[str, str]]:
    """Return pairs of modules: the assembler passes to the first an object of a class that the second defines.

    It passes objects as arguments of constructors and methods. Where it passes what one of its own methods returns, the
    ``return`` of that method is read.
    """
    return frozenset(
        (receiver.module, given.module)
        for reader, function in _functions(assembler)
        for call, scope in _calls(reader, function)
        for receiver in _called(reader, call, scope)
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        for given in _within(reader, argument, scope, assembler)
        if receiver.module != given.module
    )


def _calls(reader: Reader, function: Function) -> Iterator[tuple[ast.Call, Scope]]:
    scope = reader.scope_of(function)
    yield from ((node, scope) for node in ast.walk(function) if isinstance(node, ast.Call))


def _called(reader: Reader, call: ast.Call, scope: Scope) -> Refs:
    """Return the class that is called, or whose method is."""
    called = reader.classes(call.func.value if isinstance(call.func, ast.Attribute) else call.func, scope)
    return frozenset(ref for ref in called if _is_class(ref))


def _within(reader: Reader, expression: ast.expr, scope: Scope, assembler: str) -> Iterator[Ref]:
    for node in ast.walk(expression):
        if isinstance(node, ast.expr):
            yield from (ref for ref in reader.classes(node, scope) if _is_class(ref))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from _returned(reader, node.func, scope, assembler)


def _returned(reader: Reader, called: ast.Attribute, scope: Scope, assembler: str) -> Iterator[Ref]:
    for owner in reader.classes(called.value, scope):
        known = class_at(owner) if owner.module == assembler else None
        method = known.methods.get(called.attr) if known else None
        for node in ast.walk(method) if method else ():
            if isinstance(node, ast.Return) and node.value and method:
                yield from _within(reader, node.value, reader.scope_of(method), assembler)
