"""``python -m scripts.demo``, which is ``make run``: demonstrate the example application, then be ``twiml-app dev``."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from twiml_app.cli.dev import serve
from twiml_app.dev import Dev, DevOptions
from twiml_app.emulator import LoggedWebhook
from twiml_app.webhook import Form

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "tests" / "samples" / "inbound-sms.txt"
CONTACT, UNREACHABLE = "+15558675310", "+15558675311"
#: How long the demonstration waits for the program to load, and for a status callback.
LIMIT_S = 60
_LAST_PORT = 65535


def main() -> None:
    """Serve until interrupted or terminated."""
    ports = [_port(name, default) for name, default in (("PORT", 8000), ("EMULATOR_PORT", 8088))]
    serve(DevOptions(root=ROOT, port=ports[0], emulator_port=ports[1]), demonstrate=demonstrate)


def _port(name: str, default: int) -> int:
    given = os.environ.get(name) or str(default)
    if not given.isdecimal() or int(given) > _LAST_PORT:
        sys.exit(f"{name} is {given!r}: choose 1 to {_LAST_PORT}, for example {name}=8001 make run")
    return int(given)


def demonstrate(running: Dev) -> None:
    """Deliver a recorded text, and a reply to a phone that cannot be reached."""
    if not _wait_until_loaded(running):
        print("\nThere is no demonstration: the program does not run.\n", flush=True)
        return
    _show_a_reply(running)
    _show_a_failed_delivery(running)
    print("\nNow text it yourself: with the curl command above, or on the phone page.\n", flush=True)


def _show_a_reply(running: Dev) -> None:
    print("\nA recorded text, delivered as Twilio does: at first without the password, then with it:\n", flush=True)
    reply = running.emulator.phone(CONTACT).text(_recorded_text())
    _show(running, reply.inbound.sid)
    print("\nTwilio says how far the reply has come, and a handler logs that it arrived:\n", flush=True)
    _wait_for_status(running, {message.sid for message in reply.messages}, "delivered")


def _show_a_failed_delivery(running: Dev) -> None:
    print("\nThe same text from a phone that cannot be reached; two handlers log that the reply failed:\n", flush=True)
    phone = running.emulator.phone(UNREACHABLE).will("undelivered", 30005)
    sids = {message.sid for message in phone.text(_recorded_text()).messages}
    if _wait_for_status(running, sids, "undelivered"):
        _show(running, *sids)


def _recorded_text() -> str:
    return Form.read(SAMPLE.read_text().strip(), max_fields=500).get("Body", "")


def _wait_until_loaded(running: Dev) -> bool:
    deadline = time.monotonic() + LIMIT_S
    while running.program.status().state == "starting" and time.monotonic() < deadline:
        time.sleep(0.05)
    return running.program.status().state == "running"


def _wait_for_status(running: Dev, sids: set[str], status: str) -> bool:
    deadline = time.monotonic() + LIMIT_S
    while not any(each.parameters.get("MessageStatus") == status for each in _webhooks(running, *sids)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _webhooks(running: Dev, *sids: str) -> list[LoggedWebhook]:
    return [each for each in running.emulator.webhooks if each.message_sid in sids]


_SHOWN = ("From", "To", "Body", "MessageStatus", "ErrorCode")


def _show(running: Dev, *sids: str) -> None:
    """Print what the program was sent about messages, and its last answer."""
    found = _webhooks(running, *sids)
    last = found[-1]
    print(f"  {', '.join(f'{name}={value}' for name, value in last.parameters.items() if name in _SHOWN)}")
    statuses = ", then ".join(str(each.status) for each in found if each.parameters == last.parameters)
    print(f"  answered {statuses}  {last.response_headers.get('Content-Type', '')}".rstrip())
    if last.body:
        print(f"\n{last.body}", flush=True)


if __name__ == "__main__":
    main()
