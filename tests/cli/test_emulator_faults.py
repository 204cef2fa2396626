"""The commands for the faults of a running emulator."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.cli.emulators import run, seen, send
from twiml_app.emulator.fault_kinds import FAULT_KINDS

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _without_faults(emulator: str) -> None:
    run("fault", "clear", url=emulator)


def test_faults_are_added_shown_and_removed(emulator: str) -> None:
    """A developer wants to see what was asked for, and how much of it has happened."""
    empty = run("fault", "list", url=emulator)
    once = run("fault", "add", "api-429", "--count", "1", url=emulator)
    often = run("fault", "add", "api-cut-before", "--count", "2", "--path", "GET", url=emulator)
    slow = run("fault", "add", "api-slow", "--seconds", "0.01", "--probability", "0.5", "--seed", "3", url=emulator)
    with pytest.raises(TwilioRestException, match="429"):
        send(emulator)
    names, *rows = run("fault", "list", url=emulator).stdout.splitlines()
    status, document = seen(run("fault", "list", "--json", url=emulator))
    removed = run("fault", "clear", str(document[1]["id"]), url=emulator)
    cleared = run("fault", "clear", url=emulator)

    first, unlimited = document[0]["id"], ["until", "it", "is", "removed"]
    assert empty.stdout == "no faults: add one with twiml-app emulator fault add KIND\n"
    assert once.stdout == f"fault {first}: api-429, once\n"
    assert often.stdout == f"fault {first + 1}: api-cut-before, 2 times\n"
    assert slow.stdout == f"fault {first + 2}: api-slow, until it is removed\n"
    assert names.split() == ["id", "kind", "happened", "left", "options"]
    assert [row.split() for row in rows] == [
        [str(first), "api-429", "1", "0"],
        [str(first + 1), "api-cut-before", "0", "2", "path=GET"],
        [str(first + 2), "api-slow", "0", *unlimited, "probability=0.5,", "seed=3,", "seconds=0.01"],
    ]
    assert (status, [rule["happened"] for rule in document]) == (0, [1, 0, 0])
    assert (removed.stdout, cleared.stdout) == (f"fault {first + 1} was removed\n", "no faults\n")


def test_kinds_are_shown_with_what_they_do(emulator: str) -> None:
    """Nobody knows the names by heart."""
    shown = run("fault", "kinds", url=emulator).stdout
    status, document = seen(run("fault", "kinds", "--json", url=emulator))

    assert all(kind.name in shown and kind.summary in shown for kind in FAULT_KINDS.values())
    assert (status, [kind["name"] for kind in document]) == (0, list(FAULT_KINDS))


def test_added_fault_is_shown_as_json(emulator: str) -> None:
    """A script needs the id to remove it again."""
    status, rule = seen(run("fault", "add", "api-503", "--contact", "(555) 867-5310", "--json", url=emulator))

    assert (status, rule["kind"], rule["contact"], rule["left"]) == (0, "api-503", "+15558675310", None)
    assert rule["id"] > 0


def test_unknown_fault_is_refused_in_one_line(emulator: str) -> None:
    """The message names those that exist."""
    refused = run("fault", "add", "api-418", url=emulator)

    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: fault: 'api-418' is not one of: api-404, api-429, ")
    assert refused.stderr.count("\n") == 1


def test_cut_request_is_listed_as_cut(emulator: str) -> None:
    """It had no status that could be shown."""
    run("fault", "add", "api-cut-after", "--count", "1", url=emulator)
    with pytest.raises(OSError, match="Connection aborted"):
        send(emulator)

    *_, line, hint = run("requests", url=emulator).stdout.splitlines()
    assert line.endswith("/Messages.json cut")
    assert hint == "    this is the fault api-cut-after, which was asked for"
