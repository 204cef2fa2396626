"""Reactions: texts that a phone writes are recognized, and texts that a person writes are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.events import InboundMedia, InboundMessage
from twiml_app.reactions import EMOJI, Reaction, parse_reaction, split_reaction
from twiml_app.webhook import Form

HAIR, ADDED, REMOVED = "\u200a", "\u200b", "\u200c"
TEXT = "See you at noon"


def google(
    emoji: str, quoted: str, *, mark: str = ADDED, words: tuple[str, str, str] = ("Reacted ", " to “", "”")
) -> str:
    """Return what Google Messages sends; the words depend on the language of the phone."""
    before, between, after = words
    return f"{HAIR}{before}{mark}{emoji}{mark}{between}{HAIR}{quoted}{HAIR}{after}{HAIR}"


@pytest.mark.parametrize(
    ("text", "kind", "removed"),
    [
        pytest.param("Loved “See you at noon”", "love", False, id="love"),
        pytest.param("Liked “See you at noon”", "like", False, id="like"),
        pytest.param("Disliked “See you at noon”", "dislike", False, id="dislike"),
        pytest.param("Laughed at “See you at noon”", "laugh", False, id="laugh"),
        pytest.param("Emphasized “See you at noon”", "emphasize", False, id="emphasize"),
        pytest.param("Questioned “See you at noon”", "question", False, id="question"),
        pytest.param("Removed a heart from “See you at noon”", "love", True, id="love removed"),
        pytest.param("Removed a like from “See you at noon”", "like", True, id="like removed"),
        pytest.param("Removed a dislike from “See you at noon”", "dislike", True, id="dislike removed"),
        pytest.param("Removed a laugh from “See you at noon”", "laugh", True, id="laugh removed"),
        pytest.param("Removed an exclamation from “See you at noon”", "emphasize", True, id="emphasis removed"),
        pytest.param("Removed a question mark from “See you at noon”", "question", True, id="question removed"),
        pytest.param('Liked "See you at noon"', "like", False, id="plain quotes"),
        pytest.param(" Liked “See you at noon”\n", "like", False, id="white space around it"),
        pytest.param("Le encantó “See you at noon”", "love", False, id="Spanish love"),
        pytest.param("Le gustó “See you at noon”", "like", False, id="Spanish like"),
        pytest.param("Le dio risa “See you at noon”", "laugh", False, id="Spanish laugh"),
        pytest.param("Exclamó por “See you at noon”", "emphasize", False, id="Spanish emphasis"),
        pytest.param("A adoré « See you at noon »", "love", False, id="French love"),
        pytest.param("A aimé «\u00a0See you at noon\u00a0»", "like", False, id="French like"),
        pytest.param("N’a pas aimé « See you at noon »", "dislike", False, id="French dislike"),
        pytest.param("N'a pas aimé « See you at noon »", "dislike", False, id="plain apostrophe"),
        pytest.param("a attribué la mention « J’aime » à « See you at noon »", "like", False, id="French mention"),
        pytest.param("„See you at noon“ ein Herz hinzugefügt", "love", False, id="German love"),
        pytest.param("Lo av “See you at noon”", "laugh", False, id="Norwegian laugh"),
        pytest.param("Liker ikke lenger “See you at noon”", "like", True, id="Norwegian like removed"),
        pytest.param("Харесано “See you at noon”", "love", False, id="Bulgarian love"),
    ],
)
def test_words_of_an_iphone_are_a_reaction(text: str, kind: str, removed: bool) -> None:
    """The person only tapped a symbol: an answer would puzzle them."""
    assert parse_reaction(text) == Reaction(kind, EMOJI[kind], TEXT, removed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Reacted 🎉 to “See you at noon”", Reaction("emoji", "🎉", TEXT), id="any emoji"),
        pytest.param("Reacted 👍🏽 to “See you at noon”", Reaction("like", "👍🏽", TEXT), id="skin tone"),
        pytest.param("Reacted ❤ to “See you at noon”", Reaction("love", "❤", TEXT), id="heart without variant"),
        pytest.param("Reacted ‼️ to “See you at noon”", Reaction("emphasize", "‼️", TEXT), id="exclamation marks"),
        pytest.param("Reacted 👨‍👩‍👧‍👦 to “See you at noon”", Reaction("emoji", "👨‍👩‍👧‍👦", TEXT), id="family"),
        pytest.param("Removed 🎉 from “See you at noon”", Reaction("emoji", "🎉", TEXT, True), id="removed"),
        pytest.param("Reaccionó con 😂 a “See you at noon”", Reaction("laugh", "😂", TEXT), id="Spanish"),
        pytest.param("A réagi avec 😂 à « See you at noon »", Reaction("laugh", "😂", TEXT), id="French"),
        pytest.param("👍 to “See you at noon”", Reaction("like", "👍", TEXT), id="emoji first"),
        pytest.param(" 👍 to “See you at noon” ", Reaction("like", "👍", TEXT), id="emoji first, with spaces"),
        pytest.param("👍 a ‘See you at noon’", Reaction("like", "👍", TEXT), id="emoji first, single quotes"),
        pytest.param("Reacted with a sticker to “See you at noon”", Reaction("sticker", "", TEXT), id="sticker"),
        pytest.param("Loved an image", Reaction("love", "❤️", ""), id="picture"),
        pytest.param("Reacted 🔥 to an image", Reaction("emoji", "🔥", ""), id="emoji on a picture"),
        pytest.param("Removed a like from an image", Reaction("like", "👍", "", True), id="removed from a picture"),
        pytest.param("Le encantó una imagen", Reaction("love", "❤️", ""), id="Spanish picture"),
        pytest.param("Liked “He said “hi””", Reaction("like", "👍", "He said “hi”"), id="quotes inside"),
        pytest.param("Liked “one\ntwo”", Reaction("like", "👍", "one\ntwo"), id="two lines"),
    ],
)
def test_emoji_pictures_and_quotes_are_read(text: str, expected: Reaction) -> None:
    """A handler needs the symbol and the text that was meant."""
    assert parse_reaction(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(google("😂", TEXT), Reaction("laugh", "😂", TEXT), id="English"),
        pytest.param(
            google("😂", TEXT, words=("A réagi avec ", " à « ", " »")), Reaction("laugh", "😂", TEXT), id="French"
        ),
        pytest.param(
            google("👀", TEXT, words=("", "", "でリアクション")), Reaction("emoji", "👀", TEXT), id="Japanese"
        ),
        pytest.param(google("👍", TEXT, mark=REMOVED), Reaction("like", "👍", TEXT, True), id="removed"),
        pytest.param(google("❤️", "one “two” three"), Reaction("love", "❤️", "one “two” three"), id="quotes inside"),
    ],
)
def test_reactions_of_google_messages_are_read_in_any_language(text: str, expected: Reaction) -> None:
    """Its invisible characters say where the emoji and the text are."""
    assert parse_reaction(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(" \n", id="white space"),
        pytest.param("👍", id="emoji only"),
        pytest.param("Liked it a lot", id="no quotes"),
        pytest.param("Liked", id="one word"),
        pytest.param("Liked “”", id="nothing quoted"),
        pytest.param("Liked “ ”", id="space quoted"),
        pytest.param("Liked “this", id="no closing quote"),
        pytest.param("Liked “this” very much", id="words after the quote"),
        pytest.param("Liked “this” and “that”", id="two quotations"),
        pytest.param('Liked "this" and "that"', id="two plain quotations"),
        pytest.param("I liked “this”", id="words before it"),
        pytest.param("liked “this”", id="no capital"),
        pytest.param("LIKED “THIS”", id="all capitals"),
        pytest.param("Reacted well to “this”", id="word instead of an emoji"),
        pytest.param("Removed 5€ from “this”", id="amount instead of an emoji"),
        pytest.param("Reacted  to “this”", id="nothing instead of an emoji"),
        pytest.param("Reacted 👍👍👍👍👍👍👍👍👍👍👍👍👍 to “this”", id="many emoji"),
        pytest.param("Removed the table from “this”", id="word instead of a kind"),
        pytest.param("Reacted 👍 about “this”", id="other words"),
        pytest.param("“this”", id="only a quotation"),
        pytest.param("„dies“ ist ein Herz hinzugefügt", id="German words"),
        pytest.param("Loved an apple", id="no picture"),
        pytest.param("你好 “世界”", id="Chinese"),
    ],
)
def test_text_of_a_person_is_not_a_reaction(text: str) -> None:
    """A customer who writes it must get an answer."""
    assert (parse_reaction(text), split_reaction(text)) == (None, None)


@given(st.text())
def test_any_text_is_a_reaction_or_not(text: str) -> None:
    """Anybody can send any text."""
    parts = split_reaction(text)

    assert (parts is None) == (parse_reaction(text) is None)
    assert parts is None or "".join(parts) == text


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="“”\u200a\u200b\u200c"), min_size=1).filter(str.strip)


@given(WORDS, st.sampled_from(["Liked “{}”", "Removed 👍 from “{}”", google("👍", "{}")]))
def test_quoted_text_is_found_whatever_it_is(quoted: str, form: str) -> None:
    """Our messages may contain anything."""
    text = form.replace("{}", quoted)
    before, found, after = split_reaction(text) or ("", "", "")

    assert (before + found + after, found.strip()) == (text, quoted.strip())


def message(body: str, **attributes: object) -> InboundMessage:
    """Return a message with a text."""
    return InboundMessage(form=Form(), body=body, **attributes)  # type: ignore[arg-type]


def test_message_has_its_reaction() -> None:
    """Handlers find it there."""
    assert message("Loved “hi”", from_="+15005550001").reaction == Reaction("love", "❤️", "hi")
    assert message("hi").reaction is None


@pytest.mark.parametrize(
    "channel", [pytest.param("whatsapp", id="WhatsApp"), pytest.param("messenger", id="Messenger")]
)
def test_channels_with_reactions_of_their_own_have_none_in_texts(channel: str) -> None:
    """There, only a person writes such a text."""
    assert message("Loved “hi”", from_=f"{channel}:+15005550001").reaction is None


def test_message_with_a_picture_is_only_the_reaction_of_a_sticker() -> None:
    """Phones attach nothing else to a reaction."""
    media = (InboundMedia("https://example.com/1", "image/png"),)

    assert message("Loved “hi”", media=media).reaction is None
    assert message("Reacted with a sticker to “hi”", media=media).reaction == Reaction("sticker", "", "hi")
