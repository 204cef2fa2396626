"""Create and connect the parts of an emulator, and set up its initial state."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from ..caller import Transport, is_http_url
from ..errors import ConfigurationError
from .alerts import Alerts
from .auto_replies import AutoReplies
from .clock_control import ClockControl
from .composing import Composer
from .context import Context
from .debugger import Debugger
from .delivery import Delivery
from .delivery_steps import DeliverySteps
from .inbound import Inbound
from .media import MediaFetcher
from .opt_outs import OptOuts
from .options import EmulatorOptions
from .phone_page.assembly import PageAssembly, Used
from .phones import Phones
from .replying import Replying
from .resources import Account
from .rest.access import Access
from .rest.accounts import Accounts
from .rest.addresses import Addresses
from .rest.alerts import AlertLists
from .rest.alpha_senders import AlphaSenders
from .rest.api import Api
from .rest.applications import Applications
from .rest.available_numbers import AvailableNumbers
from .rest.control import Control
from .rest.control_faults import ControlFaults
from .rest.control_logs import ControlLogs
from .rest.control_phones import ControlPhones
from .rest.create_message import MessageCreator
from .rest.empty_lists import EmptyLists
from .rest.incoming_numbers import IncomingNumbers
from .rest.legacy import LegacySms
from .rest.media import MediaOfMessages
from .rest.messages import Messages
from .rest.paging import Pager
from .rest.request import Rule
from .rest.request_log import RequestLog
from .rest.service_numbers import ServiceNumbers
from .rest.services import Services
from .rest.short_codes import ShortCodes
from .rest.usage_records import UsageRecords
from .schedule import Schedule
from .seed_reader import Seed
from .seeds import Sower
from .status_changes import StatusChanges
from .store import ResourceStore
from .twiml_execution import TwimlExecution
from .webhook_log import WebhookLog
from .webhooks import Webhooks

#: The name of the account; at Twilio, it is by default the e-mail address of its owner.
ACCOUNT_NAME = "emulator@example.com"
#: The names of the values that a state keeps besides its resources.
NOW = "now"
_SEEDED = "seeded"
_NAMES_SENDERS = "names senders"


class Parts:
    """The connected parts of an emulator."""

    def __init__(
        self, context: Context, transport: Transport, options: EmulatorOptions, *, reset: Callable[[], None]
    ) -> None:
        self.context = context
        self.schedule = Schedule(context.clock)
        self.clock_control = ClockControl(context.clock, self.schedule)
        self.debugger = Debugger(context.store, context.clock, context.new_sid)
        self.webhook_log = WebhookLog(transport, context.clock, tokens_of=self._tokens_of)
        self.webhooks = Webhooks(context, self.debugger, self.webhook_log)
        self.alerts = Alerts(context, self.schedule, self.webhooks)
        self.debugger.alert = self.alerts.note
        steps = DeliverySteps(self.schedule, context.clock)
        statuses = StatusChanges(context, self.schedule, steps, self.webhooks.post_status)
        self.delivery = Delivery(context, steps, statuses)
        self.composer, self.opt_outs = Composer(context), OptOuts(context)
        self.fetcher = MediaFetcher(transport, fetch_anywhere=options.fetch)
        self.replying = Replying(context, self.debugger, self.composer, self.delivery, self.opt_outs, self.fetcher)
        self.inbound = self._make_inbound()
        self.delivery.on_delivered = AutoReplies(context, self.schedule, self.inbound).note
        self.phones = Phones(context)
        self.access, self.log = Access(context.store, options.concurrency), RequestLog()
        self.api = Api(context, self.access, self.log, self._rules(reset))
        self.page = PageAssembly(self._used(options, reset), self.api)

    def clear(self) -> None:
        """Forget everything that is not in the store: scheduled actions, queues, cookies, logs and so on."""
        self.schedule.clear()
        self.alerts.clear()
        self.delivery.clear()
        self.webhooks.clear()
        self.webhook_log.clear()
        self.replying.clear()
        self.context.faults.clear()
        self.log.clear()
        self.page.clear()

    def _used(self, options: EmulatorOptions, reset: Callable[[], None]) -> Used:
        """Return the parts that the phone page uses."""
        return Used(
            context=self.context,
            schedule=self.schedule,
            clock_control=self.clock_control,
            debugger=self.debugger,
            inbound=self.inbound,
            delivery=self.delivery,
            opt_outs=self.opt_outs,
            phones=self.phones,
            webhooks=self.webhooks,
            webhook_log=self.webhook_log,
            host=options.host,
            program=options.program,
            reset=reset,
        )

    def _tokens_of(self, account_sid: str) -> tuple[str, ...]:
        """Return the secrets that sign the webhooks of an account."""
        account = self.context.store.get(Account, account_sid)
        return (account.auth_token, account.signing_secret) if account else ()

    def _make_inbound(self) -> Inbound:
        """Return the part that receives inbound messages."""
        context, debugger = self.context, self.debugger
        transfers = context.profile.action_transfers
        execution = TwimlExecution(self.webhooks, debugger, self.replying, action_transfers=transfers)
        return Inbound(context, debugger, self.composer, self.delivery, self.opt_outs, execution)

    def _rules(self, reset: Callable[[], None]) -> list[Rule]:
        """Return the URL rules of the REST API."""
        context, profile = self.context, self.context.profile
        pager = Pager(context.store, clips=profile.clips_page_size, totals=profile.totals)
        sending = MessageCreator(context, self.composer, self.delivery, self.opt_outs, self.fetcher)
        messages = Messages(context, pager, sending, self.delivery)
        resources = (
            Accounts(context, pager),
            messages,
            MediaOfMessages(context, pager),
            LegacySms(context, pager, sending, messages),
            AvailableNumbers(context, pager),
            IncomingNumbers(context, pager),
            Addresses(context, pager),
            ShortCodes(context, pager),
            EmptyLists(context, pager),
            Applications(context, pager),
            Services(context, pager),
            ServiceNumbers(context, pager),
            AlphaSenders(context, pager),
            AlertLists(context, pager, self.webhooks, self.webhook_log),
            UsageRecords(context, pager),
            ControlLogs(context, self.debugger, self.alerts, self.log, self.webhook_log),
            ControlFaults(context),
            ControlPhones(context, self.phones),
            Control(context, self.clock_control, self.inbound, self.fetcher, reset=reset),
        )
        return [rule for resource in resources for rule in resource.rules()]


def require_tools() -> None:
    """Check that the emulator's dependencies are installed.

    Raises: ConfigurationError, if the extra ``dev`` is not installed.
    """
    if not find_spec("phonenumbers"):
        raise ConfigurationError("emulator", "it needs the extra dependencies: pip install 'twiml-app[dev]'")


def require_url(url: str | None) -> str | None:
    """Return the URL if it is an http URL or empty.

    Raises: ConfigurationError.
    """
    if url and not is_http_url(url):
        raise ConfigurationError("number", "its URL must begin with http:// or https:// and include a host")
    return url


def begin_at(store: ResourceStore, start: float | None) -> float:
    """Return when the clock starts, in seconds since the epoch: never before the last change in the state."""
    return max(time.time() if start is None else start, store.read(NOW), store.latest())


def takes_any_sender(store: ResourceStore, state: str | Path, seed: Seed | None, account_sid: str) -> bool:
    """Return whether any sender is allowed: not if the seed lists numbers. A state keeps the answer of its creation.

    Raises: ConfigurationError, if the state belongs to another account, or there is a seed but it had none.
    """
    names_senders = bool(seed and seed.get("numbers"))
    account = next((each for each in store.find(Account) if each.sid == each.account_sid), None)
    if account is None:
        store.write(_SEEDED, seed is not None)
        store.write(_NAMES_SENDERS, names_senders)
        return not names_senders
    if account.sid != account_sid:
        raise ConfigurationError("state", f"{state} belongs to account {account.sid}: set TWILIO_ACCOUNT_SID to it")
    if seed is not None and not store.read(_SEEDED):
        raise ConfigurationError("seed", f"{state} was created without a seed: drop the seed, or use another state")
    return not store.read(_NAMES_SENDERS)


def keep_account(context: Context, sid: str, token: str, seed: Seed | None) -> None:
    """Create the account and the resources of the seed; if the state has the account already, update only its token.

    Raises: ConfigurationError, for an invalid seed; nothing is saved then.
    """
    store, now = context.store, context.clock.now()
    known = store.get(Account, sid)
    if known:
        store.save(replace(known, auth_token=token))
        return
    with store.exclusively():
        store.save(
            Account(
                sid=sid,
                account_sid=sid,
                date_created=now,
                date_updated=now,
                auth_token=token,
                friendly_name=ACCOUNT_NAME,
            )
        )
        if seed is not None:
            Sower(context, sid).sow(seed)
