"""Status callbacks: every handler runs, and the answer to Twilio does not depend on them."""

from __future__ import annotations

import logging

import pytest

from tests.receiver.programs import STATUS_SID, Deliveries, Memory, Mute, Program, name_of, status
from tests.webhook_requests import BASIC, SID, authorized, read_settings, webhook
from twiml_app import Router, StatusCallback
from twiml_app.caller.forms import CONTACT, NUMBER, status_form
from twiml_app.receiver import Hooks
from twiml_app.receiver.auth import StatusUrls
from twiml_app.receiver.claims import Claim
from twiml_app.receiver.receiver import Receiver
from twiml_app.webhook import WebhookResponse


def test_every_status_handler_runs_in_order_even_if_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    """A bug in one handler must not keep the others from running."""
    deliveries, errors = Deliveries(), list[Exception]()
    receiver = Receiver(
        deliveries.router, read_settings(BASIC), hooks=Hooks(on_exception=errors.append), clock=lambda: 0.0
    )
    answer = receiver.handle(status("undelivered", 30003))

    assert answer == WebhookResponse(status=204)
    assert deliveries.ran == ["first 30003", "second False", "third undelivered"]
    assert [str(error) for error in errors] == ["a bug"]
    assert caplog.records[-1].levelno == logging.WARNING
    assert caplog.records[-1].getMessage() == (
        f"status callback sid={STATUS_SID} status=undelivered error_code=30003"
        f" handler={name_of(Deliveries, 'second')}"
        " outcome=failed ms=0.0 from=+*******0006 to=+*******0001"
    )


def test_handled_status_is_logged_as_information(caplog: pytest.LogCaptureFixture) -> None:
    """Most of the traffic are delivery reports."""
    deliveries = Deliveries()

    assert Receiver(deliveries.router, read_settings(BASIC)).handle(status("delivered")).status == 204
    assert deliveries.ran == ["third delivered"]
    assert [(record.levelno, "outcome=handled" in record.getMessage()) for record in caplog.records] == [
        (logging.INFO, True)
    ]


def test_status_without_a_handler_is_accepted_and_a_handler_suggested_once(caplog: pytest.LogCaptureFixture) -> None:
    """Twilio reports every step, and most programs need only some."""
    receiver = Receiver(Router(), read_settings(BASIC))
    for _ in range(2):
        assert receiver.handle(status("delivered")) == WebhookResponse(status=204)

    assert [record.levelno for record in caplog.records] == [logging.INFO] * 3
    assert '@router.status("delivered")' in caplog.records[0].getMessage()


def test_status_at_the_message_url_is_accepted() -> None:
    """People may configure one URL for everything."""
    deliveries = Deliveries()
    request = authorized(webhook(status_form(STATUS_SID, "delivered")))

    assert Receiver(deliveries.router, read_settings(BASIC)).handle(request) == WebhookResponse(status=204)
    assert deliveries.ran == ["third delivered"]


def test_failure_is_not_hidden_by_another_handler_of_the_same_name(caplog: pytest.LogCaptureFixture) -> None:
    """Handlers that are created by the same function share their name."""
    router = Router()

    def make(*, fails: bool) -> None:
        @router.status("delivered")
        def handler(status: StatusCallback) -> None:
            if fails:
                raise ValueError

    make(fails=True)
    make(fails=False)
    Receiver(router, read_settings(BASIC)).handle(status("delivered"))

    assert "outcome=failed" in caplog.records[-1].getMessage()


def test_failed_status_is_stored_with_the_result_of_each_handler() -> None:
    """Twilio does not retry: `journal retry` must know which handlers still have to run."""
    deliveries, journal = Deliveries(), Memory(claimed=Claim(late=True))
    Receiver(deliveries.router, read_settings(BASIC), journal=journal).handle(status("undelivered", 30003))
    ((method, _, outcome),) = journal.stored

    assert (method, outcome.name) == ("finish", "failed")
    assert outcome.results == {
        name_of(Deliveries, "first"): "ok",
        name_of(Deliveries, "second"): "ValueError: a bug",
        name_of(Deliveries, "third"): "ok",
    }
    assert "second True" in deliveries.ran


def test_error_without_a_text_is_stored_by_its_type(program: Program) -> None:
    """A status callback is answered with 204 even if describing the error fails."""
    journal, router = Memory(), Router()

    @router.status("delivered")
    def fail(status: StatusCallback) -> None:
        raise Mute

    receiver = Receiver(router, program.receiver({}).settings, journal=journal)
    request = authorized(webhook(status_form(SID, "delivered"), endpoint="status"))

    assert receiver.handle(request).status == 204
    assert list((journal.stored[0][2].results or {}).values()) == ["Mute"]


def test_token_of_another_message_runs_no_handler(caplog: pytest.LogCaptureFixture) -> None:
    """A forged report must not reach a handler, and is logged and kept like any other refusal."""
    deliveries, journal = Deliveries(), Memory()
    settings = read_settings(BASIC)
    receiver = Receiver(deliveries.router, settings, journal=journal)
    urls = StatusUrls(settings.secret_keys, "/status")
    answers = []
    for sid in ("SM1", "SM2"):
        target = urls.url("", sid, to=CONTACT, from_=NUMBER)
        request = webhook(status_form(STATUS_SID, "delivered"), endpoint="status", target=target)
        answers.append(receiver.handle(request).status)

    assert answers == [204, 403]
    assert deliveries.ran == ["third delivered"]
    assert (len(journal.stored), len(journal.refused)) == (1, 1)
    assert "refused status=403 url=status" in caplog.records[-1].getMessage()
