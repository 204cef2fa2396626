"""The status URL of a send: signed, for this send only, and it brings the metadata to status handlers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sending.bot import ACCOUNT, SETTINGS, Bot, serving
from tests.webhook_requests import authorized, signed, webhook
from twiml_app.caller import inbound_form, status_form
from twiml_app.receiver import SendUrls
from twiml_app.twiml import MessagingResponse
from twiml_app.verbs import Message

#: The sid of a message that the journal does not know.
UNKNOWN_SID = "SM" + "9" * 32


def url_of(bot: Bot, index: int = -1) -> str:
    """Return the status URL that a message was sent with."""
    return bot.twilio.outbox[index].status_url


def report(bot: Bot, url: str, sid: str, status: str = "delivered") -> int:
    """Report a status to a URL as Twilio does, signed but without credentials; return the status of the answer."""
    parts = urlsplit(url)
    form = status_form(sid, status, account_sid=ACCOUNT)
    request = webhook(form, endpoint="status", target=f"{parts.path}?{parts.query}")
    return bot.state.receiver.handle(signed(request)).status


def test_url_contains_an_opaque_id_and_its_token_and_nothing_else(local_bot: Bot) -> None:
    """URLs are logged by proxies, so they say nothing about anybody."""
    asked = local_bot.send(metadata={"patient": "Ada"}, key="appointment of Ada")
    local_bot.sending.drain()

    url = urlsplit(url_of(local_bot))
    assert (url.scheme, url.netloc, url.path) == ("https", "sms.example.com", "/status")
    assert list(parse_qs(url.query)) == ["send", "token"]
    assert parse_qs(url.query)["send"] == [asked.id]
    assert len(asked.id) == 32


def test_status_handlers_get_the_metadata(bot: Bot) -> None:
    """An order number reaches the handler without a table that maps sids to orders."""
    bot.send("yours", metadata={"order": 42, "items": ["tea"]})
    bot.send("plain", from_="40404")
    bot.sending.drain()
    bot.twilio.settle()

    by_sid = {message.sid: message.body for message in bot.twilio.outbox}
    assert {(by_sid[status.message_sid], str(status.metadata)) for status in bot.statuses} == {
        ("yours", "{'order': 42, 'items': ['tea']}"),
        ("plain", "{}"),
    }
    assert {status.in_reply_to for status in bot.statuses} == {""}


def test_reply_has_no_metadata(bot: Bot) -> None:
    """What handlers read must always be there."""
    bot.twilio.phone("+15558675310").text("hi")
    bot.twilio.settle()

    assert [(status.metadata, status.send_id) for status in bot.statuses] == [({}, "")] * len(bot.statuses)
    assert bot.statuses


def test_every_changed_byte_of_the_token_is_refused(local_bot: Bot) -> None:
    """A base64 text has several spellings, of which one is accepted."""
    local_bot.send()
    local_bot.sending.drain()
    url, sid = url_of(local_bot), local_bot.twilio.outbox[0].sid
    start = url.index("token=") + len("token=")

    for place in (*range(start, len(url), 7), len(url) - 1):
        for other in "AZaz09-_%=":
            changed = url[:place] + other + url[place + 1 :]
            if changed != url:
                assert report(local_bot, changed, sid) == 401, changed
    assert report(local_bot, f"{url}A", sid) == 401
    assert report(local_bot, url, sid) == 204


def test_changed_id_is_refused(local_bot: Bot) -> None:
    """The token is only for its own id."""
    first, second = local_bot.send(), local_bot.send(from_="40404")
    local_bot.sending.drain()
    sid = local_bot.twilio.outbox[0].sid

    assert report(local_bot, url_of(local_bot, 0).replace(first.id, second.id), sid) == 401


def test_token_of_another_send_is_refused(bot: Bot) -> None:
    """Who has seen one URL must not report another message as failed."""
    asked = bot.send("one")
    bot.send("two", from_="40404")
    bot.sending.drain()
    one, two = bot.twilio.outbox

    assert report(bot, two.status_url, one.sid, "failed") == 403
    assert report(bot, one.status_url, two.sid, "failed") == 403
    assert report(bot, one.status_url, UNKNOWN_SID, "failed") == 403
    assert report(bot, one.status_url, one.sid) == 204
    assert bot.row(asked).message_sid == one.sid
    assert bot.state.ledger
    assert [entry and entry.status for entry in map(bot.state.ledger.get, (one.sid, two.sid))] == [
        "delivered",
        "queued",
    ]


def test_token_of_a_reply_is_refused_for_a_send(bot: Bot) -> None:
    """The two kinds of status URLs must not stand in for each other."""
    bot.send("one")
    bot.sending.drain()
    (one,) = bot.twilio.outbox
    message = inbound_form("hi", message_sid="SM" + "1" * 32, account_sid=ACCOUNT)
    answer = bot.state.receiver.handle(signed(authorized(webhook(message))))
    (reply,) = MessagingResponse.parse(answer.body).messages
    assert isinstance(reply, Message)

    assert report(bot, reply.status_callback or "", one.sid, "failed") == 403


def test_status_url_of_a_send_lets_no_message_in(local_bot: Bot) -> None:
    """Its token is for status callbacks."""
    local_bot.send()
    local_bot.sending.drain()
    parts = urlsplit(url_of(local_bot))
    request = webhook(inbound_form("hi", account_sid=ACCOUNT), target=f"/message?{parts.query}")

    assert local_bot.state.receiver.handle(signed(request)).status == 401


def test_token_that_was_signed_with_an_older_key_is_accepted(tmp_path: Path) -> None:
    """A rotation must not lose the callbacks of messages that are on their way."""
    database = f"sqlite:///{tmp_path}/twiml.db"
    with serving(database, SECRET_KEY="old" * 10) as before:
        before.send()
        before.sending.drain()
        url, sid = url_of(before), before.twilio.outbox[0].sid
    with serving(database, SECRET_KEY="new" * 10, SECRET_KEY_FALLBACKS=["old" * 10]) as after:
        rotated = report(after, url, sid)
    with serving(database, SECRET_KEY="other" * 10) as without:
        forgotten = report(without, url, sid, "failed")

    assert (rotated, forgotten) == (204, 401)


def test_send_that_the_journal_does_not_have_is_refused(bot: Bot) -> None:
    """A URL is valid for as long as its send is kept."""
    url = SendUrls(bot.state.settings.secret_keys, "/status").url(SETTINGS["TWIML_PUBLIC_URL"], "0" * 32)

    assert report(bot, url, UNKNOWN_SID) == 403


@pytest.mark.parametrize("status", ["queued", "delivered"])
def test_ledger_knows_a_message_that_was_sent_first(bot: Bot, status: str) -> None:
    """``twiml-app ledger`` finds it at once, and later how far it has come."""
    bot.send()
    bot.sending.drain()
    if status == "delivered":
        bot.twilio.settle()

    assert bot.state.ledger
    entry = bot.state.ledger.get(bot.twilio.outbox[0].sid)
    assert entry
    assert (entry.status, entry.contact, entry.in_reply_to) == (status, "+15558675310", "")


def test_handler_without_public_url_uses_the_url_that_was_called(tmp_path: Path) -> None:
    """As the status URLs of replies do; elsewhere there is no URL to use."""
    with serving(f"sqlite:///{tmp_path}/twiml.db", TWIML_PUBLIC_URL="") as bot:
        from twiml_app import send

        bot.during = lambda message: send(message.contact, "later", from_="40404") and None
        bot.twilio.phone("+15558675310").text("hi")
        bot.send("from elsewhere")
        bot.sending.drain()

        urls = {message.body: message.status_url for message in bot.twilio.outbox}
        assert urls["later"].startswith("http://localhost/status?send=")
        assert urls["from elsewhere"] == ""
        bot.twilio.settle()
        assert {status.from_ for status in bot.statuses} == {"40404"}


def test_credentials_do_not_replace_the_send_of_a_message(bot: Bot) -> None:
    """Metadata is read for whoever may report at all, but a message still belongs to one send."""
    bot.send("one", metadata={"order": 1})
    bot.sending.drain()
    (one,) = bot.twilio.outbox
    parts = urlsplit(one.status_url)
    request = webhook(
        status_form(one.sid, "sent", account_sid=ACCOUNT), endpoint="status", target=f"{parts.path}?{parts.query}"
    )
    answer = bot.state.receiver.handle(signed(authorized(request)))

    assert (answer.status, [status.metadata for status in bot.statuses]) == (204, [{"order": 1}])
    foreign = request._replace(body=status_form(UNKNOWN_SID, "sent", account_sid=ACCOUNT).encode().encode())
    assert bot.state.receiver.handle(signed(authorized(foreign))).status == 403
