"""The parts of an emulator, put together: who hands what to whom."""

from __future__ import annotations

from collections.abc import Callable

from ..calls import Transport
from .composing import Composer
from .context import Context
from .debugger import Debugger
from .delivery import Delivery
from .execution import Execution
from .handsets import Handsets
from .media import MediaFetcher
from .opt_outs import OptOuts
from .receiving import Receiving
from .replying import Replying
from .rest.access import Access
from .rest.accounts import Accounts
from .rest.api import Api
from .rest.applications import Applications
from .rest.asking import Rule
from .rest.control import Control
from .rest.incoming_numbers import IncomingNumbers
from .rest.legacy import LegacySms
from .rest.media import MediaOfMessages
from .rest.messages import Messages
from .rest.paging import Pager
from .rest.request_log import RequestLog
from .rest.sending import Sending
from .rest.services import Services
from .schedule import Schedule
from .webhooks import Webhooks


class Parts:
    """What an emulator consists of."""

    def __init__(
        self, context: Context, transport: Transport, *, fetch: bool, concurrency: int, reset: Callable[[], None]
    ) -> None:
        self.context = context
        self.schedule = Schedule(context.clock)
        self.debugger = Debugger(context.store, context.clock, context.new_sid)
        self.webhooks = Webhooks(context, self.debugger, transport)
        self.delivery = Delivery(context, self.schedule, self.webhooks.post_status)
        self.composer, self.opt_outs = Composer(context), OptOuts(context)
        self.fetcher = MediaFetcher(transport, fetch_anywhere=fetch)
        self.replying = Replying(context, self.debugger, self.composer, self.delivery, self.opt_outs, self.fetcher)
        self.receiving = self._make_receiving()
        self.handsets = Handsets(context)
        self.access, self.log = Access(context.store, concurrency), RequestLog()
        self.api = Api(context, self.access, self.log, self._rules(reset))

    def clear(self) -> None:
        """Forget what is on its way, and what is remembered from one request to the next."""
        self.schedule.clear()
        self.delivery.clear()
        self.webhooks.clear()
        self.replying.clear()
        self.access.fail_next(0)
        self.log.clear()

    def _make_receiving(self) -> Receiving:
        """Return what takes a text in, and has it answered."""
        context, debugger = self.context, self.debugger
        transfers = context.profile.action_transfers
        execution = Execution(self.webhooks, debugger, self.replying, action_transfers=transfers)
        return Receiving(context, debugger, self.composer, self.delivery, self.opt_outs, execution)

    def _rules(self, reset: Callable[[], None]) -> list[Rule]:
        """Return what the REST API answers where."""
        context, profile = self.context, self.context.profile
        pager = Pager(context.store, clips=profile.clips_page_size, totals=profile.totals)
        sending = Sending(context, self.composer, self.delivery, self.opt_outs, self.fetcher)
        messages = Messages(context, pager, sending, self.delivery)
        control = Control(
            context,
            access=self.access,
            log=self.log,
            debugger=self.debugger,
            schedule=self.schedule,
            receiving=self.receiving,
            handsets=self.handsets,
            fetcher=self.fetcher,
            reset=reset,
        )
        resources = (
            Accounts(context, pager),
            messages,
            MediaOfMessages(context, pager),
            LegacySms(context, pager, sending, messages),
            IncomingNumbers(context, pager),
            Applications(context, pager),
            Services(context, pager),
            control,
        )
        return [rule for resource in resources for rule in resource.rules()]
