"""The application whose context is active."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.webhook_requests import BASIC
from twiml_app import Router
from twiml_app.active_app import active_extension
from twiml_app.app import Twiml
from twiml_app.errors import CannotStore


def test_extension_is_that_of_the_active_application() -> None:
    """Two applications in one process have their own journals."""
    app = Flask("test")
    app.config.update(BASIC, TWIML_DATABASE_URL="off")
    Twiml(app, router=Router())

    with app.app_context():
        assert active_extension() is app.extensions["twiml"]


def test_outside_of_an_application_the_error_says_what_to_do() -> None:
    """A script that forgets the context gets no error of Flask about proxies."""
    with pytest.raises(CannotStore, match=r"with app\.app_context\(\)"):
        active_extension()


def test_application_without_the_extension_is_named() -> None:
    """Another Flask application may be active in the same process."""
    with Flask("test").app_context(), pytest.raises(CannotStore, match="no Twiml extension"):
        active_extension()
