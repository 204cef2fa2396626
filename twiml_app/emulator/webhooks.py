"""Call the program as Twilio does: the forms of inbound messages, and status callbacks.

https://www.twilio.com/docs/messaging/guides/webhook-request and
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from ..caller import (
    Call,
    Caller,
    CookieJar,
    Overrides,
    Session,
    Transport,
    Webhook,
    alert_form,
    inbound_form,
    status_form,
)
from ..errors import CallError
from ..logs import logger
from ..opt_out_words import kind_of_word
from ..webhook import Form
from . import whatsapp_forms
from .context import Context
from .debugger import Debugger
from .faults import Fault, Occasion
from .numbers import national
from .resources import API_2008, Account, DebuggerEntry, MessageRecord
from .webhook_faults import WEBHOOK_KINDS, FaultyCalls

_ANSWER_TYPES = ("text/xml", "application/xml", "text/html", "text/plain")
_GEOGRAPHY = tuple(f"{whose}{what}" for whose in ("From", "To") for what in ("City", "State", "Zip", "Country"))

#: How many callers are kept, each with its cached answers; an account has one for each of its tokens.
MAX_CALLERS = 100


class Webhooks:
    """Calls URLs of the program; requests are signed for their account."""

    def __init__(self, context: Context, debugger: Debugger, transport: Transport) -> None:
        self._context = context
        self._debugger = debugger
        self._transport = transport
        self._cookies = CookieJar(context.clock.now)
        self._callers: dict[tuple[str, str], Caller] = {}

    def call(self, webhook: Webhook, form: Form, *, message: MessageRecord, session: Session) -> Call:
        """Call a URL; invalid connection overrides are reported in the debugger.

        Raises: CallError.
        """
        for code, problem in Overrides.mistakes(webhook.url.partition("#")[2]):
            self._debugger.add(code, problem, message=message, url=_without_credentials(webhook.url))
        fault = self._take_fault(webhook, message)
        if fault is None:
            return self._caller(message.account_sid).call(webhook, form, session=session)
        key = _key_of(self._context.account(message.account_sid))
        return FaultyCalls(self._transport, self._cookies).call(fault.kind, webhook, form, session=session, key=key)

    def _take_fault(self, webhook: Webhook, message: MessageRecord) -> Fault | None:
        """Return the fault that happens to a call, if any."""
        if not self._context.faults:
            return None
        event = "message" if message.is_inbound else "status"
        path = f"{webhook.method} {urlsplit(webhook.url).path}"
        return self._context.faults.take(*WEBHOOK_KINDS, occasion=Occasion.of(message, path=path, event=event))

    def clear(self) -> None:
        """Forget cookies and cached answers."""
        self._cookies = CookieJar(self._context.clock.now)
        self._callers = {}

    def post_status(self, message: MessageRecord) -> None:
        """Post the current status of a message to its status callback URL."""
        webhook = Webhook(url=message.status_url, method=message.status_method)
        try:
            call = self.call(webhook, self._status_form(message), message=message, session=Session())
        except CallError as error:
            self._debugger.add_failure(error, webhook.url, message=message)
            return
        kind = call.response.content_type.partition(";")[0].strip().lower()
        if call.response.body and kind not in _ANSWER_TYPES:
            problem = f"a status callback was answered with {kind or 'no content type'}"
            self._debugger.add(12300, problem, message=message, url=call.url)

    def post_alert(self, url: str, entry: DebuggerEntry) -> None:
        """Post an entry of the debugger; a failure is only logged, as an entry about it would be posted in turn."""
        form = alert_form(
            entry.code,
            sid=entry.sid,
            level=entry.level,
            account_sid=entry.account_sid,
            resource_sid=entry.message_sid,
            problem=entry.text,
            request=self.reported_request(entry),
            happened_at=entry.date_created,
        )
        try:
            self._caller(entry.account_sid).call(Webhook(url=url), form, session=Session())
        except CallError as error:
            logger.warning("the webhook of the debugger failed: %s", error.problem)

    def reported_request(self, entry: DebuggerEntry) -> tuple[str, Form] | None:
        """Return the URL and the form of the request that an entry is about, if it is about one."""
        message = self._context.store.get(MessageRecord, entry.message_sid)
        if message is None or not entry.url:
            return None
        return entry.url, self.inbound_form(message) if message.is_inbound else self._status_form(message)

    def inbound_form(self, message: MessageRecord) -> Form:
        """Return the parameters of an inbound message."""
        media = self._context.media_urls(message)
        fields = {"ApiVersion": message.api_version, "NumSegments": str(message.num_segments)}
        fields |= {"FromCountry": country_of(message.from_), "ToCountry": country_of(message.to)}
        if message.messaging_service_sid:
            fields["MessagingServiceSid"] = message.messaging_service_sid
            fields |= self._opt_out_type(message)
        fields |= whatsapp_forms.inbound_fields(message, media.values())
        form = inbound_form(
            message.body,
            from_=message.from_,
            to=message.to,
            media=media,
            message_sid=message.sid,
            account_sid=message.account_sid,
            fields=fields,
        )
        return self._for_profile(_without_places(form) if ":" in message.from_ else form)

    def _opt_out_type(self, message: MessageRecord) -> dict[str, str]:
        """Return the parameter of Advanced Opt-Out, if it is asked for.

        https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
        """
        kind = kind_of_word(message.body, self._context.profile.opt_out_words)
        if not kind or not self._context.faults.take("text-advanced-opt-out", occasion=Occasion.of(message)):
            return {}
        return {"OptOutType": kind}

    def _for_profile(self, form: Form) -> Form:
        """Return the parameters that exist in the profile."""
        if not self._context.profile.is_2008:
            has_num_segments = self._context.profile.has_num_segments
            return form if has_num_segments else Form(pair for pair in form.pairs if pair[0] != "NumSegments")
        names = ("SmsSid", "AccountSid", "From", "To", "Body", *_GEOGRAPHY)
        pairs = [(name, form.get(name, "")) for name in names]
        return Form((name, national(value) if name in ("From", "To") else value) for name, value in pairs)

    def _status_form(self, message: MessageRecord) -> Form:
        if message.status_words == "sms":
            return self._sms_status_form(message)
        fields = {"ApiVersion": message.api_version}
        if message.messaging_service_sid:
            fields["MessagingServiceSid"] = message.messaging_service_sid
        is_sms = ":" not in message.to
        if is_sms and self._context.profile.has_raw_dlr_date and message.status in ("delivered", "undelivered"):
            now = datetime.fromtimestamp(message.date_updated, UTC)
            fields["RawDlrDoneDate"] = now.strftime("%y%m%d%H%M")
        fields |= whatsapp_forms.status_fields(message)
        return status_form(
            message.sid,
            message.status,
            error_code=message.error_code,
            from_=message.from_,
            to=message.to,
            account_sid=message.account_sid,
            fields=fields,
        )

    def _sms_status_form(self, message: MessageRecord) -> Form:
        """Return the parameters of the legacy resources: SmsSid and SmsStatus."""
        is_2008 = message.api_version == API_2008
        write = national if is_2008 else str
        form = {"SmsSid": message.sid, "SmsStatus": message.status, "AccountSid": message.account_sid}
        form |= {"From": write(message.from_), "To": write(message.to)}
        return Form((form if is_2008 else form | {"ApiVersion": message.api_version}).items())

    def _caller(self, account_sid: str) -> Caller:
        account = self._context.account(account_sid)
        key = _key_of(account)
        caller = self._callers.get(key)
        if caller is None:
            token, key_id = key
            new = Caller(self._transport, token=token, key_id=key_id, cookies=self._cookies)
            caller = self._callers.setdefault(key, new)
            for oldest in [*self._callers][:-MAX_CALLERS]:
                self._callers.pop(oldest, None)
        return caller


def country_of(address: str) -> str:
    """Return the country of an address; the United States for addresses without a country."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(address)
    except phonenumbers.NumberParseException:
        return "US"
    by_code = phonenumbers.region_code_for_country_code(parsed.country_code or 1)
    return str(phonenumbers.region_code_for_number(parsed) or by_code)


def _without_places(form: Form) -> Form:
    """Return a form without the geographic parameters, which other channels do not have."""
    return Form((name, value) for name, value in form.pairs if name not in _GEOGRAPHY)


def _without_credentials(url: str) -> str:
    """Return a URL without credentials, but with its connection overrides."""
    scheme, separator, rest = url.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _key_of(account: Account) -> tuple[str, str]:
    """Return the secret that signs an account's webhooks, and its key id: the shared key if any, else the token."""
    return (account.signing_secret, account.signing_key) if account.signing_key else (account.auth_token, "")
