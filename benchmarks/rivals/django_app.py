"""Django with django-twilio, in one module: its decorator with the defaults, which look callers up in the database."""

from __future__ import annotations

import os
import secrets
from typing import Any

import django
from django.conf import settings
from django.urls import path

settings.configure(
    SECRET_KEY=secrets.token_hex(16),
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_twilio"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.db"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    TWILIO_ACCOUNT_SID="AC" + "0" * 32,
    TWILIO_AUTH_TOKEN=os.environ["TWILIO_AUTH_TOKEN"],
)
django.setup()

from django.core.management import call_command  # noqa: E402 - Django has to be set up before
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django_twilio.decorators import twilio_view  # noqa: E402
from twilio.twiml.messaging_response import MessagingResponse  # noqa: E402


@twilio_view  # type: ignore[untyped-decorator, unused-ignore]
def message(request: Any) -> MessagingResponse:
    """Echo the text; the decorator verifies the signature."""
    answer = MessagingResponse()
    answer.message(request.POST["Body"])
    return answer


urlpatterns = [path("message", message)]
call_command("migrate", verbosity=0)
app = get_wsgi_application()
