"""The log: one line per webhook, without any text that a person wrote."""

from __future__ import annotations

import logging

import pytest

from tests.receiver.programs import Program, name_of, text, twiml
from tests.webhook_requests import AUTHORIZATION, SID, SIGNED, TOKEN, signed
from twiml_app.caller.forms import CONTACT, NUMBER
from twiml_app.webhook import TWIML_TYPE


def test_message_is_answered_and_logged_in_one_line(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """The line has the message, the handler and the time, but not what the person wrote."""
    ticks = iter([10.0, 10.0125])
    answer = program.receiver(SIGNED, clock=lambda: next(ticks)).handle(signed(text("my PIN is 1234 & <b>")))

    assert answer.status == 200
    assert answer.content_type == TWIML_TYPE
    assert answer.body == twiml("<Message><Body>you said my PIN is 1234 &amp; &lt;b&gt;</Body></Message>")
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            logging.INFO,
            f"inbound message sid={SID} handler={name_of(Program, 'echo')}"
            " outcome=replied ms=12.5 from=+*******0001 to=+*******0006",
        )
    ]


@pytest.mark.parametrize("body", ["Secretbody", "fail", "long", "stop", "silent"])
def test_no_secret_and_no_text_is_logged(program: Program, caplog: pytest.LogCaptureFixture, body: str) -> None:
    """More people read logs than messages."""
    request = signed(text(body, FromCity="Secretville"))
    program.receiver(SIGNED).handle(request)
    program.receiver(SIGNED).handle(request._replace(headers={**request.headers, "x-twilio-signature": "forged"}))
    written = "".join(f"{record.getMessage()}{getattr(record.msg, 'fields', '')}" for record in caplog.records)

    assert written
    for secret in ("Secretville", "Secretbody", TOKEN, AUTHORIZATION["authorization"], "quite-long", CONTACT, NUMBER):
        assert secret not in written
