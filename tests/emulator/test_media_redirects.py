"""Redirects of a MediaUrl: which are followed, and what is refused on the way."""

from __future__ import annotations

import base64

import pytest

from tests.emulator.media_site import FETCHER, PNG, Site, World, refused
from twiml_app.emulator.media import MediaFetcher


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


def test_redirect_from_elsewhere_onto_this_machine_is_refused(site: Site) -> None:
    """Twilio could not follow it, and a stranger's answer must not choose what is called on this machine."""
    site.redirect("/start", site.url("/cat.png"))
    fetcher = MediaFetcher(World(site.port), fetch_anywhere=True)

    assert refused(lambda: fetcher.fetch("https://media.example.com/start")) == (
        f"Invalid media URL: https://media.example.com/start: it redirects to {site.url('/cat.png')}, which only this"
        " machine can reach. Redirect to a public address."
    )
    assert [path for path, _ in site.asked] == ["/start"]
