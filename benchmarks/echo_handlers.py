"""Twenty handlers, as a small project has them; the one that is measured is tried after most of the others."""

from __future__ import annotations

from collections.abc import Callable

from twiml_app import InboundMessage, Router, StatusCallback

router = Router()

_PATTERNS = (
    *(
        "hours",
        "menu",
        "where are you",
        "price of <item>",
        "yes",
        "no",
        "order <int:count> <item>",
        "cancel <int:number>",
    ),
    *("I am <name>!", "book <word:day> <int:hour>", "rate <any(good, bad):how>", "pay <float:amount> euros"),
    *("move <a> to <b>", "invoice", "opening hours", "what's new?", "talk to <name>"),
)


def _answering(pattern: str) -> Callable[..., str]:
    def answer(message: InboundMessage, **captures: object) -> str:
        return f"{pattern}: {captures}"

    return answer


for _pattern in _PATTERNS:
    router.message(_pattern)(_answering(_pattern))


@router.message("say <text>")
def echo(message: InboundMessage, text: str) -> str:
    """Return the whole text that was sent."""
    return message.body


@router.default
def unknown(message: InboundMessage) -> str:
    """Answer what no pattern matches."""
    return "What do you mean?"


@router.status("delivered", "failed", "undelivered")
def track(status: StatusCallback) -> None:
    """Be there, so that each reply has a signed status URL."""


routers = [router]
