"""The environment of a program whose unmodified Twilio clients reach the emulator: proxy, certificates, account."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..logs import logger
from . import python_redirection
from .proxy import Proxy
from .server import Certificates

_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
#: Names that the npm package global-agent reads.
_AGENT_VARIABLES = ("GLOBAL_AGENT_HTTPS_PROXY", "GLOBAL_AGENT_HTTP_PROXY")
_CA_VARIABLES = (
    *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "HTTPLIB2_CA_CERTS"),
    "TWILIO_CA_BUNDLE",
)
#: This machine is reached directly: the program may be called by the emulator, and have a database.
_DIRECT = "localhost,127.0.0.1,::1"
#: An API key of the real account would be used instead of the emulator's token.
_REMOVED = ("TWILIO_API_KEY", "TWILIO_API_SECRET", "TWILIO_API_KEY_SECRET")


@contextmanager
def program_environment(
    url: str,
    account_sid: str,
    auth_token: str,
    *,
    environment: Mapping[str, str] | None = None,
    on_problem: Callable[[str], None] = logger.warning,
) -> Iterator[dict[str, str]]:
    """Yield the environment of a program that should reach the emulator at ``url``; it works inside the ``with`` block.

    It is ``environment``, by default that of this process, with more variables. The program cannot reach any other
    host through the proxy; each refusal is said to ``on_problem`` in one line.

    Raises: ConfigurationError, without trustme.
    """
    given = os.environ if environment is None else environment
    with ExitStack() as opened:
        certificates = Certificates()
        opened.callback(certificates.remove)
        _keep_authorities(given, certificates.ca_file)
        proxy = opened.enter_context(Proxy(url, certificates, on_problem))
        kept = {name: value for name, value in given.items() if name not in _REMOVED}
        yield (
            kept
            | _proxy_variables(proxy.url)
            | dict.fromkeys(_CA_VARIABLES, str(certificates.ca_file))
            | _language_variables(given, certificates.ca_file, proxy.port)
            | {"TWILIO_ACCOUNT_SID": account_sid, "TWILIO_AUTH_TOKEN": auth_token}
            | {"TWIML_EMULATOR_URL": url, "TWIML_API_URL": url}
        )


def _keep_authorities(given: Mapping[str, str], ca_file: Path) -> None:
    """Add the authorities of SSL_CERT_FILE, such as that of an emulator with TLS: one variable names one file."""
    known = Path(given.get("SSL_CERT_FILE", ""))
    if known.is_file():
        ca_file.write_bytes(ca_file.read_bytes() + known.read_bytes())


def _proxy_variables(url: str) -> dict[str, str]:
    """Return the proxy variables, in capitals and in small letters: some programs read only one of them."""
    either = dict.fromkeys(_PROXY_VARIABLES, url) | {"NO_PROXY": _DIRECT}
    small = {name.lower(): value for name, value in either.items()}
    agent = dict.fromkeys(_AGENT_VARIABLES, url) | {"GLOBAL_AGENT_NO_PROXY": _DIRECT, "NODE_USE_ENV_PROXY": "1"}
    return either | small | agent


def _language_variables(given: Mapping[str, str], ca_file: Path, port: int) -> dict[str, str]:
    """Return the variables that name files for Python, Node and PHP, which are written next to the authority."""
    python, node, php = (ca_file.parent / name for name in ("python", "node", "php"))
    for folder in (python, node, php):
        folder.mkdir()
    source = Path(python_redirection.__file__)
    call = f"install({port}, {str(ca_file)!r}, {str(python)!r})"
    (python / "sitecustomize.py").write_text(f"{source.read_text()}\n\n{call}\n")
    script = source.with_name("node_redirection.cjs").read_text()
    (node / "redirection.cjs").write_text(f"{script}\nredirect({port});\n")
    (php / "emulator.ini").write_text(f'curl.cainfo="{ca_file}"\nopenssl.cafile="{ca_file}"\n')
    return {
        "PYTHONPATH": os.pathsep.join([str(python), *filter(None, [given.get("PYTHONPATH")])]),
        "NODE_OPTIONS": f'{given.get("NODE_OPTIONS", "")} --require "{node}/redirection.cjs"'.strip(),
        # An empty name stands for PHP's own folder of further settings.
        "PHP_INI_SCAN_DIR": os.pathsep.join([given.get("PHP_INI_SCAN_DIR", ""), str(php)]),
    }
