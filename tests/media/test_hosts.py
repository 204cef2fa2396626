"""Addresses of the public internet, and hosts of Twilio."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from twiml_app.media.hosts import is_public, is_twilio


@pytest.mark.parametrize(
    "address",
    ["93.184.215.14", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_public_addresses_are_public(address: str) -> None:
    """Twilio's files are on the public internet, which some networks reach by addresses that embed others."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1"),
        *("192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"),
        *("2002:7f00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    ],
)
def test_other_addresses_are_not(address: str) -> None:
    """Each is a way to a machine that only the application can reach."""
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.twilio.com/x", True),
        ("https://API.twilio.com:443/x", True),
        ("https://api.ie1.twilio.com/x", True),
        ("https://api.sydney.au1.twilio.com/x", True),
        ("http://api.twilio.com/x", False),
        ("https://api.twilio.com:8443/x", False),
        ("https://twilio.com/x", False),
        ("https://api.twilio.com.example/x", False),
        ("https://notapi.twilio.com/x", False),
        ("https://api.a.b.c.twilio.com/x", False),
    ],
)
def test_hosts_of_the_rest_api_are_twilios(url: str, expected: bool) -> None:
    """Only they get the auth token."""
    assert is_twilio(urlsplit(url)) is expected
