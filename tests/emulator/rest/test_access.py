"""Access: who may ask, who is refused, and how much at once."""

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
    ("POST", "/_emulator/reset"),
    ("POST", "/_emulator/phones/+15558675310"),
]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An account with subaccounts, and a stranger's."""
    with Emulator(EmulatorOptions(seed=SEED)) as running:
        yield running


class SlowPicture:
    """A picture that is served once it is let go."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_asked_for = threading.Event()
        self.may_go = threading.Event()


@contextmanager
def slow_picture() -> Iterator[SlowPicture]:
    """Serve a picture that keeps its reader waiting."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            picture.is_asked_for.set()
            picture.may_go.wait(30)
            self.send_response(200)
            self.send_header("Content-Type", "image/gif")
            self.send_header("Content-Length", str(len(PIXEL)))
            self.end_headers()
            self.wfile.write(PIXEL)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    picture = SlowPicture(f"http://127.0.0.1:{server.server_port}/slow.gif")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield picture
    finally:
        picture.may_go.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"Authorization": "Bearer abc"}, id="a bearer token"),
        pytest.param({"Authorization": "Basic"}, id="nothing after Basic"),
        pytest.param({"Authorization": "Basic !!!"}, id="no base64"),
        pytest.param({"Authorization": "Basic /////w=="}, id="no UTF-8"),
        pytest.param({"Authorization": basic(ACCOUNT_SID, "wrong")}, id="a wrong token"),
        pytest.param({"Authorization": basic(ACCOUNT_SID, "")}, id="no token"),
        pytest.param({"Authorization": basic(ACCOUNT_SID, "tökén")}, id="a token that is not ASCII"),
        pytest.param({"Authorization": basic("AC" + "9" * 32, AUTH_TOKEN)}, id="an unknown sid"),
        pytest.param({"Authorization": basic("", AUTH_TOKEN)}, id="no sid"),
        pytest.param({"Authorization": basic("SK" + "9" * 32, "secret")}, id="an API key"),
        pytest.param({"Authorization": basic(CHILD, AUTH_TOKEN)}, id="the token of the parent"),
    ],
)
def test_wrong_credentials_are_challenged_and_make_nothing(
    headers: dict[str, str], emulator: Emulator, client: Client
) -> None:
    """Old clients authenticate only after a challenge, and repeat the whole request then."""
    reply = client.send("POST", MESSAGES, FORM, headers)

    assert (reply.error, reply.headers["WWW-Authenticate"]) == ((401, 20003), 'Basic realm="Twilio API"')
    assert emulator.outbox == []


def test_client_that_waits_for_the_challenge_sends_once(emulator: Emulator) -> None:
    """The library of 2013 sends everything twice: first without credentials."""
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, emulator.url, ACCOUNT_SID, AUTH_TOKEN)
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
    with opener.open(emulator.url + MESSAGES, FORM) as response:
        assert response.status == 201

    assert [request.status for request in emulator.requests] == [401, 201]
    assert len(emulator.outbox) == 1


@pytest.mark.parametrize(("method", "path"), ANONYMOUS_WRITES)
def test_nothing_is_written_without_credentials(method: str, path: str, emulator: Emulator, client: Client) -> None:
    """A page that is open in the developer's browser can send a form to any port of the machine."""
    before = emulator.clock.now()

    assert client.send(method, path, b"Seconds=60&Requests=1&Status=failed", {}).status == 401
    assert (emulator.clock.now(), client.get("Messages.json").status, emulator.outbox) == (before, 200, [])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("origin", [PAGE, "null", "https://127.0.0.1:1"])
def test_page_of_another_site_writes_nothing(method: str, origin: str, emulator: Emulator, client: Client) -> None:
    """A browser that was shown the API once sends the credentials along with whatever a page makes it send."""
    path = MESSAGES if method != "DELETE" else f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/SM1.json"
    reply = client.send(method, path, FORM, {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), "Origin": origin})

    assert (reply.error, emulator.outbox) == ((403, 20006), [])


def test_page_of_the_emulator_itself_may_write(emulator: Emulator, client: Client) -> None:
    """Browsers name the origin with every form, that of the same site too."""
    headers = {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), "Origin": emulator.url}

    assert client.send("POST", MESSAGES, FORM, headers).status == 201


def test_page_of_another_site_may_look(client: Client) -> None:
    """The browser does not show it the answer."""
    headers = {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), "Origin": PAGE}

    assert client.send("GET", MESSAGES, None, headers).status == 200


@pytest.mark.parametrize(
    ("caller", "about", "status"),
    [
        pytest.param((ACCOUNT_SID, AUTH_TOKEN), CHILD, 200, id="a parent about its subaccount"),
        pytest.param((CHILD, "child"), CHILD, 200, id="a subaccount about itself"),
        pytest.param((CHILD, "child"), ACCOUNT_SID, 404, id="a subaccount about its parent"),
        pytest.param((CHILD, "child"), SIBLING, 404, id="a subaccount about another"),
        pytest.param((ACCOUNT_SID, AUTH_TOKEN), STRANGER, 404, id="an account about a stranger's"),
        pytest.param((STRANGER, "stranger"), CHILD, 404, id="a stranger about a subaccount"),
        pytest.param((ACCOUNT_SID, AUTH_TOKEN), "AC" + "9" * 32, 404, id="an account that is not there"),
        pytest.param((ACCOUNT_SID, AUTH_TOKEN), "SM" + "1" * 32, 404, id="a sid of another kind"),
    ],
)
def test_account_sees_itself_and_its_subaccounts(
    caller: tuple[str, str], about: str, status: int, emulator: Emulator
) -> None:
    """Nobody learns of other accounts, not even that they are there."""
    path = f"/2010-04-01/Accounts/{about}/Messages.json"
    reply = Client(emulator, *caller).get(path)

    assert reply.status == status
    if status == 404:
        assert reply.json["message"] == f"The requested resource {path} was not found"


def test_parent_sends_for_its_subaccount(emulator: Emulator, client: Client) -> None:
    """The message belongs to the subaccount, and its number must."""
    path = f"/2010-04-01/Accounts/{CHILD}/Messages.json"

    assert client.post(path, {**TEXT, "From": "+15017122662"}).json["account_sid"] == CHILD
    assert client.post(path, TEXT).error == (400, 21660)
    assert client.get("Messages.json").json["messages"] == []


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_inactive_account_may_do_nothing(status: str, emulator: Emulator, client: Client) -> None:
    """Its own credentials open nothing; the parent may look, and not write."""
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


def test_suspended_account_comes_back(emulator: Emulator, client: Client) -> None:
    """A suspension is for a time."""
    for status in ("suspended", "active"):
        client.post(f"/2010-04-01/Accounts/{CHILD}.json", {"Status": status})

    assert Client(emulator, CHILD, "child").get("Messages.json").status == 200


def test_too_many_requests_at_once_are_refused_while_they_last() -> None:
    """Twilio counts what an account has running; another account, and the emulator's own paths, are not in its way."""
    with Emulator(EmulatorOptions(seed=SEED, concurrency=1)) as emulator, slow_picture() as picture:
        client = Client(emulator)
        waiting = threading.Thread(target=client.post, args=("Messages.json", {**TEXT, "MediaUrl": picture.url}))
        waiting.start()
        assert picture.is_asked_for.wait(30)

        refused = [client.post("Messages.json", TEXT) for _ in range(3)]
        others = Client(emulator, CHILD, "child").get("Messages.json")
        control = client.get("/_emulator/outbox")
        picture.may_go.set()
        waiting.join()
        after = client.post("Messages.json", TEXT)

    assert [reply.error for reply in refused] == [(429, 20429)] * 3
    assert (others.status, control.status, after.status) == (200, 200, 201)
    assert after.headers["Twilio-Concurrent-Requests"] == "1"


def test_request_that_fails_is_not_counted_for_ever() -> None:
    """A limit that leaks closes the API for good."""
    with Emulator(EmulatorOptions(concurrency=1)) as emulator:
        client = Client(emulator)
        replies = [client.post("Messages.json", {}).status for _ in range(3)]

        assert (replies, client.get("Messages.json").status) == ([400] * 3, 200)


def test_outage_lasts_as_many_requests_as_wanted(emulator: Emulator, client: Client) -> None:
    """A client is tested for what it does then: it waits, and tries again."""
    emulator.fail_next(2)
    refused = [client.post("Messages.json", TEXT), client.get("/no/such/path")]

    assert [reply.error for reply in refused] == [(503, 20503)] * 2
    assert [reply.headers["Retry-After"] for reply in refused] == ["1", "1"]
    assert client.post("Messages.json", TEXT).status == 201
    assert len(emulator.outbox) == 1


def test_outage_leaves_the_paths_of_the_emulator_alone(emulator: Emulator, client: Client) -> None:
    """Looking at what happens must not change it, and an outage has to be ended somehow."""
    emulator.fail_next(1000)

    assert client.get("/_emulator/requests").status == 200
    assert client.post("/_emulator/outage", {"Requests": "0"}).status == 204
    assert client.get("Messages.json").status == 200


def test_outage_is_no_less_than_none(emulator: Emulator, client: Client) -> None:
    """Counting down from below zero would never end."""
    with pytest.raises(ValueError, match="-1 requests cannot fail"):
        emulator.fail_next(-1)

    assert client.get("Messages.json").status == 200


OWN_HOSTS = [
    *("127.0.0.1", "127.0.0.1:8088", "192.168.1.20:8088", "[::1]", "[::1]:8088", "localhost", "LOCALHOST:8088"),
    *("localhost.:8088", "twilio.localhost:8088", "host.docker.internal:8088", "api.twilio.com", "twilio.com"),
    "api.dublin.ie1.twilio.com:443",
]
STRANGE_HOSTS = [
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
def test_name_of_this_machine_is_let_in(host: str, client: Client) -> None:
    """Clients in containers and behind proxies call it by other names."""
    headers = {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), "Host": host}

    assert client.send("GET", MESSAGES, None, headers).status == 200


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("host", STRANGE_HOSTS)
def test_name_of_another_site_opens_nothing(host: str, path: str, client: Client) -> None:
    """A page whose name is turned to 127.0.0.1 counts as of one site with the emulator, and the token is public."""
    headers = {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), "Host": host}
    reply = client.send("GET", path, None, headers)

    assert reply.error == (403, 20006)
    assert reply.json["message"] == f"Access Denied: {host} is no name of this emulator: use localhost"


@pytest.mark.parametrize(("method", "path"), ANONYMOUS_WRITES)
def test_name_of_another_site_writes_nothing(method: str, path: str, emulator: Emulator, client: Client) -> None:
    """Its page may even say that it comes from there."""
    site = {"Host": "rebound.example.com", "Origin": "http://rebound.example.com"}
    reply = client.send(method, path, FORM, {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), **site})

    assert (reply.status, emulator.outbox) == (403, [])


def test_name_that_the_server_was_given_is_let_in() -> None:
    """Whoever chooses it, means it."""
    name = socket.gethostname()
    try:
        emulator = Emulator(EmulatorOptions(host=name))
    except ConfigurationError:  # it leads nowhere from here
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is no name of this machine")
    with emulator:
        url = f"{emulator.url}{MESSAGES}"
        request = urllib.request.Request(url, headers={"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN)})
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status == 200


def test_client_that_names_no_host_is_let_in(emulator: Emulator) -> None:
    """That of HTTP 1.0 has no way to; browsers always do."""
    head = f"GET {MESSAGES} HTTP/1.0\r\nAuthorization: {basic(ACCOUNT_SID, AUTH_TOKEN)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=30) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.split(b"\r\n")[0].endswith(b" 200 OK")


def test_program_that_texts_itself_comes_to_an_end(emulator: Emulator, client: Client) -> None:
    """A Message URL that points to the emulator would start threads until the machine has none left."""
    form = urlencode({"From": PHONE, "To": NUMBER, "Body": "again"})
    credentials = f"{ACCOUNT_SID}:{AUTH_TOKEN}"
    emulator.add_number(NUMBER, f"http://{credentials}@127.0.0.1:{emulator.port}/_emulator/texts?{form}")
    reply = client.post("/_emulator/texts", {"From": PHONE, "To": NUMBER, "Body": "hello"})

    assert reply.status == 201
    assert len(client.get("Messages.json?PageSize=1000").json["messages"]) == CONTROL_CONCURRENCY
    assert client.get("/_emulator/outbox").status == 200
