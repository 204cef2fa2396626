"""Conversations on a gunicorn with four workers, and on two machines with one database."""

from __future__ import annotations

import http.client
import time
from pathlib import Path

import pytest

from tests.conversations.served import Served, served
from tests.journal.program import query
from tests.webhook_requests import BASIC, read_settings
from twiml_app.journal import open_engine

ALL = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)  # the kinds that a URL can name
#: How many pairs of messages: the few are for `make quick`.
PAIRS = [pytest.param(25, id="few"), pytest.param(250, id="many", marks=pytest.mark.slow)]


def contact(number: int) -> str:
    """Return the address of a person."""
    return f"+1500555{number:04}"


def wait_for_tickets(database_url: str, count: int) -> None:
    """Wait until so many messages are being answered or wait."""
    engine = open_engine(read_settings(BASIC, TWIML_DATABASE_URL=database_url), Path())
    assert engine is not None
    while query(engine, "SELECT count(*) FROM conversation_tickets") != [(count,)]:
        time.sleep(0.01)
    engine.close()


def check_pairs(project: Served, pairs: int) -> None:
    """Send two messages of each conversation at the same time, and check that none sees half of the other."""
    text = project.text_until_answered
    others = [project.send(project.text, f"other{number}", contact(5000 + number)) for number in range(50)]
    for start in range(0, pairs, 20):
        people = range(start, min(start + 20, pairs))
        answers = [
            (project.send(text, "one", contact(each)), project.send(text, "two", contact(each))) for each in people
        ]
        for person, pair in zip(people, answers, strict=True):
            first, last = sorted((each.result() for each in pair), key=len)
            lines = project.log(contact(person))
            assert last in ("one two", "two one")
            assert last.split()[0] == first
            assert lines == [f"{what} {text}" for text in last.split() for what in ("begin", "end")]
    assert [each.result() for each in others] == [f"other{number}" for number in range(50)]


@ALL
@pytest.mark.parametrize("pairs", PAIRS)
def test_messages_at_the_same_time_are_never_interleaved(tmp_path: Path, database_url: str, pairs: int) -> None:
    """Four processes with eight threads each answer one person as one would."""
    with served(tmp_path, database_url) as project:
        check_pairs(project, pairs)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("pairs", PAIRS)
def test_two_machines_with_one_database_are_never_interleaved(tmp_path: Path, database_url: str, pairs: int) -> None:
    """No lock of a file can reach over machines."""
    with served(tmp_path, database_url, servers=2, workers=2) as project:
        check_pairs(project, pairs)


@ALL
def test_messages_that_wait_are_answered_in_their_order_by_any_worker(tmp_path: Path, database_url: str) -> None:
    """Whichever worker looks first when the turn is free."""
    with served(tmp_path, database_url) as project:
        for person in range(5):
            texts = ["hold", "one", "two", "three"]
            answers = []
            for count, text in enumerate(texts, 1):
                answers.append(project.send(project.text, text, contact(person)))
                wait_for_tickets(database_url, count)
            project.release()
            assert [each.result() for each in answers] == [" ".join(texts[:end]) for end in range(1, 5)]
            project.hold()


@ALL
def test_others_are_answered_while_one_person_floods_the_workers(tmp_path: Path, database_url: str) -> None:
    """At most half of the threads wait for one another."""
    with served(tmp_path, database_url, workers=2) as project:
        answers = [project.send(project.text, "hold", contact(1))]
        project.wait_for("begin hold", contact(1))
        answers += [project.send(project.text, "more", contact(1)) for _ in range(40)]
        refused = 40 - 2 * 4
        while sum(each.done() for each in answers) < refused:
            time.sleep(0.01)
        others = [project.send(project.text, "quick", contact(100 + number)) for number in range(50)]
        assert [each.result() for each in others] == ["quick"] * 50
        assert not answers[0].done()
        project.release()
        results = [each.result() for each in answers]

    assert results.count("503") >= refused
    assert results[0] == "hold"


@ALL
def test_killed_worker_holds_up_nobody(tmp_path: Path, database_url: str) -> None:
    """Its person texts again, and is answered by another worker."""
    with served(tmp_path, database_url, workers=2) as project:
        assert project.text("one", contact(1)) == "one"
        with pytest.raises((http.client.HTTPException, OSError)):
            project.text("kill", contact(1))
        assert project.text("two", contact(1)) == "one two"
