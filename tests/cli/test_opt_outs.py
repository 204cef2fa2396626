"""``opt-outs``: who gets nothing that the program sends first."""

from __future__ import annotations

import json

from tests.cli.command_line import run
from twiml_app.testing import Phone

CONTACT, NUMBER = "+15005550001", "+15005550006"


def test_list_shows_who_opted_out_and_hides_the_numbers(phone: Phone) -> None:
    """The list is read in meetings."""
    phone.text("hello")
    empty = run("opt-outs", "list")
    phone.text("Stop!", MessageSid="SM1")

    (shown,) = json.loads(run("opt-outs", "list", "--json").output)
    table = run("opt-outs", "list", "--unmasked").output.splitlines()

    assert empty.output == "nobody has opted out\n"
    del shown["time"]
    assert shown == {
        "contact": "+*******0001",
        "sender": NUMBER,
        "source": "text",
        "reason": "Stop!",
        "sid": "SM1",
    }
    assert table[0].split() == ["time", "contact", "sender", "source", "reason", "sid"]
    assert table[1].split()[1:] == [CONTACT, NUMBER, "text", "Stop!", "SM1"]


def test_opt_out_is_added_and_removed_with_a_trail(phone: Phone) -> None:
    """Who changed what, when and why is asked months later."""
    phone.text("hello")
    added, again = (run("opt-outs", "add", CONTACT, "--reason", "asked on the phone") for _ in range(2))
    out = run("opt-outs", "show", "+1 500 555 0001")
    removed = run("opt-outs", "remove", CONTACT, "--reason", "signed up again")
    nothing = run("opt-outs", "remove", CONTACT)
    shown = run("opt-outs", "show", CONTACT, "--json")

    assert (added.output, again.output) == ("recorded\n", "nothing to do: it was recorded before\n")
    assert (out.exit_code, out.output.splitlines()[0]) == (1, "opted out")
    assert "changes" in out.output
    assert (removed.exit_code, removed.output) == (0, "1 ended\n")
    assert (nothing.exit_code, nothing.output) == (1, "0 ended\n")
    trail = json.loads(shown.output)
    assert (shown.exit_code, trail["opt-outs"]) == (0, [])
    assert [(each["change"], each["source"], each["reason"]) for each in trail["changes"]] == [
        ("added", "command line", "asked on the phone"),
        ("removed", "command line", "signed up again"),
    ]


def test_only_the_option_removes_what_twilio_reported(phone: Phone) -> None:
    """The messages would fail, and the contact has said no."""
    phone.text("STOP")
    kept = run("opt-outs", "remove", CONTACT)
    removed = run("opt-outs", "remove", CONTACT, "--reported", "--sender", NUMBER)

    assert kept.exit_code == 1
    assert kept.output.startswith(f"0 ended\nstill opted out of {NUMBER}: text, ")
    assert "use --reported" in kept.output
    assert (removed.exit_code, removed.output) == (0, "1 ended\n")
    assert run("opt-outs", "show", CONTACT).output.splitlines()[0] == "not opted out"


def test_erased_contact_is_listed_without_the_number(phone: Phone) -> None:
    """Who knows the number can still ask about it."""
    phone.text("STOP")
    run("journal", "erase", CONTACT, "--yes")

    listed = run("opt-outs", "list", "--unmasked").output
    shown = run("opt-outs", "show", CONTACT)

    assert "(erased)" in listed
    assert "0001" not in listed
    assert (shown.exit_code, shown.output.splitlines()[0]) == (1, "opted out")


def test_wrong_address_and_missing_journal_are_one_line(phone: Phone) -> None:
    """A typo must not look like success."""
    wrong = run("opt-outs", "add", "5005550001", "--reason", "asked")
    missing = run("opt-outs", "list", environment={"TWIML_DATABASE_URL": "off"})

    assert (wrong.exit_code, missing.exit_code) == (1, 1)
    assert wrong.stderr == "Error: '5005550001' is not the address of a contact: give a number such as +15005550001\n"
    assert missing.stderr == "Error: TWIML_DATABASE_URL: is off, so there is no journal\n"
