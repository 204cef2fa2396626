"""Routes: which events match, and the reason why others do not."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twiml_app.events import InboundMedia, InboundMessage, StatusCallback
from twiml_app.routing.patterns import compile_pattern
from twiml_app.routing.routes import Conditions, MessageRoute, StatusRoute, name_of, opt_out_kind, place_of
from twiml_app.webhook import Form

IMAGE = InboundMedia("https://example.com/1", "image/png")
CARD = InboundMedia("https://example.com/2", "text/vcard")


def message(body: str = "", **attributes: Any) -> InboundMessage:
    """Return a message from one number to another."""
    return InboundMessage(form=Form(), **{"body": body, "from_": "+15005550001", "to": "+15005550006"} | attributes)


def handler(message: InboundMessage) -> str:
    """Answer."""
    return "hi"


def refuse(message: InboundMessage) -> bool:
    """Refuse every message."""
    return False


@pytest.mark.parametrize(
    ("received", "kind"),
    [
        pytest.param(message("stop"), "STOP", id="only the word"),
        pytest.param(message("stop" + " " * 1500), "STOP", id="white space after it"),
        pytest.param(message("stop please"), "", id="word within a text"),
        pytest.param(message("STOP!"), "", id="punctuation"),
        pytest.param(message(""), "", id="nothing"),
        pytest.param(message("end it", opt_out_type="STOP"), "STOP", id="Advanced Opt-Out says so"),
        pytest.param(message("HELP", opt_out_type="stop"), "STOP", id="Advanced Opt-Out takes precedence"),
    ],
)
def test_opt_out_is_recognized_as_twilio_does(received: InboundMessage, kind: str) -> None:
    """A false STOP loses an order; after a missed one, Twilio refuses the reply."""
    assert opt_out_kind(received) == kind


class Answer:
    """A handler that is an object."""

    def __call__(self, message: InboundMessage) -> str:
        """Answer."""
        return message.body

    def method(self, message: InboundMessage) -> str:
        """Answer."""
        return message.body


@functools.wraps(handler)
def wrapped(*arguments: Any) -> str:
    """Answer, decorated."""
    return handler(*arguments)


def line_of(function: Callable[..., Any]) -> str:
    """Return file and line of a function."""
    return f"{function.__code__.co_filename}:{function.__code__.co_firstlineno}"


@pytest.mark.parametrize(
    ("function", "place"),
    [
        pytest.param(handler, f"{line_of(handler)} {__name__}.handler", id="function"),
        pytest.param(wrapped, f"{line_of(handler)} {__name__}.handler", id="decorated function"),
        pytest.param(Answer().method, f"{line_of(Answer.method)} {__name__}.Answer.method", id="method"),
        pytest.param(Answer(), f"{__name__}.Answer", id="callable object"),
        pytest.param(functools.partial(handler), "functools.partial", id="partial"),
        pytest.param(print, "builtins.print", id="built in"),
        pytest.param("handler", "builtins.str", id="not a handler"),
    ],
)
def test_place_of_a_handler_can_be_found(function: Any, place: str) -> None:
    """Errors at start-up name the file and the line of a handler."""
    assert place_of(function) == place
    assert name_of(function) == place.rpartition(" ")[2]


@pytest.mark.parametrize(
    ("conditions", "received", "says"),
    [
        pytest.param(Conditions(), message(), "", id="none"),
        pytest.param(Conditions(to=frozenset({"+15005550006"})), message(), "", id="to"),
        pytest.param(
            Conditions(to=frozenset({"+2", "+1"})), message(), "to is +15005550006, not +1 or +2", id="another number"
        ),
        pytest.param(Conditions(from_=frozenset({"+15005550001"})), message(), "", id="from"),
        pytest.param(
            Conditions(from_=frozenset({"+1"})), message(), "from_ is +15005550001, not +1", id="another contact"
        ),
        pytest.param(Conditions(channel=frozenset({"sms"})), message(), "", id="channel"),
        pytest.param(
            Conditions(channel=frozenset({"sms"})),
            message(from_="whatsapp:+1"),
            "channel is whatsapp, not sms",
            id="another channel",
        ),
        pytest.param(Conditions(media=True), message(media=(IMAGE,)), "", id="media"),
        pytest.param(Conditions(media=True), message(), "media is none, not True", id="no media"),
        pytest.param(Conditions(media=False), message(), "", id="media excluded"),
        pytest.param(
            Conditions(media=False),
            message(media=(IMAGE, CARD)),
            "media is image/png and text/vcard, not False",
            id="media although excluded",
        ),
        pytest.param(Conditions(media="image/*"), message(media=(CARD, IMAGE)), "", id="one of several media"),
        pytest.param(
            Conditions(media="image/*"), message(media=(CARD,)), "media is text/vcard, not image/*", id="another type"
        ),
        pytest.param(Conditions(media="image/*"), message(), "media is none, not image/*", id="no media of the type"),
        pytest.param(Conditions(query={"a": "1"}), message(query={"a": "1", "b": "2"}), "", id="query"),
        pytest.param(Conditions(query={"a": "1"}), message(), "the query has no a=1", id="no query"),
        pytest.param(
            Conditions(query={"a": "1", "b": "2"}), message(query={"a": "1"}), "the query has no b=2", id="part of it"
        ),
        pytest.param(Conditions(query={"a": ""}), message(), "the query has no a=", id="missing instead of empty"),
        pytest.param(Conditions(when=lambda each: each.body == "x"), message("x"), "", id="predicate"),
        pytest.param(
            Conditions(when=lambda each: each.media),
            message(),
            f"{__name__}.<lambda> returned false",
            id="falsy value",
        ),
        pytest.param(
            Conditions(when=refuse), message(), f"{__name__}.refuse returned false", id="predicate that refuses"
        ),
        pytest.param(
            Conditions(to=frozenset({"+1"}), from_=frozenset({"+1"}), when=refuse),
            message(),
            "to is +15005550006, not +1",
            id="the first of several",
        ),
    ],
)
def test_unmet_condition_is_described(conditions: Conditions, received: InboundMessage, says: str) -> None:
    """The command line shows why a handler would not run."""
    assert conditions.unmet(received) == says
    assert MessageRoute(handler, None, conditions).match(received) == (None if says else {})


def test_predicate_is_called_last() -> None:
    """It may query a database, which should not happen for messages to other numbers."""
    called: list[InboundMessage] = []
    conditions = Conditions(to=frozenset({"+1"}), media=True, query={"a": "1"}, when=called.append)

    assert conditions.unmet(message(to="+1", media=(IMAGE,))) == "the query has no a=1"
    assert not called


@pytest.mark.parametrize(
    ("conditions", "shown"),
    [
        pytest.param(Conditions(), "", id="none"),
        pytest.param(
            Conditions(to=frozenset({"+2", "+1"}), media=False, channel=frozenset({"sms"})),
            "to=+1 or +2, media=False, channel=sms",
            id="several",
        ),
        pytest.param(
            Conditions(from_=frozenset({"+1"}), query={"a": "1"}, when=refuse),
            f"from_=+1, query={{'a': '1'}}, when={__name__}.refuse",
            id="other conditions",
        ),
    ],
)
def test_conditions_are_shown_as_written(conditions: Conditions, shown: str) -> None:
    """People compare the table of routes with the program."""
    assert conditions.describe() == shown


@pytest.mark.parametrize(
    ("route", "source", "body", "arguments", "unmet"),
    [
        pytest.param(
            MessageRoute(handler, compile_pattern("order <int:n>")),
            '"order <int:n>"',
            "order 2",
            {"n": 2},
            "",
            id="text pattern",
        ),
        pytest.param(
            MessageRoute(handler, compile_pattern("order <int:n>")),
            '"order <int:n>"',
            "order",
            None,
            'the text does not match "order <int:n>"',
            id="text pattern that does not match",
        ),
        pytest.param(
            MessageRoute(handler, re.compile(r"#(?P<tag>\w+)(?P<mark>!)?")),
            r"/#(?P<tag>\w+)(?P<mark>!)?/",
            "see #A",
            {"tag": "A", "mark": None},
            "",
            id="regular expression is searched unchanged",
        ),
        pytest.param(
            MessageRoute(handler, re.compile("(?P<x>a)")),
            "/(?P<x>a)/",
            "A",
            None,
            "the text does not match /(?P<x>a)/",
            id="regular expression keeps its case",
        ),
        pytest.param(
            MessageRoute(handler, re.compile("")), "//", "x", {}, "", id="regular expression that matches anything"
        ),
        pytest.param(
            MessageRoute(handler, conditions=Conditions(when=refuse)),
            "(any text)",
            "x",
            None,
            f"{__name__}.refuse returned false",
            id="only conditions",
        ),
        pytest.param(MessageRoute(handler, default=True), "(default)", "x", {}, "", id="default"),
    ],
)
def test_route_shows_its_pattern_and_why_it_does_not_match(
    route: MessageRoute, source: str, body: str, arguments: dict[str, Any] | None, unmet: str
) -> None:
    """The description must agree with the match, or it would be misleading."""
    assert (route.source, route.match(message(body)), route.unmet(message(body))) == (source, arguments, unmet)


CONDITIONS = st.builds(
    Conditions,
    to=st.none() | st.frozensets(st.sampled_from(["+1", "+2"])),
    media=st.sampled_from([None, True, False, "image/*"]),
    query=st.none() | st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")),
    when=st.sampled_from([None, refuse, bool]),
)
MESSAGES = st.builds(
    message,
    st.sampled_from(["", "a", "order 1"]),
    to=st.sampled_from(["+1", "+2"]),
    media=st.sampled_from([(), (IMAGE,), (CARD,)]),
    query=st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")),
)
PATTERNS = st.sampled_from([None, compile_pattern("order <int:n>"), re.compile("a")])


@settings(deadline=None)
@given(PATTERNS, CONDITIONS, MESSAGES)
def test_reason_is_given_exactly_if_there_is_no_match(
    pattern: Any, conditions: Conditions, received: InboundMessage
) -> None:
    """A missing or wrong reason would be misleading."""
    route = MessageRoute(handler, pattern, conditions)

    assert (route.match(received) is None) is bool(route.unmet(received))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(
            MessageRoute(handler, compile_pattern("Hi <a>")),
            MessageRoute(refuse, compile_pattern("hi <b>!"), Conditions()),
            False,
            id="closing punctuation after text",
        ),
        pytest.param(
            MessageRoute(handler, compile_pattern("Hi <a>")),
            MessageRoute(refuse, compile_pattern("hi  <b>")),
            True,
            id="case, white space and names",
        ),
        pytest.param(
            MessageRoute(handler, re.compile("a")), MessageRoute(handler, re.compile("a", re.I)), False, id="flags"
        ),
        pytest.param(MessageRoute(handler, re.compile("a")), MessageRoute(refuse, re.compile("a")), True, id="regex"),
        pytest.param(
            MessageRoute(handler, None, Conditions(query={"a": "1", "b": "2"})),
            MessageRoute(handler, None, Conditions(query={"b": "2", "a": "1"})),
            True,
            id="order of the query",
        ),
        pytest.param(
            MessageRoute(handler, compile_pattern("a"), Conditions(to=frozenset({"+1"}))),
            MessageRoute(handler, compile_pattern("a"), Conditions(from_=frozenset({"+1"}))),
            False,
            id="to and from",
        ),
        pytest.param(
            MessageRoute(handler, None, Conditions(when=refuse)),
            MessageRoute(handler, None, Conditions(when=bool)),
            False,
            id="predicates",
        ),
    ],
)
def test_routes_for_the_same_messages_have_the_same_key(one: MessageRoute, other: MessageRoute, same: bool) -> None:
    """The second of them would never run."""
    assert (one.key == other.key) is same


@pytest.mark.parametrize(
    ("route", "status", "code", "matches"),
    [
        pytest.param(StatusRoute(handler, frozenset({"sent", "delivered"})), "sent", None, True, id="status"),
        pytest.param(StatusRoute(handler, frozenset({"sent"})), "Sent", None, False, id="status is case-sensitive"),
        pytest.param(StatusRoute(handler, frozenset({"sent"})), "failed", 30003, False, id="another status"),
        pytest.param(StatusRoute(handler, error_codes=(30003, 30005)), "failed", 30005, True, id="one of the codes"),
        pytest.param(StatusRoute(handler, error_codes=(30003,)), "failed", 30004, False, id="another code"),
        pytest.param(
            StatusRoute(handler, error_codes=(range(30400, 30500),)), "failed", 30400, True, id="start of a range"
        ),
        pytest.param(
            StatusRoute(handler, error_codes=(range(30400, 30500),)), "failed", 30499, True, id="end of a range"
        ),
        pytest.param(
            StatusRoute(handler, error_codes=(range(30400, 30500),)), "failed", 30500, False, id="after a range"
        ),
        pytest.param(StatusRoute(handler, error_codes=(0,)), "failed", 0, True, id="code zero"),
        pytest.param(StatusRoute(handler, error_codes=(0,)), "failed", None, False, id="no code does not match zero"),
    ],
)
def test_status_route_matches_its_statuses_or_codes(
    route: StatusRoute, status: str, code: int | None, matches: bool
) -> None:
    """A failure that reaches no handler goes unnoticed."""
    assert route.matches(StatusCallback(form=Form(), message_status=status, error_code=code)) is matches


@pytest.mark.parametrize(
    ("route", "source"),
    [
        pytest.param(StatusRoute(handler, frozenset({"sent", "delivered"})), "delivered or sent", id="statuses"),
        pytest.param(
            StatusRoute(handler, error_codes=(30005, range(30400, 30500))), "30005 or 30400-30499", id="codes"
        ),
    ],
)
def test_status_route_is_shown_as_written(route: StatusRoute, source: str) -> None:
    """People compare the table of routes with the program."""
    assert route.source == source
