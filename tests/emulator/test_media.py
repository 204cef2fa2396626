"""Media: what becomes of a MediaUrl, over real connections on the loopback and into an application in process."""

from __future__ import annotations

import base64
import re
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.caller.transports import HttpTransport, WsgiTransport
from twiml_app.caller.types import OutgoingRequest
from twiml_app.emulator.content_types import sniff
from twiml_app.emulator.media import FetchedMedia, MediaFetcher, MediaLimits
from twiml_app.errors import ApiError
from twiml_app.webhook import WebhookResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
PDF = b"%PDF-1.7\n"
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L"
MP4 = b"\x00\x00\x00\x18ftypmp42"
HTML = b"<!DOCTYPE html><title>Log in</title>"
MEGABYTE = 1024 * 1024

#: How files begin, and the content type of each.
BEGINNINGS = {
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/webp": (WEBP[:12],),
    "application/pdf": (b"%PDF-",),
    "video/mp4": (MP4[:8], b"\x00\x00\x00\x20ftypisom"),
}


@dataclass(frozen=True)
class Answer:
    """What the server says to a path."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass
class Site:
    """A real server on the loopback: what it answers, and what it was asked."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    #: Path and Authorization header of each request.
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def publish(
        self, path: str, content_type: str | None, body: bytes, *, status: int = 200, location: str = ""
    ) -> str:
        """Serve bytes under a path; gives the URL."""
        pairs = (("Content-Type", content_type), ("Location", location))
        self.answers[path] = Answer(status, tuple((name, value) for name, value in pairs if value), body)
        return self.url(path)

    def redirect(self, path: str, location: str, status: int = 302) -> str:
        """Serve a redirect under a path; gives the URL."""
        return self.publish(path, None, b"", status=status, location=location)

    def url(self, path: str, *, host: str = "127.0.0.1", userinfo: str = "") -> str:
        """Return the URL of a path."""
        return f"http://{userinfo}{host}:{self.port}{path}"


@pytest.fixture
def site() -> Iterator[Site]:
    """A server that answers what it is told to."""
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.path, self.headers.get("Authorization")))
            answer = served.answers.get(self.path, Answer(404))
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield served
        server.shutdown()
        thread.join()


@dataclass
class World:
    """A network in which every host is the same real server on the loopback."""

    port: int

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        there = urlunsplit(urlsplit(request.url)._replace(scheme="http", netloc=f"127.0.0.1:{self.port}"))
        return HttpTransport()(replace(request, url=there))


def unreachable(request: OutgoingRequest) -> WebhookResponse:
    """Stand for a network that must not be used."""
    raise AssertionError(f"{request.url} was fetched")


FETCHER = MediaFetcher(HttpTransport())
OFFLINE = MediaFetcher(unreachable)


def refused(fetch: Callable[[], object]) -> str:
    """Return the message with which a media is refused."""
    with pytest.raises(ApiError) as caught:
        fetch()
    assert (caught.value.code, caught.value.status) == (21620, 400)
    return caught.value.message


@pytest.mark.parametrize(
    ("header", "body", "content_type"),
    [
        pytest.param("image/gif", GIF, "image/gif", id="gif"),
        pytest.param("image/png", PNG, "image/png", id="png"),
        pytest.param("image/jpeg", JPEG, "image/jpeg", id="jpeg"),
        pytest.param("image/jpg", JPEG, "image/jpeg", id="jpg is jpeg"),
        pytest.param("Image/PNG; charset=binary", PNG, "image/png", id="case and parameters"),
        pytest.param("image/webp", WEBP, "image/webp", id="webp"),
        pytest.param("application/pdf", PDF, "application/pdf", id="pdf"),
        pytest.param("video/mp4", MP4, "video/mp4", id="mp4"),
        pytest.param("audio/mp4", MP4, "audio/mp4", id="sound in the container of mp4"),
        pytest.param("image/heic", MP4, "image/heic", id="picture in the container of mp4"),
        pytest.param("text/vcard", b"BEGIN:VCARD", "text/vcard", id="a type without a signature"),
        pytest.param("audio/amr", b"#!AMR\n", "audio/amr", id="a type that is not looked into"),
    ],
)
def test_media_on_this_machine_is_fetched(site: Site, header: str, body: bytes, content_type: str) -> None:
    """The application under test serves its own pictures, and sees what the phone would get."""
    url = site.publish("/media", header, body)

    assert FETCHER.fetch(url) == FetchedMedia(content_type=content_type, content=body)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_media_is_fetched_under_the_usual_names_of_this_machine(site: Site, host: str) -> None:
    """These are the ones that developers write."""
    site.publish("/media", "image/png", PNG)

    assert FETCHER.fetch(site.url("/media", host=host)).content == PNG


@pytest.mark.parametrize("host", ["[::1]", "127.8.8.8", "localhost.", "app.localhost", "APP.localhost."])
def test_every_name_of_this_machine_is_taken_for_one(site: Site, host: str) -> None:
    """IPv6, and addresses and names for one of several applications: not every machine resolves them all."""
    site.publish("/media", "image/png", PNG)

    assert MediaFetcher(World(site.port)).fetch(site.url("/media", host=host)).content == PNG


def test_credentials_in_the_url_are_sent_as_basic(site: Site) -> None:
    """Media behind a password is given to Twilio so; the encoding of the URL is undone first."""
    site.publish("/media?a=%2c", "image/png", PNG)
    FETCHER.fetch(site.url("/media?a=%2c#there", userinfo="me%40home:se%3Acret@"))
    FETCHER.fetch(site.url("/media?a=%2c"))

    header = "Basic " + base64.b64encode(b"me@home:se:cret").decode()
    assert site.asked == [("/media?a=%2c", header), ("/media?a=%2c", None)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_on_this_machine_is_followed(site: Site, status: int) -> None:
    """Frameworks redirect to add a slash; the same host still gets the credentials."""
    site.publish("/media/", "image/png", PNG)
    site.redirect("/media", "/media/", status)

    assert FETCHER.fetch(site.url("/media", userinfo="me:secret@")).content == PNG
    assert [path for path, _ in site.asked] == ["/media", "/media/"]
    assert site.asked[0][1] == site.asked[1][1] == "Basic " + base64.b64encode(b"me:secret").decode()


def test_redirect_to_another_port_gets_no_credentials(site: Site) -> None:
    """A password is for the server it was given for."""
    site.publish("/media", "image/png", PNG)
    site.redirect("/start", site.url("/media", host="localhost"))
    FETCHER.fetch(site.url("/start", userinfo="me:secret@"))

    assert site.asked[1] == ("/media", None)


def test_five_redirects_are_followed_and_no_sixth(site: Site) -> None:
    """A circle must end."""
    site.publish("/0", "image/png", PNG)
    for n in range(1, 7):
        site.redirect(f"/{n}", f"/{n - 1}")

    assert FETCHER.fetch(site.url("/5")).content == PNG
    assert refused(lambda: FETCHER.fetch(site.url("/6"))) == (
        f"Invalid media URL: {site.url('/0')}: there are too many redirects on the way to it."
        " Give the URL at which they end."
    )


def test_redirect_off_this_machine_is_not_followed(site: Site) -> None:
    """An emulator without a network stays without one, whatever the application answers."""
    url = site.redirect("/media", "https://u:p@cdn.example.com/cat.png")

    assert refused(lambda: FETCHER.fetch(url)) == (
        f"Invalid media URL: {url}: it redirects to https://cdn.example.com/cat.png, and nothing is fetched from other"
        " machines. Serve the file from this machine, or allow the emulator to fetch from anywhere."
    )


@pytest.mark.parametrize(
    ("location", "message"),
    [
        pytest.param(
            "http://[/x",
            "Invalid media URL: {url}: it redirects to what is no URL. Correct its Location header.",
            id="no URL",
        ),
        pytest.param(
            "ftp://u:p@example.com/x",
            "Invalid media URL: example.com/x: it is no http or https URL. Give the whole URL, with its host.",
            id="another scheme",
        ),
    ],
)
def test_redirect_that_cannot_be_followed_is_refused(site: Site, location: str, message: str) -> None:
    """A broken Location header says so, instead of failing inside the emulator."""
    url = site.redirect("/media", location)

    assert refused(lambda: FETCHER.fetch(url)) == message.format(url=url)


def test_redirect_without_a_target_is_an_answer_like_any_other(site: Site) -> None:
    """There is nowhere to go, and no media."""
    url = site.publish("/media", "image/png", PNG, status=302)

    assert "it answers 302" in refused(lambda: FETCHER.fetch(url))


def test_media_elsewhere_is_fetched_when_that_is_allowed(site: Site) -> None:
    """Redirects between other hosts are followed then."""
    site.publish("/cat.jpg", "image/png", PNG)
    site.redirect("/start", "http://cdn.example.com/cat.jpg")
    fetcher = MediaFetcher(World(site.port), fetch_anywhere=True)

    assert fetcher.fetch("https://media.example.com/start") == FetchedMedia(content_type="image/png", content=PNG)


def test_redirect_from_elsewhere_onto_this_machine_is_refused(site: Site) -> None:
    """Twilio could not follow it, and a stranger's answer must not choose what is called on this machine."""
    site.redirect("/start", site.url("/cat.png"))
    fetcher = MediaFetcher(World(site.port), fetch_anywhere=True)

    assert refused(lambda: fetcher.fetch("https://media.example.com/start")) == (
        f"Invalid media URL: https://media.example.com/start: it redirects to {site.url('/cat.png')}, which only this"
        " machine can reach. Redirect to a public address."
    )
    assert [path for path, _ in site.asked] == ["/start"]


@pytest.mark.parametrize(
    ("url", "content_type"),
    [
        pytest.param("https://example.com/cat.png", "image/png", id="png"),
        pytest.param("https://example.com/cat.GIF?size=1", "image/gif", id="upper case and a query"),
        pytest.param("https://example.com/a/cat%2Ejpeg", "image/jpeg", id="encoded"),
        pytest.param("https://example.com/cat.jpg", "image/jpeg", id="jpg"),
        pytest.param("https://example.com/cat", "image/jpeg", id="no ending"),
        pytest.param("https://example.com", "image/jpeg", id="no path"),
        pytest.param("https://example.com/show.php?id=7", "image/jpeg", id="an ending that tells nothing"),
        pytest.param("https://u:p@example.com:8443/film.mp4", "video/mp4", id="mp4"),
        pytest.param("https://example.com/card.vcf", "text/vcard", id="vcard"),
        pytest.param("https://example.com/bill.pdf", "application/pdf", id="pdf"),
        pytest.param("https://example.com/sticker.webp", "image/webp", id="webp"),
        pytest.param("http://notlocalhost/cat.png", "image/png", id="a name that ends like ours"),
        pytest.param("http://localhost.example.com/cat.png", "image/png", id="a name that begins like ours"),
        pytest.param("http://10.0.0.1/cat.png", "image/png", id="the next machine"),
    ],
)
def test_media_elsewhere_is_judged_by_its_name(url: str, content_type: str) -> None:
    """Without a network a message still has its media, of the type that its name promises."""
    media = OFFLINE.fetch(url)

    assert media.content_type == content_type
    assert sniff(media.content)[:1] == (
        (content_type,) if content_type in ("image/gif", "image/png", "image/jpeg") else ()
    )
    assert bool(media.content) == (content_type in ("image/gif", "image/png", "image/jpeg"))


def test_placeholders_are_whole_pictures() -> None:
    """A browser shows a broken picture otherwise, and the phone's page looks as if it were the application's fault."""
    gif, png, jpeg = (OFFLINE.fetch(f"https://example.com/a.{name}").content for name in ("gif", "png", "jpg"))

    assert struct.unpack("<HH", gif[6:10]) == (1, 1)
    assert gif[-1:] == b";"
    assert [name for name, _ in png_chunks(png)] == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">II", dict(png_chunks(png))[b"IHDR"][:8]) == (1, 1)
    assert zlib.decompress(dict(png_chunks(png))[b"IDAT"])[1:] == b"\xff"
    assert jpeg_size(jpeg) == (1, 1)
    assert jpeg[-2:] == b"\xff\xd9"


def png_chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Return the chunks of a PNG, each with a right checksum."""
    rest, chunks = png[8:], []
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        name, data = rest[4:8], rest[8 : 8 + length]
        assert struct.unpack(">I", rest[8 + length : 12 + length]) == (zlib.crc32(name + data),)
        chunks.append((name, data))
        rest = rest[12 + length :]
    return chunks


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """Return height and width of a JPEG, walking over its segments up to the frame."""
    at = 2
    while jpeg[at : at + 2] != b"\xff\xc0":
        assert jpeg[at] == 0xFF
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return int.from_bytes(jpeg[at + 5 : at + 7]), int.from_bytes(jpeg[at + 7 : at + 9])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("https://u:p@example.com/index.html", "it is an HTML page (text/html), and no media", id="a page"),
        pytest.param("https://example.com/run.sh", "it is a program (application/x-sh), and no media", id="a program"),
        pytest.param(
            "https://example.com/setup.exe",
            "its content type, application/octet-stream, does not tell what it is",
            id="bytes",
        ),
    ],
)
def test_name_that_is_not_of_media_is_refused(url: str, reason: str) -> None:
    """What Twilio would refuse with a network is refused without one."""
    assert refused(lambda: OFFLINE.fetch(url)).startswith(f"Invalid media URL: {url.replace('u:p@', '')}: {reason}. ")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("/cat.png", "/cat.png", id="relative"),
        pytest.param("cat.png", "cat.png", id="a name"),
        pytest.param("ftp://me:secret@example.com/cat.png", "example.com/cat.png", id="another scheme"),
        pytest.param("file:///etc/passwd", "file:///etc/passwd", id="a file"),
        pytest.param("http:///cat.png", "http:///cat.png", id="no host"),
        pytest.param("http:/me:secret@localhost/cat.png", "localhost/cat.png", id="a slash too few"),
        pytest.param("http://me:secret@[::1/cat.png", "[::1/cat.png", id="half a bracket"),
        pytest.param("http://localhost:0/cat.png", "http://localhost:0/cat.png", id="port 0"),
        pytest.param("http://localhost:99999/cat.png", "http://localhost:99999/cat.png", id="no port"),
        pytest.param("http://localhost/\ud800", "http://localhost/?", id="half a character"),
    ],
)
def test_what_is_no_web_address_is_refused_without_its_password(url: str, shown: str) -> None:
    """The message goes into logs."""
    assert refused(lambda: OFFLINE.fetch(url)) == (
        f"Invalid media URL: {shown}: it is no http or https URL. Give the whole URL, with its host."
    )


@pytest.mark.parametrize(
    ("header", "body", "reason"),
    [
        pytest.param(
            None,
            PNG,
            "its content type, missing, does not tell what it is. Answer with that of the file, such as image/jpeg.",
            id="no content type",
        ),
        pytest.param(
            "png",
            PNG,
            "its content type, png, does not tell what it is. Answer with that of the file, such as image/jpeg.",
            id="half a content type",
        ),
        pytest.param(
            "image/\r\n x",
            PNG,
            "its content type, image/ x, does not tell what it is. Answer with that of the file, such as image/jpeg.",
            id="a folded content type",
        ),
        pytest.param(
            "image/" + "x" * 95,
            PNG,
            f"its content type, image/{'x' * 51}..., does not tell what it is."
            " Answer with that of the file, such as image/jpeg.",
            id="a long content type",
        ),
        pytest.param(
            "binary/octet-stream",
            PNG,
            "its content type, binary/octet-stream, does not tell what it is."
            " Answer with that of the file, such as image/jpeg.",
            id="the type of a bucket",
        ),
        pytest.param(
            "text/html; charset=utf-8",
            HTML,
            "it is an HTML page (text/html), and no media."
            " Give the URL of the file itself, not of a page that shows it or asks to log in.",
            id="a page",
        ),
        pytest.param(
            "application/x-msdownload",
            b"MZ",
            "it is a program (application/x-msdownload), and no media. Send a link to it in the text.",
            id="a program",
        ),
        pytest.param("image/png", b"", "it is empty. Does what serves it write the file?", id="nothing"),
        pytest.param(
            "image/png",
            JPEG,
            "its content type is image/png, and its bytes are those of image/jpeg."
            " Answer with the content type that fits the file, and with the file itself.",
            id="another picture",
        ),
        pytest.param(
            "image/jpeg",
            b"\n " + HTML,
            "its content type is image/jpeg, and its bytes are those of text/html."
            " Answer with the content type that fits the file, and with the file itself.",
            id="a page in disguise",
        ),
        pytest.param(
            "image/gif",
            b"picture",
            "its content type is image/gif, and its bytes are not."
            " Answer with the content type that fits the file, and with the file itself.",
            id="no picture",
        ),
        pytest.param(
            "application/pdf",
            MP4,
            "its content type is application/pdf, and its bytes are those of video/mp4."
            " Answer with the content type that fits the file, and with the file itself.",
            id="a film",
        ),
    ],
)
def test_what_is_not_as_it_says_is_refused(site: Site, header: str | None, body: bytes, reason: str) -> None:
    """Twilio rejects a content type that does not match the media; the message names the URL, why, and what to do."""
    site.publish("/media?a=b", header, body)
    url = site.url("/media?a=b", userinfo="me:secret@")

    assert refused(lambda: FETCHER.fetch(url)) == f"Invalid media URL: {site.url('/media?a=b')}: {reason}"


@pytest.mark.parametrize("status", [304, 400, 401, 403, 404, 500])
def test_answer_that_is_no_success_is_refused(site: Site, status: int) -> None:
    """Whatever comes with it."""
    url = site.publish("/media", "image/png", PNG if status != 304 else b"", status=status)

    assert refused(lambda: FETCHER.fetch(url)) == (
        f"Invalid media URL: {url}: it answers {status}. Open it yourself: it has to answer 200."
    )


def test_server_that_does_not_run_is_named(site: Site) -> None:
    """The commonest reason on a developer's machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as gone:
        port = gone.server_address[1]

    assert refused(lambda: FETCHER.fetch(f"http://127.0.0.1:{port}/cat.png")) == (
        f"Invalid media URL: http://127.0.0.1:{port}/cat.png: there is no answer: no connection to 127.0.0.1:"
        " Connection refused. Does what serves it run, and at this address?"
    )


def test_connection_that_breaks_without_a_word_is_no_answer() -> None:
    """An error without a text is named by its kind."""

    def broken(request: OutgoingRequest) -> WebhookResponse:
        raise ConnectionResetError

    message = refused(lambda: MediaFetcher(broken).fetch("http://localhost/cat.png"))

    assert "there is no answer: ConnectionResetError." in message


def test_five_megabytes_are_sent_and_no_byte_more(site: Site) -> None:
    """Twilio's limit."""
    fits = site.publish("/fits", "image/png", PNG.ljust(5 * MEGABYTE, b"\0"))
    exceeds = site.publish("/exceeds", "image/png", PNG.ljust(5 * MEGABYTE + 1, b"\0"))

    assert len(FETCHER.fetch(fits).content) == 5 * MEGABYTE
    assert refused(lambda: FETCHER.fetch(exceeds)) == (
        f"Invalid media URL: {exceeds}: it has more than 5242880 bytes. Send a smaller one."
    )


def test_media_of_a_message_share_the_limit(site: Site) -> None:
    """Two pictures that may be sent one by one may be too large together."""
    fetcher = MediaFetcher(HttpTransport(), limits=MediaLimits(max_bytes=100))
    half = site.publish("/half", "image/png", PNG.ljust(50, b"\0"))
    more = site.publish("/more", "image/gif", GIF.ljust(51, b"\0"))

    assert [len(media.content) for media in fetcher.fetch_all([half, half])] == [50, 50]
    assert refused(lambda: fetcher.fetch_all([half, more])) == (
        "Invalid media URLs: the media of this message have 101 bytes together, and may have 100."
        " Send smaller ones, or several messages."
    )


def test_ten_media_are_fetched_in_their_order_and_no_eleventh() -> None:
    """MediaUrl0 of the webhook is the first MediaUrl of the request."""
    names = ["gif", "png", "jpg", "vcf", "pdf"] * 2
    urls = [f"https://example.com/a.{name}" for name in names]
    types = ["image/gif", "image/png", "image/jpeg", "text/vcard", "application/pdf"] * 2

    assert [media.content_type for media in OFFLINE.fetch_all(urls)] == types
    assert OFFLINE.fetch_all([]) == []
    with pytest.raises(ApiError, match=r"^A message may have 10 media, this one has 11\.$") as caught:
        OFFLINE.fetch_all([*urls, urls[0]])
    assert (caught.value.code, caught.value.status) == (21623, 400)


def test_one_bad_media_refuses_the_message(site: Site) -> None:
    """A message is sent whole or not at all."""
    good = site.publish("/good", "image/png", PNG)

    assert "it answers 404" in refused(lambda: FETCHER.fetch_all([good, site.url("/missing")]))


def in_process(content_type: str, body: bytes) -> MediaFetcher:
    """Make a fetcher of a site in this process that has one file."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", content_type)])
        return [body]

    return MediaFetcher(WsgiTransport(application))


def accepted(content_type: str, body: bytes) -> bool:
    """Tell whether bytes may be sent under a content type."""
    try:
        media = in_process(content_type, body).fetch("http://localhost/media")
    except ApiError:
        return False
    return media.content == body


FILES = st.sampled_from([(kind, start) for kind, starts in BEGINNINGS.items() for start in starts])


@given(FILES, st.binary(max_size=50), st.sampled_from(sorted(BEGINNINGS)), st.sampled_from(["", "; q=1", " ;a"]))
def test_header_and_bytes_have_to_agree(file: tuple[str, bytes], rest: bytes, header: str, parameters: str) -> None:
    """Under its own content type a file is sent, under that of any other it is refused, whatever follows."""
    kind, start = file

    assert sniff(start + rest)[0] == kind
    assert accepted(header.upper() + parameters, start + rest) is (header == kind)


@given(st.binary(min_size=1) | st.tuples(FILES, st.binary()).map(lambda made: made[0][1] + made[1]))
def test_a_picture_is_what_begins_like_one(body: bytes) -> None:
    """For the three types that Twilio converts, bytes that are unknown are as wrong as those of another type."""
    for kind in ("image/gif", "image/png", "image/jpeg"):
        assert accepted(kind, body) is body.startswith(BEGINNINGS[kind])


@given(st.binary(max_size=100))
def test_unknown_bytes_are_sent_under_other_types(body: bytes) -> None:
    """Twilio accepts many types without looking into them."""
    assert accepted("text/csv", b"name," + body)


@given(st.text(max_size=40) | st.text(max_size=40).map("http://localhost/{}".format))
def test_any_text_is_media_or_refused(url: str) -> None:
    """A MediaUrl comes from a program: nothing in it may break the emulator."""
    try:
        told = in_process("image/png", PNG).fetch(url).content_type
    except ApiError as error:
        told = f"{error.code} {error.message}"

    assert told == "image/png" or re.match("21620 Invalid media URL: .*: .*", told, re.DOTALL)
