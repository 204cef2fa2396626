"""Media: the bytes and content type at a MediaUrl, fetched over real connections on the loopback interface."""

from __future__ import annotations

import base64

import pytest

from tests.emulator.media_site import FETCHER, GIF, JPEG, MP4, OFFLINE, PDF, PNG, WEBP, Site, World, refused
from twiml_app.caller.transports import HttpTransport
from twiml_app.emulator.media import FetchedMedia, MediaFetcher, MediaLimits
from twiml_app.errors import ApiError


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
        pytest.param("audio/mp4", MP4, "audio/mp4", id="audio in an MP4 container"),
        pytest.param("image/heic", MP4, "image/heic", id="image in an MP4 container"),
        pytest.param("text/vcard", b"BEGIN:VCARD", "text/vcard", id="type without a signature"),
        pytest.param("audio/amr", b"#!AMR\n", "audio/amr", id="type whose bytes are not checked"),
        pytest.param("application/octet-stream", b"\0\1", "application/octet-stream", id="bytes of any kind"),
        pytest.param("application/x-brew", b"beans", "application/x-brew", id="unknown type"),
    ],
)
def test_media_on_this_machine_is_fetched(site: Site, header: str, body: bytes, content_type: str) -> None:
    """The application under test may serve its own pictures, and the test sees what the phone would get."""
    url = site.publish("/media", header, body)

    assert FETCHER.fetch(url) == FetchedMedia(content_type=content_type, content=body)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_media_is_fetched_from_the_usual_names_of_this_machine(site: Site, host: str) -> None:
    """Developers use these names."""
    site.publish("/media", "image/png", PNG)

    assert FETCHER.fetch(site.url("/media", host=host)).content == PNG


@pytest.mark.parametrize("host", ["[::1]", "127.8.8.8", "localhost.", "app.localhost", "APP.localhost."])
def test_every_name_of_this_machine_is_recognized(site: Site, host: str) -> None:
    """Not every machine resolves all of these, so the test sends their requests to one server."""
    site.publish("/media", "image/png", PNG)

    assert MediaFetcher(World(site.port)).fetch(site.url("/media", host=host)).content == PNG


def test_credentials_in_the_url_are_sent_with_basic_authentication(site: Site) -> None:
    """Twilio accepts URLs with credentials; they are percent-decoded first."""
    site.publish("/media?a=%2c", "image/png", PNG)
    FETCHER.fetch(site.url("/media?a=%2c#there", userinfo="me%40home:se%3Acret@"))
    FETCHER.fetch(site.url("/media?a=%2c"))

    header = "Basic " + base64.b64encode(b"me@home:se:cret").decode()
    assert site.asked == [("/media?a=%2c", header), ("/media?a=%2c", None)]


def test_media_on_other_hosts_is_fetched_if_allowed(site: Site) -> None:
    """Redirects between other hosts are then followed."""
    site.publish("/cat.jpg", "image/png", PNG)
    site.redirect("/start", "http://cdn.example.com/cat.jpg")
    fetcher = MediaFetcher(World(site.port), fetch_anywhere=True)

    assert fetcher.fetch("https://media.example.com/start") == FetchedMedia(content_type="image/png", content=PNG)


MEGABYTE = 1024 * 1024


def test_file_has_at_most_five_megabytes(site: Site) -> None:
    """This is Twilio's limit."""
    fits = site.publish("/fits", "image/png", PNG.ljust(5 * MEGABYTE, b"\0"))
    exceeds = site.publish("/exceeds", "image/png", PNG.ljust(5 * MEGABYTE + 1, b"\0"))

    assert len(FETCHER.fetch(fits).content) == 5 * MEGABYTE
    assert refused(lambda: FETCHER.fetch(exceeds)) == (
        f"Invalid media URL: {exceeds}: it has more than 5242880 bytes. Send a smaller file."
    )


def test_media_of_a_message_share_the_limit(site: Site) -> None:
    """Two pictures within the limit may be too large together."""
    fetcher = MediaFetcher(HttpTransport(), limits=MediaLimits(max_bytes=100))
    half = site.publish("/half", "image/png", PNG.ljust(50, b"\0"))
    more = site.publish("/more", "image/gif", GIF.ljust(51, b"\0"))

    assert [len(media.content) for media in fetcher.fetch_all([half, half])] == [50, 50]
    assert refused(lambda: fetcher.fetch_all([half, more])) == (
        "Invalid media URLs: the media of this message have 101 bytes together, and the limit is 100."
        " Send smaller files, or several messages."
    )


def test_up_to_ten_media_are_fetched_in_order() -> None:
    """MediaUrl0 of the webhook must be the first MediaUrl of the request."""
    names = ["gif", "png", "jpg", "vcf", "pdf"] * 2
    urls = [f"https://example.com/a.{name}" for name in names]
    types = ["image/gif", "image/png", "image/jpeg", "text/vcard", "application/pdf"] * 2

    assert [media.content_type for media in OFFLINE.fetch_all(urls)] == types
    assert OFFLINE.fetch_all([]) == []
    with pytest.raises(ApiError, match=r"^A message can have at most 10 media, not 11\.$") as caught:
        OFFLINE.fetch_all([*urls, urls[0]])
    assert (caught.value.code, caught.value.status) == (21623, 400)


def test_message_is_refused_if_one_of_its_media_is(site: Site) -> None:
    """A message is sent completely or not at all."""
    good = site.publish("/good", "image/png", PNG)

    assert "it answers 404" in refused(lambda: FETCHER.fetch_all([good, site.url("/missing")]))
