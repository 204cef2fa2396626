"""Executing TwiML: the replies to a message, Redirects, and the fallback URL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.program import (
    CONTACT,
    NOTHING,
    NUMBER,
    Answer,
    Program,
    Received,
    codes,
    emulator,
    say,
    twiml,
)
from twiml_app.emulator import Emulator
from twiml_app.emulator.twiml_execution import MAX_DOCUMENTS


@pytest.fixture
def program() -> Iterator[Program]:
    """A program that requires credentials, as every program should."""
    with Program("basic") as program:
        program.answers("/other", say("other"))
        yield program


def text(content: str) -> Answer:
    """Return an answer with plain text."""
    return Answer(content.encode(), content_type="text/plain; charset=utf-8")


ANSWERS = [
    # id, answer, replies, error codes
    ("one", say("hello"), ["hello"], []),
    ("several", say("a", "b", "c"), ["a", "b", "c"], []),
    ("noun", twiml("<Message><Body>a</Body><Body>b</Body></Message>"), ["ab"], []),
    ("characters", say("Grüße &amp; &lt;3 😀"), ["Grüße & <3 😀"], []),
    ("legacy", twiml("<Sms>a</Sms>"), ["a"], []),
    ("no verbs", twiml(""), [], []),
    ("empty root", Answer(b"<Response/>"), [], []),
    ("204", NOTHING, [], []),
    ("200 without a body", Answer(content_type=""), [], []),
    ("201", twiml("<Message>hello</Message>", status=201), ["hello"], []),
    ("text", text("hello\n"), ["hello\n"], []),
    ("empty text", text("\n"), [], []),
    ("application/xml", twiml("<Message>a</Message>", content_type="application/xml"), ["a"], []),
    ("text/html", twiml("<Message>a</Message>", content_type="text/html; charset=utf-8"), ["a"], []),
    ("redirect", twiml("<Message>a</Message><Redirect>other</Redirect>"), ["a", "other"], []),
    ("after a redirect", twiml("<Redirect>/other</Redirect><Message>a</Message>"), ["other"], [12200]),
    ("404", Answer(status=404), [], [11200]),
    ("500", Answer(b"boom", 500, "text/plain"), [], [11200]),
    ("another protocol", Answer(raw=b"220 mail.example.com ESMTP\r\n"), [], [11206]),
    ("redirect loop", Answer(status=302, headers=(("Location", "/message"),)), [], [11215]),
    ("HTTP redirect", Answer(status=302, headers=(("Location", "/other"),)), ["other"], []),
    ("no content type", Answer(b"<Response/>", content_type=""), [], [12300]),
    ("JSON", Answer(b"{}", content_type="application/json"), [], [12300]),
    ("too large", say("a" * 70_000), [], [11750]),
    ("not XML", Answer(b"<Response><Message>a & b</Message></Response>"), [], [12100]),
    ("XML 1.1", Answer(b'<?xml version="1.1"?><Response/>'), [], [12101]),
    ("another root", Answer(b"<html/>"), [], [12102]),
    ("lower case root", Answer(b"<response/>"), [], [12102]),
    ("voice verb", twiml("<Say>a</Say><Message>b</Message>"), ["b"], [14110]),
    ("lower case verb", twiml("<message>a</message>"), [], [14110]),
    ("attribute", twiml("<Message To='+15558675311'>a</Message>"), ["a"], [12200]),
    ("unknown noun", twiml("<Message>a<Media2/></Message>"), ["a"], [12200]),
    ("empty message", twiml("<Message/><Message>b</Message>"), ["b"], [14103]),
    ("long legacy", twiml(f"<Sms>{'a' * 161}</Sms>"), [], [14103]),
    ("long", say("a" * 1601), [], [21617]),
    ("eleven messages", say(*"abcdefghijk"), list("abcdefghij"), [14109]),
    ("to an invalid address", twiml("<Message to='nobody'>a</Message><Message>b</Message>"), ["b"], [14101]),
    ("to itself", twiml(f"<Message to='{NUMBER}'>a</Message>"), [], [14101]),
    ("from an invalid address", twiml("<Message from='!'>a</Message>"), [], [14102]),
    ("method", twiml("<Message method='PUT'>a</Message>"), ["a"], [14104]),
    ("status URL", twiml("<Message statusCallback='ftp://a'>a</Message>"), ["a"], [14105]),
    ("redirect to an invalid URL", twiml("<Message>a</Message><Redirect>mailto:a</Redirect>"), ["a"], [11100]),
    (
        "redirect to an invalid port",
        twiml("<Message>a</Message><Redirect>http://127.0.0.1:0/</Redirect>"),
        ["a"],
        [11100],
    ),
    ("missing media", twiml("<Message><Body>a</Body><Media>/missing</Media></Message>"), [], [21620]),
]


@pytest.mark.parametrize(("answer", "replies", "found"), [pytest.param(*row, id=name) for name, *row in ANSWERS])
def test_answer_is_executed(
    twilio: Emulator, program: Program, answer: Answer, replies: list[str], found: list[int]
) -> None:
    """The valid parts are executed, and the debugger reports the others."""
    program.answers("/message", answer)
    reply = twilio.phone(CONTACT).text("hello")
    assert twilio.settle()

    assert (reply.texts, codes(reply.problems)) == (replies, found)
    assert sorted(message.body for message in twilio.phone(CONTACT).inbox) == sorted(replies)
    assert twilio.debugger == list(reply.problems)
    assert all(problem.message_sid == reply.inbound.sid for problem in reply.problems)


def test_redirects_get_the_parameters_of_the_message(twilio: Emulator, program: Program) -> None:
    """They use GET or POST, are relative to the URL that answered, and get the credentials of the host."""
    program.answers("/message", twiml("<Redirect method='GET'>/deep/second?a=b</Redirect>"))
    program.answers("/deep/second", twiml(f"<Redirect>http://{program.host}/deep/third</Redirect>"))
    program.answers("/deep/third", twiml("<Redirect method='POST'>fourth#rc=0</Redirect>"))
    program.answers("/deep/fourth", say("done"))
    reply = twilio.phone(CONTACT).text("hello")
    authenticated = [request for request in program.received if request.status == 200]

    assert reply.texts == ["done"]
    assert [(request.method, request.path) for request in authenticated] == [
        ("POST", "/message"),
        ("GET", "/deep/second"),
        ("POST", "/deep/third"),
        ("POST", "/deep/fourth"),
    ]
    assert authenticated[1].query["a"] == ["b"]
    assert authenticated[1].query["MessageSid"] == [reply.inbound.sid]
    assert [request.form for request in authenticated[2:]] == [authenticated[0].form] * 2


def test_credentials_are_not_sent_to_another_host(twilio: Emulator, program: Program) -> None:
    """They are meant only for the host in their URL."""
    with Program() as elsewhere:
        url = elsewhere.answers("/message", twiml("<Redirect>/next</Redirect>"))
        elsewhere.answers("/next", say("elsewhere"))
        program.answers("/message", twiml(f"<Redirect>{url}</Redirect>"))
        reply = twilio.phone(CONTACT).text("hello")

        assert reply.texts == ["elsewhere"]
        assert elsewhere.paths == ["/message", "/next"]
        assert all("authorization" not in request.headers for request in elsewhere.received)


@pytest.mark.parametrize("documents", [MAX_DOCUMENTS, MAX_DOCUMENTS + 1])
def test_number_of_documents_is_limited(twilio: Emulator, program: Program, documents: int) -> None:
    """A program that redirects to itself must not keep Twilio busy forever; the error is 14106."""
    again = twiml("<Message>a</Message><Redirect>/message</Redirect>")
    program.answers("/message", *[again] * (documents - 1), say("end"))
    twilio.add_number(NUMBER, fallback_url=program.answers("/fallback", say("sorry")))
    reply = twilio.phone(CONTACT).text("hello")

    if documents == MAX_DOCUMENTS:
        assert (reply.texts, reply.problems) == (["a"] * (MAX_DOCUMENTS - 1) + ["end"], [])
    else:
        assert reply.texts == ["a"] * MAX_DOCUMENTS
        (problem,) = reply.problems
        assert (problem.code, problem.level, problem.url) == (14106, "warning", program.bare("/message"))
    assert program.paths == ["/message"] * MAX_DOCUMENTS


FAILURES = [
    ("status", Answer(status=500), 11200),
    ("another protocol", Answer(raw=b"SSH-2.0\r\n"), 11206),
    ("redirect loop", Answer(status=307, headers=(("Location", "/message"),)), 11215),
    ("content type", Answer(b"{}", content_type="application/json"), 12300),
    ("size", say("a" * 70_000), 11750),
    ("XML", Answer(b"<Response>"), 12100),
    ("version", Answer(b'<?xml version="2.0"?><Response/>'), 12101),
    ("root", Answer(b"<Answer/>"), 12102),
]


@pytest.mark.parametrize(("answer", "code"), [pytest.param(*row, id=name) for name, *row in FAILURES])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_fallback_url_is_called_if_the_program_fails(
    twilio: Emulator, program: Program, answer: Answer, code: int, method: str
) -> None:
    """It gets the error code and the URL that failed, without its password."""
    program.answers("/message", answer)
    fallback = program.answers("/fallback", say("sorry"))
    twilio.add_number(NUMBER, fallback_url=fallback, fallback_method=method)
    reply = twilio.phone(CONTACT).text("hello")
    (asked,) = program.at("/fallback")
    given = dict(asked.form.pairs) if method == "POST" else {name: values[0] for name, values in asked.query.items()}

    assert (reply.texts, codes(reply.problems), asked.method) == (["sorry"], [code], method)
    assert given == {
        **dict(program.at("/message")[0].form.pairs),
        "ErrorCode": str(code),
        "ErrorUrl": program.bare("/message"),
    }


def test_fallback_url_answers_where_nobody_listens(twilio: Emulator, program: Program, dead_url: str) -> None:
    """The program is down, its spare one is up."""
    url = f"{dead_url}/message"
    twilio.add_number(NUMBER, url, fallback_url=program.answers("/fallback", say("sorry")))
    reply = twilio.phone(CONTACT).text("hello")

    assert (reply.texts, codes(reply.problems)) == (["sorry"], [11205])
    assert program.at("/fallback")[0].form["ErrorUrl"] == url


@pytest.mark.parametrize(
    "problem",
    [
        pytest.param("<Redirect>http://127.0.0.1:0/</Redirect>", id="redirect to an invalid port"),
        pytest.param("<Redirect>/broken</Redirect>", id="redirect to a URL that fails"),
    ],
)
def test_fallback_url_is_called_if_a_redirect_fails(twilio: Emulator, program: Program, problem: str) -> None:
    """The replies before the Redirect are still sent."""
    program.answers("/broken", Answer(status=500))
    program.answers("/message", twiml(f"<Message>first</Message>{problem}"))
    twilio.add_number(NUMBER, fallback_url=program.answers("/fallback", say("sorry")))

    assert twilio.phone(CONTACT).text("hello").texts == ["first", "sorry"]


def test_replies_are_sent_before_the_next_document_is_fetched(twilio: Emulator, program: Program) -> None:
    """A slow Redirect must not delay a reply, and its failure must not cancel one."""
    arrived: list[list[str]] = []

    def look(_: Received) -> Answer:
        twilio.advance(10)
        arrived.append([message.body for message in twilio.phone(CONTACT).inbox])
        return Answer(status=500)

    program.answers("/message", twiml("<Message>first</Message><Redirect>/look</Redirect>"))
    program.answers("/look", look)
    reply = twilio.phone(CONTACT).text("hello")

    assert arrived == [["first"]]
    assert (reply.texts, codes(reply.problems)) == (["first"], [11200])


def test_fallback_url_may_fail_as_well(twilio: Emulator, program: Program) -> None:
    """Both failures are reported, the cause first, and no third URL is called."""
    program.answers("/message", Answer(status=500))
    twilio.add_number(NUMBER, fallback_url=program.answers("/fallback", Answer(b"<Response>")))
    reply = twilio.phone(CONTACT).text("hello")

    assert [(problem.code, problem.url) for problem in reply.problems] == [
        (11200, program.bare("/message")),
        (12100, program.bare("/fallback")),
    ]
    assert (reply.messages, program.paths) == ([], ["/message", "/fallback"])


def test_fallback_url_may_redirect(twilio: Emulator, program: Program) -> None:
    """Its documents are executed like any other."""
    program.answers("/message", Answer(status=500))
    program.answers("/fallback", twiml("<Redirect>/other</Redirect>"))
    twilio.add_number(NUMBER, fallback_url=program.url("/fallback"))

    assert twilio.phone(CONTACT).text("hello").texts == ["other"]


def test_fallback_url_is_not_called_after_a_warning(twilio: Emulator, program: Program) -> None:
    """The document was still executed."""
    program.answers("/message", twiml("<Say>a</Say><Message to=''>b</Message>"))
    twilio.add_number(NUMBER, fallback_url=program.answers("/fallback", say("sorry")))
    reply = twilio.phone(CONTACT).text("hello")

    assert codes(reply.problems) == [14110, 14101]
    assert program.paths == ["/message"]


ACTIONS = [
    # id, verb, parameters of the action URL besides those of the message
    (
        "message",
        "<Message action='/done'>a</Message>",
        {"MessageSid": "{sid}", "MessageStatus": "sending", "SmsSid": "{sid}", "SmsStatus": "sending"},
    ),
    ("legacy", "<Sms action='/done'>a</Sms>", {"SmsSid": "{sid}", "SmsStatus": "sending"}),
    (
        "message to an invalid address",
        "<Message action='/done' to='nobody'>a</Message>",
        {"MessageSid": "", "MessageStatus": "invalid", "SmsSid": "", "SmsStatus": "invalid"},
    ),
    ("legacy to an invalid address", "<Sms action='/done' to='nobody'>a</Sms>", {"SmsSid": "", "SmsStatus": "invalid"}),
]


@pytest.mark.parametrize(("verb", "parameters"), [pytest.param(*row, id=name) for name, *row in ACTIONS])
def test_answer_of_the_action_url_replaces_the_document_in_2014(
    program: Program, verb: str, parameters: dict[str, str]
) -> None:
    """The verbs after it are not executed."""
    program.answers("/message", twiml(f"{verb}<Message>never</Message>"))
    program.answers("/done", say("done"))
    with emulator(profile="2014") as twilio:
        twilio.add_number(NUMBER, program.url("/message"))
        reply = twilio.phone(CONTACT).text("hello")
    message, done = program.at("/message")[0], program.at("/done")[0]
    sid = reply.messages[0].sid

    assert reply.texts == (["done"] if "nobody" in verb else ["a", "done"])
    assert dict(done.form.pairs) == dict(message.form.pairs) | {
        name: value.format(sid=sid) for name, value in parameters.items()
    }
    assert len(done.form.pairs) == len({name for name, _ in done.form.pairs})


def test_action_url_is_called_for_a_refused_reply(program: Program) -> None:
    """A reply to a contact who opted out has the status invalid, not sending."""
    program.answers("/message", twiml("<Sms action='/done'>a</Sms>"))
    program.answers("/done", NOTHING)
    with emulator(profile="2014") as twilio:
        twilio.add_number(NUMBER, program.url("/message"))
        reply = twilio.phone(CONTACT).text("STOP")

    assert codes(reply.problems) == [21610]
    assert program.at("/done")[0].form["SmsStatus"] == "invalid"
    assert program.at("/done")[0].form["SmsSid"] == reply.messages[0].sid


def test_action_is_a_status_url_today(twilio: Emulator, program: Program) -> None:
    """The rest of the document is executed."""
    program.answers("/message", twiml("<Message action='/done'>a</Message><Message>b</Message>"))
    program.answers("/done", NOTHING)
    reply = twilio.phone(CONTACT).text("hello")
    assert program.paths == ["/message"]
    assert twilio.settle()

    assert reply.texts == ["a", "b"]
    assert [request.form["MessageStatus"] for request in program.at("/done")] == ["sent", "delivered"]
