"""Access: credentials, accounts, concurrency, outages, and the Host and Origin headers."""

from __future__ import annotations

import os
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, Client, basic
from tests.servers import LIMIT_S
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator, EmulatorOptions
from twiml_app.emulator.rest.access import CONTROL_CONCURRENCY
from twiml_app.errors import ConfigurationError

CHILD, SIBLING, STRANGER = "AC" + "1" * 32, "AC" + "2" * 32, "AC" + "3" * 32
SEED = {
    "accounts": [
        {"sid": CHILD, "auth_token": "child"},
        {"sid": SIBLING, "auth_token": "sibling"},
        {"sid": STRANGER, "account_sid": STRANGER, "auth_token": "stranger"},
    ],
    "numbers": [
        {"phone_number": NUMBER},
        {"phone_number": "+15017122662", "account_sid": CHILD},
    ],
}
TEXT = {"To": PHONE, "From": NUMBER, "Body": "hello"}
FORM = urlencode(TEXT).encode()
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
PIXEL = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
PAGE = "http://news.example.com"
ANONYMOUS_WRITES = [
    ("POST", "/2010-04-01/Accounts.json"),
    ("POST", f"/2010-04-01/Accounts/{ACCOUNT_SID}.json"),
    ("PUT", f"/2010-04-01/Accounts/{ACCOUNT_SID}.json"),
    ("POST", MESSAGES),
    ("POST", f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/SM1.json"),
    ("DELETE", f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/SM1.json"),
    ("POST", f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/SM1/Feedback.json"),
    ("DELETE", f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/SM1/Media/ME1.json"),
    ("POST", f"/2010-04-01/Accounts/{ACCOUNT_SID}/SMS/Messages.json"),
    ("POST", f"/2008-08-01/Accounts/{ACCOUNT_SID}/SMS/Messages.json"),
    ("POST", f"/2010-04-01/Accounts/{ACCOUNT_SID}/IncomingPhoneNumbers.json"),
    ("POST", f"/2010-04-01/Accounts/{ACCOUNT_SID}/Applications.json"),
    ("POST", "/v1/Services"),
    ("POST", "/v1/Services/MG1/PhoneNumbers"),
    ("POST", "/_emulator/texts"),
    ("POST", "/_emulator/clock"),
    ("POST", "/_emulator/outage"),
    ("POST", "/_emulator/faults"),
    ("DELETE", "/_emulator/faults"),
    ("DELETE", "/_emulator/faults/1"),
    ("POST", "/_emulator/reset"),
    ("POST", "/_emulator/phones/+15558675310"),
]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with an account, two subaccounts and an unrelated account."""
    with Emulator(EmulatorOptions(seed=SEED)) as running:
        yield running


class SlowPicture:
    """A picture whose server waits before it answers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_requested = threading.Event()
        self.may_answer = threading.Event()


@contextmanager
def slow_picture() -> Iterator[SlowPicture]:
    """Serve a picture, but only once the test allows it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            picture.is_requested.set()
            picture.may_answer.wait(LIMIT_S)
            self.send_response(200)
            self.send_header("Content-Type", "image/gif")
            self.send_header("Content-Length", str(len(PIXEL)))
            self.end_headers()
            self.wfile.write(PIXEL)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    picture = SlowPicture(f"http://127.0.0.1:{server.server_port}/slow.gif")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield picture
    finally:
        picture.may_answer.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"Authorization": "Bearer abc"}, id="a bearer token"),
        pytest.param({"Authorization": "Basic"}, id="Basic without a value"),
        pytest.param({"Authorization": "Basic !!!"}, id="not base64"),
        pytest.param({"Authorization": "Basic /////w=="}, id="not UTF-8"),
        pytest.param({"Authorization": basic(ACCOUNT_SID, "wrong")}, id="a wrong token"),
        pytest.param({"Authorization": basic(ACCOUNT_SID, "")}, id="an empty token"),
        pytest.param({"Authorization": basic(ACCOUNT_SID, "tökén")}, id="a token that is not ASCII"),
        pytest.param({"Authorization": basic("AC" + "9" * 32, AUTH_TOKEN)}, id="an unknown SID"),
        pytest.param({"Authorization": basic("", AUTH_TOKEN)}, id="an empty SID"),
        pytest.param({"Authorization": basic("SK" + "9" * 32, "secret")}, id="an API key"),
        pytest.param({"Authorization": basic(CHILD, AUTH_TOKEN)}, id="the token of the parent account"),
    ],
)
def test_wrong_credentials_get_a_challenge_and_create_nothing(
    headers: dict[str, str], emulator: Emulator, client: Client
) -> None:
    """Old clients authenticate only after a challenge, and then repeat the whole request."""
    reply = client.send("POST", MESSAGES, FORM, headers)

    assert (reply.error, reply.headers["WWW-Authenticate"]) == ((401, 20003), 'Basic realm="Twilio API"')
    assert emulator.outbox == []


def test_client_that_waits_for_the_challenge_sends_one_message(emulator: Emulator) -> None:
    """The Python library of 2013 sends every request twice, first without credentials."""
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, emulator.url, ACCOUNT_SID, AUTH_TOKEN)
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
    with opener.open(emulator.url + MESSAGES, FORM) as response:
        assert response.status == 201

    assert [request.status for request in emulator.requests] == [401, 201]
    assert len(emulator.outbox) == 1


@pytest.mark.parametrize(("method", "path"), ANONYMOUS_WRITES)
def test_nothing_is_written_without_credentials(method: str, path: str, emulator: Emulator, client: Client) -> None:
    """Any web page in the developer's browser can send a form to any local port."""
    before = emulator.clock.now()

    assert client.send(method, path, b"Seconds=60&Requests=1&Status=failed", {}).status == 401
    assert (emulator.clock.now(), client.get("Messages.json").status, emulator.outbox) == (before, 200, [])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("origin", [PAGE, "null", "https://127.0.0.1:1"])
def test_page_of_another_site_cannot_write(method: str, origin: str, emulator: Emulator, client: Client) -> None:
    """A browser that has stored the credentials sends them with every request that a page makes."""
    path = MESSAGES if method != "DELETE" else f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/SM1.json"
    reply = client.send(method, path, FORM, {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), "Origin": origin})

    assert (reply.error, emulator.outbox) == ((403, 20006), [])


def test_page_of_the_emulator_itself_may_write(emulator: Emulator, client: Client) -> None:
    """Browsers send Origin with every form, also to the same site."""
    headers = {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), "Origin": emulator.url}

    assert client.send("POST", MESSAGES, FORM, headers).status == 201


def test_page_of_another_site_may_read(client: Client) -> None:
    """The browser does not give the response to the page."""
    headers = {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), "Origin": PAGE}

    assert client.send("GET", MESSAGES, None, headers).status == 200


@pytest.mark.parametrize(
    ("caller", "account_sid", "status"),
    [
        pytest.param((ACCOUNT_SID, AUTH_TOKEN), CHILD, 200, id="parent reads its subaccount"),
        pytest.param((CHILD, "child"), CHILD, 200, id="subaccount reads itself"),
        pytest.param((CHILD, "child"), ACCOUNT_SID, 404, id="subaccount reads its parent"),
        pytest.param((CHILD, "child"), SIBLING, 404, id="subaccount reads another subaccount"),
        pytest.param((ACCOUNT_SID, AUTH_TOKEN), STRANGER, 404, id="account reads an unrelated account"),
        pytest.param((STRANGER, "stranger"), CHILD, 404, id="unrelated account reads a subaccount"),
        pytest.param((ACCOUNT_SID, AUTH_TOKEN), "AC" + "9" * 32, 404, id="unknown account"),
        pytest.param((ACCOUNT_SID, AUTH_TOKEN), "SM" + "1" * 32, 404, id="SID of another kind"),
    ],
)
def test_account_sees_itself_and_its_subaccounts(
    caller: tuple[str, str], account_sid: str, status: int, emulator: Emulator
) -> None:
    """Others must not even learn that an account exists."""
    path = f"/2010-04-01/Accounts/{account_sid}/Messages.json"
    reply = Client(emulator, *caller).get(path)

    assert reply.status == status
    if status == 404:
        assert reply.json["message"] == f"The requested resource {path} was not found"


def test_parent_sends_for_its_subaccount(emulator: Emulator, client: Client) -> None:
    """The message belongs to the subaccount, so its sender must too."""
    path = f"/2010-04-01/Accounts/{CHILD}/Messages.json"

    assert client.post(path, {**TEXT, "From": "+15017122662"}).json["account_sid"] == CHILD
    assert client.post(path, TEXT).error == (400, 21660)
    assert client.get("Messages.json").json["messages"] == []


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_inactive_account_is_refused(status: str, emulator: Emulator, client: Client) -> None:
    """Its own credentials are refused; the parent may read, but not write."""
    child = Client(emulator, CHILD, "child")
    messages = f"/2010-04-01/Accounts/{CHILD}/Messages.json"
    assert client.post(f"/2010-04-01/Accounts/{CHILD}.json", {"Status": status}).status == 200

    assert child.get("Messages.json").error == (403, 20005)
    assert child.post("Messages.json", {**TEXT, "From": "+15017122662"}).error == (403, 20005)
    assert child.post("/_emulator/reset").error == (403, 20005)
    assert client.get(messages).status == 200
    assert client.post(messages, {**TEXT, "From": "+15017122662"}).error == (403, 20005)
    assert client.request("DELETE", f"/2010-04-01/Accounts/{CHILD}/Applications/AP1.json").error == (403, 20005)
    assert emulator.outbox == []


def test_suspended_account_can_be_reactivated(emulator: Emulator, client: Client) -> None:
    """Suspension is temporary."""
    for status in ("suspended", "active"):
        client.post(f"/2010-04-01/Accounts/{CHILD}.json", {"Status": status})

    assert Client(emulator, CHILD, "child").get("Messages.json").status == 200


def test_requests_above_the_concurrency_limit_are_refused() -> None:
    """Twilio limits concurrent requests per account; other accounts and the emulator's own paths are not affected."""
    with Emulator(EmulatorOptions(seed=SEED, concurrency=1)) as emulator, slow_picture() as picture:
        client = Client(emulator)
        waiting = threading.Thread(target=client.post, args=("Messages.json", {**TEXT, "MediaUrl": picture.url}))
        waiting.start()
        assert picture.is_requested.wait(LIMIT_S)

        refused = [client.post("Messages.json", TEXT) for _ in range(3)]
        others = Client(emulator, CHILD, "child").get("Messages.json")
        control = client.get("/_emulator/outbox")
        picture.may_answer.set()
        waiting.join()
        after = client.post("Messages.json", TEXT)

    assert [reply.error for reply in refused] == [(429, 20429)] * 3
    assert (others.status, control.status, after.status) == (200, 200, 201)
    assert after.headers["Twilio-Concurrent-Requests"] == "1"


def test_failed_request_no_longer_counts_as_running() -> None:
    """A leaking counter would block the API permanently."""
    with Emulator(EmulatorOptions(concurrency=1)) as emulator:
        client = Client(emulator)
        replies = [client.post("Messages.json", {}).status for _ in range(3)]

        assert (replies, client.get("Messages.json").status) == ([400] * 3, 200)


def test_outage_lasts_for_the_given_number_of_requests(emulator: Emulator, client: Client) -> None:
    """It tests how a client behaves: it should wait and retry."""
    emulator.fail_next(2)
    refused = [client.post("Messages.json", TEXT), client.get("/no/such/path")]

    assert [reply.error for reply in refused] == [(503, 20503)] * 2
    assert [reply.headers["Retry-After"] for reply in refused] == ["1", "1"]
    assert client.post("Messages.json", TEXT).status == 201
    assert len(emulator.outbox) == 1


def test_outage_does_not_affect_the_paths_of_the_emulator(emulator: Emulator, client: Client) -> None:
    """Inspection must not use up the outage, and something has to be able to end it."""
    emulator.fail_next(1000)

    assert client.get("/_emulator/requests").status == 200
    assert client.post("/_emulator/outage", {"Requests": "0"}).status == 204
    assert client.get("Messages.json").status == 200


def test_negative_outage_is_refused(emulator: Emulator, client: Client) -> None:
    """A countdown from a negative number would never end."""
    with pytest.raises(ConfigurationError, match=r"^count: -1 is not a number from 1 to 999999999$"):
        emulator.fail_next(-1)

    assert client.get("Messages.json").status == 200


OWN_HOSTS = [
    *("127.0.0.1", "127.0.0.1:8088", "192.168.1.20:8088", "[::1]", "[::1]:8088", "localhost", "LOCALHOST:8088"),
    *("localhost.:8088", "twilio.localhost:8088", "host.docker.internal:8088", "api.twilio.com", "twilio.com"),
    "api.dublin.ie1.twilio.com:443",
]
FOREIGN_HOSTS = [
    *("rebound.example.com", "rebound.example.com:8088", "127.0.0.1.example.com", "localhost.example.com"),
    *("nottwilio.com", "twilio.com.example.com", "api.twilio.com@example.com", "example.com@127.0.0.1", "mylocalhost"),
    *("127.0.0.1, example.com", "[example.com]", "[::1", "127.0.0.1:80:80", "example.com/127.0.0.1", ":8088", "."),
]
READ = [
    MESSAGES,
    f"/2010-04-01/Accounts/{ACCOUNT_SID}.json",
    "/v1/Services",
    "/_emulator/outbox",
    "/_emulator/requests",
    "/abcdefg",
    "/no/such/path",
]


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_host_name_of_this_machine_is_accepted(host: str, client: Client) -> None:
    """Clients in containers and behind proxies use other names for it."""
    headers = {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), "Host": host}

    assert client.send("GET", MESSAGES, None, headers).status == 200


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_host_name_of_another_site_cannot_read(host: str, path: str, client: Client) -> None:
    """With DNS rebinding, a page has the same origin as the emulator, and the default token is public."""
    headers = {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), "Host": host}
    reply = client.send("GET", path, None, headers)

    assert reply.error == (403, 20006)
    problem = f"{host} is not an allowed host name for this emulator: use localhost"
    assert reply.json["message"] == f"Access Denied: {problem}"


@pytest.mark.parametrize(("method", "path"), ANONYMOUS_WRITES)
def test_host_name_of_another_site_cannot_write(method: str, path: str, emulator: Emulator, client: Client) -> None:
    """Such a page sends a matching Origin header."""
    site = {"Host": "rebound.example.com", "Origin": "http://rebound.example.com"}
    reply = client.send(method, path, FORM, {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), **site})

    assert (reply.status, emulator.outbox) == (403, [])


def test_host_name_that_the_server_was_started_with_is_accepted() -> None:
    """The developer chose that name."""
    name = socket.gethostname()
    try:
        emulator = Emulator(EmulatorOptions(host=name))
    except ConfigurationError:  # the name does not resolve here
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} does not resolve to this machine")
    with emulator:
        url = f"{emulator.url}{MESSAGES}"
        request = urllib.request.Request(url, headers={"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN)})
        with urllib.request.urlopen(request, timeout=LIMIT_S) as response:
            assert response.status == 200


def test_client_without_a_host_header_is_accepted(emulator: Emulator) -> None:
    """HTTP 1.0 clients may not send one; browsers always do."""
    head = f"GET {MESSAGES} HTTP/1.0\r\nAuthorization: {basic(ACCOUNT_SID, AUTH_TOKEN)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=LIMIT_S) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.split(b"\r\n")[0].endswith(b" 200 OK")


def test_app_that_texts_itself_is_stopped(emulator: Emulator, client: Client) -> None:
    """A Message URL that points to the emulator would otherwise start threads until the machine runs out."""
    form = urlencode({"From": PHONE, "To": NUMBER, "Body": "again"})
    credentials = f"{ACCOUNT_SID}:{AUTH_TOKEN}"
    emulator.add_number(NUMBER, f"http://{credentials}@127.0.0.1:{emulator.port}/_emulator/texts?{form}")
    reply = client.post("/_emulator/texts", {"From": PHONE, "To": NUMBER, "Body": "hello"})

    assert reply.status == 201
    assert len(client.get("Messages.json?PageSize=1000").json["messages"]) == CONTROL_CONCURRENCY
    assert client.get("/_emulator/outbox").status == 200
