"""Reading TwiML: the messages that a document asks for, in order, and the Redirect that ends it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.documents import LONG, XML, document, read, send
from tests.test_twiml import VERBS
from twiml_app.caller.caller import resolve
from twiml_app.emulator.twiml_reader import Document, RedirectStep, SendStep, read_answer
from twiml_app.twiml import MessagingResponse
from twiml_app.verbs import Comment, Message, Redirect, Sms

AFTER_REDIRECT = (12200, "what stands after a Redirect is never reached")


@pytest.mark.parametrize(
    ("verbs", "expected"),
    [
        pytest.param("", document(), id="empty"),
        pytest.param("\n <!--a-->\n <?b c?>\n", document(), id="notes and instructions"),
        pytest.param("<Message>a</Message>", document(send("a")), id="text without a Body"),
        pytest.param("<Message><Body>a</Body></Message>", document(send("a")), id="Body"),
        pytest.param("<Message><Body>a</Body><Body> b</Body></Message>", document(send("a b")), id="several Bodies"),
        pytest.param("<Message>\n a\n</Message>", document(send("\n a\n")), id="space around a text"),
        pytest.param("<Message><Body> a </Body></Message>", document(send(" a ")), id="space in a Body"),
        pytest.param(
            "\n <Message>\n  <Body>a</Body>\n  <Media> /m\n  </Media>\n </Message>\n",
            document(send("a", "/m")),
            id="indented",
        ),
        pytest.param(
            "<Message>a<Media>/1</Media>b<Media>/2</Media><Body>c</Body>d</Message>",
            document(send("abcd", "/1", "/2")),
            id="text beside Media",
        ),
        pytest.param(
            "<Message>a<!--x-->b<?y z?>c<Body>d<!--x--> <!--y-->e</Body></Message>",
            document(send("abcd e")),
            id="notes within text",
        ),
        pytest.param("<Message><Media>/m</Media></Message>", document(send("", "/m")), id="Media alone"),
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
            id="every attribute",
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
            id="older verb",
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
            id="in order",
        ),
        pytest.param(
            "<Message>a</Message>" * 10 + "<Redirect>b</Redirect>",
            document(*[send("a")] * 10, RedirectStep(url="b")),
            id="ten messages",
        ),
    ],
)
def test_what_is_in_order_is_executed_without_a_word(verbs: str, expected: Document) -> None:
    """A debugger that cries wolf is not read."""
    assert read(verbs) == expected


@pytest.mark.parametrize(
    "behind",
    [
        pytest.param("<Message>b</Message>", id="message"),
        pytest.param("<Say/><Redirect>/s</Redirect>", id="several verbs, one of them wrong"),
        pytest.param("<!--b--> c", id="text"),
    ],
)
@pytest.mark.parametrize(
    ("redirect", "steps", "problems"),
    [
        pytest.param("<Redirect>/r</Redirect>", (RedirectStep(url="/r"),), (), id="good"),
        pytest.param("<Redirect/>", (), ((11100, "Redirect is '', which is no http or https URL"),), id="empty"),
        pytest.param(
            "<Redirect>/a b</Redirect>",
            (),
            ((11100, "Redirect is '/a b', which is no http or https URL"),),
            id="white space",
        ),
        pytest.param(
            f'<Redirect method="GET">tel:{"5" * 60}</Redirect>',
            (),
            ((11100, f"Redirect is 'tel:{'5' * 53}...', which is no http or https URL"),),
            id="other scheme",
        ),
    ],
)
def test_nothing_is_reached_after_a_redirect(
    redirect: str, steps: tuple[RedirectStep, ...], problems: tuple[tuple[int, str], ...], behind: str
) -> None:
    """Control is gone with it, whether or not it leads anywhere; what stands there is not even looked at."""
    expected = document(send("a"), *steps, problems=(*problems, AFTER_REDIRECT))

    assert read(f"<Message>a</Message>{redirect}{behind}") == expected
    assert read(f"<Message>a</Message>{redirect}\n<!--b-->") == document(send("a"), *steps, problems=problems)


def test_eleventh_message_and_its_like_are_not_sent() -> None:
    """Ten go out for one inbound message; the note comes once, and a Redirect is followed all the same."""
    more = "<Message>b</Message><Sms>c</Sms><Say/><Message>d</Message><Redirect>/r</Redirect>"

    assert read("<Message>a</Message>" * 9 + "<Message/><Sms>a</Sms>" + more) == document(
        *[send("a")] * 9,
        send("a", is_sms=True),
        RedirectStep(url="/r"),
        problems=(
            (14103, "Message has neither text nor media"),
            (14109, "the answer asks for more than 10 messages"),
            (14110, "Response holds Message, Redirect and Sms, not Say"),
        ),
    )


def step_of(verb: Message | Sms | Redirect) -> SendStep | RedirectStep:
    """Make what a verb asks for."""
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


def can_be_done(step: SendStep | RedirectStep) -> bool:
    """Tell whether Twilio does it: a text or media, and no ``//[``, which is none of the URLs it looks like."""
    if isinstance(step, RedirectStep):
        return can_be_joined(step.url)
    has_content = bool(step.text.strip() or step.media)
    return has_content and can_be_joined(step.action, step.status_callback, *step.media)


def can_be_joined(*urls: str) -> bool:
    """Tell whether URLs lead from one that answered to somewhere."""
    try:
        return all(resolve("https://a.example/b", url) for url in urls)
    except ValueError:
        return False


def up_to_redirect(verbs: list[Any]) -> list[Any]:
    """Return the verbs that are reached."""
    redirects = [place for place, verb in enumerate(verbs, 1) if isinstance(verb, Redirect)]
    return verbs[: min(redirects, default=None)]


@given(st.lists(VERBS, max_size=6))
def test_whatever_is_built_is_executed_without_a_word(verbs: list[Any]) -> None:
    """The emulator does what the handler meant, to the letter."""
    reached = up_to_redirect([verb for verb in verbs if isinstance(verb, Comment) or can_be_done(step_of(verb))])
    steps = [step_of(verb) for verb in reached if not isinstance(verb, Comment)]

    assert read_answer(MessagingResponse(*reached).to_bytes(), XML) == document(*steps)
