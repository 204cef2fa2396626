"""Admission: check the credentials, form, signature and account of a request, in this order."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from ..alerts import Alert
from ..config import Settings
from ..errors import Forbidden, MalformedRequest, RequestRefused, Unauthorized
from ..events import REPLY_PARAMETER, SEND_PARAMETER, TOKEN_PARAMETER, Event, InboundMessage, parse_event
from ..signature import HEADER, SETTINGS_HEADER, read_signature_settings, verify
from ..webhook import Form, WebhookRequest, is_signed_json, read_form, signed_pairs
from .auth import BasicAuth, SendUrls, StatusUrls
from .signature_diagnosis import explain_signature

#: Without a public URL, the status URLs of replies use the scheme and host of the request: they must be valid.
_ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(:\d{1,5})?")
_ONLY_AT_STATUS_URL = "a token is only valid at the status URL"
_WRONG_CREDENTIALS = "the credentials do not match any in TWIML_CREDENTIALS: compare them with those of Twilio's URL"
_EXPLAINING_S, _MAX_EXPLAINED = 10.0, 20


class Admission:
    """Admits authenticated requests. Every configured method is required: basic credentials, a signature, or both.

    ``clock`` returns seconds; ``now`` returns seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._explained: list[float] = []
        self._basic = BasicAuth(settings.credentials)
        self.status_urls = StatusUrls(settings.secret_keys, settings.status_path, clock=now)
        self._send_urls = SendUrls(settings.secret_keys, settings.status_path)

    def authenticate(self, request: WebhookRequest) -> bool:
        """Check the basic credentials, without the body, and return whether a status token replaced them.

        A token is compared with the form, so it is only looked for here: ``admit`` checks it.

        Raises: Unauthorized, without either of them.
        """
        header = request.headers.get("authorization", "")
        if not self._settings.credentials or self._basic.accepts(header):
            return False
        has_token = f"{TOKEN_PARAMETER}=" in request.query
        if has_token and request.endpoint == "status":
            return True
        if not header and has_token:
            raise Unauthorized("the token of the status URL is not valid", reason=_ONLY_AT_STATUS_URL)
        if not header:
            raise Unauthorized("send the credentials of the Message URL", is_probe=True)
        raise Unauthorized("the credentials are wrong", reason=_WRONG_CREDENTIALS)

    def admit(self, request: WebhookRequest, *, by_token: bool) -> Event:
        """Return the event of a request that ``authenticate`` has passed, now with its body.

        Raises: MalformedRequest; RequestTooLarge; Forbidden; Unauthorized, with a token that does not fit.
        """
        compared = self._require_token(request) if by_token else None
        if not (self._settings.public_url or _ORIGIN.fullmatch(f"{request.scheme}://{request.host}")):
            raise MalformedRequest("the Host header is missing or malformed")
        form = self._form(request) if compared is None else compared
        self._require_signature(request, form)
        self._require_account(form)
        event = parse_event(form, self._query(request))
        if by_token and isinstance(event, InboundMessage | Alert):
            raise Unauthorized(
                "send the credentials of the Message URL",
                reason="a status token does not authenticate inbound messages and alerts",
            )
        return event

    def _form(self, request: WebhookRequest) -> Form:
        """Return the parameters of the event.

        Raises: RequestTooLarge; MalformedRequest.
        """
        return read_form(request, max_bytes=self._settings.max_body_bytes, max_fields=self._settings.max_fields)

    def _query(self, request: WebhookRequest) -> Form:
        """Return the parameters of the URL.

        Raises: RequestTooLarge.
        """
        return Form.read(request.query, max_fields=self._settings.max_fields, strict=False)

    def _require_token(self, request: WebhookRequest) -> Form:
        """Check the token of a status URL, and return the form with which it was compared.

        Raises: Unauthorized.
        """
        try:
            query, form = self._query(request), self._form(request)
        except RequestRefused as refused:  # not a status callback to a URL of ours
            problem = f"the token of the status URL was not checked: {refused.reason}"
        else:
            problem = self._token_problem(query, form)
            if not problem:
                return form
        if request.headers.get("authorization"):
            raise Unauthorized("the credentials are wrong", reason=_WRONG_CREDENTIALS)
        raise Unauthorized("the token of the status URL is not valid", reason=problem)

    def _token_problem(self, query: Form, form: Form) -> str:
        """Return why the token of a status URL does not fit; an empty string if it does."""
        token = query.get(TOKEN_PARAMETER, "")
        if SEND_PARAMETER in query:
            return self._send_urls.problem(query.get(SEND_PARAMETER, ""), token)
        sid = query.get(REPLY_PARAMETER, "")
        return self.status_urls.problem(sid, token, to=form.get("To", ""), from_=form.get("From", ""))

    def _require_signature(self, request: WebhookRequest, form: Form) -> None:
        if not self._settings.requires_signature or self._is_signed(request, form):
            return
        raise Forbidden("the signature does not match", reason=self._explain(request, form))

    def _explain(self, request: WebhookRequest, form: Form) -> str:
        """Return what would have matched; the rate is limited, as forged requests could waste time on explanations."""
        now = self._clock()
        self._explained = [each for each in self._explained if now - each < _EXPLAINING_S]
        if len(self._explained) >= _MAX_EXPLAINED:
            return f"the signature does not match (at most {_MAX_EXPLAINED} are explained in {_EXPLAINING_S:.0f} s)"
        self._explained.append(now)
        return explain_signature(request, form, self._settings)

    def _is_signed(self, request: WebhookRequest, form: Form) -> bool:
        signature = request.headers.get(HEADER.lower(), "")
        key, algorithm = read_signature_settings(request.headers.get(SETTINGS_HEADER.lower(), ""))
        url = request.called_url(self._settings.public_url)
        pairs = signed_pairs(request, form)
        body = request.body if is_signed_json(request) else None
        if algorithm == "HMAC_SHA1":
            tokens = self._settings.tokens_for(form.get("AccountSid", ""))
            return verify(url, pairs, signature, tokens, body=body)
        if algorithm == "HMAC_SHA256" and key in self._settings.shared_keys:
            return verify(url, pairs, signature, [self._settings.shared_keys[key]], body=body, algorithm="HMAC_SHA256")
        return False

    def _require_account(self, form: Form) -> None:
        account = form.get("AccountSid", "")
        if self._settings.accounts and account not in self._settings.accounts:
            raise Forbidden("the account is not served here", reason=f"the account {account} is not in TWIML_ACCOUNTS")
