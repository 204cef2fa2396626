"""The program under development: its name, and its environment, with an emulated account and a journal of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from .account import DevAccount

_REAL = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWIML_AUTH_TOKENS", "TWIML_SHARED_KEYS")
_LOCAL = "127.0.0.1,localhost,::1"
#: What could name a real account, a real queue, or a port of production. Blank values also win over those of ``.env``.
_SWITCHED_OFF = {
    "TWIML_AUTH_TOKENS": "",
    "TWIML_SHARED_KEYS": "",
    "TWIML_ACCOUNTS": "",
    "TWIML_SENDER_ACCOUNTS": "",
    "TWIML_QUEUE_URL": "",
    "TWIML_HEALTH_BIND": "",
    "TWIML_METRICS": "off",
    "TWIML_PROXY_HOPS": "0",
}


def environment_of(
    account: DevAccount, outer: Mapping[str, str], *, url: str, api_url: str, number: str
) -> dict[str, str]:
    """Return the environment of the program: the outer one, with what ``dev`` decides.

    ``url`` is the program's, ``api_url`` the emulator's, and ``number`` ours.
    """
    kept = {name: value for name, value in outer.items() if not name.startswith("TWILIO_")}
    own = {
        "TWIML_CREDENTIALS": account.credentials,
        "TWILIO_ACCOUNT_SID": account.account_sid,
        "TWILIO_AUTH_TOKEN": account.auth_token,
        "TWIML_API_URL": api_url,
        "TWIML_PUBLIC_URL": url,
        "TWIML_FROM": number,
        "TWIML_DATABASE_URL": "sqlite:///instance/dev.db",
        "TWIML_EARLY_ANSWER_S": "0",
    }
    proxies = {name: ",".join(filter(None, (outer.get(name), _LOCAL))) for name in ("NO_PROXY", "no_proxy")}
    return kept | _SWITCHED_OFF | own | proxies


def named_app(root: Path, app_name: str) -> str:
    """Return the application to load, as ``module:app``: the given one, else that of ``wsgi.py``; empty for neither."""
    return app_name or ("wsgi:app" if (root / "wsgi.py").is_file() else "")


def ignored_accounts(outer: Mapping[str, str], file: Mapping[str, str | None]) -> Iterator[str]:
    """Yield a line for each setting of a real account, in the environment or the ``.env`` file, that is not used."""
    for name in _REAL:
        places = [place for place, values in (("the environment", outer), (".env", file)) if values.get(name)]
        if places:
            yield f"{name} of {' and '.join(places)} is not used: dev has an account of its own"
