"""``opt-outs``: list, show, add and remove opt-outs."""

from __future__ import annotations

import click

from ..consent import OptOutList
from ..journal import OptOut, OptOutChange
from ..logs import format_time, mask
from .common import find_state, plain_errors, project_settings
from .journal_access import find_engine, journal_option
from .output import json_option, print_json, print_table

_SOURCE = "command line"
_unmasked = click.option("--unmasked", is_flag=True, help="Show full addresses instead of masked ones.")
_sender = click.option(
    "--sender", default="", metavar="NUMBER|SERVICE", help="Only of this number or messaging service.  [default: all]"
)


@click.group("opt-outs")
def opt_outs() -> None:
    """Show and change who has opted out.

    They get nothing that the program sends first.

    \b
    Examples:
        twiml-app opt-outs list
        twiml-app opt-outs show +15005550001
        twiml-app opt-outs add +15005550001 --reason "asked on the phone"
    """


@opt_outs.command("list")
@click.option("--limit", default=100, show_default=True, help="Maximum number of opt-outs, newest first.")
@_unmasked
@journal_option
@json_option
def list_(limit: int, unmasked: bool, app_name: str | None, as_json: bool) -> None:
    """List opt-outs, newest first.

    \b
    Example:
        twiml-app opt-outs list --unmasked
    """
    with plain_errors():
        found = _open(app_name, needs_secrets=False).latest(limit)
    rows = [_row(each, unmasked) for each in found]
    if as_json:
        print_json(rows)
        return
    print_table(rows)
    if not rows:
        click.echo("nobody has opted out")


@opt_outs.command()
@click.argument("contact", metavar="PHONE")
@journal_option
@json_option
def show(contact: str, app_name: str | None, as_json: bool) -> None:
    """Show what one PHONE has opted out of, and every change of that.

    It finds an erased contact too: a hash of its address remains. The exit status is 1 for an opt-out.

    \b
    Example:
        twiml-app opt-outs show +15005550001
    """
    with plain_errors():
        known = _open(app_name)
        found, changes = known.of(contact), known.changes_of(contact)
    rows = [_row(each, unmasked=False) for each in found]
    trail = [{"change": each.change, **_row(each, unmasked=False)} for each in changes]
    if as_json:
        print_json({"opt-outs": rows, "changes": trail})
    else:
        _print_state(rows, trail)
    raise SystemExit(1 if found else 0)


def _print_state(rows: list[dict[str, str]], trail: list[dict[str, str]]) -> None:
    click.echo("opted out" if rows else "not opted out")
    print_table(rows, indent="  ")
    if trail:
        click.echo("\nchanges")
        print_table(trail, indent="  ")


@opt_outs.command()
@click.argument("contact", metavar="PHONE")
@click.option("--reason", required=True, help="Why, for the audit trail.")
@_sender
@journal_option
def add(contact: str, reason: str, sender: str, app_name: str | None) -> None:
    """Record that PHONE wants no more messages.

    \b
    Example:
        twiml-app opt-outs add +15005550001 --reason "asked on the phone"
    """
    with plain_errors():
        known = _open(app_name, to_fill=True)
        is_new = known.store(known.adding(contact, reason, sender=sender, source=_SOURCE))
    click.echo("recorded" if is_new else "nothing to do: it was recorded before")


@opt_outs.command()
@click.argument("contact", metavar="PHONE")
@click.option("--reason", default="", help="Why, for the audit trail.")
@click.option("--reported", is_flag=True, help="Also those that Twilio reported, which Twilio may still have.")
@_sender
@journal_option
def remove(contact: str, reason: str, reported: bool, sender: str, app_name: str | None) -> None:
    """End opt-outs of PHONE that a program or a person recorded.

    One that came from a text such as STOP, or from error 21610, stays: Twilio has it too, and refuses messages until
    the contact texts START.

    \b
    Example:
        twiml-app opt-outs remove +15005550001 --reason "signed up again in the shop"
    """
    with plain_errors():
        known = _open(app_name)
        ended = known.store(known.removing(contact, reason, sender=sender, source=_SOURCE, reported=reported))
        left = known.of(contact)
    click.echo(f"{ended} ended")
    for each in left:
        click.echo(f"still opted out of {each.sender}: {each.source}, {format_time(each.created_at)[:10]}")
    if any(each.is_reported for each in left):
        click.echo("A START from the contact ends what Twilio reported. If Twilio has no such entry, use --reported.")
    raise SystemExit(0 if ended else 1)


def _row(each: OptOut | OptOutChange, unmasked: bool) -> dict[str, str]:
    contact = "(erased)" if each.is_erased else each.contact if unmasked else mask(each.contact)
    return {
        "time": format_time(each.created_at)[:19] + "Z",
        "contact": contact,
        "sender": each.sender,
        "source": each.source,
        "reason": each.reason,
        "sid": each.origin,
    }


def _open(app_name: str | None, *, needs_secrets: bool = True, to_fill: bool = False) -> OptOutList:
    """Return the opt-outs of an application, or of the environment; hashes of erased contacts need the secrets.

    Raises: ConfigurationError.
    """
    state = find_state(app_name)
    settings = state.settings if state else project_settings(needs_secrets=needs_secrets)
    return OptOutList(find_engine(state, to_fill=to_fill), settings)
