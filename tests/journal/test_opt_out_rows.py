"""Opt-outs as rows: added, ended, hidden by an erasure, and every change of them in the audit trail."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.journal.program import Program, query
from twiml_app.errors import ConfigurationError
from twiml_app.journal.opt_out_rows import (
    AUDIT_DAYS,
    EVERY_SENDER,
    OptOut,
    add_opt_out,
    all_opt_outs,
    bare_address,
    changes_of,
    count_opted_out,
    names_of,
    numbers_of,
    opt_outs_of,
    remove_opt_outs,
    rename_opt_outs,
    service_of,
    set_service,
)
from twiml_app.journal.upkeep import sweep

CONTACT, FRIEND = "+15005550001", "+15005550002"
NUMBER, OTHER = "+15017122661", "+15017122662"
SERVICE = "MG" + "1" * 32
NOW = 1_800_000_000.0


def opt_out(sender: str = NUMBER, source: str = "text", **more: Any) -> OptOut:
    """Return an opt-out as it is stored."""
    given = {"contact": CONTACT, "reason": "STOP", "origin": "SM1", "created_at": NOW}
    return OptOut(**{**given, "sender": sender, "source": source, **more})


def change(program: Program, *opt_outs: OptOut) -> list[bool]:
    """Add opt-outs, each in a transaction of its own."""
    return [program.engine.run(partial(add_opt_out, added=each)) for each in opt_outs]


def kept(program: Program, contact: str = CONTACT, keys: tuple[str, ...] = ()) -> list[OptOut]:
    """Return the opt-outs of a contact."""
    return program.engine.run(lambda execute: opt_outs_of(execute, names_of(contact, keys)))


def trail(program: Program, keys: tuple[str, ...] = ()) -> list[tuple[str, str, str, str]]:
    """Return the audit trail of the contact: change, sender, source and reason."""
    found = program.engine.run(lambda execute: changes_of(execute, names_of(CONTACT, keys)))
    return [(each.change, each.sender, each.source, each.reason) for each in found]


def test_opt_out_is_kept_once_for_each_contact_and_sender(program: Program) -> None:
    """STOP is often sent twice, and the trail should show when it was first."""
    later = opt_out(origin="SM2", created_at=NOW + 60)

    assert change(program, opt_out(), later, opt_out(OTHER), opt_out(contact=FRIEND)) == [True, False, True, True]
    assert kept(program) == [opt_out(), opt_out(OTHER)]
    assert program.engine.run(lambda execute: all_opt_outs(execute, 2)) == [opt_out(), opt_out(OTHER)]
    assert trail(program) == [("added", NUMBER, "text", "STOP"), ("added", OTHER, "text", "STOP")]
    assert program.engine.run(count_opted_out) == program.archive.overview().opted_out == 2


def test_what_twilio_reports_replaces_what_a_program_recorded_but_not_the_reverse(program: Program) -> None:
    """Only the contact can end the one that Twilio knows, so it must not be taken for one that a person can end."""
    ours = opt_out(source="program", reason="asked on the phone", origin="")

    assert change(program, ours, opt_out(), opt_out(source="21610"), ours) == [True, True, False, False]
    assert kept(program) == [opt_out()]
    assert (ours.is_reported, opt_out().is_reported) == (False, True)


def test_opt_outs_are_ended_by_sender_and_by_source(program: Program) -> None:
    """START ends those of its sender, and a person those that a person recorded."""
    by = opt_out("", "command line", reason="came back", created_at=NOW + 1)
    change(program, opt_out(), opt_out(OTHER, "program"), opt_out(EVERY_SENDER, "program"))

    def end(**more: Any) -> int:
        return program.engine.run(lambda execute: remove_opt_outs(execute, [CONTACT], by, **more))

    assert end(senders=[OTHER, SERVICE]) == 1
    assert end(reported=False) == 1
    assert kept(program) == [opt_out()]
    assert (end(), end()) == (1, 0)
    assert trail(program)[3:] == [
        ("removed", sender, "command line", "came back") for sender in (OTHER, EVERY_SENDER, NUMBER)
    ]


def test_erasure_keeps_a_hash_that_only_the_key_can_find(program: Program) -> None:
    """The contact has asked for two things: to be forgotten, and to be left alone."""
    change(program, opt_out(), opt_out(OTHER), opt_out(contact=FRIEND))

    assert program.archive.erase(CONTACT, ["key", "older"]).rows == 2
    assert (kept(program), trail(program)) == ([], [])
    (one, other) = kept(program, f"whatsapp:{CONTACT}", ("key",))
    assert [one.sender, other.sender] == [NUMBER, OTHER]
    assert (one.is_erased, one.contact.startswith("erased:"), one.reason, one.origin) == (True, True, "", "")
    assert trail(program, ("key",)) == [("added", NUMBER, "text", ""), ("added", OTHER, "text", "")]
    assert kept(program, keys=("other key",)) == []
    assert kept(program, FRIEND) == [opt_out(contact=FRIEND)]
    everything = repr([query(program.engine, f"SELECT * FROM {table}") for table in ("opt_outs", "opt_out_changes")])
    assert CONTACT.lstrip("+") not in everything


def test_hash_outlives_a_rotation_of_the_key(program: Program) -> None:
    """The old key stays a fallback for a while, in which the hash can get the new one."""
    change(program, opt_out())
    program.archive.erase(CONTACT, ["old"])
    _, new, old = names_of(CONTACT, ("new", "old"))

    assert len(kept(program, keys=("new", "old"))) == 1
    assert program.engine.run(lambda execute: rename_opt_outs(execute, old, new)) == 1
    assert len(kept(program, keys=("new",))) == 1


def test_contact_who_opts_out_again_after_an_erasure_can_be_erased_again(program: Program) -> None:
    """The hash is there already."""
    for _ in range(2):
        change(program, opt_out())
        assert program.archive.erase(CONTACT, ["key"]).rows == 1

    assert len(kept(program, keys=("key",))) == 1
    assert len(trail(program, ("key",))) == 2
    by = opt_out("", reason="START")
    assert program.engine.run(lambda execute: remove_opt_outs(execute, names_of(CONTACT, ("key",)), by)) == 1
    assert trail(program, ("key",))[2:] == [("removed", NUMBER, "text", "")]


def test_erasure_without_a_key_is_refused_if_it_would_forget_an_opt_out(program: Program) -> None:
    """The contact would get messages again."""
    assert program.archive.erase(CONTACT).rows == 0
    change(program, opt_out())

    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        program.archive.erase(CONTACT)
    assert kept(program) == [opt_out()]


def test_services_of_numbers_are_known_and_change(program: Program) -> None:
    """A number may be moved to another service, or out of it."""

    def write(number: str, service: str) -> None:
        program.engine.run(lambda execute: set_service(execute, number, service))

    for service in (SERVICE, SERVICE, ""):
        write(NUMBER, service)
    write(OTHER, SERVICE)

    assert [program.engine.run(partial(service_of, number=n)) for n in (NUMBER, OTHER, "x")] == ["", SERVICE, None]
    assert program.engine.run(lambda execute: numbers_of(execute, SERVICE)) == [OTHER]


def test_audit_trail_is_deleted_after_five_years_and_the_opt_out_never(program: Program) -> None:
    """It is evidence for longer than texts are kept, but what grows must end."""
    change(program, opt_out())
    for days in (AUDIT_DAYS - 1, AUDIT_DAYS + 1):
        program.engine.run(partial(sweep, now=NOW + days * 86400))
        assert bool(trail(program)) is (days < AUDIT_DAYS)

    assert kept(program) == [opt_out()]
    assert program.archive.erase(CONTACT, ["key"]).rows == 1


@pytest.mark.parametrize(
    ("written", "bare"),
    [
        pytest.param("+1 (500) 555-0001", CONTACT, id="as people write it"),
        pytest.param("whatsapp:+15005550001", CONTACT, id="with a channel"),
        pytest.param("messenger:5001", "5001", id="id of a channel"),
        pytest.param(" 12345 ", "12345", id="short code"),
        pytest.param("x" * 300, "x" * 255, id="longer than an index takes"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_contact_is_the_same_on_every_channel(written: str, bare: str) -> None:
    """Somebody who wants no more texts does not want them through WhatsApp."""
    assert bare_address(written) == bare
