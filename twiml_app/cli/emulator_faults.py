"""Commands for the faults of a running emulator: list, add and remove them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from .emulator_client import call_emulator
from .emulator_parameters import ADDRESS, CONTACT, url_option
from .output import json_option, print_json, print_table, printable

_COUNTED = ("id", "kind", "count", "happened", "left")


@click.group()
def fault() -> None:
    """Make things go wrong, as they do at Twilio now and then.

    Webhooks that arrive twice or never, status callbacks in another order, phones that cannot be reached, requests
    that are refused or cut off.

    \b
    Examples:
        twiml-app emulator fault kinds
        twiml-app emulator fault add api-429 --count 3
    """


@fault.command(name="kinds")
@url_option
@json_option
def kinds(url: str, as_json: bool) -> None:
    """List the kinds of faults, and what each one does.

    \b
    Example:
        twiml-app emulator fault kinds
    """
    shown = call_emulator(url, "GET", "faults")["kinds"]
    if as_json:
        print_json(shown)
    else:
        print_table([{"kind": each["name"], "what happens": each["summary"]} for each in shown])


@fault.command(name="list")
@url_option
@json_option
def list_(url: str, as_json: bool) -> None:
    """List the faults, and how often each has happened.

    \b
    Example:
        twiml-app emulator fault list
    """
    shown = call_emulator(url, "GET", "faults")["faults"]
    if as_json:
        print_json(shown)
        return
    print_table([_row(each) for each in shown])
    if not shown:
        click.echo("no faults: add one with twiml-app emulator fault add KIND")


def _row(rule: Mapping[str, Any]) -> dict[str, str]:
    left = "until it is removed" if rule["left"] is None else str(rule["left"])
    return {
        "id": str(rule["id"]),
        "kind": rule["kind"],
        "happened": str(rule["happened"]),
        "left": left,
        "options": printable(_options(rule)),
    }


def _options(rule: Mapping[str, Any]) -> str:
    """Return the options of a rule that are given, but for those in the other columns."""
    given = {name: value for name, value in rule.items() if name not in _COUNTED and value}
    if given.get("probability") == 1:
        del given["probability"]
    return ", ".join(f"{name}={value}" for name, value in given.items())


@fault.command(name="add")
@click.argument("kind")
@click.option("--count", type=click.IntRange(1), metavar="N", help="How often it happens.  [default: until removed]")
@click.option("--probability", metavar="P", help="How likely it happens each time, such as 0.2.  [default: always]")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Start of the random numbers for --probability.")
@click.option("--contact", type=CONTACT, metavar="PHONE", help="Only for this contact.")
@click.option("--number", type=ADDRESS, metavar="NUMBER", help="Only for this number of yours.")
@click.option("--account-sid", metavar="SID", help="Only for this account.")
@click.option("--path", metavar="TEXT", help="Only for requests with this in their method and path, such as POST.")
@click.option("--event", type=click.Choice(["message", "status"]), help="Only for webhooks of this kind.")
@click.option("--error-code", type=click.IntRange(1, 99999), metavar="CODE", help="Error code of a delivery.")
@click.option("--status", type=click.IntRange(400, 599), metavar="STATUS", help="HTTP status of an error.")
@click.option("--seconds", metavar="SECONDS", help="How late something is.")
@click.option("--text", metavar="TEXT", help="What an automatic reply says.")
@url_option
@json_option
def add(kind: str, url: str, as_json: bool, **options: Any) -> None:
    """Let a KIND of fault happen.

    With --probability, chance decides each time, in the same way in every run.

    \b
    Examples:
        twiml-app emulator fault add api-429 --count 3
        twiml-app emulator fault add api-cut-after --probability 0.1 --path POST
    """
    named = {name.title().replace("_", ""): value for name, value in options.items() if value is not None}
    form = [("Kind", kind), *((name, str(value)) for name, value in named.items())]
    rule = call_emulator(url, "POST", "faults", form)
    if as_json:
        print_json(rule)
        return
    often = {None: "until it is removed", 1: "once"}.get(rule["left"], f"{rule['left']} times")
    click.echo(f"fault {rule['id']}: {rule['kind']}, {often}")


@fault.command(name="clear")
@click.argument("fault_id", type=click.IntRange(1), required=False, metavar="[ID]")
@url_option
def clear(fault_id: int | None, url: str) -> None:
    """Remove the fault with this ID, or all of them.

    \b
    Examples:
        twiml-app emulator fault clear
        twiml-app emulator fault clear 2
    """
    call_emulator(url, "DELETE", f"faults/{fault_id}" if fault_id else "faults")
    click.echo(f"fault {fault_id} was removed" if fault_id else "no faults")
