"""Challenges: read from any header that a server sends, and answered as the RFCs require."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Authorization

from twiml_app.caller.http_auth import read_challenges, strongest
from twiml_app.credentials import Credentials

PAIR = Credentials("sms", "quite-long-enough")


def read(*values: str) -> list[tuple[str, dict[str, str]]]:
    """Return the challenges of headers as scheme and parameters."""
    return [(each.scheme, dict(each.parameters)) for each in read_challenges(values)]


def answer(value: str, pair: Credentials = PAIR, *, method: str = "GET", target: str = "/", count: int = 1) -> str:
    """Answer the strongest challenge of a header."""
    challenge = strongest(read_challenges([value]))
    assert challenge
    return challenge.authorization(pair, method=method, target=target, client_nonce="ours", count=count)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param('Basic realm="My Realm"', [("basic", {"realm": "My Realm"})], id="one"),
        pytest.param("BASIC  Realm = x", [("basic", {"realm": "x"})], id="case, spaces, no quotes"),
        pytest.param('Basic realm=""', [("basic", {"realm": ""})], id="empty realm"),
        pytest.param('Basic realm="a, b=c"', [("basic", {"realm": "a, b=c"})], id="comma between quotes"),
        pytest.param(r'Basic realm="a \"b\", \\c"', [("basic", {"realm": r'a "b", \c'})], id="escaped quotes"),
        pytest.param(
            'Digest realm="x", qop="auth,auth-int", nonce=y, Basic realm="z"',
            [("digest", {"realm": "x", "qop": "auth,auth-int", "nonce": "y"}), ("basic", {"realm": "z"})],
            id="two in a header",
        ),
        pytest.param(
            "Negotiate, NTLM abc+/==, Bearer abc==, Basic realm=x",
            [("negotiate", {}), ("ntlm", {}), ("bearer", {}), ("basic", {"realm": "x"})],
            id="schemes without parameters",
        ),
        pytest.param("Basic realm=x, realm=y", [("basic", {"realm": "x"})], id="parameter twice"),
        pytest.param('Basic realm="My\r\n Realm"', [("basic", {"realm": "My Realm"})], id="folded"),
        pytest.param('Basic realm="x', [("basic", {"realm": "x"})], id="unclosed quote"),
        pytest.param('Basic realm="x\\', [("basic", {"realm": "x"})], id="escape at the end"),
        pytest.param(", ,Basic ,realm=x,,", [("basic", {"realm": "x"})], id="extra commas"),
        pytest.param("Basic realm=x, (), b=c", [("basic", {"realm": "x", "b": "c"})], id="garbage in between"),
        pytest.param("realm=x", [], id="parameter without a scheme"),
        pytest.param("", [], id="empty"),
        pytest.param('"Basic realm=x"', [], id="all between quotes"),
    ],
)
def test_challenges_are_read_from_a_header(value: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    """Gateways write this header in many ways."""
    assert read(value) == expected


def test_challenges_are_read_from_several_headers() -> None:
    """Some servers send one header per challenge."""
    assert read('Basic realm="x"', "charset=y", "Bearer") == [("basic", {"realm": "x"}), ("bearer", {})]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=5))
def test_quoted_values_are_read_unchanged(values: list[str]) -> None:
    """A changed realm gives another hash, and the server would refuse the answer."""
    printable = ["".join(char for char in value if char.isprintable()) for value in values]
    escaped = [value.replace("\\", "\\\\").replace('"', '\\"') for value in printable]
    written = ", ".join(f'p{number}="{value}"' for number, value in enumerate(escaped))

    expected = {f"p{number}": value for number, value in enumerate(printable)}
    assert read(f"Basic {written}") == [("basic", expected)]


fragments = st.sampled_from(
    [
        "Digest ",
        "Basic ",
        "realm=",
        "nonce=",
        "algorithm=",
        "MD5-sess",
        "qop=",
        "auth",
        "opaque=",
        '"',
        "\\",
        ",",
        "\r\n",
    ]
)


@given(
    st.text() | st.lists(fragments | st.text(max_size=3), max_size=20).map("".join),
    st.text(max_size=10),
)
def test_any_header_results_in_an_answer_that_can_be_sent(value: str, user: str) -> None:
    """The header is untrusted input; the answer must remain a single header."""
    for challenge in read_challenges([value]):
        if challenge.strength > 1:
            given = challenge.authorization(
                Credentials(user, "secret"), method="GET", target="/", client_nonce="ours", count=1
            )
            assert given.startswith("Digest username")
            assert not any(ord(char) < 0x20 or ord(char) == 0x7F for char in given)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))
def test_digest_can_carry_any_user_name(user: str) -> None:
    """People choose user names in any script."""
    given = Authorization.from_header(answer("Digest realm=x, nonce=y", Credentials(user, "secret")))

    assert given
    assert given.username == user


DIGEST = 'Digest realm="x", nonce="y"'


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        pytest.param(['Basic realm="x"'], 'Basic realm="x"', id="the only one"),
        pytest.param(['Basic realm="x"', DIGEST], DIGEST, id="Digest before Basic"),
        pytest.param([DIGEST, f"{DIGEST}, algorithm=SHA-256"], f"{DIGEST}, algorithm=SHA-256", id="SHA-256 before MD5"),
        pytest.param(
            [f"{DIGEST}, algorithm=SHA-256-sess", f"{DIGEST}, algorithm=SHA-256"],
            f"{DIGEST}, algorithm=SHA-256-sess",
            id="first of equals",
        ),
        pytest.param([f"{DIGEST}, algorithm=SHA-512-256", DIGEST], DIGEST, id="unknown algorithm"),
        pytest.param([f"{DIGEST}, algorithm=-sess", "Basic realm=x"], "Basic realm=x", id="no algorithm at all"),
        pytest.param([f'{DIGEST}, qop="auth-int"', "Basic realm=x"], "Basic realm=x", id="only auth-int"),
        pytest.param([f'{DIGEST}, qop="auth-int, AUTH"'], f'{DIGEST}, qop="auth-int, AUTH"', id="choice of qop"),
        pytest.param(["Digest realm=x", "Basic realm=x"], "Basic realm=x", id="Digest without a nonce"),
        pytest.param(["Digest nonce=x", "Basic realm=x"], "Basic realm=x", id="Digest without a realm"),
        pytest.param(["Bearer realm=x, nonce=y"], None, id="unknown scheme"),
        pytest.param(["Basic charset=UTF-8"], None, id="Basic without a realm"),
        pytest.param([], None, id="none"),
    ],
)
def test_strongest_challenge_is_answered(values: list[str], chosen: str | None) -> None:
    """The password itself is sent only if nothing better is offered; Twilio ignores a challenge without realm."""
    expected = read_challenges([chosen])[0] if chosen else None

    assert strongest(read_challenges(values)) == expected


@pytest.mark.parametrize(
    ("value", "stale"),
    [
        pytest.param(f"{DIGEST}, stale=TRUE", True, id="stale"),
        pytest.param(f"{DIGEST}, stale=false", False, id="not stale"),
        pytest.param(DIGEST, False, id="not given"),
        pytest.param("Basic realm=x, stale=true", False, id="Basic has no nonce"),
    ],
)
def test_stale_means_the_nonce_and_not_the_password(value: str, stale: bool) -> None:
    """Only a stale nonce is worth another try."""
    assert [each.is_stale for each in read_challenges([value])] == [stale]


RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        pytest.param("MD5", "8ca523f5e9506fed4657c9700eebdbec", id="MD5"),
        pytest.param("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", id="SHA-256"),
    ],
)
def test_digest_matches_the_example_of_the_rfc(algorithm: str, response: str) -> None:
    """The example is from RFC 7616, 3.9.1."""
    (challenge,) = read_challenges([RFC_7616.format(algorithm=algorithm)])
    given = challenge.authorization(
        Credentials("Mufasa", "Circle of Life"),
        method="GET",
        target="/dir/index.html",
        client_nonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        count=1,
    )

    assert given == (
        'Digest username="Mufasa", realm="http-auth@example.org", '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", '
        f'algorithm={algorithm}, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop=auth, nc=00000001, '
        f'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", response="{response}"'
    )


def test_digest_without_qop_matches_the_example_of_the_old_rfc() -> None:
    """The example is from RFC 2069, 2.4, corrected by erratum 749."""
    value = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'

    assert answer(value, Credentials("Mufasa", "CircleOfLife"), target="/dir/index.html") == (
        'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'uri="/dir/index.html", response="1949323746fe6a43ef61f9606e7febea"'
    )


def test_count_is_written_in_hexadecimal() -> None:
    """A server that checks the count would treat anything else as a replay attack."""
    assert ", qop=auth, nc=000000ff, " in answer(f"{DIGEST}, qop=auth", count=255)


def test_session_without_qop_includes_the_client_nonce() -> None:
    """The server needs it to check the hash."""
    assert ', algorithm=MD5-sess, cnonce="ours", response=' in answer(f"{DIGEST}, algorithm=MD5-sess")


def test_returned_parameters_are_quoted_again() -> None:
    """The server rejects a nonce that was changed."""
    value = r'Digest realm="a \"b\", c", nonce="d\\e", opaque="\"f\\"'

    assert answer(value, Credentials('g"\\', "x"), target='/?h="\\').partition(", response=")[0] == (
        r'Digest username="g\"\\", realm="a \"b\", c", nonce="d\\e", uri="/?h=\"\\", opaque="\"f\\"'
    )


def test_user_that_cannot_be_quoted_is_encoded() -> None:
    """A line break would start another header."""
    given = answer(DIGEST, Credentials('gr\u00fc\u00dfe\r\n"', "x"))

    assert given.startswith("Digest username*=UTF-8''gr%C3%BC%C3%9Fe%0D%0A%22, realm=")


def test_basic_is_the_pair_in_base64() -> None:
    """The realm does not matter."""
    assert answer("Basic realm=x") == "Basic c21zOnF1aXRlLWxvbmctZW5vdWdo"


def test_realm_is_hashed_as_the_received_bytes() -> None:
    """A header is read as one character per byte, and the server hashes the bytes."""
    as_read = "Gr\u00fc\u00dfe".encode().decode("latin-1")

    assert answer(f'Digest realm="{as_read}", nonce="y"') == (
        f'Digest username="sms", realm="{as_read}", nonce="y", uri="/", response="aa898eee90ec2841601235e0eaa0deae"'
    )
