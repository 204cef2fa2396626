"""Mistakes in TwiML: each is reported with its error code, and the rest of the document is still executed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.documents import LONG, XML, document, read, send
from twiml_app.caller.urls import resolve
from twiml_app.emulator.twiml_reader import Document, RedirectStep, SendStep, read_answer


@pytest.mark.parametrize(
    ("verbs", "expected"),
    [
        pytest.param(
            "<Say>a</Say><Message>b</Message>",
            document(send("b"), problems=((14110, "Response can contain Message, Redirect and Sms, not Say"),)),
            id="voice verb",
        ),
        pytest.param(
            "<message>a</message>",
            document(problems=((14110, "Response can contain Message, Redirect and Sms, not message: write Message"),)),
            id="verb in lower case",
        ),
        pytest.param(
            '<m:Message xmlns:m="x">a</m:Message>',
            document(problems=((14110, "Response can contain Message, Redirect and Sms, not {x}Message"),)),
            id="verb in a namespace",
        ),
        pytest.param(
            f"<{'a' * 61}/>",
            document(problems=((14110, f"Response can contain Message, Redirect and Sms, not {'a' * 57}..."),)),
            id="long name, which is cut",
        ),
        pytest.param(
            " Hi <Message>a</Message> &amp; <!--b-->\nc ",
            document(
                send("a"),
                problems=(
                    (12200, "Response can contain only verbs, not the text 'Hi'"),
                    (12200, "Response can contain only verbs, not the text '& \\nc'"),
                ),
            ),
            id="text between verbs",
        ),
        pytest.param(
            f"<Message>a</Message>{'b' * 60}",
            document(send("a"), problems=((12200, f"Response can contain only verbs, not the text '{'b' * 60}'"),)),
            id="longest text that is not cut",
        ),
        pytest.param(
            '<Message statuscallback="/s" from_="+1" a="b" xml:lang="c">d</Message>',
            document(
                send("d"),
                problems=(
                    (12200, "Message has no attribute statuscallback: write statusCallback"),
                    (12200, "Message has no attribute from_: write from"),
                    (12200, "Message has no attribute a"),
                    (12200, "Message has no attribute {http://www.w3.org/XML/1998/namespace}lang"),
                ),
            ),
            id="unknown attributes",
        ),
        pytest.param(
            '<Sms status_callback="/s">a</Sms><Redirect statusCallback="/s" METHOD="GET">b</Redirect>',
            document(
                send("a", is_sms=True),
                RedirectStep(url="b"),
                problems=(
                    (12200, "Sms has no attribute status_callback: write statusCallback"),
                    (12200, "Redirect has no attribute statusCallback"),
                    (12200, "Redirect has no attribute METHOD: write method"),
                ),
            ),
            id="attributes of other verbs",
        ),
        pytest.param(
            '<Message><Body a="b">c</Body><Media to="+1">/m</Media></Message>',
            document(
                send("c", "/m"),
                problems=((12200, "Body has no attribute a"), (12200, "Media has no attribute to")),
            ),
            id="attributes of nouns",
        ),
        pytest.param(
            "<Message>a<body>b</body>c<Image>/m</Image>d<Message>e</Message></Message>",
            document(
                send("acd"),
                problems=(
                    (12200, "Message can contain Body and Media, not body: write Body"),
                    (12200, "Message can contain Body and Media, not Image"),
                    (12200, "Message can contain Body and Media, not Message"),
                ),
            ),
            id="unknown nouns",
        ),
        pytest.param(
            "<Message><Body>a<b>c</b>d</Body><Media>/<i/>m</Media></Message><Sms>e<Body>f</Body></Sms>",
            document(
                send("ad", "/m"),
                send("e", is_sms=True),
                problems=(
                    (12200, "Body can contain only text, not b"),
                    (12200, "Media can contain only text, not i"),
                    (12200, "Sms can contain only text, not Body"),
                ),
            ),
            id="elements within text",
        ),
        pytest.param(
            "<Redirect>/r<Url>/s</Url></Redirect>",
            document(RedirectStep(url="/r"), problems=((12200, "Redirect can contain only text, not Url"),)),
            id="element within a Redirect",
        ),
        pytest.param(
            "<Message>a<Media/><Media> </Media><Media>/b c</Media><Media>data:image/png,d</Media>"
            "<Media>//[</Media><Media>/m</Media></Message>",
            document(
                send("a", "/m"),
                problems=(
                    (12200, "Media is '', which is not an http or https URL"),
                    (12200, "Media is '', which is not an http or https URL"),
                    (12200, "Media is '/b c', which is not an http or https URL"),
                    (12200, "Media is 'data:image/png,d', which is not an http or https URL"),
                    (12200, "Media is '//[', which is not an http or https URL"),
                ),
            ),
            id="invalid URLs of Media",
        ),
        pytest.param(
            '<Message method="PUT">a</Message><Sms method="">b</Sms><Redirect method="POST ">c</Redirect>',
            document(
                send("a"),
                send("b", is_sms=True),
                RedirectStep(url="c"),
                problems=(
                    (14104, "the method of Message is 'PUT', neither GET nor POST"),
                    (14104, "the method of Sms is '', neither GET nor POST"),
                    (14104, "the method of Redirect is 'POST ', neither GET nor POST"),
                ),
            ),
            id="invalid methods",
        ),
        pytest.param(
            '<Message action="ftp://a/b" statusCallback="">a</Message><Sms action="/b c" statusCallback="/s">d</Sms>'
            '<Message statusCallback="localhost:5000/s">e</Message>',
            document(
                send("a"),
                send("d", status_callback="/s", is_sms=True),
                send("e"),
                problems=(
                    (14105, "the action of Message is 'ftp://a/b', which is not an http or https URL"),
                    (14105, "the statusCallback of Message is '', which is not an http or https URL"),
                    (14105, "the action of Sms is '/b c', which is not an http or https URL"),
                    (14105, "the statusCallback of Message is 'localhost:5000/s', which is not an http or https URL"),
                ),
            ),
            id="invalid URLs of status callbacks",
        ),
        pytest.param(
            "<Message>a<Media>htp://sms:SECRET@h/m</Media><Media>http://sms:SECRET@[::1/m</Media></Message>"
            '<Message action="ftp://sms:SEC@RET@h/s" statusCallback="https://sms:SECRET@h/a b">b</Message>'
            "<Redirect>htp://sms:SECRET@h/x</Redirect>",
            document(
                send("a"),
                send("b"),
                problems=(
                    (12200, "Media is 'h/m', which is not an http or https URL"),
                    (12200, "Media is '[::1/m', which is not an http or https URL"),
                    (14105, "the action of Message is 'h/s', which is not an http or https URL"),
                    (14105, "the statusCallback of Message is 'h/a b', which is not an http or https URL"),
                    (11100, "Redirect is 'h/x', which is not an http or https URL"),
                ),
            ),
            id="invalid URLs with a password, which is not shown",
        ),
        pytest.param(
            f"<Redirect>htp://sms:{'x' * 60}SECRET@h/x</Redirect>",
            document(problems=((11100, "Redirect is 'h/x', which is not an http or https URL"),)),
            id="password longer than the quoted part",
        ),
    ],
)
def test_mistakes_are_reported_and_skipped(verbs: str, expected: Document) -> None:
    """Twilio executes the rest of the document too."""
    assert read(verbs) == expected


@pytest.mark.parametrize(
    ("verb", "problems"),
    [
        pytest.param("<Message/>", ((14103, "Message has neither text nor media"),), id="empty Message"),
        pytest.param("<Message>\n </Message>", ((14103, "Message has neither text nor media"),), id="blank Message"),
        pytest.param(
            "<Message><Body> </Body></Message>", ((14103, "Message has neither text nor media"),), id="blank Body"
        ),
        pytest.param(
            "<Message><Media/></Message>",
            (
                (12200, "Media is '', which is not an http or https URL"),
                (14103, "Message has neither text nor media"),
            ),
            id="only invalid Media",
        ),
        pytest.param(
            "<Message>a" + "<Media>/m</Media>" * 11 + "</Message>",
            ((14103, "Message can contain at most 10 Media, not 11"),),
            id="eleven Media",
        ),
        pytest.param(
            f"<Message>{LONG}<Body>y</Body></Message>",
            ((21617, "the text of Message has 1601 characters: the limit is 1600"),),
            id="long text",
        ),
        pytest.param(
            f"<Message>{'😀' * 801}</Message>",
            ((21617, "the text of Message has 1602 characters: the limit is 1600"),),
            id="long text of emoji",
        ),
        pytest.param("<Sms/>", ((14103, "Sms has no text"),), id="empty Sms"),
        pytest.param("<Sms> <!--a--> </Sms>", ((14103, "Sms has no text"),), id="blank Sms"),
        pytest.param(
            f"<Sms>{'x' * 161}</Sms>",
            ((14103, "the text of Sms has 161 characters: the limit is 160"),),
            id="long Sms",
        ),
        pytest.param(
            f"<Sms>{'😀' * 81}</Sms>",
            ((14103, "the text of Sms has 162 characters: the limit is 160"),),
            id="long Sms of emoji",
        ),
        pytest.param('<Message to="">a</Message>', ((14101, "the to attribute of Message is empty"),), id="empty to"),
        pytest.param(
            '<Message from=" ">a</Message>', ((14102, "the from attribute of Message is empty"),), id="blank from"
        ),
        pytest.param(
            '<Sms to="" from="+1">a</Sms>', ((14101, "the to attribute of Sms is empty"),), id="empty to of Sms"
        ),
        pytest.param(
            '<Message from="" to="" a="b"><Image/></Message>',
            (
                (14102, "the from attribute of Message is empty"),
                (14101, "the to attribute of Message is empty"),
                (12200, "Message has no attribute a"),
                (12200, "Message can contain Body and Media, not Image"),
                (14103, "Message has neither text nor media"),
            ),
            id="several mistakes",
        ),
    ],
)
def test_only_the_message_that_cannot_be_sent_is_skipped(verb: str, problems: tuple[tuple[int, str], ...]) -> None:
    """The messages before and after it are sent."""
    expected = document(send("before"), send("after"), problems=problems)

    assert read(f"<Message>before</Message>{verb}<Message>after</Message>") == expected


def test_attributes_of_the_root_are_reported() -> None:
    """Response has no attributes."""
    answer = b'<Response version="2"><Message to="+1">a</Message></Response>'

    assert read_answer(answer, XML) == document(
        send("a", to="+1"), problems=((12200, "Response has no attribute version"),)
    )


NESTED = st.recursive(
    st.text(st.characters(codec="utf-8", categories=("L", "P", "Zs"), exclude_characters="<&>"), max_size=5),
    lambda inner: st.builds(
        lambda tag, attribute, parts: f"<{tag} {attribute}>{''.join(parts)}</{tag}>",
        st.sampled_from(["Message", "Sms", "Redirect", "Body", "Media", "message", "b"]),
        st.sampled_from(["", 'to=""', 'from="a"', 'action="//["', 'statusCallback="x:"', 'method="put"', 'To="a"']),
        st.lists(inner, max_size=4),
    ),
)
TREES = st.lists(NESTED, max_size=12).map(lambda parts: f"<Response>{''.join(parts)}</Response>".encode())


@given(TREES)
def test_all_steps_are_valid(body: bytes) -> None:
    """They are executed without further checks, so no message may be empty, and all URLs must be resolvable."""
    found = read_answer(body, XML)
    messages = [step for step in found.steps if isinstance(step, SendStep)]
    urls = [step.url for step in found.steps if isinstance(step, RedirectStep)]

    assert len(messages) <= 10
    assert found.steps[len(messages) :] == tuple(step for step in found.steps if isinstance(step, RedirectStep))
    assert all(message.text.strip() or message.media for message in messages)
    assert all(step.method in ("GET", "POST") for step in found.steps)
    for url in urls + [url for message in messages for url in (message.action, *message.media)]:
        assert resolve("https://a.example/b", url).startswith("http")
    assert all(problem.text and not problem.text.endswith(".") for problem in found.problems)
