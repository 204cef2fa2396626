"""Opt-outs of an application: learned from what is received, in the commit that stores the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.consent.programs import CONTACT, NUMBER, OTHER, SERVICE, Application
from twiml_app import InboundMessage
from twiml_app.caller.forms import inbound_form
from twiml_app.consent.opt_out_list import MAX_NUMBERS
from twiml_app.errors import CallError, CannotStore
from twiml_app.events import parse_event
from twiml_app.journal import Archive

SENT = "SM" + "7" * 32


@pytest.fixture
def application(database_url: str) -> Application:
    """An application with a journal."""
    return Application(database_url)


@pytest.fixture
def local(tmp_path: object) -> Application:
    """An application with a journal in SQLite, for what no store decides."""
    return Application(f"sqlite:///{tmp_path}/twiml.db")


@pytest.mark.parametrize("word", ["STOP", "stop", " Stop. ", "STOP!", "“Unsubscribe”", "quit\n"])
def test_stop_word_is_remembered_as_people_type_it(local: Application, word: str) -> None:
    """What the program sends first is refused from then on, with what was texted as evidence."""
    local.phone.text(word, MessageSid=SENT)
    opted_out = local.only()

    assert (opted_out.sender, opted_out.source, opted_out.reason) == (NUMBER, "text", word.strip())
    assert opted_out.origin == SENT
    assert local.refusal() == 21610


@pytest.mark.parametrize("word", ["start", "UNSTOP"])
def test_opt_in_word_ends_what_began_in_any_way(application: Application, word: str) -> None:
    """The contact decides, and the trail shows each step."""
    application.phone.text("STOP")
    application.opt_outs.store(application.opt_outs.adding(CONTACT, "asked", sender="", source="command line"))
    application.phone.text("hello")
    assert len(application.of()) == 2

    application.phone.text(word)

    assert (application.of(), application.refusal()) == ([], 0)
    assert application.trail() == [
        ("added", "text", "STOP"),
        ("added", "command line", "asked"),
        ("removed", "text", word),
        ("removed", "text", word),
    ]


@pytest.mark.parametrize("text", ["YES", "Start!", "start please", "HELP"])
def test_other_texts_end_no_opt_out(local: Application, text: str) -> None:
    """A contact who answers a question with YES has not asked for the news again."""
    local.phone.text("STOP")
    local.phone.text(text)

    assert local.refusal() == 21610


def test_kind_that_twilio_names_counts_whatever_the_text_is(local: Application) -> None:
    """With Advanced Opt-Out the words are in any language, and YES may be one of them."""
    fields = {"MessagingServiceSid": SERVICE}
    local.phone.text("ARRETE", OptOutType="STOP", **fields)
    assert local.of() == [(SERVICE, "text", "ARRETE")]
    local.phone.text("stop", OptOutType="HELP", **fields)
    local.phone.text("YES", OptOutType="START", **fields)

    assert local.of() == []


def test_service_with_words_of_its_own_has_no_other_words(tmp_path: object) -> None:
    """CANCEL may be an answer there, if it was taken from the list."""
    application = Application(f"sqlite:///{tmp_path}/twiml.db", TWIML_ADVANCED_OPT_OUT=SERVICE)
    application.phone.text("CANCEL", MessagingServiceSid=SERVICE)
    assert application.of() == []
    application.phone.text("START", MessagingServiceSid=SERVICE, OptOutType="STOP")
    application.phone.text("START", MessagingServiceSid=SERVICE)
    application.phone.text("CANCEL")

    assert application.of() == [(SERVICE, "text", "START"), (NUMBER, "text", "CANCEL")]


def test_number_that_answers_opt_out_words_itself_decides_itself(tmp_path: object) -> None:
    """On a short code END may be the end of a game; its handler calls opt_outs.add for STOP."""
    application = Application(f"sqlite:///{tmp_path}/twiml.db", TWIML_OPT_OUT_NUMBERS=NUMBER)
    application.phone.text("END")

    assert application.of() == []


def test_opt_out_holds_for_the_service_and_start_to_any_of_its_numbers_ends_it(application: Application) -> None:
    """Twilio keeps it for the service too."""
    application.phone.text("STOP", MessagingServiceSid=SERVICE)
    assert [application.refusal(sender=sender) for sender in (SERVICE, NUMBER, OTHER)] == [21610] * 3

    application.phone.text("START", To=OTHER, MessagingServiceSid=SERVICE)

    assert [application.refusal(sender=sender) for sender in (SERVICE, NUMBER, OTHER)] == [0] * 3


def test_number_that_was_texted_is_known_to_belong_to_no_service(application: Application) -> None:
    """Otherwise an opt-out of a service would hold for it, as it might belong to that."""
    application.phone.text("STOP", MessagingServiceSid=SERVICE)
    before = application.refusal(sender=OTHER)
    application.phone.text("hello", To=OTHER)

    assert (before, application.refusal(sender=OTHER)) == (21610, 0)


def test_start_ends_what_was_learned_about_another_number_of_the_service(application: Application) -> None:
    """Twilio has one opt-out for all of them."""
    application.phone.status(SENT, "failed", error_code=21610, To=CONTACT, From=NUMBER)
    assert application.of() == [(NUMBER, "21610", "Twilio refused a message")]
    application.phone.text("hello", MessagingServiceSid=SERVICE)
    application.phone.text("START", To=OTHER, MessagingServiceSid=SERVICE)

    assert application.of() == []


def test_status_callback_with_21610_adds_an_opt_out(application: Application) -> None:
    """The STOP may have come before the program was there."""
    application.phone.text("hello", MessagingServiceSid=SERVICE)
    application.phone.status(SENT, "failed", error_code=21610, To=CONTACT, From=NUMBER)

    assert application.of() == [(SERVICE, "21610", "Twilio refused a message")]
    assert application.only().origin == SENT


def test_status_callback_names_the_service_itself(local: Application) -> None:
    """It is known then without a text."""
    fields = {"To": CONTACT, "From": NUMBER, "MessagingServiceSid": SERVICE}
    local.phone.status(SENT, "failed", error_code=21610, **fields)

    assert local.of() == [(SERVICE, "21610", "Twilio refused a message")]


@pytest.mark.parametrize(("error", "refused"), [(30005, 30005), (30006, 30006), (30003, 0)])
def test_status_callback_shows_who_cannot_receive(local: Application, error: int, refused: int) -> None:
    """Each further message would cost money and reputation."""
    local.phone.status(SENT, "undelivered", error_code=error, To=CONTACT, From=NUMBER)

    assert local.refusal() == refused


def test_stop_is_remembered_even_if_its_handler_fails(application: Application) -> None:
    """Twilio does not call again for certain, and a bug must not cost the contact's decision."""
    application.fails = True
    with pytest.raises(CallError):
        application.phone.text("STOP", MessageSid=SENT)
    assert application.refusal() == 21610
    application.fails = False
    application.phone.text("STOP", MessageSid=SENT)

    assert len(application.trail()) == 1


def test_stop_that_only_the_fallback_url_sees_is_remembered(local: Application) -> None:
    """It may be the only request of the event: the application was down for the first one."""
    form = inbound_form("STOP", from_=CONTACT, to=NUMBER, fields={"ErrorCode": "11205", "ErrorUrl": "https://down/"})
    answer = local.app.test_client().post("/fallback", data=dict(form.pairs), auth=("sms", "quite-long-enough"))

    assert (answer.status_code, local.refusal()) == (200, 21610)


def test_stop_of_a_blocked_contact_is_remembered(tmp_path: object) -> None:
    """The block may be lifted one day."""
    application = Application(f"sqlite:///{tmp_path}/twiml.db", TWIML_BLOCKED=CONTACT)
    application.phone.text("STOP")

    assert application.refusal() == 21610


def test_erased_contact_can_come_back(application: Application) -> None:
    """START is found by the hash of the address."""
    application.phone.text("STOP")
    Archive(application.state.engine).erase(CONTACT, application.state.settings.secret_keys)
    assert (application.refusal(), application.only().is_erased) == (21610, True)
    application.phone.text("START")

    assert application.of() == []


def test_ordinary_messages_store_nothing_more(local: Application) -> None:
    """Only the first text to each number does, in each process: that is how its service is known."""
    message = parse_event(inbound_form("hello", to=NUMBER))
    assert isinstance(message, InboundMessage)
    before = len(local.opt_outs.effects_of(message))
    local.phone.text("hello")
    after = len(local.opt_outs.effects_of(message))
    for number in range(MAX_NUMBERS):
        local.opt_outs.effects_of(replace(message, to=str(number)))[0].committed()

    assert (before, after) == (1, 0)
    assert len(local.opt_outs.effects_of(message)) == 1, "what is remembered is bounded"


def test_webhook_of_another_kind_changes_nothing(local: Application) -> None:
    """A call has no text."""
    call = parse_event(inbound_form("STOP", fields={"CallSid": "CA1"}))

    assert local.opt_outs.effects_of(call) == ()


@pytest.mark.parametrize("contact", ["", "15005550001", "somebody", "whatsapp:"])
def test_address_that_nobody_has_is_refused(local: Application, contact: str) -> None:
    """An opt-out of a number without its country code would never be found."""
    with pytest.raises(CannotStore, match=r"such as \+15005550001"):
        local.opt_outs.adding(contact, "asked", sender="", source="program")
