"""Hidden routes: a route that can never run is found, and no other route is reported."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from twiml_app.errors import RegistrationError
from twiml_app.events import InboundMedia, InboundMessage
from twiml_app.routing.hidden import hidden_routes, includes
from twiml_app.routing.patterns import TextPattern, compile_pattern
from twiml_app.routing.router import Router
from twiml_app.routing.routes import Conditions, MessageRoute
from twiml_app.webhook import Form


def handler(message: InboundMessage, **captures: Any) -> None:
    """Take a message."""


def refuse(message: InboundMessage) -> bool:
    """Refuse every message."""
    return False


def routes(*registered: tuple[str | re.Pattern[str] | None, dict[str, Any]]) -> tuple[MessageRoute, ...]:
    """Return the routes of these patterns and conditions, in order."""
    router = Router()
    for pattern, conditions in registered:
        router.message(pattern, **conditions)(handler)
    return router.routes


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param("order <item>", "order <int:count>", id="text before a number"),
        pytest.param("<anything>", "order <int:count> <item>", id="any text before a pattern"),
        pytest.param("<anything>", "hours", id="any text before a word"),
        pytest.param("<anything>", "?", id="any text before punctuation"),
        pytest.param("ORDER  <item>!", "order coffee", id="text before a word, case and white space"),
        pytest.param("order <word:item>", "order coffee", id="word before a literal word"),
        pytest.param("order <word:item>", "order <any(tea, coffee):item>", id="word before choices"),
        pytest.param("<float:x>", "<int:x>", id="float before int"),
        pytest.param("<float:x> kg", "5 kg", id="float before a literal number"),
        pytest.param("size <any(small, large):s>", "size large", id="choices before one of them"),
        pytest.param("<any(a, b, c):x>", "<any(c, a):x>", id="choices before fewer choices"),
        pytest.param("<any(don't, a b):x> <y>", "<any(don't, a b):x> <int:y>", id="same choices"),
        pytest.param("<a> <b>", "order <int:count> <item>", id="several texts"),
        pytest.param("<a> to <b>", "from <int:x> to <int:y>", id="text that spans several words"),
        pytest.param("<word:a> <x>", "order <item>", id="word before a literal word, then text"),
        pytest.param("what's <x>", "What's on", id="quotes"),
        pytest.param("I am <name>.", "i am <word:name>", id="closing punctuation after text"),
    ],
)
def test_pattern_after_a_more_general_one_is_hidden(earlier: str, later: str) -> None:
    """The first match wins, so the later handler never runs."""
    first, second = routes((earlier, {}), (later, {}))

    assert list(hidden_routes((first, second))) == [(second, first)]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param("order <int:count>", "order <item>", id="number before text"),
        pytest.param("order <item>", "orders <item>", id="another word"),
        pytest.param("order <item>", "order", id="shorter"),
        pytest.param("order", "order <item>", id="longer"),
        pytest.param("<word:x>", "two words", id="word before two words"),
        pytest.param("<word:x>", "<int:x>", id="word before int, which may have a plus sign"),
        pytest.param("<word:x>", "<float:x>", id="word before float"),
        pytest.param("<word:x>", "a" * 101, id="word before a very long word"),
        pytest.param("<word:x>", "opt-in", id="word before a dash, which may be a long one"),
        pytest.param("<word:x>", "<any(a b, c):x>", id="word before a choice of two words"),
        pytest.param("<int:x>", "<float:x>", id="int before float"),
        pytest.param("<int:x>", "<word:x>", id="int before word"),
        pytest.param("<int:x>", "x1", id="int before a letter"),
        pytest.param("<any(a, b):x>", "<any(a, c):x>", id="other choices"),
        pytest.param("<any(small, large):s>", "larger", id="beginning of a word"),
        pytest.param("<a> <b>", "<c>", id="two texts before one"),
        pytest.param("a <b>", "a<b>", id="white space"),
        pytest.param("<a> x", "<a>", id="text with an end"),
        pytest.param("hello", "<anything>", id="word before any text"),
    ],
)
def test_pattern_that_matches_more_is_not_hidden(earlier: str, later: str) -> None:
    """A false alarm would make people ignore the right ones."""
    assert list(hidden_routes(routes((earlier, {}), (later, {})))) == []


@pytest.mark.parametrize(
    ("earlier", "later", "hidden"),
    [
        pytest.param({}, {"to": "+1"}, True, id="no condition before one"),
        pytest.param({"to": "+1"}, {}, False, id="condition before none"),
        pytest.param({"to": ["+1", "+2"]}, {"to": "+1"}, True, id="fewer numbers"),
        pytest.param({"to": "+1"}, {"to": ["+1", "+2"]}, False, id="more numbers"),
        pytest.param({"to": "+1"}, {"from_": "+1"}, False, id="another condition"),
        pytest.param({"from_": "+1"}, {"from_": "+1", "channel": "sms"}, True, id="one more condition"),
        pytest.param({"channel": ["sms", "rcs"]}, {"channel": "rcs"}, True, id="fewer channels"),
        pytest.param({"media": True}, {"media": "image/*"}, True, id="any media before a type"),
        pytest.param({"media": "image/*"}, {"media": "image/png"}, True, id="group of types before a type"),
        pytest.param({"media": "image/*"}, {"media": "image/*", "to": "+1"}, True, id="same types"),
        pytest.param({"media": "image/*"}, {"media": "audio/amr"}, False, id="another type"),
        pytest.param({"media": "image/*"}, {"media": "*/png"}, False, id="types that overlap"),
        pytest.param({"media": "image/png"}, {"media": True}, False, id="type before any media"),
        pytest.param({"media": False}, {"media": "image/*"}, False, id="no media before a type"),
        pytest.param({"media": True}, {"media": False}, False, id="media before no media"),
        pytest.param({"query": {"a": "1"}}, {"query": {"a": "1", "b": "2"}}, True, id="more of the query"),
        pytest.param({"query": {"a": "1", "b": "2"}}, {"query": {"a": "1"}}, False, id="less of the query"),
        pytest.param({"when": refuse}, {"when": refuse, "to": "+1"}, True, id="same predicate"),
        pytest.param({"when": refuse}, {"to": "+1"}, False, id="predicate before none"),
        pytest.param({"when": refuse}, {"when": bool}, False, id="another predicate"),
    ],
)
@pytest.mark.parametrize(
    "pattern", [pytest.param("order <item>", id="text"), pytest.param(re.compile("a"), id="regex")]
)
def test_conditions_of_the_earlier_route_must_always_be_met(
    pattern: str | re.Pattern[str], earlier: dict[str, Any], later: dict[str, Any], hidden: bool
) -> None:
    """The earlier route hides the later one only if it matches each of its messages."""
    first, second = routes((pattern, earlier), (pattern, later))

    assert list(hidden_routes((first, second))) == ([(second, first)] if hidden else [])


def test_route_without_a_pattern_hides_patterns_with_its_conditions() -> None:
    """It matches any text."""
    number, hours, other = routes((None, {"to": "+1"}), ("hours", {"to": "+1"}), ("hours", {"to": "+2"}))

    assert list(hidden_routes((number, hours, other))) == [(hours, number)]


def test_route_without_a_pattern_is_not_hidden_by_any_text() -> None:
    """An image-only message has no text, and a pattern does not match it."""
    assert list(hidden_routes(routes(("<anything>", {}), (None, {"media": True})))) == []


def test_regular_expressions_hide_only_themselves() -> None:
    """It is hard to prove that an expression matches every text that another one matches."""
    first, *others = routes((re.compile("a"), {}), (re.compile("ab"), {}), ("a", {}), (re.compile("a"), {"to": "+1"}))

    assert list(hidden_routes((first, *others))) == [(others[-1], first)]


def test_first_of_several_hiding_routes_is_reported_once() -> None:
    """The one that runs instead is the first one."""
    first, second, third = routes(("<anything>", {}), ("order <item>", {}), ("order <int:count>", {}))

    assert list(hidden_routes((first, second, third))) == [(second, first), (third, first)]


def test_default_handler_is_never_hidden() -> None:
    """It is tried last by design."""
    router = Router()
    router.message("<anything>")(handler)
    router.default(handler)

    assert list(hidden_routes(router.routes)) == []


LITERALS = st.sampled_from(["a", "B", "b", "1", "12", "-", "'", "é", "ſ", "k", "."])
CAPTURES = st.sampled_from(["<{}>", "<word:{}>", "<int:{}>", "<float:{}>", "<any(a, b, a b, 1):{}>", "<any(k, 12):{}>"])
SPACES = st.sampled_from(["", " "])
TYPED = st.lists(
    st.sampled_from(["a", "b", "B", " ", "  ", "1", "12", "+1", "1.5", "-", "–", "'", "’", "é", "s", "K", ".", "!"]),
    max_size=8,
).map("".join)


@st.composite
def patterns(draw: st.DrawFn) -> TextPattern:
    """Draw a pattern of literals and captures."""
    pieces = draw(st.lists(LITERALS | CAPTURES, min_size=1, max_size=4))
    source = "".join(draw(SPACES) + piece.format(f"n{place}") for place, piece in enumerate(pieces))
    try:
        return compile_pattern(source)
    except RegistrationError:
        assume(False)
        raise


@settings(deadline=None, max_examples=400)
@given(patterns(), patterns(), st.lists(TYPED, max_size=10))
def test_included_pattern_matches_no_other_text(general: TextPattern, special: TextPattern, texts: list[str]) -> None:
    """A route must never be reported if it could run."""
    if includes(general, special):
        assert [text for text in texts if special.match(text) is not None and general.match(text) is None] == []


@settings(deadline=None)
@given(patterns())
def test_pattern_includes_itself_and_is_included_in_any_text(pattern: TextPattern) -> None:
    """Every pattern requires some text."""
    assert includes(pattern, pattern)
    assert includes(compile_pattern("<anything>"), pattern)


CONDITIONS = st.builds(
    Conditions,
    to=st.none() | st.frozensets(st.sampled_from(["+1", "+2"]), min_size=1),
    media=st.sampled_from([None, True, False, "image/*", "image/png", "*/png", "*"]),
    query=st.none() | st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")),
    when=st.sampled_from([None, bool]),
)
MESSAGES = st.builds(
    InboundMessage,
    form=st.just(Form()),
    body=st.just("hello"),
    to=st.sampled_from(["+1", "+2"]),
    media=st.lists(st.sampled_from(["image/png", "image/gif", "audio/amr", ""]), max_size=2).map(
        lambda types: tuple(InboundMedia("https://a.example/1", each) for each in types)
    ),
    query=st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")),
)


@settings(deadline=None, max_examples=400)
@given(CONDITIONS, CONDITIONS, MESSAGES)
def test_hidden_route_matches_no_message_that_reaches_it(
    one: Conditions, other: Conditions, sent: InboundMessage
) -> None:
    """A route must never be reported if it could run."""
    first, second = MessageRoute(handler, None, one), MessageRoute(handler, None, other)

    if list(hidden_routes((first, second))):
        assert second.match(sent) is None or first.match(sent) is not None
