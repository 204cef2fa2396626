"""Work in the processes of gunicorn, with the settings that every project has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.working_projects import HANDLERS, wait_until
from tests.servers import LIMIT_S, ROOT, gunicorn
from twiml_app.caller import Caller, HttpTransport, Webhook
from twiml_app.caller.forms import inbound_form

SLOW = """

def slowly() -> None:
    import time

    note("began", attempt=1)
    time.sleep(1)
    note("ended", attempt=1)


@router.message("slow")
def ask_slowly(message: InboundMessage) -> str:
    enqueue(slowly)
    return "ok"
"""


@pytest.mark.slow
def test_web_server_runs_what_handlers_ask_for_and_ends_it_before_it_stops(tmp_path: Path) -> None:
    """A small deployment is one command, and a deployment cuts nothing off."""
    (tmp_path / "handlers.py").write_text(HANDLERS + SLOW)
    for name in ("wsgi.py", "gunicorn.conf.py"):
        (tmp_path / name).write_bytes((ROOT / "twiml_app" / "scaffold" / name).read_bytes())
    settings = {"TWIML_CREDENTIALS": "sms:quite-long-enough", "PYTHONPATH": str(ROOT)}
    log: list[str] = []
    with gunicorn(settings, folder=tmp_path, workers=2, log=log) as url:
        webhook = Webhook(url=url.replace("://", "://sms:quite-long-enough@") + "/message")
        caller = Caller(HttpTransport())
        caller.call(webhook, inbound_form("note"))
        wait_until(tmp_path / "noted", "now", LIMIT_S)
        caller.call(webhook, inbound_form("slow"))
        wait_until(tmp_path / "noted", "began", LIMIT_S)

    assert (tmp_path / "noted").read_text() == "now began ended "
    assert not [line for line in log if "error" in line.lower()]
    assert sum("outcome=done" in line for line in log) == 2 + _cleaned(log)


def _cleaned(log: list[str]) -> int:
    """Return whether the schedule of the handlers happened to be due."""
    return sum("function=handlers:clean" in line for line in log)
