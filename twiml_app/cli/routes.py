"""``routes`` and ``match``: list the handlers, and find the one that a text would reach."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from ..app import state_of
from ..caller import CONTACT, NUMBER, inbound_form
from ..events import InboundMessage, parse_event
from ..routing import Handler, Match, MessageRoute, Router, name_of, opt_out_kind, place_of
from .common import (
    app_option,
    find_app,
    find_router,
    json_option,
    pairs,
    plain_errors,
    print_json,
    print_table,
    project_settings,
)


@click.command()
@app_option
@json_option
def routes(app_name: str | None, as_json: bool) -> None:
    """List the handlers in the order in which they are tried.

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
    found += [("message", _route_text(route), route.handler) for route in router.routes]
    found += [("status", route.source, route.handler) for route in router.status_routes]
    return [
        {"event": event, "for": wanted, "handler": name_of(handler), "place": _source_location(handler)}
        for event, wanted, handler in found
    ]


def _source_location(handler: Handler) -> str:
    """Return file and line, relative to the working directory if the file is in it."""
    return place_of(handler).rpartition(" ")[0].removeprefix(f"{Path.cwd()}/")


def _route_text(route: MessageRoute) -> str:
    return ", ".join(filter(None, [route.source, route.conditions.describe()]))


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
    """Show which handler a text would reach, and why the others would not run. No handler is called.

    \b
    Example:
        twiml-app match "order 2 coffee"
    """
    media_files = {f"https://example.com/{index}": content_type for index, content_type in enumerate(media)}
    form = inbound_form(text, from_=contact, to=number, media=media_files)
    message = cast(InboundMessage, parse_event(form, pairs(query, "--query")))
    with plain_errors():
        app = find_app(app_name)
        router = state_of(app).router
        with app.app_context():
            verdicts, found = _verdicts(router, message), router.match(message)
        kind = opt_out_kind(message)
        stopped = kind == "STOP" and number not in project_settings().opt_out_numbers
    if as_json:
        handler = name_of(found.route.handler) if found and not stopped else None
        arguments = dict(found.arguments) if found else {}
        print_json({"handler": handler, "arguments": arguments, "opt_out": kind, "routes": verdicts})
    else:
        _print_match(found, verdicts, stopped)
    raise SystemExit(0 if found and not stopped else 1)


def _verdicts(router: Router, message: InboundMessage) -> list[dict[str, str]]:
    """Return whether each handler runs, and why not; handlers after the one that runs are not tried.

    Raises: click.ClickException, if a condition raises an exception.
    """
    rows, is_reached = list[dict[str, str]](), False
    for route in router.routes:
        unmet = "an earlier handler matches" if is_reached else _unmet(route, message)
        is_reached = is_reached or not unmet
        verdict = f"no: {unmet}" if unmet else "runs"
        rows.append({"handler": name_of(route.handler), "for": _route_text(route), "verdict": verdict})
    return rows


def _unmet(route: MessageRoute, message: InboundMessage) -> str:
    """Return why a message does not reach a handler, empty if it does.

    Raises: click.ClickException, naming the predicate that raised an exception.
    """
    try:
        return route.unmet(message)
    except Exception as error:
        predicate = name_of(route.conditions.when) if route.conditions.when else "a condition"
        problem = f"when={predicate} raised {type(error).__name__}: {error} ({place_of(route.handler)})"
        raise click.ClickException(" ".join(problem.split())) from error


def _print_match(found: Match | None, verdicts: list[dict[str, str]], stopped: bool) -> None:
    if stopped:
        click.echo(
            "This is a STOP word: Twilio answers it itself, only @router.opt_out handlers run, and nothing is sent. For"
        )
        click.echo("numbers named in TWIML_OPT_OUT_NUMBERS, it would reach the following handler.\n")
    if found:
        given = ", ".join(f"{name}={value!r}" for name, value in found.arguments.items())
        click.echo(f"{name_of(found.route.handler)}({given})\n  at {place_of(found.route.handler)}\n")
    else:
        click.echo("No handler matches, and there is no default handler: nothing would be sent.\n")
    print_table(verdicts)
