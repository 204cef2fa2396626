"""A text as a curl command, signed and with the credentials of the program."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from ...caller import without_userinfo
from ...signature import HEADER, SETTINGS_HEADER, sign
from ...webhook import Form
from ..resources import Account

_SIDS = frozenset({"MessageSid", "SmsMessageSid", "SmsSid"})


def curl_command(url: str, method: str, form: Form, account: Account, *, sid: str) -> str:
    """Return a command that sends the form of a text with another sid, so that it is not a repetition."""
    form = Form((name, sid if name in _SIDS else value.replace("\0", "")) for name, value in form.pairs)
    bare = without_userinfo(url)
    if method == "GET":
        bare += f"{'&' if '?' in bare else '?'}{form.encode()}"
        form = Form()
    lines = [
        f"curl {shlex.quote(bare)}",
        *_credentials(url),
        *(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in _signature(bare, form, account)),
        *(f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in form.pairs),
    ]
    return " \\\n  ".join(lines)


def _credentials(url: str) -> Iterator[str]:
    userinfo = urlsplit(url).netloc.rpartition("@")[0]
    if userinfo:
        yield f"-u {shlex.quote(unquote(userinfo))}"


def _signature(url: str, form: Form, account: Account) -> Iterator[tuple[str, str]]:
    if account.signing_key:
        yield SETTINGS_HEADER, f"key={account.signing_key},algorithm=HMAC_SHA256"
        yield HEADER, sign(url, form.pairs, account.signing_secret, algorithm="HMAC_SHA256")
    elif account.auth_token:
        yield HEADER, sign(url, form.pairs, account.auth_token)
