"""Routing: the first handler that matches runs, and conflicts are refused at start-up."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twiml_app import Router
from twiml_app.errors import RegistrationError
from twiml_app.events import InboundMedia, InboundMessage, StatusCallback
from twiml_app.routing.mistakes import NOT_ASYNC
from twiml_app.routing.patterns import compile_pattern
from twiml_app.routing.router import Match
from twiml_app.routing.routes import place_of
from twiml_app.webhook import Form


def message(body: str = "", **attributes: Any) -> InboundMessage:
    """Return a message from one number to another."""
    return InboundMessage(form=Form(), **{"body": body, "from_": "+15005550001", "to": "+15005550006"} | attributes)


def status(message_status: str = "failed", error_code: int | None = None) -> StatusCallback:
    """Return a status callback."""
    return StatusCallback(form=Form(), message_status=message_status, error_code=error_code)


def first(message: InboundMessage) -> None:
    """Take a message."""


def second(message: InboundMessage) -> None:
    """Take a message."""


def third(message: InboundMessage) -> None:
    """Take a message."""


def numbered(message: InboundMessage, count: int) -> None:
    """Take a message with a number."""


def named(message: InboundMessage, *, name: str, **others: str) -> None:
    """Take a message with a name and anything else."""


async def asynchronous(message: InboundMessage) -> None:
    """Take a message asynchronously."""


def taken_by(router: Router, received: InboundMessage) -> Callable[..., Any] | None:
    """Return the handler that matches a message."""
    found = router.match(received)
    return found.route.handler if found else None


PATTERNS = ["a", "a <x>", "<int:x>", "<word:x>", "<x> b", "<x>"]
TEXTS = st.lists(st.sampled_from(["a", "b", "1", "!"]), max_size=3).map(" ".join)


def taker() -> Callable[..., Any]:
    """Return a handler that takes any captures."""

    def take(message: InboundMessage, **captures: Any) -> None:
        """Take a message."""

    return take


@settings(deadline=None)
@given(st.permutations(PATTERNS), st.integers(0, len(PATTERNS)), st.sampled_from([None, 0, 1]), TEXTS)
def test_first_match_in_registration_order_wins_and_default_is_last(
    patterns: list[str], cut: int, default_in: int | None, text: str
) -> None:
    """The handler that runs must be the topmost one in the program, however routers are split."""
    handlers = {pattern: taker() for pattern in patterns}
    routers = [Router(), Router()]
    if default_in is not None:
        routers[default_in].default(first)
    for place, (pattern, handler) in enumerate(handlers.items()):
        routers[place >= cut].message(pattern)(handler)
    router = Router(Router(routers[0]), routers[1])

    defaults = [] if default_in is None else [first]
    fitting = [handler for pattern, handler in handlers.items() if compile_pattern(pattern).match(text) is not None]
    assert taken_by(router, message(text)) is [*fitting, *defaults, None][0]
    assert [route.handler for route in router.routes] == [*handlers.values(), *defaults]
    assert [route.handler for route in router.routes if route.default] == defaults


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("hours", "\n HOURS!"),
        ("stop it", "ſtop it"),
        ("orders now", "orderſ now"),
        ("is it", "İs it"),
        ("orderſ now", "orders now"),
        ("order<int:number>", "order5"),
        ("order_<int:number>", "order_5"),
        ("order<word:item>", "ordertea"),
        ("what's new", "whatʼs new"),
        ("what's new", "what’s new"),
        ("über uns", "Über uns"),
        ("<word:a> tea", "green tea"),
        ("...", "..."),
    ],
)
def test_first_word_of_a_text_leaves_out_no_route_that_matches(pattern: str, text: str) -> None:
    """Routes are looked up by the first word, and some letters match other ones."""
    router = Router()
    for source in ("order", "orders", "green", "what", pattern):
        router.message(source)(taker())

    found = router.match(message(text))

    assert found is not None
    assert found.route is router.routes[-1]


_PIECES = ("order", "s", "ſ", "K", "\u212a", "i", "İ", "é", "_", "1", " ", "'", "ʼ", "!", "\u0345", "ι")
_TEXTS = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=4).map("".join)
_ENDS = st.sampled_from(("", "<word:a>", " <word:a>", "<any(is, 1):a>"))


@given(st.lists(st.tuples(_TEXTS, _ENDS), max_size=5), st.lists(_TEXTS))
@settings(deadline=None)
def test_first_route_that_matches_is_found_by_the_first_word(sources: list[tuple[str, str]], texts: list[str]) -> None:
    """A lookup by the first word finds the same route as trying all of them."""
    router = Router()
    for start, end in sources:
        with suppress(RegistrationError):
            router.message(start + end)(taker())
    router.message(re.compile("ord"))(first)

    for received in map(message, [*texts, *(start + end for start, end in sources)]):
        found = router.match(received)
        matching = (route for route in router.routes if route.match(received) is not None)
        assert (found and found.route) == next(matching, None)


def test_match_has_the_arguments_of_the_handler() -> None:
    """The handler is called with the pattern's values by name."""
    router = Router()
    router.message("order <int:count>")(numbered)
    router.message(re.compile("(?P<name>[A-Z]+)!(?P<rest>.)?"))(named)
    router.default(first)

    assert router.match(message("Order 2.")) == Match(router.routes[0], {"count": 2})
    assert router.match(message("see ABC!")) == Match(router.routes[1], {"name": "ABC", "rest": None})
    assert router.match(message("x")) == Match(router.routes[2], {})


def test_router_without_a_default_matches_no_other_message() -> None:
    """Nobody may get an answer by accident."""
    assert Router().match(message("a")) is None
    assert Router().routes == ()


def test_decorators_return_the_handler_unchanged() -> None:
    """A decorated handler is still a plain function, which a test can call and another decorator can wrap."""
    router = Router()

    assert router.message("a")(first) is first
    assert router.default(first) is first
    assert router.status("sent")(first) is first
    assert router.error_code(30003)(first) is first
    assert router.opt_out(first) is first
    assert router.opt_out("HELP")(first) is first


@pytest.mark.parametrize(
    ("conditions", "fitting", "other"),
    [
        pytest.param({"to": "+1"}, message(to="+1"), message(), id="to"),
        pytest.param({"to": ["+1", "+2"]}, message(to="+2"), message(), id="several numbers"),
        pytest.param({"from_": "+1"}, message(from_="+1"), message(), id="from"),
        pytest.param({"channel": "whatsapp"}, message(from_="whatsapp:+1"), message(), id="channel"),
        pytest.param(
            {"channel": {"whatsapp", "rcs"}},
            message(from_="rcs:x"),
            message(from_="messenger:1"),
            id="several channels",
        ),
        pytest.param(
            {"media": "image/*"},
            message(media=(InboundMedia("https://h/1", "image/png"),)),
            message(media=(InboundMedia("https://h/1", "audio/amr"),)),
            id="media",
        ),
        pytest.param(
            {"media": False}, message(), message(media=(InboundMedia("https://h/1", "image/png"),)), id="no media"
        ),
        pytest.param({"query": {"step": "2"}}, message(query={"step": "2", "x": "y"}), message(), id="query"),
        pytest.param({"when": lambda each: each.body}, message("x"), message(""), id="predicate"),
        pytest.param({"pattern": "a", "to": "+1"}, message("A!", to="+1"), message("b", to="+1"), id="pattern too"),
    ],
)
def test_conditions_choose_the_handler(
    conditions: dict[str, Any], fitting: InboundMessage, other: InboundMessage
) -> None:
    """A program may serve several numbers and channels."""
    router = Router()
    router.message(**conditions)(first)
    router.default(second)

    assert taken_by(router, fitting) is first
    assert taken_by(router, other) is second


DEFAULT = (
    "@router.default takes neither parentheses nor a pattern: write @router.default in the line above the handler, or"
    ' @router.message("hello") for a pattern'
)


@pytest.mark.parametrize(
    ("register", "says"),
    [
        pytest.param(
            lambda router: router.message(),
            "@router.message needs a pattern or a condition: for all other messages use @router.default",
            id="neither pattern nor condition",
        ),
        pytest.param(
            lambda router: router.message(query={}),
            "@router.message needs a pattern or a condition: for all other messages use @router.default",
            id="empty condition",
        ),
        pytest.param(
            lambda router: router.message(first),
            '@router.message needs parentheses with an argument: write @router.message("hello")',
            id="no parentheses",
        ),
        pytest.param(
            lambda router: router.message(["a", "b"]),
            "@router.message takes one text pattern or one compiled regular expression, such as"
            ' @router.message("hello"), not list',
            id="list of patterns",
        ),
        pytest.param(
            lambda router: router.message("<path:x>"),
            "the pattern '<path:x>' has the unknown converter 'path': use one of text, word, int, float, any(a, b)",
            id="invalid pattern",
        ),
        pytest.param(
            lambda router: router.status(),
            '@router.status needs a MessageStatus, such as @router.status("delivered")',
            id="no status",
        ),
        pytest.param(
            lambda router: router.status(first),
            '@router.status needs parentheses with an argument: write @router.status("delivered")',
            id="status without parentheses",
        ),
        pytest.param(
            lambda router: router.status(7),
            '@router.status needs a MessageStatus, such as @router.status("delivered")',
            id="status as a number",
        ),
        pytest.param(
            lambda router: router.error_code(first),
            "@router.error_code needs parentheses with an argument: write @router.error_code(30003)",
            id="error code without parentheses",
        ),
        pytest.param(lambda router: router.default(), DEFAULT, id="default with parentheses"),
        pytest.param(lambda router: router.default("hello"), DEFAULT, id="default with a pattern"),
        pytest.param(
            lambda router: router.error_code(),
            "@router.error_code needs codes or ranges, such as @router.error_code(30003, range(30400, 30500))",
            id="no code",
        ),
        pytest.param(
            lambda router: router.error_code("30003"),
            "@router.error_code needs codes or ranges, such as @router.error_code(30003, range(30400, 30500))",
            id="code as a string",
        ),
        pytest.param(
            lambda router: router.opt_out("STOP", "pause", "Quit"),
            "@router.opt_out takes STOP, START and HELP, not PAUSE and QUIT",
            id="opt-out words that are not kinds",
        ),
    ],
)
def test_registration_without_effect_is_refused(register: Callable[[Router], object], says: str) -> None:
    """A mistake in a decorator must not silently leave out the handler."""
    with pytest.raises(RegistrationError) as caught:
        register(Router())
    assert str(caught.value).partition("\n  at ")[0] == says


@pytest.mark.parametrize(
    "register",
    [
        pytest.param(lambda router: router.message(first), id="message"),
        pytest.param(lambda router: router.status(first), id="status"),
        pytest.param(lambda router: router.error_code(first), id="error code"),
    ],
)
def test_decorator_without_parentheses_is_refused_with_the_place_of_the_handler(
    register: Callable[[Router], object],
) -> None:
    """The decorator is called with the handler itself, so its place is known."""
    with pytest.raises(RegistrationError) as caught:
        register(Router())

    assert caught.value.places == (place_of(first),)


def test_invalid_pattern_is_refused_with_the_line_of_its_decorator() -> None:
    """The handler is not known yet, but somebody must find the mistake."""
    with pytest.raises(RegistrationError) as caught:
        Router().message("<path:x>")

    assert [place.rpartition(":")[0] for place in caught.value.places] == [__file__]


UNFIT = "the handler is called with {}, but it does not accept that ({}): write def {}"


@pytest.mark.parametrize(
    ("register", "handler", "says"),
    [
        pytest.param(
            lambda router: router.message("order <int:n> <item>"),
            first,
            UNFIT.format("a message and n, item", "got an unexpected keyword argument 'n'", "first(message, n, item)"),
            id="capture without a parameter",
        ),
        pytest.param(
            lambda router: router.message("a"),
            numbered,
            UNFIT.format("a message", "missing a required argument: 'count'", "numbered(message)"),
            id="parameter without a capture",
        ),
        pytest.param(
            lambda router: router.message(re.compile("(?P<total>.)")),
            numbered,
            UNFIT.format("a message and total", "missing a required argument: 'count'", "numbered(message, total)"),
            id="group with another name",
        ),
        pytest.param(
            lambda router: router.message("<message>"),
            first,
            "the pattern captures 'message', which is the handler's first parameter: rename one of them",
            id="capture named like the message",
        ),
        pytest.param(
            lambda router: router.default,
            numbered,
            UNFIT.format("a message", "missing a required argument: 'count'", "numbered(message)"),
            id="default with a capture",
        ),
        pytest.param(
            lambda router: router.opt_out,
            numbered,
            UNFIT.format("a message", "missing a required argument: 'count'", "numbered(message)"),
            id="opt-out with a capture",
        ),
        pytest.param(
            lambda router: router.status("sent"),
            numbered,
            UNFIT.format("a status callback", "missing a required argument: 'count'", "numbered(status)"),
            id="status with a capture",
        ),
        pytest.param(
            lambda router: router.error_code(30003),
            numbered,
            UNFIT.format("a status callback", "missing a required argument: 'count'", "numbered(status)"),
            id="error code with a capture",
        ),
        pytest.param(
            lambda router: router.message("a"),
            "hello",
            UNFIT.format("a message", "'hello' is not a callable object", "str(message)"),
            id="string instead of a handler",
        ),
        pytest.param(
            lambda router: router.message("a"),
            asynchronous,
            NOT_ASYNC,
            id="coroutine function",
        ),
        pytest.param(
            lambda router: router.default,
            functools.partial(asynchronous),
            NOT_ASYNC,
            id="coroutine function in a partial",
        ),
    ],
)
def test_handler_that_cannot_be_called_is_refused_with_its_place(
    register: Callable[[Router], Callable[[Any], object]], handler: Any, says: str
) -> None:
    """Otherwise it would fail for the first customer."""
    with pytest.raises(RegistrationError) as caught:
        register(Router())(handler)
    assert str(caught.value) == f"{says}\n  at {place_of(handler)}"
    assert caught.value.places == (place_of(handler),)


@pytest.mark.parametrize("merged", [pytest.param(False, id="one router"), pytest.param(True, id="merged")])
@pytest.mark.parametrize(
    ("register_first", "register_second", "says"),
    [
        pytest.param(
            lambda router: router.message("Hours"),
            lambda router: router.message(" hours!"),
            'the pattern " hours!" is registered twice, so the second would never run',
            id="text pattern",
        ),
        pytest.param(
            lambda router: router.message(re.compile("a")),
            lambda router: router.message(re.compile("a")),
            "the pattern /a/ is registered twice, so the second would never run",
            id="regular expression",
        ),
        pytest.param(
            lambda router: router.message(to=["+1", "+2"]),
            lambda router: router.message(to=("+2", "+1")),
            "the pattern (any text) is registered twice, so the second would never run",
            id="conditions",
        ),
        pytest.param(
            lambda router: router.default, lambda router: router.default, "there are two default handlers", id="default"
        ),
    ],
)
def test_conflict_is_refused_with_both_places(
    register_first: Callable[[Router], Callable[[Any], object]],
    register_second: Callable[[Router], Callable[[Any], object]],
    says: str,
    merged: bool,
) -> None:
    """The two may be in different files, and the second would never run."""
    one, other = Router(), Router()
    register_first(one)(first)
    if merged:
        register_second(other)(second)
    with pytest.raises(RegistrationError) as caught:
        Router(Router(one), other) if merged else register_second(one)(second)
    assert str(caught.value) == f"{says}\n  at {place_of(first)}\n  at {place_of(second)}"
    assert caught.value.places == (place_of(first), place_of(second))


def test_pattern_may_be_registered_twice_with_different_conditions() -> None:
    """The same word may have different meanings for different numbers."""
    router = Router()
    router.message("a", to="+1")(first)
    router.message("a", to="+2")(second)
    router.message("a")(third)

    assert [taken_by(router, message("a", to=number)) for number in ("+1", "+2", "+3")] == [first, second, third]


REGISTRATIONS = [
    pytest.param(lambda router: router.message("late"), id="message"),
    pytest.param(lambda router: router.default, id="default"),
    pytest.param(lambda router: router.status("sent"), id="status"),
    pytest.param(lambda router: router.error_code(30003), id="error code"),
    pytest.param(lambda router: router.opt_out, id="opt-out"),
    pytest.param(lambda router: router.opt_out("HELP"), id="opt-out of a kind"),
]


def served() -> Iterator[Router]:
    """Yield a router that has started to serve, and the routers merged into it at every depth."""
    inner, other = Router(), Router()
    middle = Router(inner)
    outer = Router(middle, other)
    outer.begin_serving()
    outer.begin_serving()
    yield from (outer, middle, inner, other)


@pytest.mark.parametrize("register", REGISTRATIONS)
def test_registration_after_the_first_request_is_refused_at_every_depth(
    register: Callable[[Router], Callable[[Any], object]],
) -> None:
    """It would work in this worker only."""
    for router in served():
        with pytest.raises(RegistrationError) as caught:
            register(router)(first)
        assert str(caught.value) == (
            "this handler is registered after the first request: import its module before the application starts"
            f"\n  at {place_of(first)}"
        )


@pytest.mark.parametrize("register", REGISTRATIONS)
def test_registration_after_a_merge_is_refused(register: Callable[[Router], Callable[[Any], object]]) -> None:
    """The merged router was created before, and would not have the handler."""
    router = Router()
    merged = Router(router)
    register(merged)(second)

    with pytest.raises(RegistrationError) as caught:
        register(router)(first)
    assert str(caught.value) == (
        "this handler is registered after its router was merged into another: import its module before that"
        f"\n  at {place_of(first)}"
    )


def test_routers_are_merged_whole_and_in_order() -> None:
    """A handler that is lost in a merge would never run."""
    one, other = Router(), Router()
    one.message("a")(first)
    one.default(third)
    other.message("b")(second)
    for router, handler in ((one, first), (other, second)):
        router.status("failed")(handler)
        router.error_code(30003)(handler)
        router.opt_out(handler)
    merged = Router(one, Router(other))

    assert [route.handler for route in merged.routes] == [first, second, third]
    assert [route.source for route in merged.status_routes] == ["failed", "30003"] * 2
    assert [route.handler for route in merged.opt_out_routes] == [first, second]
    assert merged.status_handlers(status("failed", 30003)) == [first, second]
    assert merged.opt_out_handlers("STOP") == [first, second]


@pytest.mark.parametrize(
    ("received", "handlers"),
    [
        pytest.param(status("failed"), [first], id="status"),
        pytest.param(status("undelivered", 30003), [first, second], id="status and exact code"),
        pytest.param(status("sent", 30005), [second, third], id="code that is listed, and in a range"),
        pytest.param(status("sent", 30099), [third], id="end of a range"),
        pytest.param(status("sent", 30100), [], id="after a range"),
        pytest.param(status("sent"), [], id="no code"),
    ],
)
def test_every_handler_that_matches_a_status_runs_in_order(
    received: StatusCallback, handlers: list[Callable[..., Any]]
) -> None:
    """One may update a list and another alert somebody: neither may replace the other."""
    router = Router()
    router.status("failed", "undelivered")(first)
    router.error_code(30003, 30005)(second)
    router.error_code(range(30005, 30100), 30500)(third)

    assert router.status_handlers(received) == handlers


def test_handler_registered_for_status_and_code_runs_once() -> None:
    """Otherwise it would refund the customer twice."""
    router = Router()
    router.status("failed")(router.error_code(30003)(router.error_code(range(30000, 30100))(first)))
    router.opt_out("STOP", "HELP")(router.opt_out(first))

    assert router.status_handlers(status("failed", 30003)) == [first]
    assert router.opt_out_handlers("STOP") == [first]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        pytest.param((), {"STOP"}, id="none named"),
        pytest.param(("STOP",), {"STOP"}, id="stop"),
        pytest.param(("start", "Help"), {"START", "HELP"}, id="in any case"),
        pytest.param(("STOP", "START", "HELP"), {"STOP", "START", "HELP"}, id="all"),
    ],
)
def test_opt_out_handlers_are_called_for_their_kinds(kinds: tuple[str, ...], expected: set[str]) -> None:
    """If START were handled as STOP, a subscriber who came back would be deleted."""
    router = Router()
    router.opt_out(*kinds)(first)

    assert {kind for kind in ("STOP", "START", "HELP", "") if router.opt_out_handlers(kind) == [first]} == expected


def test_opt_out_without_parentheses_is_called_for_stop() -> None:
    """The decorator reads best without parentheses."""
    router = Router()
    router.opt_out(first)

    assert router.opt_out_handlers("STOP") == [first]
    assert router.opt_out_handlers("HELP") == []


@pytest.mark.parametrize(
    ("status", "says"),
    [
        pytest.param(
            "deliverd", "'deliverd' is not a MessageStatus that Twilio documents, did you mean delivered?", id="typo"
        ),
        pytest.param(
            "Failed", "'Failed' is not a MessageStatus that Twilio documents, did you mean failed?", id="case"
        ),
        pytest.param("zzz", "'zzz' is not a MessageStatus that Twilio documents", id="no similar status"),
    ],
)
def test_unknown_status_causes_a_warning_at_its_line(status: str, says: str) -> None:
    """Twilio may add a status, so it is allowed; but a typo would never match."""
    router = Router()
    with pytest.warns(UserWarning, match="is not a MessageStatus") as warned:
        router.status("sent", status)(first)

    assert [(str(each.message), each.filename) for each in warned] == [(says, __file__)]
    assert router.status_handlers(StatusCallback(form=Form(), message_status=status)) == [first]


def test_documented_statuses_cause_no_warning() -> None:
    """Needless warnings would hide the ones that matter."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        Router().status("queued", "sent", "delivered", "undelivered", "failed", "read", "canceled")

    assert warned == []


@pytest.mark.parametrize(
    ("pattern", "conditions", "answering", "found"),
    [
        pytest.param("stop", {}, [], True, id="word"),
        pytest.param(" Unsubscribe! ", {}, [], True, id="as people type it"),
        pytest.param("stop <x>", {}, [], False, id="word among others"),
        pytest.param("<x>", {}, [], False, id="any text"),
        pytest.param("start", {}, [], False, id="START reaches the routes"),
        pytest.param(re.compile("^stop$"), {}, [], False, id="regular expressions are not analyzed"),
        pytest.param(None, {"media": True}, [], False, id="no pattern"),
        pytest.param("stop", {}, ["+1"], True, id="any number, only some answer themselves"),
        pytest.param("stop", {"to": "+1"}, ["+1", "+2"], False, id="number that answers itself"),
        pytest.param("stop", {"to": ["+1", "+2"]}, ["+1", "+2"], False, id="every number answers itself"),
        pytest.param("stop", {"to": ["+1", "+3"]}, ["+1", "+2"], True, id="one of the numbers does not answer itself"),
        pytest.param("stop", {"to": []}, ["+1"], True, id="no number"),
    ],
)
def test_patterns_that_twilio_answers_itself_are_found(
    pattern: Any, conditions: dict[str, Any], answering: list[str], found: bool
) -> None:
    """Such a handler never runs, so there is a warning at start-up."""
    router = Router()
    router.message(pattern, **conditions)(taker())

    assert list(router.routes_on_stop_words(answering)) == list(router.routes) * found


def test_decorator_may_pass_an_argument_of_its_own() -> None:
    """What is called is the wrapper, and it need not have the signature of the function inside."""

    def with_session(handler: Callable[..., str]) -> Callable[..., str]:
        @functools.wraps(handler)
        def wrapper(message: InboundMessage, **captures: str) -> str:
            return handler(message, "session", **captures)

        return wrapper

    router = Router()

    @router.message("hello <name>")
    @with_session
    def hello(message: InboundMessage, session: str, name: str) -> str:
        return f"{session} {name}"

    assert [route.source for route in router.routes] == ['"hello <name>"']
