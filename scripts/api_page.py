"""``python -m scripts.api_page > docs/api.md``: the page of the API that handlers use, made from the docstrings.

An attribute is described by its ``#:`` comment or the docstring of its property.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_overloads

from twiml_app import (
    Alert,
    Body,
    Conversation,
    InboundMedia,
    InboundMessage,
    Media,
    Message,
    MessagingResponse,
    Reaction,
    Redirect,
    Router,
    StatusCallback,
    enqueue,
    enqueue_at,
    enqueue_in,
)
from twiml_app.events import parameter_name
from twiml_app.routing.routes import Conditions

PAGE = Path(__file__).parent.parent / "docs" / "api.md"

_INTRODUCTION = """# API

Everything that a handler needs is imported from `twiml_app`:

```python
from twiml_app import Body, Media, Message, MessagingResponse, Redirect, Router
from twiml_app import Alert, Conversation, InboundMedia, InboundMessage, Reaction, StatusCallback  # for annotations
from twiml_app import enqueue, enqueue_at, enqueue_in
```

The [reference](reference.md) explains patterns, replies and settings. This page is generated from the docstrings by
`python -m scripts.api_page > docs/api.md`."""
#: Parameters that do not have the name of their attribute.
_PARAMETERS = {
    "message_sid": "`MessageSid`, `SmsSid`",
    "message_status": "`MessageStatus`, `SmsStatus`",
    "media": "`MediaUrl0`, `MediaContentType0`, …",
    "url": "`MediaUrl0`, …",
    "content_type": "`MediaContentType0`, …",
}
#: Attributes that are not a parameter of the webhook.
_COMPUTED = (
    *("form", "query", "replayed", "late", "in_reply_to", "send_id", "metadata"),
    *("channel", "contact", "number", "num_media", "reaction"),
    *("kind", "emoji", "quoted", "removed"),
)
#: Attributes of an alert that are in the JSON of one parameter.
_IN_PAYLOAD = (
    "error_code",
    "resource_sid",
    "service_sid",
    "more_info",
    "webhook",
    "payload",
    "message",
    "contact",
    "number",
)
#: The types behind the names in annotations.
_ALIASES = {"Predicate": "Callable[[InboundMessage], object]", "Verb": "Message | Redirect | Sms | Comment"}
_MAX_SIGNATURE = 100


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute or property of a class, with its type and description as they are written."""

    name: str
    type: str
    description: str

    @property
    def parameter(self) -> str:
        """The parameter of Twilio's webhook, as Markdown."""
        if self.name in _COMPUTED:
            return "–"
        return _PARAMETERS.get(self.name, f"`{parameter_name(self.name)}`")


def attributes_of(kind: type) -> list[Attribute]:
    """Return the public attributes and properties of a class, its own first, then those of its bases."""
    found = [attribute for each in kind.__mro__[:-1] for attribute in _own_attributes(each)]
    return list({attribute.name: attribute for attribute in reversed(found)}.values())[::-1]


def _own_attributes(kind: type) -> Iterator[Attribute]:
    source = textwrap.dedent(inspect.getsource(kind))
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.ClassDef)  # noqa: S101 - the source of a class
    lines = source.splitlines()
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and not each.target.id.startswith("_"):
            yield Attribute(each.target.id, ast.unparse(each.annotation), _comment(lines, each))
        elif isinstance(each, ast.FunctionDef) and _is_property(each) and not each.name.startswith("_"):
            description = " ".join((ast.get_docstring(each) or "").split())
            yield Attribute(each.name, ast.unparse(each.returns) if each.returns else "", description)


def _is_property(function: ast.FunctionDef) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "property" for each in function.decorator_list)


def _comment(lines: list[str], node: ast.AnnAssign) -> str:
    """Return the ``#:`` comment at the end of an attribute's line, or in the lines above it."""
    _, mark, text = lines[node.lineno - 1].partition("#: ")
    above: list[str] = []
    for line in reversed(lines[: node.lineno - 1]):
        if not line.strip().startswith("#: "):
            break
        above.insert(0, line.strip().removeprefix("#: "))
    return text if mark else " ".join(above)


def page() -> str:
    """Return the page."""
    parts = [_INTRODUCTION, "## Events", *_events(), "## Router", *_router()]
    parts += ["## Conversation", _text(Conversation), *_members(Conversation), "## Replies"]
    for kind in (Message, Body, Media, Redirect, MessagingResponse):
        parts += _class(kind)
    parts.append("## Work")
    for function in (enqueue, enqueue_in, enqueue_at):
        parts += (f"### {function.__name__}", _signature(function.__name__, function), _text(function))
    return "\n\n".join(parts) + "\n"


def _events() -> Iterator[str]:
    shared = attributes_of(InboundMessage.__mro__[1])
    names = {attribute.name for attribute in shared}
    for kind in (InboundMessage, StatusCallback, InboundMedia, Reaction):
        yield f"### {kind.__name__}"
        yield _text(kind)
        yield _event_table([attribute for attribute in attributes_of(kind) if attribute.name not in names])
        yield from _members(kind, properties=False)
    yield "### InboundMessage and StatusCallback"
    yield "Both have these attributes as well."
    yield _event_table(shared)
    yield from ("### Alert", _text(Alert), _alert_table())


def _alert_table() -> str:
    rows = [
        (
            f"`{each.name}`",
            _type(each.type),
            "`Payload`" if each.name in _IN_PAYLOAD else each.parameter,
            _markdown(each.description),
        )
        for each in attributes_of(Alert)
    ]
    return _table(("attribute", "type", "parameter", "description"), rows)


def _event_table(attributes: list[Attribute]) -> str:
    rows = [(f"`{each.name}`", _type(each.type), each.parameter, _markdown(each.description)) for each in attributes]
    return _table(("attribute", "type", "parameter", "description"), rows)


def _router() -> Iterator[str]:
    yield from (_signature("Router", Router), _text(Router))
    names = ("message", "default", "status", "error_code", "alert", "opt_out", "reaction", "handed_off")
    for name in (*names, "daily", "every"):
        method = getattr(Router, name)
        yield f"### @router.{name}"
        if name not in ("default", "reaction", "handed_off"):  # written without parentheses
            yield _signature(f"@router.{name}", ([*get_overloads(method)] or [method])[-1])
        yield _text(method)
        if name == "message":
            yield _condition_table(method)


def _condition_table(method: Callable[..., Any]) -> str:
    types = {name: each.annotation for name, each in inspect.signature(method).parameters.items()}
    rows = [
        (f"`{each.name}`", _type(types[each.name]), _markdown(each.description)) for each in attributes_of(Conditions)
    ]
    return _table(("condition", "type", "description"), rows)


def _class(kind: type) -> Iterator[str]:
    yield from (f"### {kind.__name__}", _signature(kind.__name__, kind), _text(kind))
    yield from _members(kind)


def _members(kind: type, *, properties: bool = True) -> Iterator[str]:
    lines = []
    for name in vars(kind):
        member = getattr(kind, name)
        if isinstance(member, property) and properties:
            lines.append(f"- `{name}`: {_summary(member)}")
        elif not name.startswith("_") and inspect.isroutine(member):
            lines.append(f"- `{name}({', '.join(_parameters(member))})`: {_summary(member)}")
    if lines:
        yield "\n".join(lines)


def _signature(name: str, function: Callable[..., Any]) -> str:
    parameters = _parameters(function)
    call = f"{name}({', '.join(parameters)})"
    if len(call) > _MAX_SIGNATURE:
        call = f"{name}(\n" + "".join(f"    {each},\n" for each in parameters) + ")"
    return f"```python\n{call}\n```"


def _parameters(function: Callable[..., Any]) -> list[str]:
    """Return the parameters as they are written, with the star in front of those that need a name."""
    written: list[str] = []
    for each in inspect.signature(function).parameters.values():
        if each.name == "self":
            continue
        if each.kind is each.KEYWORD_ONLY and not any(part.startswith("*") for part in written):
            written.append("*")
        star = "*" if each.kind is each.VAR_POSITIONAL else ""
        default = "" if each.default is each.empty else f" = {each.default!r}"
        written.append(f"{star}{each.name}: {_expanded(each.annotation)}{default}")
    return written


def _expanded(annotation: str) -> str:
    return _ALIASES.get(annotation, annotation.replace("Predicate", _ALIASES["Predicate"]))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _text(documented: object) -> str:
    return _markdown(inspect.getdoc(documented) or "")


def _summary(documented: object) -> str:
    return _markdown(" ".join((inspect.getdoc(documented) or "").partition("\n\n")[0].split()))


def _type(annotation: str) -> str:
    return f"`{_expanded(annotation)}`".replace("|", r"\|")


def _markdown(text: str) -> str:
    """Return a docstring as Markdown."""
    return text.replace("``", "`")


if __name__ == "__main__":
    sys.stdout.write(page())
