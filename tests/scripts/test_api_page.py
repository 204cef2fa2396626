"""The page of the API is made from the docstrings, and everything on it is described."""

from __future__ import annotations

import re

import pytest

from scripts.api_page import PAGE, Attribute, attributes_of, page
from twiml_app import InboundMedia, InboundMessage, StatusCallback
from twiml_app.events import parse_event
from twiml_app.routing.routes import Conditions
from twiml_app.webhook import Form

RENEW = "renew the page: python -m scripts.api_page > docs/api.md"
KINDS = (InboundMessage, StatusCallback)
MINIMAL = {InboundMessage: {"From": "+1", "Body": "hi"}, StatusCallback: {"MessageStatus": "sent"}}


def test_page_is_made_from_the_docstrings() -> None:
    """A page that is written by hand would soon describe something else."""
    assert PAGE.read_text(encoding="utf-8") == page(), RENEW


@pytest.mark.parametrize("kind", [*KINDS, InboundMedia, Conditions])
def test_every_attribute_is_described(kind: type) -> None:
    """The name of a parameter of Twilio's says little, and not all are in its documentation."""
    undescribed = [attribute.name for attribute in attributes_of(kind) if not attribute.description.endswith(".")]

    assert undescribed == []


PARAMETERS = [
    pytest.param(kind, attribute, name, id=f"{kind.__name__}.{attribute.name} from {name}")
    for kind in KINDS
    for attribute in attributes_of(kind)
    for name in re.findall(r"`(\w+)`", attribute.parameter)
    if attribute.name != "media"
]


@pytest.mark.parametrize(("kind", "attribute", "parameter"), PARAMETERS)
def test_attribute_is_read_from_the_parameter_on_the_page(
    kind: type[InboundMessage | StatusCallback], attribute: Attribute, parameter: str
) -> None:
    """Users look up a parameter of Twilio's in the table."""
    value = "true" if attribute.type == "bool" else "12" if "None" in attribute.type else "delivered"
    form = {name: text for name, text in MINIMAL[kind].items() if attribute.name != "message_status"}
    event = parse_event(Form((form | {parameter: value}).items()))

    assert isinstance(event, kind)
    assert getattr(event, attribute.name) == {"true": True, "12": 12}.get(value, value)


def test_page_lists_the_attributes_of_both_events_once() -> None:
    """The events share half of their attributes, and a long table hides the others."""
    assert page().count("| `message_sid` |") == 1
    assert page().count("| `contact` |") == 3


def test_long_comment_above_an_attribute_is_joined() -> None:
    """Comments are wrapped in the source."""

    class Example:
        """An example."""

        #: The first line
        #: and the second one.
        wrapped: int
        at_the_end: str = ""  #: A short one.
        without: str

        @property
        def computed(self) -> bool:
            """Whether it is
            computed.
            """
            return True

    assert attributes_of(Example) == [
        Attribute("wrapped", "int", "The first line and the second one."),
        Attribute("at_the_end", "str", "A short one."),
        Attribute("without", "str", ""),
        Attribute("computed", "bool", "Whether it is computed."),
    ]
