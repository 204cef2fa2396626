"""The API over HTTP: paths, methods, representations, errors, and conditional requests."""

from __future__ import annotations

import re
import socket
from urllib.parse import quote

import pytest
from lxml import etree
from werkzeug.test import Client as WsgiClient

from tests.emulator.rest.asking import NUMBER, PHONE, Client, basic
from tests.servers import LIMIT_S
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator, EmulatorOptions
from twiml_app.emulator.rest.access import Access
from twiml_app.emulator.rest.api import Api
from twiml_app.emulator.rest.request import ApiAnswer, ApiRequest, Rule
from twiml_app.emulator.rest.request_log import RequestLog

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
TEXT = {"To": PHONE, "From": NUMBER, "Body": "hello"}
CREDENTIALS = {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN)}
READABLE = {"json": "application/json", "xml": "application/xml", "csv": "text/csv", "": "application/xml"}


def in_xml(code: int, message: str, status: int) -> str:
    """Return the XML document of an error."""
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        "<TwilioResponse>\n"
        "  <RestException>\n"
        f"    <Code>{code}</Code>\n"
        f"    <Message>{message}</Message>\n"
        f"    <MoreInfo>https://www.twilio.com/docs/errors/{code}</MoreInfo>\n"
        f"    <Status>{status}</Status>\n"
        "  </RestException>\n"
        "</TwilioResponse>\n"
    )


def in_json(code: int, message: str, status: int) -> dict[str, object]:
    """Return the JSON document of an error."""
    return {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "text/html", "*/*"])
@pytest.mark.parametrize(("extension", "content_type"), READABLE.items())
def test_only_the_extension_chooses_the_representation(
    accept: str, extension: str, content_type: str, client: Client
) -> None:
    """Accept headers are not reliable: the current Python library sends */* when it deletes."""
    path = f"{BASE}/Messages" + (f".{extension}" if extension else "")
    reply = client.send("GET", path, None, {**CREDENTIALS, "Accept": accept})

    assert (reply.status, reply.headers["Content-Type"]) == (200, content_type)


@pytest.mark.parametrize(
    ("method", "path", "form", "code", "message", "status"),
    [
        ("GET", "Messages/SM1", None, 20404, "The requested resource {path} was not found", 404),
        ("GET", "Nothing", None, 20404, "The requested resource {path} was not found", 404),
        ("PATCH", "Messages", None, 20004, "Method not allowed: PATCH", 405),
        ("POST", "Messages", {}, 21604, "A 'To' phone number is required.", 400),
    ],
    ids=["unknown resource", "unknown path", "unknown method", "bad request"],
)
@pytest.mark.parametrize("extension", READABLE)
def test_error_has_the_requested_representation(
    method: str,
    path: str,
    form: dict[str, str] | None,
    code: int,
    message: str,
    status: int,
    extension: str,
    client: Client,
) -> None:
    """Clients parse every body: an unexpected format would hide the error. CSV has no error format, so XML is used."""
    target = f"{BASE}/{path}" + (f".{extension}" if extension else "")
    reply = client.request(method, target, form)

    assert reply.status == status
    if extension == "json":
        assert reply.json == in_json(code, message.format(path=target), status)
    else:
        assert reply.xml == in_xml(code, message.format(path=target), status)
        assert reply.headers["Content-Type"] == "application/xml"


@pytest.mark.parametrize("extension", READABLE)
def test_server_error_has_the_requested_representation(extension: str, emulator: Emulator) -> None:
    """The Node library 3 throws a SyntaxError on an HTML page."""

    def fail(request: ApiRequest) -> ApiAnswer:
        raise RuntimeError("unexpected")

    log = RequestLog()
    rule = Rule(path="/2010-04-01/Accounts/<account_sid>/Broken", views={"GET": fail})
    api = Api(emulator._context, Access(emulator._context.store, 1), log, [rule])
    path = f"{BASE}/Broken" + (f".{extension}" if extension else "")
    reply = WsgiClient(api).get(path, headers=CREDENTIALS)

    message = "An internal server error has occurred"
    assert reply.status_code == 500
    if extension == "json":
        assert reply.json == in_json(20500, message, 500)
    else:
        assert reply.text == in_xml(20500, message, 500)
    assert [(request.status, request.code) for request in log.all()] == [(500, 20500)]


def test_exception_does_not_use_up_the_concurrency_limit(emulator: Emulator) -> None:
    """A leaking counter would block the API permanently."""

    def fail(request: ApiRequest) -> ApiAnswer:
        raise RuntimeError("unexpected")

    rule = Rule(path="/2010-04-01/Accounts/<account_sid>/Broken", views={"GET": fail})
    client = WsgiClient(Api(emulator._context, Access(emulator._context.store, 1), RequestLog(), [rule]))

    assert [client.get(f"{BASE}/Broken", headers=CREDENTIALS).status_code for _ in range(3)] == [500] * 3


@pytest.mark.parametrize(
    ("path", "document"),
    [
        (f"/2008-08-01/Accounts/{ACCOUNT_SID}/SMS/Messages/SM1", ["Status", "Message", "Code", "MoreInfo"]),
        (f"/2010-04-01/Accounts/{ACCOUNT_SID}/SMS/Messages/SM1", ["Code", "Message", "MoreInfo", "Status"]),
    ],
    ids=["2008", "2010"],
)
def test_error_elements_are_in_the_order_of_the_api_version(path: str, document: list[str], client: Client) -> None:
    """Parsers of 2008 read elements by position."""
    error = etree.fromstring(client.get(path).body)[0]

    assert [element.tag for element in error] == document


@pytest.mark.parametrize("path", ["/v1/Services/MG1", "/v1/Nothing", "/_emulator/nothing", "/favicon.ico", "/abcdefg"])
def test_error_outside_the_old_api_is_json(path: str, client: Client) -> None:
    """Twilio's newer APIs have no XML."""
    assert client.get(path).json == in_json(20404, f"The requested resource {path} was not found", 404)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"{BASE}/Messages.html", id="unknown extension"),
        pytest.param(f"{BASE}/Messages.JSON", id="extension in capitals"),
        pytest.param(f"{BASE}/Messages.json.xml", id="two extensions"),
        pytest.param(f"{BASE}/Messages.json/", id="slash after the extension"),
        pytest.param(f"{BASE}/Messages/.json", id="only an extension"),
        pytest.param(f"{BASE}//Messages.json", id="two slashes"),
        pytest.param(f"{BASE}/messages.json", id="lower case"),
        pytest.param(f"/Accounts/{ACCOUNT_SID}/Messages.json", id="no API version"),
        pytest.param(f"/2010-04-02/Accounts/{ACCOUNT_SID}/Messages.json", id="unknown API version"),
        pytest.param(f"/2008-08-01/Accounts/{ACCOUNT_SID}/Messages.json", id="resource of a later API version"),
        pytest.param(f"{BASE}/Messages%0A.json", id="line break"),
        pytest.param(f"{BASE}/Messages.json%0A", id="line break at the end"),
        pytest.param(f"{BASE}/Messages/%FF%00%ED%A0%80", id="not UTF-8"),
        pytest.param(f"{BASE}/Messages/..%2FApplications", id="path traversal"),
        pytest.param(f"{BASE}/Messages/{ACCOUNT_SID}.json", id="SID of another kind"),
        pytest.param(f"{BASE}/Messages/SM{'1' * 32}'--.json", id="SID with SQL in it"),
    ],
)
def test_unknown_path_is_not_found(path: str, client: Client) -> None:
    """An almost correct path must not return some other resource."""
    reply = client.get(path)

    assert reply.status == 404
    assert b"20404" in reply.body


def test_equivalent_paths_are_accepted(client: Client) -> None:
    """Some clients double the leading slash, escape characters without need, or add a trailing slash."""
    sid = client.text()["sid"]
    paths = [
        f"/{BASE}/Messages/{sid}.json",
        quote(f"{BASE}/Messages/{sid}").replace("A", "%41") + ".json",
        f"{BASE}/Messages/{sid[:5]}%{ord(sid[5]):x}{sid[6:]}.json",
    ]

    assert [client.get(path).json["sid"] for path in paths] == [sid] * 3
    assert client.get("Messages/").texts(".//Sid") == [sid]


def test_put_counts_as_post(client: Client) -> None:
    """The API of 2010 accepts either to create and update."""
    created = client.request("PUT", "Applications.json", {"FriendlyName": "one"})
    renamed = client.request("PUT", f"Applications/{created.json['sid']}.json", {"FriendlyName": "two"})

    assert (created.status, renamed.status, renamed.json["friendly_name"]) == (201, 200, "two")


@pytest.mark.parametrize("name", ["DELETE", "delete"])
def test_method_in_the_query_deletes(name: str, client: Client) -> None:
    """Some HTTP clients support only GET and POST."""
    sid = client.post("Applications.json", {"FriendlyName": "one"}).json["sid"]
    reply = client.request("POST", f"Applications/{sid}.json", {}, {"_method": name})

    assert (reply.status, reply.body, client.get(f"Applications/{sid}.json").status) == (204, b"", 404)


def test_method_in_the_query_updates(client: Client) -> None:
    """The form in the body is used, as with a real PUT."""
    sid = client.post("Applications.json", {"FriendlyName": "one"}).json["sid"]
    reply = client.request("POST", f"Applications/{sid}.json", {"FriendlyName": "two"}, {"_method": "PUT"})

    assert (reply.status, reply.json["friendly_name"]) == (200, "two")


@pytest.mark.parametrize(
    ("method", "query", "form"),
    [
        pytest.param("GET", {"_method": "DELETE"}, None, id="in a GET request"),
        pytest.param("POST", {"_method": "GET"}, {"FriendlyName": "one"}, id="with another method"),
        pytest.param("POST", {}, {"FriendlyName": "one", "_method": "DELETE"}, id="in the body instead"),
    ],
)
def test_method_override_is_ignored_elsewhere(
    method: str, query: dict[str, str], form: dict[str, str] | None, client: Client
) -> None:
    """A GET that deletes would be triggered by every crawler."""
    sid = client.post("Applications.json", {"FriendlyName": "one"}).json["sid"]

    assert client.request(method, f"Applications/{sid}.json", form, query).status == 200
    assert client.get(f"Applications/{sid}.json").json["friendly_name"] == "one"


@pytest.mark.parametrize(
    ("method", "path", "query", "shown", "allowed"),
    [
        ("DELETE", f"{BASE}.json", {}, "DELETE", "GET, HEAD, POST, PUT"),
        ("POST", f"{BASE}.json", {"_method": "DELETE"}, "DELETE", "GET, HEAD, POST, PUT"),
        ("PUT", "/2010-04-01/Accounts.json", {}, "PUT", "GET, HEAD, POST"),
        ("POST", "/2010-04-01/Accounts.json", {"_method": "PUT"}, "PUT", "GET, HEAD, POST"),
        ("OPTIONS", f"{BASE}/Messages.json", {}, "OPTIONS", "GET, HEAD, POST, PUT"),
        ("POST", f"{BASE}/Messages/SM1/Media.json", {}, "POST", "GET, HEAD"),
        ("DELETE", "/v1/Services", {}, "DELETE", "GET, HEAD, POST, PUT"),
        ("POST", "/abcdefg", {}, "POST", "GET, HEAD"),
    ],
)
def test_unsupported_method_is_refused(
    method: str, path: str, query: dict[str, str], shown: str, allowed: str, client: Client
) -> None:
    """For example, an account can only be closed. The response lists the supported methods."""
    reply = client.request(method, path, None, query)

    assert reply.json == in_json(20004, f"Method not allowed: {shown}", 405)
    assert reply.headers["Allow"] == allowed


def test_head_is_a_get_without_its_body(client: Client) -> None:
    """Monitors request only the headers."""
    client.text()
    got, headed = client.get("Messages.json"), client.request("HEAD", "Messages.json")

    assert (headed.status, headed.body) == (200, b"")
    assert [headed.headers[name] for name in ("Content-Type", "Content-Length", "ETag")] == [
        got.headers[name] for name in ("Content-Type", "Content-Length", "ETag")
    ]


def test_head_of_a_write_only_path_is_refused(client: Client) -> None:
    """A HEAD request must not create anything."""
    assert client.request("HEAD", "Messages/SM1/Feedback.json").status == 405


def test_response_has_the_headers_of_twilio(client: Client) -> None:
    """Twilio's support asks for the request ID, which is unique per request."""
    replies = [client.get("Messages.json"), client.get("Messages/SM1.json"), client.request("DELETE", "Messages/SM1")]

    assert [reply.headers["Twilio-Request-Id"] for reply in replies] == [f"RQ{n:032}" for n in (1, 2, 3)]
    assert all(re.fullmatch(r"\d+\.\d{3}", reply.headers["Twilio-Request-Duration"]) for reply in replies)
    assert replies[0].headers["Twilio-Concurrent-Requests"] == "1"


def test_empty_response_has_no_content_type(client: Client) -> None:
    """There is no content."""
    sid = client.post("Applications.json").json["sid"]
    reply = client.request("DELETE", f"Applications/{sid}")

    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (204, b"", None)


@pytest.mark.parametrize("path", ["Messages.json", "Messages.xml", "Messages.csv", f"{BASE}.json", "/v1/Services"])
def test_unchanged_resource_is_not_sent_again(path: str, client: Client) -> None:
    """A polling client sends the ETag that it has."""
    first = client.get(path)
    etag = first.headers["ETag"]
    again = client.send(
        "GET", path if path.startswith("/") else f"{BASE}/{path}", None, CREDENTIALS | {"If-None-Match": etag}
    )

    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", etag)


def test_changed_resource_is_sent_again(emulator: Emulator, client: Client) -> None:
    """Also within the same second, and even if the client sends a date as well."""
    sid = client.text()["sid"]
    emulator.advance(10)
    path, first = f"{BASE}/Messages/{sid}.json", client.get(f"Messages/{sid}.json")
    emulator.settle()
    known = {"If-None-Match": first.headers["ETag"], "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    client.post(f"Messages/{sid}.json", {"Body": ""})

    assert client.send("GET", path, None, CREDENTIALS | known).json["body"] == ""


def test_resource_not_modified_since_is_not_sent_again(emulator: Emulator, client: Client) -> None:
    """Clients that do not store ETags at least know a date."""
    sid = client.text()["sid"]
    emulator.settle()
    emulator.advance(10)
    path = f"{BASE}/Messages/{sid}.json"
    modified = client.send("GET", path, None, CREDENTIALS).headers["Last-Modified"]

    assert modified.endswith(" GMT")
    assert client.send("GET", path, None, CREDENTIALS | {"If-Modified-Since": modified}).status == 304
    client.post(f"Messages/{sid}.json", {"Body": ""})
    assert client.send("GET", path, None, CREDENTIALS | {"If-Modified-Since": modified}).status == 200


def test_last_modified_is_left_out_within_the_same_second(emulator: Emulator, client: Client) -> None:
    """A step clock does not move while a resource changes: the date would hide the change."""
    sid = client.post("Applications.json", {"FriendlyName": "one"}).json["sid"]
    path, now = f"{BASE}/Applications/{sid}.json", {"If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 GMT"}
    first = client.send("GET", path, None, CREDENTIALS)
    client.post(f"Applications/{sid}.json", {"FriendlyName": "two"})
    again = client.send("GET", path, None, CREDENTIALS | now)

    assert first.headers["Last-Modified"] is None
    assert (again.status, again.json["friendly_name"]) == (200, "two")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("application/json", b'{"To": "+15558675310"}', id="JSON"),
        pytest.param("application/x-www-form-urlencoded", b"To=%2B15558675310&Body=\xff", id="not UTF-8"),
        pytest.param("application/x-www-form-urlencoded", b"\x00\x01&&&;;==", id="not a form"),
        pytest.param("multipart/form-data", b"--x\r\n", id="multipart without a boundary"),
        pytest.param("text/plain; charset=\xff", b"To=1", id="malformed content type"),
    ],
)
def test_body_that_is_not_a_form_counts_as_empty(
    content_type: str, body: bytes, emulator: Emulator, client: Client
) -> None:
    """The response names the missing parameter; the hint in the log names the cause."""
    reply = client.send("POST", f"{BASE}/Messages.json", body, CREDENTIALS | {"Content-Type": content_type})

    assert reply.status == 400
    assert emulator.outbox == []


def test_truncated_body_creates_nothing(emulator: Emulator) -> None:
    """Part of a message must not be sent."""
    head = (
        f"POST {BASE}/Messages.json HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n"
        f"Authorization: {CREDENTIALS['Authorization']}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=LIMIT_S) as connection:
        connection.sendall(head.encode() + b"To=%2B15558675310&From=%2B15017122661&Body=hel")
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert (b'"code": 20001' in answer, emulator.outbox) == (True, [])


def test_multipart_body_that_is_too_large_is_refused(client: Client, emulator: Emulator) -> None:
    """A multipart form is read into memory, and no message needs a megabyte."""
    body = b'--x\r\nContent-Disposition: form-data; name="Body"\r\n\r\n' + b"a" * 1_000_000 + b"\r\n--x--\r\n"
    headers = CREDENTIALS | {"Content-Type": "multipart/form-data; boundary=x"}
    reply = client.send("POST", f"{BASE}/Messages.json", body, headers)

    assert (reply.error, emulator.outbox) == ((413, 20001), [])


def test_get_may_have_a_content_type(client: Client) -> None:
    """The current Python library sends one without a body."""
    headers = CREDENTIALS | {"Content-Type": "application/x-www-form-urlencoded"}

    assert client.send("GET", f"{BASE}/Messages.json", None, headers).status == 200


def test_two_emulators_are_independent() -> None:
    """Tests run in parallel."""
    with Emulator() as one, Emulator(EmulatorOptions(auth_token="other")) as two:
        Client(one).text()
        two.fail_next(1)

        assert (len(one.outbox), len(two.outbox)) == (1, 0)
        assert Client(one).get("Messages.json").status == 200
        assert [Client(two).get("Messages.json").status for _ in range(2)] == [503, 200]
        assert Client(two, one.account_sid, one.auth_token).get("Messages.json").status == 401
        assert [len(each.requests) for each in (one, two)] == [2, 3]


def send_raw(emulator: Emulator, request: bytes) -> bytes:
    """Send bytes and close the sending side; return the response."""
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=LIMIT_S) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def head(*lines: str) -> bytes:
    """Return the head of a request that creates a message."""
    form = "Content-Type: application/x-www-form-urlencoded"
    credentials = f"Authorization: {CREDENTIALS['Authorization']}"
    first = f"POST {BASE}/Messages.json HTTP/1.1"
    return "\r\n".join([first, "Host: 127.0.0.1", credentials, form, *lines, "", ""]).encode()


GOOD_FORM = b"To=%2B15558675310&From=%2B15017122661&Body=hello"


def test_body_in_chunks_is_read(emulator: Emulator) -> None:
    """Clients that do not know the length in advance use chunks."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (GOOD_FORM[:10], GOOD_FORM[10:]))
    answer = send_raw(emulator, head("Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert [message.body for message in emulator.outbox] == ["hello"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="no chunks"),
        pytest.param(b"nonsense\r\n", id="not a length"),
        pytest.param(b"-5\r\nhello\r\n0\r\n\r\n", id="negative length"),
        pytest.param(b"40000000\r\n" + GOOD_FORM, id="truncated chunk"),
        pytest.param(b"30\r\n" + GOOD_FORM, id="chunk without its line break"),
        pytest.param(b"%x\r\n%b" % (len(GOOD_FORM), GOOD_FORM), id="no line break after the chunk"),
        pytest.param(b"%x\r\n%b\r\n" % (len(GOOD_FORM), GOOD_FORM), id="no last chunk"),
        pytest.param(b"%x\r\n%bxx" % (len(GOOD_FORM), GOOD_FORM), id="chunk longer than its length"),
    ],
)
def test_invalid_chunks_create_nothing(body: bytes, emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """This is an error of the client, so the emulator logs no exception."""
    answer = send_raw(emulator, head("Transfer-Encoding: chunked") + body)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert (b'"code": 20001' in answer, emulator.outbox, caplog.text) == (True, [], "")


@pytest.mark.parametrize("length", ["nonsense", "-1", "1e3"])
def test_invalid_content_length_creates_nothing(length: str, emulator: Emulator) -> None:
    """Without a length the body cannot be read."""
    answer = send_raw(emulator, head(f"Content-Length: {length}") + GOOD_FORM)

    assert (answer.startswith(b"HTTP/1.1 400 "), emulator.outbox) == (True, [])


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/json", "text/plain"])
def test_body_above_a_megabyte_is_refused_whatever_it_is(kind: str, client: Client, emulator: Emulator) -> None:
    """No part of it is stored."""
    body = GOOD_FORM + b"a" * 1_000_000
    reply = client.send("POST", f"{BASE}/Messages.json", body, {**CREDENTIALS, "Content-Type": kind})

    assert (reply.error, emulator.outbox) == ((413, 20001), [])
    assert [len(request.hints) < 3 for request in emulator.requests] == [True]


def test_too_large_body_is_refused_before_it_is_sent(emulator: Emulator) -> None:
    """The emulator must not wait for a gigabyte."""
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=LIMIT_S) as connection:
        connection.sendall(head("Content-Length: 1000000000"))
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_chunks_above_a_megabyte_are_refused(emulator: Emulator) -> None:
    """Their total length is only known while they arrive."""
    chunk = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"
    answer = send_raw(emulator, head("Transfer-Encoding: chunked") + chunk * 2 + b"0\r\n\r\n")

    assert (answer.startswith(b"HTTP/1.1 413 "), emulator.outbox) == (True, [])


def test_invalid_request_target_gets_a_response(emulator: Emulator, capfd: pytest.CaptureFixture[str]) -> None:
    """No traceback is printed in the developer's terminal."""
    answer = send_raw(emulator, b"GET http://[x/ HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 Bad request target\r\n")
    assert capfd.readouterr() == ("", "")


def test_host_in_the_request_target_has_precedence(emulator: Emulator) -> None:
    """Proxies send absolute targets, which take precedence over the Host header."""
    own = send_raw(emulator, b"GET http://localhost/abcdefg HTTP/1.1\r\nHost: example.com\r\n\r\n")
    foreign = send_raw(emulator, b"GET http://example.com/abcdefg HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert [answer.split()[1] for answer in (own, foreign)] == [b"404", b"403"]


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}], ids=["kept open", "closed"])
def test_response_has_one_date(headers: dict[str, str], client: Client) -> None:
    """A strict client refuses a response that repeats it."""
    reply = client.send("GET", f"{client.base}/Messages.json", None, headers | CREDENTIALS)

    assert (reply.status, len(reply.headers.get_all("Date", []))) == (200, 1)
