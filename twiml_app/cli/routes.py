"""``routes`` and ``match``: list the handlers, and find the one that a text would reach."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import click

from ..app import state_of
from ..assembly import TwimlState
from ..caller import CONTACT, NUMBER, inbound_form
from ..events import InboundMessage, parse_event
from ..reactions import Reaction
from ..receiver import silence_for
from ..routing import Handler, Match, MessageRoute, Router, name_of, opt_out_kind, place_of
from .common import app_option, find_router, pairs, plain_errors
from .output import describe_reaction, json_option, print_json, print_table
from .printed import printed_aside
from .trial import find_app


@click.command()
@app_option
@json_option
def routes(app_name: str | None, as_json: bool) -> None:
    """List the handlers in the order in which they are tried.

    The schedules follow.

    \b
    Example:
        twiml-app routes
    """
    with plain_errors():
        rows = _route_rows(find_router(app_name))
    if as_json:
        print_json(rows)
        return
    print_table(rows)


def _route_rows(router: Router) -> list[dict[str, str]]:
    found = [("opt-out", " or ".join(sorted(each.kinds)), each.handler) for each in router.opt_out_routes]
    found += [("reaction", route.source, route.handler) for route in filter(None, [router.reaction_route])]
    found += [("handed off", route.source, route.handler) for route in filter(None, [router.handed_off_route])]
    found += [("message", _route_text(route), route.handler) for route in router.routes]
    found += [("dialog", f"{each.options.name} {each.options.version}", each.handler) for each in router.dialogs]
    found += [("status", route.source, route.handler) for route in router.status_routes]
    found += [("alert", route.source, route.handler) for route in router.alert_routes]
    found += [("schedule", each.source, each.handler) for each in router.schedules]
    return [
        {"event": event, "for": wanted, "handler": name_of(handler), "place": _source_location(handler)}
        for event, wanted, handler in found
    ]


def _source_location(handler: Handler) -> str:
    """Return file and line, relative to the working directory if the file is in it."""
    return place_of(handler).rpartition(" ")[0].removeprefix(f"{Path.cwd()}/")


def _route_text(route: MessageRoute) -> str:
    then = f"then={name_of(route.then)}" if route.then else ""
    interrupts = "interrupts=True" if route.interrupts else ""
    return ", ".join(filter(None, [route.source, route.conditions.describe(), then, interrupts]))


_MEANINGS = {
    "replied": "the return value of the handler is sent",
    "unhandled": "no handler matches and there is no default handler, so nothing is sent",
    "reaction": "the text is a reaction, which reaches only @router.reaction, so nothing is sent",
    "opted out": "Twilio answers STOP words itself, so nothing is sent (numbers in TWIML_OPT_OUT_NUMBERS are exempt)",
    "blocked": "TWIML_BLOCKED names the contact, so no handler runs and nothing is sent",
}


@click.command()
@click.argument("text")
@click.option("--contact", metavar="PHONE", default=CONTACT, show_default=True, help="Address of the other person.")
@click.option("--number", metavar="PHONE", default=NUMBER, show_default=True, help="Our number.")
@click.option("--media", multiple=True, metavar="TYPE", help="Content type of an attached media file; repeatable.")
@click.option("--query", multiple=True, metavar="NAME=VALUE", help="Query parameter of the Message URL; repeatable.")
@app_option
@json_option
def match(
    text: str,
    contact: str,
    number: str,
    media: tuple[str, ...],
    query: tuple[str, ...],
    app_name: str | None,
    as_json: bool,
) -> None:
    """Show which handler would answer a text, and why.

    It also says why the others would not run. No handler is called.

    \b
    Example:
        twiml-app match "order 2 coffee"
    """
    media_files = {f"https://example.com/{index}": content_type for index, content_type in enumerate(media)}
    form = inbound_form(text, from_=contact, to=number, media=media_files)
    message = cast(InboundMessage, parse_event(form, pairs(query, "--query")))
    with plain_errors():
        app = find_app(app_name)
        with app.app_context(), printed_aside():
            result = _match(state_of(app), message)
    if as_json:
        print_json(result.as_json())
    else:
        _print_match(result)
    raise SystemExit(0 if result.found else 1)


@dataclass(frozen=True, slots=True)
class _Matched:
    """The receiver's decision about a message: the outcome in its log, and the handlers that would run."""

    outcome: str
    found: Match | None
    reaction: Reaction | None
    opt_out: str
    opt_out_handlers: list[str]
    verdicts: list[dict[str, str]]
    #: The handler that would run instead while a person answers; empty if there is none.
    handed_off: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "outcome": self.outcome,
            "handler": name_of(self.found.route.handler) if self.found else None,
            "arguments": dict(self.found.arguments) if self.found else {},
            "reaction": asdict(self.reaction) if self.reaction else None,
            "opt_out": self.opt_out,
            "opt_out_handlers": self.opt_out_handlers,
            "routes": self.verdicts,
            "handed_off": self.handed_off or None,
        }


def _match(state: TwimlState, message: InboundMessage) -> _Matched:
    """Return the decision of the receiver about a message.

    Raises: click.ClickException, if a condition raises an exception.
    """
    kind, silence = opt_out_kind(message), silence_for(message, state.settings)
    notified = [] if silence == "blocked" else [name_of(each) for each in state.router.opt_out_handlers(kind)]
    if silence:
        return _Matched(silence, None, message.reaction, kind, notified, [])
    verdicts, found = _verdicts(state.router, message), state.router.match(message)
    outcome = "replied" if found else "reaction" if message.reaction else "unhandled"
    by_person = state.router.handed_off_route
    handed_off = name_of(by_person.handler) if by_person else ""
    return _Matched(outcome, found, message.reaction, kind, notified, verdicts, handed_off)


def _verdicts(router: Router, message: InboundMessage) -> list[dict[str, str]]:
    """Return whether each handler runs, and why not; handlers after the one that runs are not tried.

    Raises: click.ClickException, if a condition raises an exception.
    """
    rows, is_reached = list[dict[str, str]](), False
    for route in (*filter(None, [router.reaction_route]), *router.routes):
        unmet = "an earlier handler matches" if is_reached else _unmet(route, message)
        is_reached = is_reached or not unmet
        verdict = f"no: {unmet}" if unmet else "runs"
        rows.append({"handler": name_of(route.handler), "for": _route_text(route), "verdict": verdict})
    return rows


def _unmet(route: MessageRoute, message: InboundMessage) -> str:
    """Return why a message does not reach a handler, empty if it does.

    Raises: click.ClickException, naming the predicate that raised an exception.
    """
    if route.reaction != (message.reaction is not None):
        return "the text is not a reaction" if route.reaction else "the text is a reaction"
    try:
        return route.unmet(message)
    except Exception as error:
        predicate = name_of(route.conditions.when) if route.conditions.when else "a condition"
        problem = f"when={predicate} raised {type(error).__name__}: {error} ({place_of(route.handler)})"
        raise click.ClickException(" ".join(problem.split())) from error


def _print_match(result: _Matched) -> None:
    if result.found:
        handler = result.found.route.handler
        given = ", ".join(f"{name}={value!r}" for name, value in result.found.arguments.items())
        click.echo(f"{name_of(handler)}({given})\n  at {place_of(handler)}")
        if dialog := result.found.route.dialog:
            click.echo(f"starts the dialog {dialog.options.name}, version {dialog.options.version}")
    if result.reaction:
        click.echo(describe_reaction(result.reaction))
    click.echo(f"{result.outcome}: {_MEANINGS[result.outcome]}")
    if result.handed_off:
        click.echo(f"while a person answers: {result.handed_off} instead")
    if result.opt_out_handlers:
        click.echo(f"opt-out handlers: {', '.join(result.opt_out_handlers)}")
    if result.verdicts:
        click.echo()
        print_table(result.verdicts)
