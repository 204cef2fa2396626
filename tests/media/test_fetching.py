"""Downloads of media files over real TLS: who gets credentials, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.media.internet import ACCOUNT, CDN, JPEG, PUBLIC, TARGET, TWILIO, URL, Internet, Page, internet
from tests.servers import LIMIT_S
from tests.webhook_requests import read_settings
from twiml_app.credentials import Credentials, basic_header
from twiml_app.errors import MediaError
from twiml_app.media.fetching import FetchLimits, MediaFetcher
from twiml_app.media.hosts import resolve_host

TOKEN = basic_header(Credentials(ACCOUNT, "the token"))
PICTURE = Page(body=JPEG)
CAT = f"https://{CDN}/cat.jpg?X-Amz-Signature=1"
SMALL = FetchLimits(max_bytes=len(JPEG), pauses_s=())
BRIEF = FetchLimits(total_s=0.3, pauses_s=())


@pytest.fixture
def net() -> Iterator[Internet]:
    """A small internet, in which Twilio's media URL redirects to a picture as the real one does."""
    with internet() as net:
        net.redirect(URL, CAT)
        net.publish(CAT, PICTURE)
        yield net


def fetch(fetcher: MediaFetcher, url: str = URL, content_type: str = "image/jpeg", account: str = ACCOUNT) -> bytes:
    """Download a file as a message announced it."""
    return fetcher.fetch(url, content_type=content_type, account_sid=account)


def refused(fetcher: MediaFetcher, url: str = URL, content_type: str = "image/jpeg", account: str = ACCOUNT) -> str:
    """Return why a file is refused."""
    with pytest.raises(MediaError) as caught:
        fetch(fetcher, url, content_type, account)
    return caught.value.problem


def test_only_twilio_gets_the_credentials(net: Internet) -> None:
    """Twilio redirects to a host of another company, where the token would be in its logs."""
    assert fetch(net.fetcher()) == JPEG
    assert net.asked == [(TWILIO, TARGET, TOKEN), (CDN, "/cat.jpg?X-Amz-Signature=1", None)]


@pytest.mark.parametrize(
    ("host", "gets"),
    [
        pytest.param("api.dublin.ie1.twilio.com", TOKEN, id="an edge and a region of Twilio"),
        pytest.param("internal.example", None, id="another host"),
    ],
)
def test_other_hosts_get_none(net: Internet, host: str, gets: str | None) -> None:
    """Somebody who can forge a message chooses the host of its media."""
    url = net.publish(f"https://{host}/cat.jpg", PICTURE)

    assert fetch(net.fetcher(), url) == JPEG
    assert net.asked == [(host, "/cat.jpg", gets)]


@pytest.mark.parametrize(
    "host",
    ["api.twilio.com.example", "apiXtwilio.com", "api.twilio.com@internal.example", "evil.example/api.twilio.com"],
)
def test_host_that_only_looks_like_twilio_gets_no_credentials(net: Internet, host: str) -> None:
    """Names are compared as a whole."""
    refused(net.fetcher(), f"https://{host}{TARGET}")

    assert [header for *_, header in net.asked if header] == []


def test_port_that_is_not_twilios_gets_no_credentials(net: Internet) -> None:
    """Twilio serves its API on one port."""
    assert refused(net.fetcher(), f"https://{TWILIO}:8443{TARGET}").startswith("there is no such file (404)")
    assert [header for *_, header in net.asked if header] == []


def test_account_has_its_own_token(net: Internet) -> None:
    """Subaccounts have tokens of their own; a second token is tried when the first is refused, during a rotation."""
    tokens: dict[str, object] = {"TWIML_AUTH_TOKENS": {ACCOUNT: ["old", "new"], "AC2": "other"}}
    net.publish(URL, Page(401), PICTURE)

    assert fetch(net.fetcher(tokens)) == JPEG
    assert [header for *_, header in net.asked] == [
        basic_header(Credentials(ACCOUNT, token)) for token in ("old", "new")
    ]


@pytest.mark.parametrize(
    ("tokens", "problem"),
    [
        pytest.param(
            {"TWILIO_AUTH_TOKEN": "wrong"},
            f"the credentials of {ACCOUNT} are refused (401): compare TWILIO_AUTH_TOKEN with Twilio's console",
            id="wrong token",
        ),
        pytest.param(
            {"TWIML_AUTH_TOKENS": {"AC2": "other"}},
            "it needs credentials: set TWILIO_AUTH_TOKEN, or TWIML_AUTH_TOKENS for several accounts",
            id="token of another account only",
        ),
    ],
)
def test_missing_or_wrong_credentials_are_explained(net: Internet, tokens: dict[str, object], problem: str) -> None:
    """Media of new accounts needs credentials, and the answer of Twilio does not say which."""
    net.publish(URL, Page(401))

    assert refused(net.fetcher(tokens)) == problem


def test_file_that_is_not_there_yet_is_asked_for_again(net: Internet) -> None:
    """Twilio may call the Message URL before the file can be downloaded."""
    net.publish(URL, Page(404), Page(503), PICTURE)

    assert fetch(net.fetcher()) == JPEG
    assert net.slept == [0.25, 0.5]


def test_file_that_never_comes_is_given_up(net: Internet) -> None:
    """The handler has to answer within Twilio's time."""
    net.publish(URL, Page(404))

    with pytest.raises(MediaError) as caught:
        fetch(net.fetcher())

    assert str(caught.value) == f"{URL}: there is no such file (404): it was deleted, or is not there yet"
    assert (caught.value.file, caught.value.status, net.slept) == (URL, 404, [0.25, 0.5, 1.0])


def test_other_answers_are_not_repeated(net: Internet) -> None:
    """A file that was deleted does not come back."""
    net.publish(URL, Page(410))

    assert refused(net.fetcher()) == "the answer is 410"
    assert net.slept == []


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        pytest.param("https://169.254.169.254/latest/meta-data/", "169.254.169.254 has the address", id="metadata"),
        pytest.param("https://127.0.0.1/admin", "127.0.0.1 has the address", id="this machine"),
        pytest.param("https://internal.example/", "internal.example has the address 10.0.0.7", id="private name"),
        pytest.param("http://169.254.169.254/", "169.254.169.254 would be asked without encryption", id="plain http"),
        pytest.param("http://localhost/", "localhost would be asked without encryption", id="plain http at home"),
        pytest.param("file:///etc/passwd", "it is not an http or https URL", id="file"),
        pytest.param("ftp://media.twiliocdn.com/x", "it is not an http or https URL", id="another protocol"),
        pytest.param("https://[::1/", "it redirects to an invalid URL", id="no URL"),
    ],
)
def test_redirect_into_the_own_network_is_refused(net: Internet, location: str, problem: str) -> None:
    """Cloud machines hand out their credentials to whoever asks an address of the local network."""
    net.addresses = {"internal.example": [PUBLIC, "10.0.0.7"], "169.254.169.254": ["169.254.169.254"]}
    net.redirect(URL, location)

    assert refused(net.fetcher()).startswith(problem)
    assert [host for host, *_ in net.asked] == [TWILIO]
    assert net.connected == [PUBLIC]


def test_media_url_in_the_own_network_is_refused(net: Internet) -> None:
    """The first URL is that of the form, which is as trustworthy as its sender."""
    net.addresses = {"internal.example": ["192.168.0.1"]}

    assert refused(net.fetcher(), "https://internal.example/cat.jpg") == (
        "internal.example has the address 192.168.0.1, which is not public"
    )
    assert net.connected == []


def test_connection_goes_to_the_address_that_was_checked(net: Internet) -> None:
    """A name may mean a public address when it is checked, and a private one when it is asked for again."""
    changing = iter([[PUBLIC], [PUBLIC], ["127.0.0.1"]])

    assert fetch(net.fetcher(resolve=lambda *_: next(changing))) == JPEG
    assert net.connected == [PUBLIC, PUBLIC]


def test_second_address_is_tried(net: Internet) -> None:
    """A machine may have no IPv6, and the name of a server both kinds of addresses."""
    net.addresses = {TWILIO: ["2606:2800:220:1::1", PUBLIC], CDN: []}

    def connect(address: tuple[str, int], timeout_s: float) -> object:
        if ":" in address[0]:
            raise OSError("no IPv6 here")
        return net.connect(address, timeout_s)

    assert refused(net.fetcher(connect=connect)) == f"there is no answer of {CDN}: the host has no address"
    assert [host for host, *_ in net.asked] == [TWILIO]


def test_redirects_are_limited(net: Internet) -> None:
    """A loop must end."""
    net.redirect(CAT, CAT)

    assert refused(net.fetcher()) == "it redirects more than 5 times"
    assert len(net.asked) == 6


def test_redirect_back_to_twilio_gets_the_credentials_again(net: Internet) -> None:
    """Each request is judged by its own host, with relative and absolute locations."""
    net.redirect(URL, "/elsewhere")
    net.redirect(f"https://{TWILIO}/elsewhere", CAT)

    assert fetch(net.fetcher()) == JPEG
    assert [header for *_, header in net.asked] == [TOKEN, TOKEN, None]


@pytest.mark.parametrize(
    ("sent", "announced", "accepted"),
    [
        pytest.param("image/jpeg", "image/jpeg", True, id="same"),
        pytest.param("Image/JPEG; q=1", "image/jpg", True, id="written differently"),
        pytest.param("application/octet-stream", "image/jpeg", True, id="unknown to the server"),
        pytest.param("image/png", "", True, id="not announced"),
        pytest.param("image/png", "image/jpeg", False, id="another"),
        pytest.param("text/html", "image/jpeg", False, id="a page with an error"),
        pytest.param("text/html; charset=utf-8", "", False, id="a page, nothing announced"),
    ],
)
def test_type_must_be_the_announced_one(net: Internet, sent: str, announced: str, accepted: bool) -> None:
    """A page that asks for a login has status 200 too, and is not a picture."""
    net.publish(CAT, Page(headers=(("Content-Type", sent),), body=JPEG))

    if accepted:
        assert fetch(net.fetcher(), content_type=announced) == JPEG
    else:
        assert refused(net.fetcher(), content_type=announced) == (
            f"it is {sent.partition(';')[0]}, not {announced or 'a media file'} as the webhook said"
        )


def endlessly(write: Callable[[bytes], object]) -> None:
    """Send chunks until the other side hangs up."""
    while True:
        write(b"400\r\n" + b"x" * 1024 + b"\r\n")


def slowly(write: Callable[[bytes], object]) -> None:
    """Send a byte from time to time until the other side hangs up."""
    while True:
        write(b"x")
        threading.Event().wait(0.02)


JPEG_TYPE = ("Content-Type", "image/jpeg")


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        pytest.param(Page(body=JPEG + b"x"), f"it has more than {len(JPEG)} bytes", id="one byte too many"),
        pytest.param(
            Page(headers=(JPEG_TYPE, ("Content-Length", str(10**12)))),
            f"it has more than {len(JPEG)} bytes",
            id="announced as too large",
        ),
        pytest.param(
            Page(headers=(JPEG_TYPE, ("Transfer-Encoding", "chunked")), stream=endlessly),
            f"it has more than {len(JPEG)} bytes",
            id="endless",
        ),
        pytest.param(
            Page(headers=(JPEG_TYPE,), stream=lambda write: write(JPEG)),
            "the answer does not say how long it is",
            id="of unknown length",
        ),
        pytest.param(
            Page(headers=(JPEG_TYPE, ("Content-Encoding", "gzip")), body=b"bomb"),
            "it is compressed, although that was not asked for",
            id="compressed",
        ),
        pytest.param(
            Page(headers=(JPEG_TYPE, ("Content-Length", "100")), body=b"x"),
            f"there is no answer of {CDN}: it breaks off after 1 bytes",
            id="cut off",
        ),
    ],
)
def test_body_is_limited_and_complete(net: Internet, page: Page, problem: str) -> None:
    """The memory of the application is finite, and half a picture is not a picture."""
    net.publish(CAT, page)

    assert refused(net.fetcher(limits=SMALL)) == problem


def test_picture_of_the_largest_size_is_accepted(net: Internet) -> None:
    """The limit itself is allowed."""
    assert fetch(net.fetcher(limits=SMALL)) == JPEG


def test_slow_sender_runs_into_the_deadline(net: Internet) -> None:
    """Every byte in time would still keep a handler busy for ever."""
    net.publish(CAT, Page(headers=(JPEG_TYPE, ("Content-Length", "1000000")), stream=slowly))

    assert refused(net.fetcher(limits=BRIEF)) in (
        f"there is no answer of {CDN}: timed out",
        f"there is no answer of {CDN}: The read operation timed out",
    )


def test_deadline_is_for_all_attempts_together(net: Internet) -> None:
    """Several requests that each take long are too long as well."""
    times = iter([0.0, *[1.0] * 12, *[20.0] * 100])
    net.redirect(CAT, CAT)

    assert refused(net.fetcher(clock=lambda: next(times))) == "it takes longer than 10 seconds"


def test_certificate_of_twilio_is_checked(net: Internet) -> None:
    """Whoever answers for Twilio's name would get the token."""
    assert "certificate verify failed" in refused(net.fetcher(context=None))
    assert net.asked == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_emulator_gets_the_credentials_over_http(name: str) -> None:
    """The REST API that the settings name is trusted: that of an emulator is on this machine."""
    with internet(tls=False) as net:
        url = f"http://127.0.0.1:{net.port}{TARGET}"
        net.addresses = {"127.0.0.1": ["127.0.0.1"]}
        net.publish(url, PICTURE)
        fetcher = net.fetcher({"TWIML_API_URL": f"http://{name}:{net.port}"})

        assert fetch(fetcher, url) == JPEG
        assert net.asked == [(f"127.0.0.1:{net.port}", TARGET, TOKEN)]
        assert refused(fetcher, f"http://127.0.0.1:1{TARGET}").startswith("127.0.0.1 would be asked without encryption")


def test_message_without_an_account_gets_no_credentials(net: Internet) -> None:
    """Nobody knows whose token it would be."""
    fetch(net.fetcher(), account="")

    assert [header for *_, header in net.asked] == [None, None]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("https://me:secret@internal.example/a", "https://internal.example/a", id="URL with a password"),
        pytest.param("me:secret@", "", id="no URL"),
    ],
)
def test_error_shows_no_password(net: Internet, url: str, shown: str) -> None:
    """Errors are logged."""
    with pytest.raises(MediaError) as caught:
        fetch(net.fetcher(), url)

    assert caught.value.file == shown


def test_names_are_resolved_by_the_system_within_the_time() -> None:
    """The system's resolver has no time limit of its own."""
    released = threading.Event()
    assert "127.0.0.1" in resolve_host("localhost", 80, LIMIT_S)
    with pytest.raises(TimeoutError, match=r"the host a\.example is not found in time"):
        resolve_host("a.example", 80, 0.01, system=lambda *_args, **_names: [None] * (not released.wait()))
    released.set()
    with pytest.raises(OSError, match=r"the host a{64}\.example is not found"):
        resolve_host("a" * 64 + ".example", 443, LIMIT_S)


def test_real_resolver_and_connection_are_used_by_default() -> None:
    """An emulator on this machine is reached with nothing replaced."""
    with internet(tls=False) as net:
        url = net.publish(f"http://localhost:{net.port}/cat.jpg", PICTURE)
        settings = read_settings({"TWILIO_AUTH_TOKEN": "x", "TWIML_API_URL": f"http://127.0.0.1:{net.port}"})

        assert fetch(MediaFetcher(settings), url) == JPEG
