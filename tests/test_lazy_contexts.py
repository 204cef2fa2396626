"""Flask's contexts, made when a handler asks for them: they are then the same as Flask's own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest
from flask import (
    Flask,
    Request,
    after_this_request,
    copy_current_request_context,
    current_app,
    flash,
    g,
    get_flashed_messages,
    has_app_context,
    has_request_context,
    request,
    session,
    url_for,
)
from flask.globals import app_ctx, request_ctx
from flask.typing import ResponseReturnValue

from tests.test_direct_dispatch import by_dispatch, make_app, post, whole
from twiml_app import InboundMessage
from twiml_app.lazy_contexts import LazyContexts

Handler = Callable[[InboundMessage], Any]


class CountedRequest(Request):
    """A request that is counted."""

    made = 0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        CountedRequest.made += 1


class Counted(Flask):
    """An application that counts its requests."""

    request_class = CountedRequest


def test_no_context_is_made_for_a_handler_that_asks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making them would take as long as a reply; that there is an application is known without them."""
    monkeypatch.setattr(CountedRequest, "made", 0)
    app = make_app(lambda _: f"{current_app.name} {has_app_context()} {has_request_context()}", Counted("bigger"))

    assert b"bigger True True" in post(app).data
    assert CountedRequest.made == 0


def test_contexts_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a handler keeps in them must be found again."""
    monkeypatch.setattr(CountedRequest, "made", 0)

    def handler(_: InboundMessage) -> str:
        g.kept = request.path
        return str(g.kept + request.endpoint)

    assert b"/messagetwiml.message" in post(make_app(handler, Counted("bigger"))).data
    assert CountedRequest.made == 1


def use_flashes(_: InboundMessage) -> str:
    """Flash a message, which sets an attribute of the request context."""
    flash("saved")
    return f"{get_flashed_messages()} {get_flashed_messages()}"


def set_an_attribute(_: InboundMessage) -> str:
    """Set an attribute of a context, as extensions do."""
    request_ctx.extension_data = "kept"  # type: ignore[attr-defined]
    return str(request_ctx.extension_data)  # type: ignore[attr-defined]


def ask_in_a_thread(_: InboundMessage) -> str:
    """Use the request in another thread, before this one has used it."""
    seen: list[str] = []

    @copy_current_request_context
    def look() -> None:
        seen.append(f"{request.form['Body']} {url_for('twiml.status')} {current_app.name}")

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return seen[0]


def ask_in_a_copied_context(_: InboundMessage) -> str:
    """Make the contexts in a copy of the context variables, as executors of asyncio do, and use them here."""
    session["seen"] = copy_context().run(lambda: request.path)
    g.seen = copy_context().run(lambda: session["seen"])
    return f"{session['seen']} {g.seen}"


def ask_within_others(_: InboundMessage) -> str:
    """Push other contexts on top, before and after the own ones are made."""
    with current_app.test_request_context("/other"):
        other = request.path
    with current_app.app_context():
        g.inner = 1
    return f"{other} {request.path} {g.get('inner')}"


def ask_for_a_missing_attribute(_: InboundMessage) -> str:
    """Ask for what no context has."""
    return f"{hasattr(app_ctx, 'nothing')} {getattr(request_ctx, 'nothing', 'none')}"


def add_cookie(_: InboundMessage) -> str:
    """Have a cookie set by the answer."""

    @after_this_request
    def with_cookie(response: Any) -> Any:
        response.set_cookie("seen", "yes")
        return response

    return "with a cookie"


@pytest.mark.parametrize(
    "handler",
    [
        use_flashes,
        set_an_attribute,
        ask_in_a_thread,
        ask_in_a_copied_context,
        ask_within_others,
        ask_for_a_missing_attribute,
        add_cookie,
    ],
    ids=lambda each: each.__name__,
)
def test_handler_sees_the_same_contexts_either_way(handler: Handler) -> None:
    """A handler must not depend on the way that a request took."""
    app = make_app(handler)
    answer = post(app)

    assert answer.status_code == 200
    assert whole(answer) == whole(by_dispatch(app))


def test_nothing_is_left_of_the_contexts_after_a_request() -> None:
    """The next request of the same thread must not find them."""
    seen: list[bool] = []

    def handler(_: InboundMessage) -> str:
        g.kept = request.path
        return "kept"

    app = make_app(handler)
    post(app)
    seen += [has_app_context(), has_request_context()]

    assert seen == [False, False]
    assert post(make_app(lambda _: str(g.get("kept")))).status_code == 200


class UnreadyRequest(Request):
    """A request that cannot be made."""

    def __init__(self, *_arguments: Any, **_named: Any) -> None:
        raise RuntimeError("not ready")


class Unready(Flask):
    """An application whose requests cannot be made."""

    request_class = UnreadyRequest


def test_contexts_that_cannot_be_made_fail_in_the_handler() -> None:
    """The handler gets the error each time that it asks, and nothing is ended that has not begun."""
    app = Unready("bigger")
    contexts = LazyContexts(app, {})
    contexts.push()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="not ready"):
            _ = request.path
    contexts.pop(None)

    assert not contexts.are_made
    assert not has_request_context()


@pytest.mark.parametrize(
    ("host", "trusted"),
    [("bad host", None), ("example.com", ["example.com"]), ("[::1]:80", None)],
    ids=["malformed", "trusted", "address"],
)
def test_host_is_checked_as_flask_does(host: str, trusted: list[str] | None) -> None:
    """Flask refuses some hosts before it calls a view."""
    app = make_app()
    app.config["TRUSTED_HOSTS"] = trusted
    environ = {"HTTP_HOST": host}

    assert whole(post(app, environ_overrides=environ)) == whole(by_dispatch(app, environ_overrides=environ))


@pytest.mark.parametrize("matching", ["host_matching", "subdomain_matching"])
def test_host_that_decides_about_the_view_is_left_to_flask(matching: str) -> None:
    """The same path may lead to another view there."""
    app = make_app(app=Flask("bigger", **{matching: True}, static_host="x", static_folder=None))  # type: ignore[arg-type]

    assert whole(post(app)) == whole(by_dispatch(app))


def test_view_that_is_added_later_is_found() -> None:
    """A program may add its rules after the first request, as long as Flask has dispatched none."""
    app = make_app()
    first = post(app).data

    def own() -> ResponseReturnValue:
        return "the application's"

    app.add_url_rule("/own", "own", own)

    assert (first, app.test_client().get("/own").data) == (post(app).data, b"the application's")
