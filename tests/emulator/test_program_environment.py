"""The environment of a program whose Twilio clients know nothing of the emulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.servers import LIMIT_S, ROOT, clean_environment, find_program
from twiml_app.emulator import Emulator, program_environment
from twiml_app.emulator.python_redirection import run_next

SEND = """
import os
from twilio.rest import Client

print(Client().messages.create(to="+15558675310", from_="+15017122661", body="hello").status)
"""
#: Clients that ignore proxies look a host up, or connect to its name; some bring their own authorities.
STUBBORN = """
import http.client, json, os, socket, ssl, sys

own = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
own.load_verify_locations(sys.argv[1])
seen = {}
for way in ("looked up", "by name"):
    if way == "looked up":
        plain = socket.create_connection(("api.twilio.com", 443))
    else:
        plain = socket.socket()
        plain.connect(("api.twilio.com", 443))
    connection = http.client.HTTPConnection("api.twilio.com")
    connection.sock = own.wrap_socket(plain, server_hostname="api.twilio.com")
    connection.request("GET", "/2010-04-01/Accounts.json")
    seen[way] = connection.getresponse().status
for host, port in (("api.twilio.com", 80), ("127.0.0.1", 1)):
    try:
        socket.create_connection((host, port))
    except OSError as error:
        seen[f"{host}:{port}"] = type(error).__name__
seen["next"] = os.environ.get("NEXT_RAN", "")
print(json.dumps(seen))
"""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A local Twilio."""
    with Emulator() as running:
        yield running


@pytest.fixture
def environment(emulator: Emulator) -> Iterator[Mapping[str, str]]:
    """The environment of a program, made of one without Twilio's variables."""
    given = clean_environment(PYTHONPATH=str(ROOT))
    with program_environment(emulator.url, emulator.account_sid, emulator.auth_token, environment=given) as made:
        yield made


def run(environment: Mapping[str, str], *command: str) -> str:
    """Run a program in this environment and return what it prints."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_official_client_reaches_the_emulator_by_its_environment(
    emulator: Emulator, environment: Mapping[str, str]
) -> None:
    """Nothing in the program names the emulator."""
    assert run(environment, sys.executable, "-c", SEND) == "queued\n"
    assert [message.body for message in emulator.outbox] == ["hello"]


def test_python_clients_that_ignore_proxies_reach_it_too(
    environment: Mapping[str, str], tmp_path: Path, emulator: Emulator
) -> None:
    """Old clients connect by name, and trust only the authorities that they bring; the program's own hook runs too."""
    import certifi

    (tmp_path / "sitecustomize.py").write_text("import os\nos.environ['NEXT_RAN'] = 'yes'\n")
    given = {**environment, "PYTHONPATH": os.pathsep.join([environment["PYTHONPATH"], str(tmp_path)])}

    assert json.loads(run(given, sys.executable, "-c", STUBBORN, certifi.where())) == {
        "looked up": 401,
        "by name": 401,
        "api.twilio.com:80": "gaierror",
        "127.0.0.1:1": "ConnectionRefusedError",
        "next": "yes",
    }
    assert [request.status for request in emulator.requests] == [401, 401]


def test_fetch_of_node_reaches_it_too(environment: Mapping[str, str]) -> None:
    """Before Node 24, fetch ignores proxies."""
    node = find_program("node")
    script = 'fetch("https://api.twilio.com/2010-04-01/Accounts.json").then(r => console.log(r.status))'

    assert run(environment, node, "-e", script) == "401\n"


def test_curl_reaches_it_and_nothing_else(emulator: Emulator, environment: Mapping[str, str]) -> None:
    """The documented examples run as they are."""
    curl = find_program("curl")
    login = f"{emulator.account_sid}:{emulator.auth_token}"

    answer = run(environment, curl, "-s", "-u", login, "https://api.twilio.com/2010-04-01/Accounts.json")
    assert json.loads(answer)["accounts"][0]["sid"] == emulator.account_sid
    assert run(environment, curl, "-s", "http://example.com/") == (
        "example.com is refused: this proxy leads only to https://*.twilio.com, which the emulator plays\n"
    )


def test_environment_overrides_what_would_lead_elsewhere(emulator: Emulator) -> None:
    """A developer's proxy, authorities, account and API key are those of the real Twilio."""
    names = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "TWILIO_ACCOUNT_SID"]
    names += ["TWILIO_AUTH_TOKEN", "TWILIO_API_KEY", "TWILIO_API_SECRET"]
    given = dict.fromkeys(names, "real") | {
        "PATH": "/bin",
        "NODE_OPTIONS": "--trace-warnings",
        "PHP_INI_SCAN_DIR": "/a",
    }
    with program_environment(emulator.url, "AC1", "token", environment=given) as made:
        proxy, folder = made["HTTPS_PROXY"], Path(made["SSL_CERT_FILE"]).parent

        assert (folder / "php" / "emulator.ini").read_text().startswith(f'curl.cainfo="{folder}/ca.pem"\n')
    assert proxy.startswith("http://127.0.0.1:")
    assert (made["https_proxy"], made["HTTP_PROXY"], made["no_proxy"]) == (proxy, proxy, "localhost,127.0.0.1,::1")
    assert (made["TWILIO_ACCOUNT_SID"], made["TWILIO_AUTH_TOKEN"], made["TWIML_API_URL"]) == (
        "AC1",
        "token",
        emulator.url,
    )
    assert (made["PATH"], made["PYTHONPATH"]) == ("/bin", f"{folder}/python")
    assert made["NODE_OPTIONS"] == f'--trace-warnings --require "{folder}/node/redirection.cjs"'
    assert made["PHP_INI_SCAN_DIR"] == f"/a:{folder}/php"
    assert {"TWILIO_API_KEY", "TWILIO_API_SECRET", "real"}.isdisjoint({*made, *made.values()})
    assert not folder.exists()


def test_authorities_that_the_program_trusted_are_kept(emulator: Emulator, tmp_path: Path) -> None:
    """It may have servers of its own on this machine, and the emulator that it shares may have TLS."""
    own = tmp_path / "own.pem"
    own.write_text("-----BEGIN CERTIFICATE-----\nown\n-----END CERTIFICATE-----\n")
    with program_environment(emulator.url, "AC1", "token", environment={"SSL_CERT_FILE": str(own)}) as made:
        trusted = Path(made["SSL_CERT_FILE"]).read_text()

    assert (trusted.count("BEGIN CERTIFICATE"), trusted.endswith(own.read_text())) == (2, True)


def test_broken_hook_of_the_program_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the emulator, Python would report it too; only a hook that does not exist is nothing to say."""
    path: list[Any] = [str(tmp_path)]
    monkeypatch.setattr(sys, "path", path)
    monkeypatch.delitem(sys.modules, "sitecustomize", raising=False)
    run_next("/nowhere")
    (tmp_path / "sitecustomize.py").write_text("import there_is_no_such_module")

    with pytest.raises(ModuleNotFoundError, match="there_is_no_such_module"):
        run_next("/nowhere")
