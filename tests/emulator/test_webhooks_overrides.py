"""Connection overrides in the URL of a webhook: retries, timeouts, and invalid overrides."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tests.emulator.program import CONTACT, NUMBER, Answer, Program, Received, codes, say
from tests.servers import LIMIT_S
from twiml_app.emulator import Emulator

FAILED, MISSING = Answer(status=503), Answer(status=404)


@pytest.mark.parametrize(
    ("fragment", "answers", "asked", "found"),
    [
        pytest.param("", [FAILED, say("hello")], 1, [11200], id="no retry by default"),
        pytest.param("#rp=5xx", [FAILED, say("hello")], 2, [], id="one retry of 5xx"),
        pytest.param("#rc=2&rp=5xx", [FAILED, FAILED, say("hello")], 3, [], id="two retries of 5xx"),
        pytest.param("#rc=1&rp=5xx", [FAILED, FAILED, say("hello")], 2, [11200], id="second failure with one retry"),
        pytest.param("#rc=3&rp=4xx", [MISSING, FAILED, say("hello")], 2, [11200], id="4xx but not 5xx"),
        pytest.param("#rc=3&rp=4xx,5xx", [MISSING, FAILED, say("hello")], 3, [], id="4xx and 5xx"),
        pytest.param("#rc=5&rp=all", [FAILED, MISSING, Answer(raw=b""), say("hello")], 4, [], id="all"),
        pytest.param("#rc=0&rp=all", [FAILED, say("hello")], 1, [11200], id="no retries"),
        pytest.param("#rp=6xx", [say("hello")], 1, [11243], id="unknown policy"),
        pytest.param("#e=atlantis", [say("hello")], 1, [11240], id="unknown edge"),
    ],
)
def test_overrides_of_the_url_are_applied(
    twilio: Emulator, program: Program, fragment: str, answers: list[Answer], asked: int, found: list[int]
) -> None:
    """The fragment is not sent, and all attempts have the same idempotency token."""
    url = program.answers("/message", *answers)
    twilio.add_number(NUMBER, url.replace("//", "//sms:secret@") + fragment)
    reply = twilio.phone(CONTACT).text("hello")

    assert [request.target for request in program.received] == ["/message"] * asked
    assert len({request.headers["i-twilio-idempotency-token"] for request in program.received}) == 1
    assert codes(reply.problems) == found
    assert reply.texts == ([] if 11200 in found else ["hello"])
    assert "secret" not in "".join(problem.url + problem.text for problem in reply.problems)


def test_request_to_a_slow_program_times_out(twilio: Emulator, program: Program) -> None:
    """After the read timeout (rt=100 is 0.1 s), the fallback URL is called."""
    release = threading.Event()

    def slow(_: Received) -> Answer:
        release.wait(LIMIT_S)
        return say("too late")

    twilio.add_number(
        NUMBER, program.answers("/message", slow) + "#rt=100", fallback_url=program.answers("/quick", say("quick"))
    )
    reply = twilio.phone(CONTACT).text("hello")
    release.set()

    assert (reply.texts, codes(reply.problems)) == (["quick"], [11200])


def test_invalid_url_is_reported(twilio: Emulator) -> None:
    """A URL may be in the store without a check."""
    for url in ("message", "http://[::1/message#rp=6xx", "//sms:secret@/message#e=atlantis"):
        number = twilio._context.find_number(NUMBER)
        assert number
        twilio._context.store.save(replace(number, sms_url=url))
        reply = twilio.phone(CONTACT).text("hello")
        assert codes(reply.problems)[-1] == 11100
        assert "secret" not in "".join(problem.url + problem.text for problem in reply.problems)
