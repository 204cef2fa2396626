"""Reading TwiML: the messages in a document, in order, and the Redirect that ends it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.documents import LONG, XML, document, read, send
from tests.test_twiml import VERBS
from twiml_app.caller.urls import resolve
from twiml_app.emulator.twiml_reader import Document, RedirectStep, SendStep, read_answer
from twiml_app.twiml import MessagingResponse
from twiml_app.verbs import Comment, Message, Redirect, Sms

AFTER_REDIRECT = (12200, "anything after a Redirect is ignored")


@pytest.mark.parametrize(
    ("verbs", "expected"),
    [
        pytest.param("", document(), id="empty"),
        pytest.param("\n <!--a-->\n <?b c?>\n", document(), id="comments and processing instructions"),
        pytest.param("<Message>a</Message>", document(send("a")), id="text without a Body"),
        pytest.param("<Message><Body>a</Body></Message>", document(send("a")), id="Body"),
        pytest.param("<Message><Body>a</Body><Body> b</Body></Message>", document(send("a b")), id="several Bodies"),
        pytest.param("<Message>\n a\n</Message>", document(send("\n a\n")), id="white space around text"),
        pytest.param("<Message><Body> a </Body></Message>", document(send(" a ")), id="white space in a Body"),
        pytest.param(
            "\n <Message>\n  <Body>a</Body>\n  <Media> /m\n  </Media>\n </Message>\n",
            document(send("a", "/m")),
            id="indented",
        ),
        pytest.param(
            "<Message>a<Media>/1</Media>b<Media>/2</Media><Body>c</Body>d</Message>",
            document(send("abcd", "/1", "/2")),
            id="text next to Media",
        ),
        pytest.param(
            "<Message>a<!--x-->b<?y z?>c<Body>d<!--x--> <!--y-->e</Body></Message>",
            document(send("abcd e")),
            id="comments within text",
        ),
        pytest.param("<Message><Media>/m</Media></Message>", document(send("", "/m")), id="only Media"),
        pytest.param(
            "<Message><Body> </Body><Media>/m</Media></Message>", document(send(" ", "/m")), id="Media and a blank Body"
        ),
        pytest.param(
            "<Message>" + "<Media>/m</Media>" * 10 + "</Message>", document(send("", *["/m"] * 10)), id="ten Media"
        ),
        pytest.param(
            "<Message><![CDATA[<a> &amp;]]> &lt;&#x1F600;é</Message>", document(send("<a> &amp; <😀é")), id="escapes"
        ),
        pytest.param(f"<Message>{LONG}</Message>", document(send(LONG)), id="longest text"),
        pytest.param(
            '<Message to="+1" from=" +2 " action=" /a " method="get" statusCallback="https://b.example/s?c&amp;d">e</Message>',
            document(
                send(
                    "e",
                    to="+1",
                    from_=" +2 ",
                    action="/a",
                    method="GET",
                    status_callback="https://b.example/s?c&d",
                )
            ),
            id="all attributes",
        ),
        pytest.param(
            '<Sms to="+1" from="+2" action="a" method="GET" statusCallback="HTTP://b.example">c</Sms>',
            document(
                send(
                    "c",
                    to="+1",
                    from_="+2",
                    action="a",
                    method="GET",
                    status_callback="HTTP://b.example",
                    is_sms=True,
                )
            ),
            id="legacy verb",
        ),
        pytest.param(f"<Sms>{'x' * 160}</Sms>", document(send("x" * 160, is_sms=True)), id="longest Sms"),
        pytest.param("<Redirect> /r\n</Redirect>", document(RedirectStep(url="/r")), id="Redirect"),
        pytest.param(
            '<Redirect method="GET">https://a.example/b?c&amp;d</Redirect>',
            document(RedirectStep(url="https://a.example/b?c&d", method="GET")),
            id="Redirect with GET",
        ),
        pytest.param(
            "<Message>a</Message><Sms>b</Sms><Redirect>c</Redirect>\n<!-- end -->\n",
            document(send("a"), send("b", is_sms=True), RedirectStep(url="c")),
            id="several verbs",
        ),
        pytest.param(
            "<Message>a</Message>" * 10 + "<Redirect>b</Redirect>",
            document(*[send("a")] * 10, RedirectStep(url="b")),
            id="ten messages",
        ),
    ],
)
def test_valid_document_has_no_problems(verbs: str, expected: Document) -> None:
    """False alarms would make the debugger useless."""
    assert read(verbs) == expected


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param("<Message>b</Message>", id="message"),
        pytest.param("<Say/><Redirect>/s</Redirect>", id="several verbs, one of them invalid"),
        pytest.param("<!--b--> c", id="text"),
    ],
)
@pytest.mark.parametrize(
    ("redirect", "steps", "problems"),
    [
        pytest.param("<Redirect>/r</Redirect>", (RedirectStep(url="/r"),), (), id="valid"),
        pytest.param("<Redirect/>", (), ((11100, "Redirect is '', which is not an http or https URL"),), id="empty"),
        pytest.param(
            "<Redirect>/a b</Redirect>",
            (),
            ((11100, "Redirect is '/a b', which is not an http or https URL"),),
            id="white space",
        ),
        pytest.param(
            f'<Redirect method="GET">tel:{"5" * 60}</Redirect>',
            (),
            ((11100, f"Redirect is 'tel:{'5' * 53}...', which is not an http or https URL"),),
            id="another scheme",
        ),
    ],
)
def test_everything_after_a_redirect_is_ignored(
    redirect: str, steps: tuple[RedirectStep, ...], problems: tuple[tuple[int, str], ...], rest: str
) -> None:
    """This is also the case if the Redirect is invalid; problems in the rest are not reported."""
    expected = document(send("a"), *steps, problems=(*problems, AFTER_REDIRECT))

    assert read(f"<Message>a</Message>{redirect}{rest}") == expected
    assert read(f"<Message>a</Message>{redirect}\n<!--b-->") == document(send("a"), *steps, problems=problems)


def test_messages_after_the_tenth_are_not_sent() -> None:
    """The limit is reported once, and a Redirect is still followed."""
    more = "<Message>b</Message><Sms>c</Sms><Say/><Message>d</Message><Redirect>/r</Redirect>"

    assert read("<Message>a</Message>" * 9 + "<Message/><Sms>a</Sms>" + more) == document(
        *[send("a")] * 9,
        send("a", is_sms=True),
        RedirectStep(url="/r"),
        problems=(
            (14103, "Message has neither text nor media"),
            (14109, "the answer contains more than 10 messages"),
            (14110, "Response can contain Message, Redirect and Sms, not Say"),
        ),
    )


def step_of(verb: Message | Sms | Redirect) -> SendStep | RedirectStep:
    """Make the step of a verb."""
    if isinstance(verb, Redirect):
        return RedirectStep(url=verb.url, method=verb.method or "POST")
    return SendStep(
        text=verb.text,
        media=verb.media if isinstance(verb, Message) else (),
        to=verb.to or "",
        from_=verb.from_ or "",
        action=verb.action or "",
        method=verb.method or "POST",
        status_callback=verb.status_callback or "",
        is_sms=isinstance(verb, Sms),
    )


def is_valid(step: SendStep | RedirectStep) -> bool:
    """Return whether a step has text or media, and only URLs that can be resolved (unlike ``//[``)."""
    if isinstance(step, RedirectStep):
        return can_be_resolved(step.url)
    has_content = bool(step.text.strip() or step.media)
    return has_content and can_be_resolved(step.action, step.status_callback, *step.media)


def can_be_resolved(*urls: str) -> bool:
    """Return whether URLs can be resolved against the URL of a document."""
    try:
        return all(resolve("https://a.example/b", url) for url in urls)
    except ValueError:
        return False


def up_to_redirect(verbs: list[Any]) -> list[Any]:
    """Return the verbs that are executed."""
    redirects = [place for place, verb in enumerate(verbs, 1) if isinstance(verb, Redirect)]
    return verbs[: min(redirects, default=None)]


@given(st.lists(VERBS, max_size=6))
def test_document_built_with_messaging_response_has_no_problems(verbs: list[Any]) -> None:
    """The emulator must do exactly what the handler meant."""
    executed = up_to_redirect([verb for verb in verbs if isinstance(verb, Comment) or is_valid(step_of(verb))])
    steps = [step_of(verb) for verb in executed if not isinstance(verb, Comment)]

    assert read_answer(MessagingResponse(*executed).to_bytes(), XML) == document(*steps)
