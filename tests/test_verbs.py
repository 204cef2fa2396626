"""The verbs and nouns: anything that Twilio would not accept is refused when it is created."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.errors import TwimlError
from twiml_app.verbs import Body, Comment, Media, Message, Redirect, Sms, xml_text

NO_CONTROLS = "a\tb\nc\rd"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param(NO_CONTROLS, NO_CONTROLS, id="tab and line ends"),
        pytest.param("a\0b\x0bc\x1fd", "abcd", id="control characters"),
        pytest.param("a\ud83db\udc00c", "abc", id="lone surrogates"),
        pytest.param("a\ufffeb\uffffc\ufffd", "abc\ufffd", id="noncharacters"),
        pytest.param("\x7f\x85\u2028\U0010ffff", "\x7f\x85\u2028\U0010ffff", id="the rest of Unicode"),
        pytest.param("<&>]]>", "<&>]]>", id="markup"),
    ],
)
def test_characters_that_xml_cannot_hold_are_removed(text: str, kept: str) -> None:
    """A stray byte from a database must not make the whole reply fail."""
    assert xml_text(text) == Body(text).text == Message(text).text == Sms(text).text == kept


@given(st.text(st.characters(exclude_categories=())))
def test_cleaned_text_stays_the_same_when_cleaned_again(text: str) -> None:
    """Only forbidden characters are removed, and the rest can always be encoded."""
    kept = xml_text(text)

    assert xml_text(kept) == kept
    assert kept.encode().decode() == kept
    assert kept == "".join(character for character in text if xml_text(character))


@pytest.mark.parametrize(
    ("build", "code", "problem"),
    [
        pytest.param(lambda: Message(1), 12200, "a Message holds str, Body and Media, not int", id="number"),  # type: ignore[arg-type]
        pytest.param(lambda: Message(None), 12200, "a Message holds str, Body and Media, not NoneType", id="None"),  # type: ignore[arg-type]
        pytest.param(lambda: Message(b"a"), 12200, "a Message holds str, Body and Media, not bytes", id="bytes"),  # type: ignore[arg-type]
        pytest.param(lambda: Body(b"a"), 12200, "Body takes a str, not bytes", id="bytes in a Body"),  # type: ignore[arg-type]
        pytest.param(lambda: Sms(None), 12200, "Sms takes a str, not NoneType", id="None in an Sms"),  # type: ignore[arg-type]
        pytest.param(lambda: Comment(1), 12200, "Comment takes a str, not int", id="number in a Comment"),  # type: ignore[arg-type]
        pytest.param(lambda: Message(to=""), 14101, "to is '': give a phone number or another address", id="empty to"),
        pytest.param(
            lambda: Message(to=" "), 14101, "to is ' ': give a phone number or another address", id="blank to"
        ),
        pytest.param(
            lambda: Sms("", from_="\0"), 14102, r"from is '\x00': give a phone number or another address", id="odd from"
        ),
        pytest.param(lambda: Sms("", to=15005550001), 12200, "to takes a str, not int", id="number as an int"),  # type: ignore[arg-type]
        pytest.param(lambda: Message(method="PUT"), 14104, "method is 'PUT': use GET or POST", id="method"),
        pytest.param(
            lambda: Sms("", method="post"), 14104, "method is 'post': use GET or POST", id="method in lower case"
        ),
        pytest.param(lambda: Redirect("/", ""), 14104, "method is '': use GET or POST", id="empty method"),
        pytest.param(lambda: Message(action=""), 12200, "action is '': give a URL", id="empty action"),
        pytest.param(
            lambda: Message(status_callback="a b"), 14105, "statusCallback is 'a b': give a URL", id="status URL"
        ),
        pytest.param(lambda: Redirect(" "), 12200, "Redirect is ' ': give a URL", id="blank Redirect"),
        pytest.param(lambda: Redirect("//["), 12200, "Redirect is '//[': give a URL", id="unclosed bracket"),
        pytest.param(lambda: Redirect("/a\n/b"), 12200, r"Redirect is '/a\n/b': give a URL", id="two lines"),
        pytest.param(lambda: Media("http://a/\x00"), 12200, r"Media is 'http://a/\x00': give a URL", id="NUL in a URL"),
        pytest.param(lambda: Media("/a\ufffe"), 12200, r"Media is '/a\ufffe': give a URL", id="noncharacter in a URL"),
        pytest.param(lambda: Media(None), 12200, "Media takes a str, not NoneType", id="no URL"),  # type: ignore[arg-type]
        pytest.param(
            lambda: Media("file:///etc/passwd"),
            12200,
            "Media is 'file:///etc/passwd': give an http or https URL, or a relative one",
            id="file",
        ),
        pytest.param(
            lambda: Redirect("localhost:5000/a"),
            12200,
            "Redirect is 'localhost:5000/a': give an http or https URL, or a relative one",
            id="host without a scheme",
        ),
        pytest.param(
            lambda: Message(*[Media("/a")] * 11), 21623, "a Message takes 10 Media, not 11", id="more than ten media"
        ),
        pytest.param(
            lambda: Comment("a--b"), 12200, "a Comment must not contain -- or end with -", id="two dashes in a comment"
        ),
        pytest.param(
            lambda: Comment("a-\0"),
            12200,
            "a Comment must not contain -- or end with -",
            id="dash at the end after cleaning",
        ),
        pytest.param(
            lambda: Comment("a-\0-b"),
            12200,
            "a Comment must not contain -- or end with -",
            id="two dashes after cleaning",
        ),
    ],
)
def test_anything_that_twilio_would_not_accept_is_refused(build: Callable[[], object], code: int, problem: str) -> None:
    """The traceback then shows the handler; later, only Twilio's debugger would show the error."""
    with pytest.raises(TwimlError) as caught:
        build()

    assert (caught.value.code, str(caught.value)) == (code, problem)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        pytest.param("https://a.example/b?c=d&e#f", "https://a.example/b?c=d&e#f", id="absolute"),
        pytest.param("HTTP://a.example", "HTTP://a.example", id="capitals"),
        pytest.param("//a.example/b", "//a.example/b", id="relative to the scheme"),
        pytest.param("media/12:30.jpg", "media/12:30.jpg", id="relative with a colon"),
        pytest.param("?next=1", "?next=1", id="only a query"),
        pytest.param("  /b\n", "/b", id="white space around"),
        pytest.param("/café", "/café", id="not ASCII"),
    ],
)
def test_urls_are_kept_as_written(url: str, kept: str) -> None:
    """Twilio resolves relative URLs itself, and signs the URL as it was given."""
    message = Message(Media(url), action=url, status_callback=url)

    assert (message.media, message.action, message.status_callback) == ((kept,), kept, kept)
    assert Redirect(url).url == kept


@given(st.text(st.characters(exclude_categories=()) | st.sampled_from(":/?#[]@ \n"), max_size=8), st.booleans())
def test_any_url_is_kept_or_refused_by_the_same_rules(rest: str, is_absolute: bool) -> None:
    """Common URLs are recognized by one expression, which must not accept what the rules refuse."""
    url = ("https://a" if is_absolute else "x") + rest
    try:
        kept = Media(url).url
    except TwimlError:
        return

    assert kept == url.strip() == xml_text(kept)
    assert not any(map(str.isspace, kept))
    assert urlsplit(kept).scheme in ("", "http", "https")


def test_comment_is_normalized_like_parsed_xml() -> None:
    """A carriage return cannot be escaped in a comment."""
    assert Comment("a\r\nb\rc - d\0").text == "a\nb\nc - d"


def test_message_joins_its_texts_and_lists_its_media() -> None:
    """Twilio sends several Body nouns as one text."""
    message = Message("a ", Media("/1"), Body("b"), *[Media("/2")] * 9)

    assert message.text == "a b"
    assert message.media == ("/1", *["/2"] * 9)
    assert (Message().text, Message().media) == ("", ())


@pytest.mark.parametrize(
    ("message", "nouns"),
    [
        pytest.param(Message("a", media="/1"), (Body("a"), Media("/1")), id="one URL"),
        pytest.param(Message("a", media=["/1", "/2"]), (Body("a"), Media("/1"), Media("/2")), id="list of URLs"),
        pytest.param(Message(media=(each for each in ["/1"])), (Media("/1"),), id="any iterable, no text"),
        pytest.param(Message("a", Media("/1"), media="/2"), (Body("a"), Media("/1"), Media("/2")), id="after nouns"),
        pytest.param(Message("a", media=[]), (Body("a"),), id="no media"),
    ],
)
def test_media_can_be_given_by_url(message: Message, nouns: tuple[object, ...]) -> None:
    """It is the shortest way to send a picture, and works like MessagingResponse.message."""
    assert message.nouns == nouns


def test_local_file_is_given_by_its_path() -> None:
    """A ``str`` is a URL, so that a text of somebody can never name a file."""
    one, several = Message("a", media=Path("x/a.jpg")), Message(Media(Path("b.png")), media=["/1", Path("c.gif")])

    assert (one.media, one.files, one.nouns[1]) == (("x/a.jpg",), (Path("x/a.jpg"),), Media(Path("x/a.jpg")))
    assert (several.media, several.files) == (("b.png", "/1", "c.gif"), (Path("b.png"), Path("c.gif")))
    assert Media(Path("a.jpg")) != Media("a.jpg")
    assert repr(one) == f"Message(Body(text='a'), Media({Path('x/a.jpg')!r}))"
    assert repr(Media("/1")) == "Media(url='/1')"


def test_too_many_media_by_url_are_refused() -> None:
    """The limit is the same as for nouns."""
    with pytest.raises(TwimlError, match="a Message takes 10 Media, not 11"):
        Message("a", media=["/1"] * 11)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda url: Message("Hi", url), id="after text"),
        pytest.param(lambda url: Message(Media("/1"), url), id="after Media"),
        pytest.param(lambda url: Message("Hi", f" {url}\n"), id="white space around"),
    ],
)
@pytest.mark.parametrize("url", ["https://a.example/b.jpg", "HTTP://a.example/b"])
def test_url_as_a_second_string_is_refused(build: Callable[[str], Message], url: str) -> None:
    """People expect a picture, but the URL would be glued to the text."""
    with pytest.raises(TwimlError) as caught:
        build(url)

    assert str(caught.value) == (
        f"{url!r} would be appended to the text of the Message: write Media({url!r}) or media={url!r} to send it"
        f" as a media file, or Body({url!r}) to send it as text"
    )


@pytest.mark.parametrize(
    ("message", "text"),
    [
        pytest.param(Message("https://a.example/b.jpg"), "https://a.example/b.jpg", id="only a URL"),
        pytest.param(Message("Look: ", "https://a.example/b is new"), "Look: https://a.example/b is new", id="longer"),
        pytest.param(Message("Look: ", Body("https://a.example/b")), "Look: https://a.example/b", id="Body"),
    ],
)
def test_urls_can_be_sent_as_text(message: Message, text: str) -> None:
    """Links are normal text, and phones make them clickable."""
    assert message.text == text
    assert message.media == ()


ATTRIBUTES: dict[str, Any] = {
    "to": "+15005550001",
    "from_": "+15005550006",
    "action": "/a",
    "method": "GET",
    "status_callback": "/s",
}


def test_other_nouns_keep_the_attributes() -> None:
    """All parts of a split message go to the same number, and are not split again."""
    message = Message("a", split=True, **ATTRIBUTES)

    assert message.split
    assert message.with_nouns("b", Media("/m")) == Message("b", Media("/m"), **ATTRIBUTES)
    assert not message.with_nouns("b").split


@pytest.mark.parametrize(
    ("message", "followed"),
    [
        pytest.param(Message("a"), Message("a", action="/s", status_callback="/s"), id="none yet"),
        pytest.param(
            Message("a", Media("/m"), to="+1", from_="+2", method="GET"),
            Message("a", Media("/m"), to="+1", from_="+2", method="GET", action="/s", status_callback="/s"),
            id="everything else is kept",
        ),
        pytest.param(Message("a", action="/own"), Message("a", action="/own"), id="own action"),
        pytest.param(Message("a", status_callback="/o"), Message("a", status_callback="/o"), id="own statusCallback"),
    ],
)
def test_status_url_is_added_unless_there_is_one(message: Message, followed: Message) -> None:
    """Which of the two Twilio uses depends on the message; a URL that the program set is kept."""
    assert message.with_status_url("/s") == followed


SAME = [Message("a"), Message(Body("a")), Message("a", split=True)]
OTHER: list[object] = [
    Message("b"),
    Message(Media("/a")),
    Message("a", ""),
    *[Message("a", **{name: value}) for name, value in ATTRIBUTES.items()],
    Sms("a"),
    "a",
]


def test_verbs_are_equal_if_they_send_the_same() -> None:
    """Tests of handlers compare the returned value with the expected one."""
    assert SAME[0] == SAME[1] == SAME[2]
    assert len({*SAME}) == 1
    assert all(SAME[0] != other for other in OTHER)
    assert len({*OTHER}) == len(OTHER)


@pytest.mark.parametrize(
    ("verb", "shown"),
    [
        pytest.param(Message("a", Media("/m")), "Message(Body(text='a'), Media(url='/m'))", id="Message"),
        pytest.param(Message("a", to="+1"), "Message(Body(text='a'), to='+1')", id="with an attribute"),
        pytest.param(Sms("a", status_callback="/s"), "Sms('a', statusCallback='/s')", id="Sms"),
        pytest.param(Message(), "Message()", id="empty"),
        pytest.param(Redirect("/a"), "Redirect(url='/a', method=None)", id="Redirect"),
    ],
)
def test_repr_of_verbs_shows_their_content(verb: object, shown: str) -> None:
    """People read it in the output of a failing test."""
    assert repr(verb) == shown
