"""The options of an emulator, and the account that it has by default."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .database import MEMORY
from .program import Program
from .seed_reader import Seed

#: The account SID and token used when none are configured.
ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef"
AUTH_TOKEN = "fedcba9876543210fedcba9876543210"  # noqa: S105  it is only valid for an emulator


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorOptions:
    """The options of an emulator; all have defaults."""

    host: str = "127.0.0.1"
    #: 0 for any free port.
    port: int = 0
    #: The file that keeps the state, or ``:memory:``.
    state: str | Path = MEMORY
    #: A TOML or JSON file, or its content.
    seed: str | Path | Seed | None = None
    #: ``step`` (moved by ``advance`` and ``settle``), ``fast`` or ``real``.
    clock: str = "step"
    #: ``current``, ``2014`` or ``2008``.
    profile: str = "current"
    #: By default TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN of the environment, else ``ACCOUNT_SID`` and ``AUTH_TOKEN``.
    account_sid: str = ""
    auth_token: str = field(default="", repr=False)
    #: The webhook of the debugger, with credentials if it needs any: each new entry is posted to it.
    debugger_url: str = field(default="", repr=False)
    #: Fetch media from any host; by default only from this machine.
    fetch: bool = False
    tls: bool = False
    #: How many concurrent requests of an account are allowed, before 429.
    concurrency: int = 100
    #: When the clock starts, in seconds since the epoch; by default now.
    start: float | None = None
    #: The program under development, for the phone page; None if it is not known.
    program: Program | None = None
