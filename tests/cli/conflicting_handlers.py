"""Handlers that cannot be registered together."""

from __future__ import annotations

from twiml_app import InboundMessage, Router

first, second = Router(), Router()


@first.message("hello")
def hello(message: InboundMessage) -> None:
    """Do nothing."""


@second.message("hello")
def hello_again(message: InboundMessage) -> None:
    """Do nothing."""


routers = [first, second]
