"""The journal: exactly one answer an event, on either store, whoever asks again and whatever breaks."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.servers import ROOT, clean_environment
from tests.webhook_requests import AUTHORIZATION, BASIC, SID, read_settings, webhook
from twiml_app import InboundMessage, Router, StatusCallback
from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.errors import JournalTooNew, JournalUnavailable, StillRunning
from twiml_app.events import parse_event
from twiml_app.journal import DurableJournal, Ledger, open_engine
from twiml_app.journal.archive import Archive, Filter
from twiml_app.journal.durable import WAIT_LIMIT_S
from twiml_app.journal.engine import Engine, Execute
from twiml_app.journal.refusals import MAX_REFUSALS
from twiml_app.journal.sqlite import SqliteStore
from twiml_app.receiver.receiver import Receiver
from twiml_app.statuses import progress
from twiml_app.twiml import MessagingResponse
from twiml_app.webhook import Form, WebhookRequest, WebhookResponse


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Program:
    """An application with a journal, whose handler counts how often it ran."""

    made: ClassVar[list[Program]] = []

    def __init__(self, url: str, clock: Callable[[], float] = time.time, **more: object) -> None:
        self.settings = read_settings(BASIC, TWIML_DATABASE_URL=url, **more)
        engine = open_engine(self.settings, ROOT)
        assert engine is not None
        self.engine: Engine = engine
        self.made.append(self)
        sleep = clock.sleep if isinstance(clock, Clock) else time.sleep
        self.journal = DurableJournal(engine, self.settings, clock=clock, sleep=sleep)
        self.ran: list[str] = []
        self.told: list[StatusCallback] = []
        self.during: Callable[[InboundMessage], object] = lambda _: None
        router = Router()
        router.default(self._answer)
        router.status("delivered", "failed", "sent")(self._tell)
        self.receiver = Receiver(router, self.settings, journal=self.journal)
        self.archive = Archive(engine)
        self.ledger = Ledger(engine)

    def _answer(self, message: InboundMessage) -> str:
        self.ran.append(message.message_sid)
        self.during(message)
        return f"answer {len(self.ran)} to {message.body}"

    def _tell(self, status: StatusCallback) -> None:
        self.told.append(status)
        if status.form.get("Fail"):
            raise ValueError("told to fail")

    def text(self, body: str = "hello", sid: str = SID, **more: str) -> WebhookResponse:
        """Receive a message."""
        return self.send(inbound_form(body, message_sid=sid, fields=more))

    def status(self, status: str, sid: str = SID, error_code: int | None = None, **more: str) -> WebhookResponse:
        """Receive a status callback."""
        return self.send(status_form(sid, status, error_code=error_code, fields=more), endpoint="status")

    def send(self, form: Form, **more: object) -> WebhookResponse:
        """Receive anything."""
        return self.receiver.handle(webhook(form, headers=AUTHORIZATION, **more))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def connections() -> Iterator[None]:
    """Every connection is closed when the test is done."""
    yield
    while Program.made:
        Program.made.pop().engine.close()


@pytest.fixture
def program(database_url: str) -> Program:
    """A program on an empty journal."""
    return Program(database_url)


def request_of(form: Form) -> WebhookRequest:
    """An authenticated request."""
    return webhook(form, headers=AUTHORIZATION)


def bodies(response: WebhookResponse) -> list[str]:
    """What is sent."""
    return [message.text for message in MessagingResponse.parse(response.body).messages]


class TestOneAnswer:
    """A retried or duplicated webhook gets the stored reply of the first."""

    def test_duplicate_gets_the_same_bytes_and_the_handler_runs_once(self, program: Program) -> None:
        """Twilio asks again when an answer was lost: the person must still get it, once."""
        first, second = program.text(), program.text()

        assert (first, len(program.ran)) == (second, 1)

    def test_another_process_gives_the_stored_reply(self, program: Program, database_url: str) -> None:
        """The retry may reach any worker, or any machine."""
        other = Program(database_url)

        assert (other.text() if program.text() else None) == program.text()
        assert (program.ran, other.ran) == ([SID], [])

    def test_redirect_back_to_us_is_another_question(self, program: Program) -> None:
        """A Redirect repeats the sid at another URL, and wants its own answer."""
        form = inbound_form("hello", message_sid=SID)

        answers = [bodies(program.send(form, target=target)) for target in ("/message", "/message?step=2", "/message")]

        assert answers == [["answer 1 to hello"], ["answer 2 to hello"], ["answer 1 to hello"]]

    def test_failed_handler_releases_its_claim(self, program: Program) -> None:
        """A retry after a failure must have its chance."""
        program.during = lambda _: 1 / 0 if len(program.ran) == 1 else None

        assert [program.text().status for _ in range(3)] == [500, 200, 200]
        assert len(program.ran) == 2

    def test_apology_is_sent_once(self, database_url: str) -> None:
        """With an apology set, the failure was answered: a retry gets the same text and no second run."""
        program = Program(database_url, TWIML_APOLOGY="Sorry!")
        program.during = lambda _: 1 / 0

        assert [bodies(program.text()) for _ in range(2)] == [["Sorry!"], ["Sorry!"]]
        assert len(program.ran) == 1

    def test_event_without_a_sid_is_answered_each_time(self, program: Program) -> None:
        """What cannot be told apart is not taken for a repetition."""
        form = Form([("From", "+15005550001"), ("To", "+15005550006"), ("Body", "hello")])

        assert [bodies(program.send(form)) for _ in range(2)] == [["answer 1 to hello"], ["answer 2 to hello"]]

    def test_status_is_one_event_by_status_and_error_code(self, program: Program) -> None:
        """All callbacks of a message share its sid; each is told once."""
        for status, code in [
            ("sent", None),
            ("delivered", None),
            ("delivered", None),
            ("failed", 30005),
            ("sent", None),
        ]:
            assert program.status(status, error_code=code).status == 204

        assert [(each.message_status, each.error_code) for each in program.told] == [
            ("sent", None),
            ("delivered", None),
            ("failed", 30005),
        ]

    def test_late_status_says_so(self, program: Program) -> None:
        """Callbacks come in any order: a handler must be able to tell."""
        for status in ("delivered", "sent"):
            program.status(status)

        assert [(each.message_status, each.late) for each in program.told] == [("delivered", False), ("sent", True)]

    def test_unauthenticated_probe_counts_as_nothing(self, program: Program) -> None:
        """The first request of every challenge carries the sid as well."""
        form = inbound_form("hello", message_sid=SID)
        program.receiver.handle(webhook(form))

        assert (program.archive.overview().exchanges, program.archive.refusals(9)) == (0, [])

    def test_replayed_recording_is_told_and_leaves_no_trace(self, program: Program) -> None:
        """Nothing is charged twice, and the live journal is not written to."""
        seen: list[bool] = []
        program.during = lambda message: seen.append(message.replayed)
        for _ in range(2):
            request = webhook(inbound_form("hi", message_sid=SID), headers=AUTHORIZATION | {"x-twiml-replay": "1"})
            program.receiver.handle(request)

        assert (seen, program.archive.overview().exchanges) == ([True, True], 0)


class TestClaims:
    """Two requests for one event: one runs, the other waits, and nobody waits for the dead."""

    def test_duplicate_in_progress_waits_for_the_reply(self, program: Program) -> None:
        """The retry comes while the slow first is still being answered."""
        entered, go_on = threading.Event(), threading.Event()

        def slow(_: InboundMessage) -> None:
            entered.set()
            go_on.wait(30)

        program.during = slow
        answers: list[WebhookResponse] = []
        threads = [threading.Thread(target=lambda: answers.append(program.text())) for _ in range(2)]
        threads[0].start()
        assert entered.wait(30)
        threads[1].start()
        while not program.engine.run(lambda execute: execute("SELECT 1 FROM exchanges")):
            pass
        go_on.set()
        for thread in threads:
            thread.join(30)

        assert (len(answers), answers[0], len(program.ran)) == (2, answers[1], 1)

    def test_waiting_ends_within_the_time_that_twilio_waits(self, database_url: str) -> None:
        """A hanging handler must not hold every thread: the duplicate is told to come again."""
        clock = Clock()
        program = Program(database_url, clock)
        started = clock.now
        message = parse_event(inbound_form("hello", message_sid=SID))
        assert isinstance(message, InboundMessage)
        program.journal.claim(request_of(message.form), message)

        assert program.text().status == 503
        assert WAIT_LIMIT_S - 0.1 < clock.now - started < 15
        with pytest.raises(StillRunning):
            program.journal.claim(request_of(message.form), message)

    def test_claim_of_a_killed_process_is_taken_over_at_once(self, database_url: str) -> None:
        """After a crash the fallback request and the retry arrive within milliseconds: no lease may be waited for."""
        killed = run_script(
            f"""
            program = Program({database_url!r})
            program.during = lambda message: os.kill(os.getpid(), 9)
            program.text()
            """
        )
        program = Program(database_url, Clock())

        assert killed == -9
        assert bodies(program.text()) == ["answer 1 to hello"]

    @pytest.mark.slow
    def test_two_processes_claim_the_same_events_and_each_has_one_winner(self, database_url: str) -> None:
        """2,000 events, two processes at once: every one is answered exactly once."""
        script = f"""
            program = Program({database_url!r})
            for number in range(2000):
                program.text(sid=f"SM{{number:032}}")
            print(len(program.ran), len(set(program.ran)))
            """
        with_output = [start_script(script) for _ in range(2)]
        counts = [tuple(map(int, process.communicate(timeout=300)[0].split())) for process in with_output]

        assert sum(ran for ran, _ in counts) == 2000, counts
        assert all(ran == distinct for ran, distinct in counts)
        assert Program(database_url).archive.overview().exchanges == 2000

    def test_answer_whose_claim_was_taken_over_is_not_sent(self, program: Program) -> None:
        """The connection that said this process lives broke, and another answered: one reply counts."""
        program.during = lambda _: program.engine.query("UPDATE exchanges SET owner = 1")

        assert program.text().status == 503

    def test_fault_of_one_event_leaves_the_claims_of_others(self, program: Program) -> None:
        """An address longer than any index takes is filed cut off, and everything goes on."""
        assert program.text(sid="SM" + "f" * 8000, From="+1" + "5" * 8000).status == 200

    def test_child_of_a_fork_has_a_journal_of_its_own(self, program: Program) -> None:
        """gunicorn with preload forks after the application has been made, and maybe used."""
        program.text(sid="SM" + "1" * 32)
        child = os.fork()
        if child == 0:
            os._exit(0 if bodies(program.text(sid="SM" + "2" * 32)) == ["answer 2 to hello"] else 1)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert bodies(program.text(sid="SM" + "3" * 32)) == ["answer 2 to hello"]
        assert program.archive.overview().exchanges == 3

    def test_concurrent_threads_share_commits_and_each_gets_its_own_answer(self, program: Program) -> None:
        """Group commit must not mix up who asked what."""
        answers: dict[int, list[str]] = {}

        def send(number: int) -> None:
            answers[number] = bodies(program.text(f"question {number}", sid=f"SM{number:032}"))

        threads = [threading.Thread(target=send, args=(number,)) for number in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert {number: answer[0].partition(" to ")[2] for number, answer in answers.items()} == {
            number: f"question {number}" for number in range(24)
        }


class TestFallback:
    """The fallback URL runs no handler: it gives what the URL that failed had answered."""

    def test_gives_the_stored_reply_after_a_transport_error(self, program: Program) -> None:
        """The answer was made and got lost on the way: it must not be made again."""
        first = program.text()

        assert self.fall_back(program, 11200) == first
        assert len(program.ran) == 1

    @pytest.mark.parametrize("code", [12100, 12300, 14103])
    def test_never_gives_the_document_that_failed(self, database_url: str, code: int) -> None:
        """The same bytes would fail again."""
        program = Program(database_url, TWIML_APOLOGY="Sorry!")
        program.text()

        assert bodies(self.fall_back(program, code)) == ["Sorry!"]

    def test_never_gives_the_reply_of_another_person(self, program: Program) -> None:
        """Messages without a sid cannot be told apart, so none of their answers may be given out."""
        program.send(Form([("From", "+15005550001"), ("To", "+15005550006"), ("Body", "private")]))
        other = [("From", "+15005550002"), ("To", "+15005550006"), ("Body", "x")]
        error = [("ErrorCode", "11200"), ("ErrorUrl", "https://sms.example.com/message")]

        assert bodies(program.send(Form(other + error), endpoint="fallback")) == []

    def test_finds_the_reply_to_a_get_webhook(self, program: Program) -> None:
        """There the whole form stands in the URL that was called, and not in the one that Twilio names."""
        first = program.send(inbound_form("hello", message_sid=SID), method="GET")

        assert self.fall_back(program, 11200) == first

    def test_gives_no_reply_of_another_url(self, database_url: str) -> None:
        """The next step never arrived: the answer of the step before would be sent twice."""
        program = Program(database_url, TWIML_RECORD="failed")
        program.text()
        error = {"ErrorCode": "11205", "ErrorUrl": "https://sms.example.com/message?step=2"}

        answer = program.send(inbound_form("hello", message_sid=SID, fields=error), endpoint="fallback")

        assert bodies(answer) == []

    @pytest.mark.parametrize("url", ["http://[", "//[", "", "http://a\u2100b/message"])
    def test_takes_whatever_is_named_as_the_url_that_failed(self, program: Program, url: str) -> None:
        """It is text from outside, and nothing in it may break the last answer there is."""
        program.text()

        answer = program.send(
            inbound_form(message_sid=SID, fields={"ErrorCode": "11200", "ErrorUrl": url}), endpoint="fallback"
        )

        assert answer.status == 200

    def test_apologizes_where_nothing_is_stored_and_keeps_the_text(self, database_url: str) -> None:
        """The message may have come this way alone: it is not lost."""
        program = Program(database_url, TWIML_APOLOGY="Sorry!")

        assert bodies(self.fall_back(program, 11205)) == ["Sorry!"]
        assert [kept.exchange.form["Body"] for kept in program.archive.all(Filter()) if kept.exchange] == ["hello"]
        assert program.ran == []

    def test_answers_without_any_store(self, tmp_path: Path) -> None:
        """It is called when something is broken, and that may be the store."""
        (tmp_path / "file").touch()
        program = Program(f"sqlite:///{tmp_path}/file/twiml.db", TWIML_APOLOGY="Sorry!")

        assert bodies(self.fall_back(program, 11200)) == ["Sorry!"]

    @staticmethod
    def fall_back(program: Program, code: int) -> WebhookResponse:
        """Call the fallback URL as Twilio does."""
        error = {"ErrorCode": str(code), "ErrorUrl": "https://sms.example.com/message"}
        return program.send(inbound_form("hello", message_sid=SID, fields=error), endpoint="fallback")


class TestGuard:
    """Two programs must not talk for ever, and some people are never answered."""

    def test_identical_replies_stop_at_the_limit(self, database_url: str) -> None:
        """Two answering machines would go on all night, at so much a message."""
        clock = Clock()
        program = Program(database_url, clock, TWIML_LOOP_LIMIT=3)
        router = Router()
        router.default(lambda _: "I am a robot")
        program.receiver = Receiver(router, program.settings, journal=program.journal)

        answers = [len(bodies(program.text(sid=f"SM{number:032}"))) for number in range(5)]
        other = len(bodies(program.text(sid="SM" + "a" * 32, From="+15005550002")))
        clock.now += 61

        assert (answers, other) == ([1, 1, 1, 0, 0], 1)
        assert len(bodies(program.text(sid="SM" + "b" * 32))) == 1

    def test_blocked_contact_is_never_answered(self, database_url: str) -> None:
        """Whoever is blocked gets silence, and no handler runs."""
        program = Program(database_url, TWIML_BLOCKED="+15005550001")

        assert (bodies(program.text()), program.ran) == ([], [])


CALLBACKS = [("queued", None), ("sent", None), ("delivered", None), ("undelivered", 30005), ("read", None)]


@pytest.fixture(scope="module")
def shared_program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """One journal for all examples of a property; each has a message of its own."""
    return Program(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/twiml.db", TWIML_DURABILITY="process")


class TestLedger:
    """The furthest status and the first error code, whatever the order of arrival."""

    @pytest.mark.parametrize(
        "order", list(itertools.permutations(CALLBACKS[1:4])), ids=lambda order: "-".join(s for s, _ in order)
    )
    def test_order_of_arrival_does_not_matter(self, program: Program, order: list[tuple[str, int | None]]) -> None:
        """Delivered and undelivered may both be reported: the entry must not depend on which came first."""
        for status, code in order:
            program.status(status, error_code=code)

        entry = program.ledger.get(SID)
        assert entry is not None
        assert (entry.status, entry.error_code, len(entry.history)) == ("delivered", 30005, 3)
        assert (entry.contact, entry.number) == ("+15005550001", "+15005550006")

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(arrived=st.lists(st.sampled_from(CALLBACKS), min_size=1, max_size=8))
    def test_any_permutation_repetition_and_omission_ends_in_the_right_entry(
        self, shared_program: Program, arrived: list[tuple[str, int | None]]
    ) -> None:
        """Networks repeat, lose and reorder; the ledger is right for what arrived."""
        sid = f"SM{len(shared_program.told):020}{time.perf_counter_ns():012x}"
        for status, code in arrived:
            shared_program.status(status, sid, error_code=code)

        entry = shared_program.ledger.get(sid)
        assert entry is not None
        assert entry.status == max((status for status, _ in arrived), key=progress)
        assert entry.error_code == (30005 if ("undelivered", 30005) in arrived else None)
        assert {(each.status, each.error_code) for each in entry.history} == set(arrived)

    def test_failed_ones_are_listed_since_a_time(self, database_url: str) -> None:
        """Whoever looks in the morning asks for last night."""
        clock = Clock()
        program = Program(database_url, clock)
        for sid, status in [("SM1", "failed"), ("SM2", "delivered")]:
            program.status(status, sid)
        clock.now += 100
        program.status("undelivered", "SM3", error_code=30003)

        assert [entry.message_sid for entry in program.ledger.failed_since(0)] == ["SM1", "SM3"]
        assert [entry.message_sid for entry in program.ledger.failed_since(clock.now - 1)] == ["SM3"]
        assert program.ledger.get("SM9") is None

    def test_status_before_the_send_call_returned_is_kept(self, program: Program) -> None:
        """The callback may overtake the answer that tells the sid."""
        program.status("sent", "SM" + "7" * 32)

        entry = program.ledger.get("SM" + "7" * 32)
        assert entry is not None
        assert entry.status == "sent"


class TestFailures:
    """Whatever breaks: nothing acknowledged is lost, and service resumes by itself."""

    def test_unreachable_store_refuses_and_service_resumes(self, tmp_path: Path) -> None:
        """503 makes Twilio come again; the reason is in the log, and nothing has to be restarted."""
        folder = tmp_path / "folder"
        folder.touch()
        program = Program(f"sqlite:///{folder}/twiml.db")

        refused = program.text()
        folder.unlink()

        assert (refused.status, refused.body) == (503, b"the journal cannot be reached\n")
        assert (program.text().status, program.ran) == (200, [SID])

    def test_unreachable_store_is_passed_over_on_request(self, tmp_path: Path) -> None:
        """Some would rather answer twice than not at all."""
        (tmp_path / "file").touch()
        program = Program(f"sqlite:///{tmp_path}/file/twiml.db", TWIML_STORE_FAILURE="answer")

        assert [bodies(program.text()) for _ in range(2)] == [["answer 1 to hello"], ["answer 2 to hello"]]
        with pytest.raises(JournalUnavailable):
            program.journal.check()

    def test_store_that_breaks_during_a_handler_keeps_back_the_answer(self, tmp_path: Path) -> None:
        """What was not stored is not sent; once the store is back, a retry runs the handler again."""
        path = tmp_path / "twiml.db"
        program = Program(f"sqlite:///{path}")
        program.during = lambda _: break_file(program, path) if len(program.ran) == 1 else None

        broken = program.text()
        path.rmdir()
        path.with_suffix(".kept").rename(path)

        assert broken.status == 503
        assert bodies(program.text()) == ["answer 2 to hello"]

    def test_server_that_goes_away_and_comes_back(self, tmp_path: Path) -> None:
        """A database server is restarted while the application runs."""
        program = Program(f"sqlite:///{tmp_path}/twiml.db")
        program.text(sid="SM1")
        program.engine.close()

        assert bodies(program.text(sid="SM2")) == ["answer 2 to hello"]

    def test_broken_connection_to_postgres_is_made_anew(self, postgres_url: str) -> None:
        """The server ends the session, as a restart does: nobody notices."""
        import psycopg

        from tests.postgres_server import new_schema

        program = Program(new_schema(postgres_url))
        program.text(sid="SM1")
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'twiml_app'"
            )

        assert [program.text(sid=f"SM{number}").status for number in (2, 3)] == [200, 200]

    def test_full_disk_loses_nothing_that_was_acknowledged(self, tmp_path: Path) -> None:
        """When the disk is full the application says so, and what it had answered before is there."""
        output = start_script(
            f"""
            import resource, signal
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            program = Program("sqlite:///{tmp_path}/twiml.db")
            program.text(sid="SM" + "0" * 32)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
            answered = []
            for number in range(400):
                if program.text("x" * 1500, sid=f"SM{{number:032}}").status == 200:
                    answered.append(f"SM{{number:032}}")
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            answered += [sid for sid in ["SM" + "f" * 32] if program.text(sid=sid).status == 200]
            print(json.dumps(answered))
            """
        ).communicate(timeout=120)[0]
        answered = json.loads(output.splitlines()[-1])
        kept = {
            each.sid for each in Program(f"sqlite:///{tmp_path}/twiml.db").archive.all(Filter()) if each.state == "done"
        }

        assert 0 < len(answered) < 400
        assert answered[-1] == "SM" + "f" * 32
        assert set(answered) <= kept

    def test_file_that_is_taken_away_is_made_anew(self, tmp_path: Path) -> None:
        """What is written to a deleted file is acknowledged and lost."""
        program = Program(f"sqlite:///{tmp_path}/folder/twiml.db")
        program.text(sid="SM1")
        shutil.rmtree(tmp_path / "folder")
        program.text(sid="SM2")

        assert [each.sid for each in Program(f"sqlite:///{tmp_path}/folder/twiml.db").archive.all(Filter())] == ["SM2"]

    def test_store_that_is_down_lets_nobody_wait_in_line(self) -> None:
        """Each waits once, not as often as there are others: Twilio waits 15 seconds."""
        opened: list[bool] = []

        class Down(SqliteStore):
            def begin(self, *, durable: bool) -> Execute:
                opened.append(durable)
                time.sleep(0.05)
                raise OSError("no route to host")

        engine, failed = Engine(lambda: Down(Path("x"), durable=True)), list[str]()

        def work() -> None:
            try:
                engine.check()
            except JournalUnavailable as error:
                failed.append(str(error))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

        assert len(failed) == 8
        assert len(opened) <= 8
        assert "look at TWIML_DATABASE_URL" in failed[0]

    def test_locked_database_refuses_in_time_and_service_resumes(self, tmp_path: Path) -> None:
        """A backup or a person at a prompt holds the file: writers outside our queue."""
        import sqlite3

        path = tmp_path / "twiml.db"
        engine = Engine(lambda: SqliteStore(path, durable=True, busy_timeout_s=0.01))
        engine.run(lambda execute: execute("SELECT 1"))
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")

        with pytest.raises(JournalUnavailable, match="locked"):
            engine.run(lambda execute: execute("SELECT 1"))
        holder.execute("ROLLBACK")
        holder.close()

        assert engine.run(lambda execute: execute("SELECT 1")) == [(1,)]

    def test_operation_at_fault_does_not_harm_those_beside_it(self, tmp_path: Path) -> None:
        """Requests share a transaction: the error of one is its own."""
        engine = Program(f"sqlite:///{tmp_path}/twiml.db").engine
        engine.run(lambda execute: execute("CREATE TABLE t (n INTEGER)"))
        inside, results = threading.Barrier(4), {}

        def work(number: int) -> None:
            inside.wait(30)
            try:
                engine.run(lambda execute: [execute("INSERT INTO t VALUES (?)", (number,)), 1 // (number - 2)])
            except ZeroDivisionError:
                results[number] = "failed"

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

        assert results == {2: "failed"}
        assert engine.run(lambda execute: execute("SELECT n FROM t ORDER BY n")) == [(0,), (1,), (3,)]

    def test_journal_of_a_later_release_is_refused_with_what_to_do(self, database_url: str) -> None:
        """A rollback is no outage as long as changes only add; where they did not, it is said."""
        program = Program(database_url)
        program.text()
        program.engine.run(lambda execute: execute("UPDATE meta SET value = '99' WHERE name = 'oldest_reader'"))

        with pytest.raises(JournalTooNew, match="install the later release again"):
            Program(database_url).journal.check()


class TestKeeping:
    """What is kept, for how long, and what is forgotten."""

    @pytest.mark.parametrize(
        ("record", "kept"),
        [
            pytest.param("all", [True, True, True], id="all"),
            pytest.param("messages", [True, False, True], id="messages"),
            pytest.param("failed", [False, False, True], id="failed"),
        ],
    )
    def test_request_bytes_are_kept_as_asked_for(self, database_url: str, record: str, kept: list[bool]) -> None:
        """Status callbacks are the bulk of the traffic; their history stays in any case."""
        program = Program(database_url, TWIML_RECORD=record)
        program.text()
        program.status("sent")
        program.status("failed", Fail="1")

        assert [each.exchange is not None for each in program.archive.all(Filter())] == kept
        assert program.text() == program.text()
        entry = program.ledger.get(SID)
        assert entry is not None
        assert len(entry.history) == 2

    def test_old_exchanges_are_deleted_by_the_application_itself(self, database_url: str) -> None:
        """Nobody has to remember a cron job, and nobody is held up by a long delete."""
        clock = Clock()
        program = Program(database_url, clock, TWIML_RETENTION_DAYS=2)
        program.text()
        program.status("delivered")
        clock.now += 3 * 86400
        program.text(sid="SM2")

        assert [each.sid for each in program.archive.all(Filter())] == ["SM2"]
        assert program.ledger.get(SID) is None

    def test_authorization_and_cookies_are_never_kept(self, program: Program) -> None:
        """A journal is copied, mailed and restored: no password may be in it."""
        program.text()
        program.receiver.handle(webhook(headers={"authorization": "Basic d3Jvbmc6d3Jvbmc=", "cookie": "a=b"}))
        rows = program.engine.run(
            lambda execute: [execute("SELECT * FROM exchanges"), execute("SELECT * FROM refusals")]
        )

        assert len(rows[0]) == len(rows[1]) == 1
        assert "authorization" not in str(rows).lower()
        assert "cookie" not in str(rows).lower()

    def test_refusals_are_a_small_ring(self, database_url: str) -> None:
        """Nobody can fill the disk from outside: one a second, and only so many."""
        clock = Clock()
        program = Program(database_url, clock)
        for _ in range(MAX_REFUSALS + 20):
            clock.now += 2
            for _ in range(3):
                program.receiver.handle(webhook(headers={"authorization": "Basic d3Jvbmc6d3Jvbmc="}))

        assert len(program.archive.refusals(1000)) == MAX_REFUSALS
        assert "none of TWIML_CREDENTIALS" in program.archive.refusals(1)[0].reason

    def test_everything_about_one_number_can_be_erased(self, program: Program) -> None:
        """People ask for it, and the law gives them the right."""
        program.text("mine", sid="SM1")
        program.text("mine too", sid="SM2", From="whatsapp:+15005550001")
        program.text("another's", sid="SM3", From="+15005550002")
        program.status("delivered", "SM4")
        program.receiver.handle(webhook(headers={"authorization": "Basic d3Jvbmc6d3Jvbmc="}))

        assert program.archive.erase("+15005550001") == 4
        assert [each.sid for each in program.archive.all(Filter())] == ["SM3"]
        assert (program.ledger.get("SM4"), program.archive.refusals(9)) == (None, [])

    def test_webhook_of_another_kind_is_erased_with_its_sender(self, program: Program) -> None:
        """A voice webhook carries the caller's number too."""
        program.send(Form([("CallSid", "CA1"), ("From", "messenger:5001"), ("Body", "x")]))

        assert program.archive.erase("5001") == 1
        assert program.archive.all(Filter()) == []

    def test_text_that_no_store_could_hold_is_kept_as_it_came(self, program: Program) -> None:
        """NUL and bytes that are not UTF-8 come from real phones; PostgreSQL's text takes neither."""
        form = Form([*inbound_form(message_sid=SID).pairs, ("ProfileName", "A\x00\udcff"), ("From", "+1\x00")])

        assert program.send(form).status == 200
        (kept,) = program.archive.all(Filter())
        assert kept.exchange is not None
        assert kept.exchange.form.pairs == form.pairs

    def test_failed_status_handlers_are_found_and_settled(self, program: Program) -> None:
        """Twilio never asks again for a status: the journal does."""
        program.status("failed", Fail="1")
        program.status("delivered")
        (kept,) = program.archive.to_retry(Filter())
        assert kept.exchange is not None
        assert list(kept.exchange.results.values()) == ["ValueError: told to fail"]

        program.archive.settle(kept.id, {"handler": "ok"}, "handled")

        assert program.archive.to_retry(Filter()) == []

    def test_status_that_was_settled_is_answered_when_it_comes_again(self, database_url: str) -> None:
        """Run again from the command line, and sent again by Twilio after all."""
        run_script(
            f"""
            program = Program({database_url!r})
            program.told = type("Deadly", (), {{"append": lambda self, status: os.kill(os.getpid(), 9)}})()
            program.status("delivered")
            """
        )
        program = Program(database_url)
        (kept,) = program.archive.to_retry(Filter())
        program.archive.settle(kept.id, {"handler": "ok"}, "handled")

        assert program.status("delivered").status == 204

    def test_status_whose_process_died_is_found(self, database_url: str) -> None:
        """It was stored before its handler ran, so it is not lost with the process."""
        run_script(
            f"""
            program = Program({database_url!r})
            program.told = type("Deadly", (), {{"append": lambda self, status: os.kill(os.getpid(), 9)}})()
            program.status("delivered")
            """
        )

        assert [kept.message_status for kept in Program(database_url).archive.to_retry(Filter())] == ["delivered"]

    def test_unknown_webhook_is_kept(self, program: Program) -> None:
        """A voice webhook on a Message URL is a mistake worth finding later."""
        program.send(Form([("CallSid", "CA1"), ("From", "+15005550001")]))

        assert [(each.kind, each.outcome) for each in program.archive.all(Filter())] == [("webhook", "voice webhook")]


PRELUDE = """
    import json, os, sys
    sys.path.insert(0, {root!r})
    from tests.journal.test_journal import Program
"""


def start_script(script: str) -> subprocess.Popen[str]:
    """Start a process of its own with a program."""
    source = textwrap.dedent(PRELUDE.format(root=str(ROOT))) + textwrap.dedent(script)
    command = [sys.executable, "-c", source]
    return subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True)


def run_script(script: str) -> int:
    """Run a process of its own, and return how it ended."""
    process = start_script(script)
    process.communicate(timeout=120)
    return process.returncode


def break_file(program: Program, path: Path) -> None:
    """Make a database file unreachable: the connection is dropped, and a folder stands in its place."""
    program.engine.close()
    path.rename(path.with_suffix(".kept"))
    path.mkdir()
