"""The command line ``twiml-app``: parse options, call the library, print the results."""

from __future__ import annotations

import sys
from importlib import metadata

import click

from .. import logs
from .chat import chat
from .check import check
from .conversation import conversation
from .dev import dev
from .emulator import emulator
from .explain import explain
from .journal import journal
from .journal_maintenance import erase, retry, upgrade
from .journal_recordings import export, import_
from .new import new
from .opt_outs import opt_outs
from .overview import ledger, overview
from .replay import replay_command
from .routes import match, routes
from .sends import send_command, sends
from .simulate import simulate
from .worker import worker

__all__ = ["main"]


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog="When a number has stopped answering, begin with `twiml-app overview`: it names the commands that say why.",
)
@click.version_option(metadata.version("twiml-app"), prog_name="twiml-app")
def main() -> None:
    """Turn a Twilio phone number into a Python program.

    Settings come from TWIML_* environment variables and from the file .env in the working directory. The exit status
    is 0 on success, 1 if a problem was found, 2 for a usage error.
    """
    logs.set_up("text", sys.stderr)  # standard output is for results


for command in (
    *(new, dev, routes, match, simulate, explain, check, overview, journal, ledger, conversation, opt_outs),
    *(send_command, sends, replay_command, worker, chat, emulator),
):
    main.add_command(command)
for command in (export, import_, erase, upgrade, retry):
    journal.add_command(command)
