"""Redirects of a MediaUrl: which are followed, and which are refused."""

from __future__ import annotations

import base64

import pytest

from tests.emulator.media_site import FETCHER, PNG, Site, World, refused
from twiml_app.emulator.media import MediaFetcher


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_on_this_machine_is_followed(site: Site, status: int) -> None:
    """Frameworks redirect to add a slash; the same host gets the credentials again."""
    site.publish("/media/", "image/png", PNG)
    site.redirect("/media", "/media/", status)

    assert FETCHER.fetch(site.url("/media", userinfo="me:secret@")).content == PNG
    assert [path for path, _ in site.asked] == ["/media", "/media/"]
    assert site.asked[0][1] == site.asked[1][1] == "Basic " + base64.b64encode(b"me:secret").decode()


def test_credentials_are_not_sent_to_another_origin(site: Site) -> None:
    """A password is meant only for the server in its URL."""
    site.publish("/media", "image/png", PNG)
    site.redirect("/start", site.url("/media", host="localhost"))
    FETCHER.fetch(site.url("/start", userinfo="me:secret@"))

    assert site.asked[1] == ("/media", None)


def test_at_most_five_redirects_are_followed(site: Site) -> None:
    """A redirect loop must end."""
    site.publish("/0", "image/png", PNG)
    for n in range(1, 7):
        site.redirect(f"/{n}", f"/{n - 1}")

    assert FETCHER.fetch(site.url("/5")).content == PNG
    assert refused(lambda: FETCHER.fetch(site.url("/6"))) == (
        f"Invalid media URL: {site.url('/0')}: it redirects too many times. Use the final URL."
    )


def test_redirect_off_this_machine_is_not_followed(site: Site) -> None:
    """By default the emulator never accesses other machines, whatever the application answers."""
    url = site.redirect("/media", "https://u:p@cdn.example.com/cat.png")

    assert refused(lambda: FETCHER.fetch(url)) == (
        f"Invalid media URL: {url}: it redirects to https://cdn.example.com/cat.png, but media on other machines is not"
        " fetched. Serve the file from this machine, or allow the emulator to fetch from any host."
    )


@pytest.mark.parametrize(
    ("location", "message"),
    [
        pytest.param(
            "http://[/x",
            "Invalid media URL: {url}: it redirects to an invalid URL. Correct its Location header.",
            id="invalid URL",
        ),
        pytest.param(
            "ftp://u:p@example.com/x",
            "Invalid media URL: example.com/x: it is not an http or https URL. Use the full URL, including the host.",
            id="another scheme",
        ),
    ],
)
def test_invalid_redirect_is_refused(site: Site, location: str, message: str) -> None:
    """The error says that the Location header is wrong, instead of an internal error."""
    url = site.redirect("/media", location)

    assert refused(lambda: FETCHER.fetch(url)) == message.format(url=url)


def test_redirect_without_a_location_is_refused(site: Site) -> None:
    """It is treated like any other response without media."""
    url = site.publish("/media", "image/png", PNG, status=302)

    assert "it answers 302" in refused(lambda: FETCHER.fetch(url))


def test_redirect_from_another_host_to_this_machine_is_refused(site: Site) -> None:
    """Twilio could not follow it, and a foreign server must not choose URLs to call on this machine."""
    site.redirect("/start", site.url("/cat.png"))
    fetcher = MediaFetcher(World(site.port), fetch_anywhere=True)

    assert refused(lambda: fetcher.fetch("https://media.example.com/start")) == (
        f"Invalid media URL: https://media.example.com/start: it redirects to {site.url('/cat.png')}, which only this"
        " machine can reach. Redirect to a public address."
    )
    assert [path for path, _ in site.asked] == ["/start"]
