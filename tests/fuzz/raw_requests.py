"""Bytes that arrive on the wire: valid requests, and what senders, proxies and scanners make of them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

CREDENTIALS = "fuzz:quite-long-enough"
RIGHT = b"Basic " + base64.b64encode(CREDENTIALS.encode())
_AUTHORIZATIONS = (RIGHT, RIGHT, RIGHT, b"Basic eDp5", b"Basic !", b"Bearer " + b"x" * 3000, b"\xff", b"", None)
_PATHS = (b"/message", b"/message", b"/message", b"/status", b"/fallback", b"/healthz", b"/readyz", b"/", b"/nothing")
_METHODS = (b"POST", b"POST", b"POST", b"POST", b"GET", b"HEAD")
_STRANGE_METHODS = (
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"PUT",
    b"post",
    b"P\x00ST",
    b"",
    b"P" * 9000,
    b"P\xc3\x96ST",
    b"#",
)
_STRANGE_TARGETS = (
    *(b"*", b"", b"http://sms.example.com/message", b"http://[/message", b"//message", b"message", b"/message#part"),
    *(
        b"/message?%",
        b"/message?%zz=%f",
        b"/message?\x00",
        b"/me%73sage",
        b"/message%00",
        b"/%ff%fe",
        b"/message/../status",
    ),
    *(b"/message?" + b"a" * 70_000, b"/" + b"%2e%2e/" * 200, b"/message?" + b"&" * 2000, b"/\xd9\xa3", b"/message;a=b"),
    *(
        b"/status?TwimlMessageSid=SM1&TwimlToken=x",
        b"/message?bodySHA256=" + b"0" * 64,
        b"/message?#",
        b"sms:1",
        b"\\message",
    ),
)
_VERSIONS = (
    *(b"HTTP/1.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/3", b"HTTP/1.1 x", b"HTTP/-1.1", b"http/1.1", b""),
    *(b"HTTP/\xd9\xa1.1", b"HTTP/1." + b"1" * 5000, b"FTP/1.1", b"HTTP/1.1\x00"),
)
_LENGTHS = (
    *(b"0", b"1", b"9", b"00", b"-1", b"+5", b"5,5", b"5, 6", b"0x5", b"5.0", b"1e3", b" ", b"many", b"5 5", b"5\x00"),
    *(
        b"99999999",
        b"9" * 30,
        b"9" * 5000,
        b"\xd9\xa3",
        b"\xc2\xb2",
        b"1_0",
        b"262144",
        b"262145",
        b"18446744073709551616",
    ),
)
_CODINGS = (
    *(
        b"chunked",
        b"Chunked",
        b"gzip, chunked",
        b"chunked, gzip",
        b"chunked, chunked",
        b"identity",
        b"gzip",
        b"\x0bchunked",
    ),
    *(
        b"chunked;q=1",
        b'"chunked"',
        b"",
        b",",
        b"chunked,",
        b"x" * 5000,
        b"xchunked",
        b"chunked\x00",
        b"deflate,identity",
    ),
)
_CHUNK_SIZES = (
    *(
        b"zz",
        b"-5",
        b"+5",
        b"0x5",
        b"",
        b" 5",
        b"5 ",
        b"5;",
        b"5;a=b",
        b'5;a="b"',
        b'5;a="',
        b"5;\x00",
        b"5 ; a",
        b"5;a\r",
    ),
    *(
        b"5_0",
        b"\xd9\xa3",
        b"f" * 16,
        b"f" * 9000,
        b"0" * 5000 + b"5",
        b"5;" + b"a" * 9000,
        b"7fffffffffffffff",
        b"5\n",
    ),
)
_TRAILERS = (
    *(b"A: b\r\n", b"Content-Length: 5\r\n", b"A b\r\n", b"A: b\n", b": b\r\n", b"A: \x00\r\n", b"A: b\r\n c\r\n"),
    *(
        b"A: " + b"b" * 9000 + b"\r\n",
        b"A: b\r\n" * 300,
        b"Transfer-Encoding: chunked\r\n",
        b"A",
        b"\r",
        b"\n",
        b"Host: x\r\n",
    ),
)
_HEADERS = (
    *(
        b"X: \x00",
        b"X: \x01\x7f",
        b"X : y",
        b" X: y",
        b"X",
        b": y",
        b"",
        b"X: y\r\n z",
        b"X: y\r\n\tz",
        b"\xff: y",
        b"X: \xff\xfe",
    ),
    *(
        b"X: " + b"y" * 9000,
        b"X" * 9000 + b": y",
        b"X: y\nZ: w",
        b"X: y\rZ: w",
        b"X_Y: z",
        b"\tX: y",
        b"X(: y",
        b"Host:",
    ),
    *(
        b"Host: a b",
        b"Host: [",
        b"Host: .",
        b"Host: a..b",
        b"Host: x:99999999",
        b"Host: \xff",
        b"Host: a\r\nHost: b",
        b"Host: a@b",
    ),
    *(
        b"Expect: 100-continue",
        b"Expect: 200-ok",
        b"Expect: ",
        b"Connection: close",
        b"Connection: Upgrade",
        b"Connection: \x00",
    ),
    *(b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", b"Upgrade: websocket", b"Keep-Alive: timeout=-1"),
    *(
        b"X-Forwarded-Proto: gopher",
        b"X-Forwarded-For: x",
        b"X-Forwarded-Host: [",
        b"X-Forwarded-Prefix: /a\x01",
        b"Forwarded: ;",
    ),
    *(
        b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off",
        b"X-Twilio-Signature: \xff",
        b"X-Twiml-Replay: 1",
        b"Cookie: \xff=;;",
    ),
    *(
        b"Content-Type: application/json",
        b"Content-Type: multipart/form-data",
        b"Content-Type: \xff",
        b"Content-Type: x" * 99,
    ),
    *(
        b"Content-Encoding: gzip",
        b"Range: bytes=9-1",
        b"I-Twilio-Idempotency-Token: \x7f",
        b"Date: \xd9\xa3",
        b"X: y\r\n" * 150,
    ),
    *(
        b"SCRIPT_NAME: /other",
        b"PATH_INFO: /other",
        b"REMOTE_USER: root",
        b"Proxy: http://127.0.0.1:1/",
        b"TE: trailers",
    ),
)
_FIELDS = (
    *(
        b"Body=%",
        b"Body=%zz",
        b"Body=%00",
        b"Body=%ff%fe",
        b"Body=%ed%a0%80",
        b"Body=\x00\xff",
        b"Body=" + b"%F0%9F%98%80" * 400,
    ),
    *(
        b"Body",
        b"=",
        b"&&&",
        b"NumMedia=99999999999",
        b"NumMedia=\xd9\xa3",
        b"NumMedia=-1&MediaUrl0=x",
        b"ErrorCode=" + b"9" * 5000,
    ),
    *(
        b"MessageStatus=delivered",
        b"MessageSid=",
        b"MessageSid=" + b"S" * 9000,
        b"a=b&" * 600,
        b"From=%2B\xd9\xa1",
        b"OptOutType=STOP",
    ),
    *(
        b"ErrorCode=\xc2\xb2",
        b"Latitude=nan&Longitude=inf",
        b"AccountSid=\xff",
        b"ErrorUrl=http://[",
        b"NumSegments=1e9",
        b"x" * 300_000,
    ),
)
_OPENINGS = (
    *(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /message\r\n",
        b"GET /\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"\n",
        b"\x00" * 20,
        b"HELP\r\n",
    ),
    *(
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c",
    ),
    *(b"HTTP/1.1 200 OK\r\n\r\n", b"SSH-2.0-x\r\n", b"A" * 70_000, b"\xef\xbb\xbfGET / HTTP/1.1\r\n\r\n", b""),
)


@dataclass(slots=True)
class Parts:
    """A request before it is written: its line, its headers and its body."""

    line: list[bytes]
    headers: list[bytes]
    body: bytes

    def write(self) -> bytes:
        """Return the request as bytes."""
        return b" ".join(self.line) + b"\r\n" + b"".join(each + b"\r\n" for each in self.headers) + b"\r\n" + self.body


def _form(random: Random) -> bytes:
    sid = b"SM%032x" % random.getrandbits(128)
    return b"MessageSid=" + sid + b"&AccountSid=AC1&From=%2B15550001111&To=%2B15550002222&Body=hello&NumMedia=0"


def _bare(random: Random, body: bytes) -> Parts:
    """Return a request whose headers do not yet tell where its body ends."""
    authorization = random.choice(_AUTHORIZATIONS)
    headers = [b"Host: sms.example.com", b"Content-Type: application/x-www-form-urlencoded"]
    headers += [b"Authorization: " + authorization] if authorization is not None else []
    return Parts([random.choice(_METHODS), random.choice(_PATHS), b"HTTP/1.1"], headers, body)


def _valid(random: Random) -> Parts:
    body = _form(random)
    if random.random() < 0.3:
        return _chunked(random, body)
    parts = _bare(random, body)
    parts.headers.append(b"Content-Length: %d" % len(body))
    return parts


def _chunked(random: Random, body: bytes) -> Parts:
    at = random.randrange(len(body))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (body[:at], body[at:]) if each)
    parts = _bare(random, chunks + b"0\r\n\r\n")
    parts.headers.append(b"Transfer-Encoding: chunked")
    return parts


def whole(random: Random) -> bytes:
    """Return a valid request."""
    return _valid(random).write()


def cut_off(random: Random) -> bytes:
    """Return a request that ends anywhere."""
    raw = whole(random)
    return raw[: random.randrange(len(raw))]


def damaged(random: Random) -> bytes:
    """Return a request with bytes that are replaced, added or missing."""
    raw = bytearray(whole(random))
    for _ in range(random.choice((1, 1, 2, 5, 30))):
        at = random.randrange(len(raw))
        raw[at : at + random.choice((0, 1, 1, 8))] = random.choice(
            (b"\x00", b"\r", b"\n", b" ", b"", b":", random.randbytes(2))
        )
    return bytes(raw)


def strange_line(random: Random) -> bytes:
    """Return a request with a strange method, target or version."""
    parts = _valid(random)
    at = random.randrange(3)
    parts.line[at] = random.choice((_STRANGE_METHODS, _STRANGE_TARGETS, _VERSIONS)[at])
    return parts.write()


def strange_headers(random: Random) -> bytes:
    """Return a request with strange headers anywhere among its own."""
    parts = _valid(random)
    for _ in range(random.choice((1, 1, 2, 4))):
        parts.headers.insert(random.randrange(len(parts.headers) + 1), random.choice(_HEADERS))
    return parts.write()


def strange_framing(random: Random) -> bytes:
    """Return a request that contradicts itself about the end of its body."""
    parts = random.choice((_valid, lambda each: _bare(each, _form(each))))(random)
    for _ in range(random.choice((1, 1, 2, 3))):
        name, values = random.choice(((b"Content-Length: ", _LENGTHS), (b"Transfer-Encoding: ", _CODINGS)))
        parts.headers.append(name + random.choice(values))
    return parts.write()


def strange_chunks(random: Random) -> bytes:
    """Return a request with a malformed chunk, end of a chunk, or trailer."""
    body = _form(random)
    sizes = (b"%x" % len(body), random.choice(_CHUNK_SIZES))
    ends = (b"\r\n", random.choice((b"", b"\n", b"\r", b"xx", b"\r\r\n", b"\r\n\r\n")))
    lasts = (
        b"0\r\n\r\n",
        b"0\r\n" + random.choice(_TRAILERS) + b"\r\n",
        b"0\r\n" + random.choice(_TRAILERS),
        b"0",
        b"",
    )
    parts = _bare(
        random, random.choice(sizes) + random.choice(ends) + body + random.choice(ends) + random.choice(lasts)
    )
    parts.headers.append(b"Transfer-Encoding: chunked")
    return parts.write()


def strange_form(random: Random) -> bytes:
    """Return a request with a form that is hardly one."""
    body = b"&".join(random.choice(_FIELDS) for _ in range(random.randrange(4))) + b"&" + _form(random)
    parts = _bare(random, body)
    parts.headers.append(b"Content-Length: %d" % len(body))
    return parts.write()


def expecting(random: Random) -> bytes:
    """Return a request whose sender waits for 100 Continue, or does not."""
    parts = _valid(random)
    parts.headers.append(random.choice((b"Expect: 100-continue", b"Expect: 100-Continue", b"Expect: nothing")))
    return parts.write()


def pipelined(random: Random) -> bytes:
    """Return several requests in a row, the last of them perhaps strange."""
    return b"".join(whole(random) for _ in range(random.randrange(1, 5))) + random.choice(GENERATORS[:8])(random)


def no_request(random: Random) -> bytes:
    """Return bytes of another protocol, or of none."""
    return random.choice(_OPENINGS) + random.choice((b"", whole(random), random.randbytes(random.randrange(300))))


GENERATORS: tuple[Callable[[Random], bytes], ...] = (
    *(whole, cut_off, damaged, strange_line, strange_headers, strange_framing, strange_chunks, strange_form),
    *(expecting, no_request, pipelined),
)


def raw_request(random: Random) -> bytes:
    """Return the bytes of one connection."""
    return random.choice(GENERATORS)(random)
