"""A local Twilio emulator: the REST API, message delivery, and webhooks as Twilio sends them.

An inbound message passes through these modules::

    phones -> inbound -> webhooks -> twiml_execution -> replying -> composing -> delivery

and a message that a client sends passes through these::

    rest.api -> rest.messages -> rest.create_message -> composing -> delivery -> webhooks (its status)

Problems are recorded in ``debugger``. ``parts`` connects the parts, and ``emulator`` is the interface for users.
"""

from .emulator import Emulator
from .fault_kinds import fault_names
from .faults import Fault, FaultRule, Faults
from .inbound import EmulatedReply
from .media import FetchedMedia
from .numbers import read_sender
from .options import ACCOUNT_SID, AUTH_TOKEN, EmulatorOptions
from .phones import EmulatedPhone
from .program import Program, ProgramStatus, ReplayedAnswer
from .program_environment import program_environment
from .resources import DebuggerEntry, IncomingNumber
from .rest.request_log import LoggedRequest
from .webhook_log import LoggedWebhook

__all__ = [
    "ACCOUNT_SID",
    "AUTH_TOKEN",
    "DebuggerEntry",
    "EmulatedPhone",
    "EmulatedReply",
    "Emulator",
    "EmulatorOptions",
    "Fault",
    "FaultRule",
    "Faults",
    "FetchedMedia",
    "IncomingNumber",
    "LoggedRequest",
    "LoggedWebhook",
    "Program",
    "ProgramStatus",
    "ReplayedAnswer",
    "fault_names",
    "program_environment",
    "read_sender",
]
