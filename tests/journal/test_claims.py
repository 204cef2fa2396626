"""Two requests for one event: one runs the handler, the other waits."""

from __future__ import annotations

import threading
import time

import pytest

from tests.journal.program import Clock, Program, bodies, claim_message, replied, start_script
from tests.servers import LIMIT_S
from twiml_app import InboundMessage
from twiml_app.errors import StillRunning
from twiml_app.journal.durable import MAX_WAITING
from twiml_app.webhook import WebhookResponse


def test_duplicate_in_progress_waits_for_the_reply(database_url: str) -> None:
    """Twilio retries while a slow handler still runs: both requests must get the same answer."""
    entered, go_on, clock = threading.Event(), threading.Event(), Clock()
    program = Program(database_url, clock)

    def slow(_: InboundMessage) -> None:
        entered.set()
        go_on.wait(LIMIT_S)

    program.during = slow
    answers: list[WebhookResponse] = []
    threads = [threading.Thread(target=lambda: answers.append(program.text())) for _ in range(2)]
    threads[0].start()
    assert entered.wait(LIMIT_S)

    def let_the_first_answer() -> None:
        go_on.set()
        threads[0].join(LIMIT_S)

    clock.on_sleep = let_the_first_answer
    threads[1].start()
    for thread in threads:
        thread.join(LIMIT_S)

    assert (len(answers), answers[0], len(program.ran)) == (2, answers[1], 1)


def test_waiting_ends_within_twilios_timeout(database_url: str) -> None:
    """A hanging handler must not block every thread: the duplicate gets 503, so that Twilio retries later."""
    clock = Clock()
    program = Program(database_url, clock)
    started = clock.now
    claim_message(program)

    assert program.text().status == 503
    assert 9 < clock.now - started <= 10
    with pytest.raises(StillRunning):
        claim_message(program)


def test_number_of_waiting_duplicates_is_limited(database_url: str) -> None:
    """New events need threads too: when the limit is reached, the next duplicate is refused at once."""
    clock, waiting, go_on = Clock(), threading.Semaphore(0), threading.Event()
    program = Program(database_url, clock)
    claim, answers = claim_message(program), list[WebhookResponse]()

    def wait() -> None:
        waiting.release()
        go_on.wait(LIMIT_S)
        time.sleep(0.01)  # only sleeping moves the clock: without this pause, the checks would use up their time

    clock.on_sleep = wait
    threads = [threading.Thread(target=lambda: answers.append(program.text())) for _ in range(MAX_WAITING)]
    for thread in threads:
        thread.start()
    assert all(waiting.acquire(timeout=LIMIT_S) for _ in threads)

    refused = program.text()
    program.journal.finish(claim, replied("done"), wait_s=5)
    go_on.set()
    for thread in threads:
        thread.join(LIMIT_S)

    assert refused.status == 503
    assert [bodies(answer) for answer in answers] == [["done"]] * MAX_WAITING


@pytest.mark.slow
def test_two_processes_claim_the_same_events_and_each_has_one_winner(database_url: str) -> None:
    """With 2,000 events and two processes at once, each event must still be answered exactly once."""
    script = f"""
        program = Program({database_url!r})
        for number in range(2000):
            program.text(sid=f"SM{{number:032}}")
        print(len(program.ran), len(set(program.ran)))
        """
    with_output = [start_script(script) for _ in range(2)]
    counts = [tuple(map(int, process.communicate(timeout=LIMIT_S)[0].split())) for process in with_output]

    assert sum(ran for ran, _ in counts) == 2000, counts
    assert all(ran == distinct for ran, distinct in counts)
    assert Program(database_url).archive.overview().exchanges == 2000
