"""One comparison in this process, which prints its figure: the driver starts a fresh process for each repetition.

Both sides take turns; each is timed by its fastest turn, which other programs disturb least.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.echo_text import TEXT
from benchmarks.signed_requests import TOKEN, URL, new_form
from twiml_app import InboundMessage, Message, Router
from twiml_app.app import create_app
from twiml_app.recordings import Exchange, replay
from twiml_app.served_app import sender
from twiml_app.signature import sign, verify
from twiml_app.twiml import MessagingResponse
from twiml_app.webhook import Form, WebhookResponse

_TURNS, _TURN_S = 25, 0.01
_EXCHANGES = 500
_MEDIA = [f"https://media.example/{name}.jpg" for name in ("one", "two", "three")]
_ATTRIBUTES: dict[str, Any] = {
    **{"to": "+15005550001", "from_": "+15005550006", "method": "POST", "action": "https://bench.example/action"},
    "status_callback": "https://bench.example/status?reply=12&token=abcdef",
}

Action = Callable[[], object]


def build_message() -> tuple[Action, Action]:
    """Build the answer with one Message: ours, and the official library's."""
    from twilio.twiml.messaging_response import MessagingResponse as Official

    def official() -> str:
        answer = Official()
        answer.message(TEXT)
        return str(answer)

    return lambda: MessagingResponse(Message(TEXT)).to_bytes(), official


def build_full() -> tuple[Action, Action]:
    """Build the answer with one Message that has a body, three media and five attributes."""
    from twilio.twiml.messaging_response import Message as OfficialMessage
    from twilio.twiml.messaging_response import MessagingResponse as Official

    def official() -> str:
        message = OfficialMessage(**_ATTRIBUTES)
        message.body(TEXT)
        for url in _MEDIA:
            message.media(url)
        return str(Official().append(message))

    return lambda: MessagingResponse(Message(TEXT, media=_MEDIA, **_ATTRIBUTES)).to_bytes(), official


def verify_signature() -> tuple[Action, Action]:
    """Verify the signature of a form with 22 parameters: ours, and the official library's."""
    from twilio.request_validator import RequestValidator
    from werkzeug.datastructures import MultiDict

    form = new_form()
    signature, posted, validator = sign(URL, form.pairs, TOKEN), MultiDict(form.pairs), RequestValidator(TOKEN)
    assert validator.validate(URL, posted, signature)
    assert verify(URL, form.pairs, signature, [TOKEN])
    return lambda: verify(URL, form.pairs, signature, [TOKEN]), lambda: validator.validate(URL, posted, signature)


def match_patterns() -> tuple[Action, Action]:
    """Find the handlers of ten texts among ten patterns, and among a thousand."""
    return _matching(10), _matching(1000)


def _matching(count: int) -> Action:
    router = Router()
    for place in range(count):
        router.message(f"word{place} <int:count> <item>")(_handler(place))
    router.begin_serving()
    bodies = [f"Word{place * (count - 1) // 9} 2 flat whites" for place in range(10)]
    messages = [InboundMessage(form=Form(), body=body) for body in bodies]
    assert all(router.match(message) for message in messages)
    return lambda: [router.match(message) for message in messages]


def _handler(place: int) -> Callable[..., str]:
    def handler(message: InboundMessage, count: int, item: str) -> str:
        return f"{place}: {count} {item}"

    return handler


COMPARISONS: dict[str, Callable[[], tuple[Action, Action]]] = {
    "build-message": build_message,
    "build-full": build_full,
    "verify": verify_signature,
    "match": match_patterns,
}


def compare(name: str) -> list[float]:
    """Return the microseconds of both sides of a comparison."""
    sides = COMPARISONS[name]()
    best = [float("inf"), float("inf")]
    for _ in range(_TURNS):
        for place, action in enumerate(sides):
            best[place] = min(best[place], _turn_us(action))
    return best


def _turn_us(action: Action) -> float:
    count, started = 0, time.perf_counter()
    while (taken := time.perf_counter() - started) < _TURN_S:
        for _ in range(10):
            action()
        count += 10
    return taken / count * 1e6


def replay_speed() -> float:
    """Return how many exchanges per second are replayed in this process, as ``twiml-app replay`` does it."""
    app = create_app({"TWIML_DATABASE_URL": "off"}, root=Path.cwd())
    recorded = [_unanswered(time.time()) for _ in range(_EXCHANGES)]
    answered = [each.updated() for each in replay(recorded, sender(app))]
    started = time.perf_counter()
    results = list(replay(answered, sender(app)))
    speed = _EXCHANGES / (time.perf_counter() - started)
    assert all(each.agrees for each in results), next(each.differences for each in results if not each.agrees)
    return speed


def _unanswered(now: float) -> Exchange:
    nothing = WebhookResponse(status=200)
    return Exchange(
        received_at=now, kind="message", endpoint="message", method="POST", url=URL, form=new_form(), answer=nothing
    )


if __name__ == "__main__":
    print(json.dumps(replay_speed() if sys.argv[1] == "replay" else compare(sys.argv[1])))
