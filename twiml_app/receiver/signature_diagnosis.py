"""Why a signature does not match: what would have matched, and what to set. For the log, never for the sender."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from urllib.parse import quote, unquote

from ..config import Settings
from ..signature import HEADER, SETTINGS_HEADER, Algorithm, read_signature_settings, verify
from ..webhook import Form, WebhookRequest, is_signed_json, signed_pairs

Pairs = tuple[tuple[str, str], ...]

#: Parameters that Twilio sends empty when it does not know their value.
_OFTEN_EMPTY = ("Body", *(f"{side}{part}" for side in ("From", "To") for part in ("City", "State", "Zip", "Country")))
#: White space that a proxy may have trimmed from Body, before and after it, and how to report each case.
_TRIMMED = (("", " ", "a space after"), (" ", "", "a space before"), ("", "\n", "a line break after"))
#: Limited, as the sender of a request chooses how many hosts its headers name.
_MAX_FORWARDED_HOSTS = 3


@dataclass(frozen=True, slots=True)
class Guess:
    """A way in which the request may differ from what was signed: the value to try, and what to report."""

    value: str
    says: str = ""


def explain_signature(request: WebhookRequest, form: Form, settings: Settings) -> str:
    """Return one line that says why a signature was refused, with what would have matched."""
    if not request.headers.get(HEADER.lower()):
        return f"there is no {HEADER} header: the sender is not Twilio, or a proxy drops the header"
    key, algorithm = read_signature_settings(request.headers.get(SETTINGS_HEADER.lower(), ""))
    if algorithm == "HMAC_SHA256":
        return _explain_shared_key(request, form, settings, key)
    if algorithm != "HMAC_SHA1":
        return f"it is signed with {algorithm}, which is neither HMAC_SHA1 nor HMAC_SHA256"
    if not settings.auth_tokens:
        return "it is signed with an auth token, but none is configured: set TWILIO_AUTH_TOKEN"
    return _explain_token(request, form, settings)


def _explain_shared_key(request: WebhookRequest, form: Form, settings: Settings, key: str) -> str:
    if key not in settings.shared_keys:
        return f"it is signed with the shared key {key}: add its secret to TWIML_SHARED_KEYS"
    says = _first_match(request, form, settings, [settings.shared_keys[key]], "HMAC_SHA256")
    if says is not None:
        return f"the signature matches {says}"
    return (
        f"no variant of the request matches: the secret of the shared key {key} in TWIML_SHARED_KEYS is wrong, or the"
        " request was changed in transit"
    )


def _explain_token(request: WebhookRequest, form: Form, settings: Settings) -> str:
    account = form.get("AccountSid", "")
    own = settings.tokens_for(account)
    if not own:
        return _explain_other_account(account, settings)
    says = _first_match(request, form, settings, own)
    if says is not None:
        return f"the signature matches {says}"
    others = [token for tokens in settings.auth_tokens.values() for token in tokens if token not in own]
    says = _first_match(request, form, settings, others)
    if says is not None:
        return f"another configured token signed it, not one for {account}" + (f", {says}" if says else "")
    return (
        "no variant of the request matches: the token is not the one that signed it (the primary auth token of the"
        " account that owns the number), or the request was changed in transit"
    )


def _explain_other_account(account: str, settings: Settings) -> str:
    configured = list(settings.auth_tokens)
    tokens = "the configured token is" if len(configured) == 1 else "the configured tokens are"
    return (
        f"it is signed for the account {account}, but {tokens} for {' and '.join(configured)}: set the same"
        " TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN on both sides, or add the token of a subaccount to TWIML_AUTH_TOKENS"
    )


def _first_match(
    request: WebhookRequest,
    form: Form,
    settings: Settings,
    secrets: Sequence[str],
    algorithm: Algorithm = "HMAC_SHA1",
) -> str | None:
    """Return the smallest set of differences that makes the signature match, None if there is none."""
    signature = request.headers[HEADER.lower()]
    body = request.body if is_signed_json(request) else None
    for url, pairs, says in _request_guesses(request, form, settings):
        if verify(url, pairs, signature, secrets, body=body, algorithm=algorithm):
            return says
    return None


def _request_guesses(request: WebhookRequest, form: Form, settings: Settings) -> Iterator[tuple[str, Pairs, str]]:
    """Yield URLs and forms that may have been signed, each with a description of its differences."""
    pairs = signed_pairs(request, form)
    for url, says in _url_guesses(request, settings):
        yield url, pairs, says
    for altered, says in _form_guesses(pairs, form) if pairs else ():
        if altered != pairs:
            yield request.called_url(settings.public_url), altered, says


def _url_guesses(request: WebhookRequest, settings: Settings) -> list[tuple[str, str]]:
    """Return URLs that may have been signed, each with a description of its differences; fewest differences first."""
    # Not urlsplit, which raises for an invalid host.
    scheme, _, rest = request.called_url(settings.public_url).partition("://")
    host, slash, target = rest.partition("/")
    guesses = product(
        _scheme_guesses(scheme, request, settings),
        _host_guesses(host, request),
        _target_guesses(slash + target, request),
    )
    found = [
        (f"{scheme.value}://{host.value}{target.value}", [guess.says for guess in (scheme, host, target) if guess.says])
        for scheme, host, target in guesses
    ]
    return [(url, " and ".join(says)) for url, says in sorted(found, key=lambda each: len(each[1]))]


def _scheme_guesses(scheme: str, request: WebhookRequest, settings: Settings) -> Iterator[Guess]:
    yield Guess(scheme)
    other = "https" if scheme == "http" else "http"
    hops = " or TWIML_PROXY_HOPS" if "x-forwarded-proto" in request.headers else ""
    wrong = f"TWIML_PUBLIC_URL says {scheme}" if settings.public_url else f"set TWIML_PUBLIC_URL{hops}"
    yield Guess(other, f"with {other}: {wrong}")


def _host_guesses(host: str, request: WebhookRequest) -> Iterator[Guess]:
    yield Guess(host)
    for name in ("x-forwarded-host", "x-original-host"):
        named = (each.strip() for each in request.headers.get(name, "").split(","))
        for forwarded in islice(filter(None, named), _MAX_FORWARDED_HOSTS):
            yield Guess(forwarded, f"with the host {forwarded} of {name}: set TWIML_PUBLIC_URL or TWIML_PROXY_HOPS")
    if request.host != host:
        yield Guess(request.host, f"with the host {request.host}: TWIML_PUBLIC_URL names another host")


def _target_guesses(target: str, request: WebhookRequest) -> Iterator[Guess]:
    path, mark, query = target.partition("?")
    yield Guess(target)
    if path.endswith("/"):
        yield Guess(path.rstrip("/") + mark + query, "without the trailing slash: a proxy or a redirect adds it")
    else:
        yield Guess(f"{path}/{mark}{query}", "with a trailing slash: the URL at Twilio ends with one")
    if prefix := request.headers.get("x-forwarded-prefix", "").strip("/"):
        yield Guess(f"/{prefix}{target}", f"under /{prefix}: add it to TWIML_PUBLIC_URL")
    if path != request.path:
        yield Guess(request.target, "without the prefix of TWIML_PUBLIC_URL")
    if query:
        yield Guess(path, "without its query: a proxy adds one")
    for encoded in _encodings(query):
        yield Guess(f"{path}?{encoded}", "with its query encoded differently: a proxy re-encodes it")


def _encodings(query: str) -> Iterable[str]:
    plain = unquote(query, errors="surrogateescape")
    encoded = quote(plain, "=&+", errors="surrogateescape")
    return {plain, query.replace("+", "%20"), query.replace("%20", "+"), encoded} - {query}


def _form_guesses(pairs: Pairs, form: Form) -> Iterator[tuple[Pairs, str]]:
    yield tuple(pair for pair in pairs if pair[1]), "without the empty fields: they were added in transit"
    yield tuple((name, value.strip()) for name, value in pairs), "with white space trimmed: it was added in transit"
    for before, after, what in _TRIMMED:
        padded = tuple((name, before + value + after if name == "Body" else value) for name, value in pairs)
        yield padded, f"with {what} the Body: a proxy or a filter trims white space"
    yield tuple((name, form[name]) for name in form), "with one value per name: fields were repeated in transit"
    yield (), "without any field: it was signed as a GET, or the body was added in transit"
    absent = [(name, "") for name in _OFTEN_EMPTY if name not in form]
    for dropped in (absent, *([each] for each in absent)):
        names = " and ".join(name for name, _ in dropped)
        yield (*pairs, *dropped), f"with an empty {names}: a proxy or a filter drops empty fields"
