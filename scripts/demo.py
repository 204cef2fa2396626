"""``python -m scripts.demo``: serve the example application on this machine and demonstrate it."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twiml_app.caller.caller import Caller
from twiml_app.caller.transports import HttpTransport
from twiml_app.caller.types import Call, Webhook
from twiml_app.errors import CallError
from twiml_app.webhook import Form

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "tests" / "samples"
START_LIMIT_S = 300


def main() -> None:
    """Serve until interrupted or terminated."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = _free_port(os.environ.get("PORT", "0"))
    credentials = f"demo:{secrets.token_urlsafe(18)}"
    with tempfile.TemporaryDirectory(prefix="twiml-demo-") as folder:
        server = _start(port, credentials, Path(folder))
        try:
            _wait_until_ready(server, port)
            _show(f"http://{credentials}@127.0.0.1:{port}")
            server.wait()
        except KeyboardInterrupt:
            print("\nstopped")
        finally:
            server.terminate()
            server.wait()
    sys.exit(max(server.returncode, 0))


def _free_port(wanted: str) -> int:
    try:
        with socket.create_server(("127.0.0.1", int(wanted))) as listener:
            port: int = listener.getsockname()[1]
    except (OSError, ValueError, OverflowError) as error:
        sys.exit(f"cannot listen on port {wanted} ({error}): choose another, for example PORT=8001 make run")
    return port


def _start(port: int, credentials: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start gunicorn with credentials and a journal of its own; settings exported in the shell are ignored."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TWIML_", "TWILIO_"))}
    environment |= {"TWIML_CREDENTIALS": credentials, "WEB_CONCURRENCY": "1", "PORT": str(port)}
    environment |= {"TWIML_DATABASE_URL": f"sqlite:///{folder}/twiml.db"}
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    webhook = Webhook(url=f"http://127.0.0.1:{port}/readyz#rc=0", method="GET")
    while time.monotonic() < deadline and server.poll() is None:
        try:
            Caller(HttpTransport()).call(webhook, Form())
        except CallError:
            time.sleep(0.1)
        else:
            return
    sys.exit("the application did not start: see above")


def _show(base_url: str) -> None:
    print("\nA recorded inbound message, sent as Twilio sends it:\n", flush=True)
    _call(f"{base_url}/message", "inbound-sms.txt")
    print("\nA recorded status callback for a failed delivery; the log lines come from its handlers:\n", flush=True)
    _call(f"{base_url}/status", "status-failed.txt")
    print(
        f"\nThe Message URL, ready to paste:\n\n    {base_url}/message\n\n"
        "Text it from another terminal:\n\n"
        f"    curl {base_url}/message --data-urlencode From=+15005550001 --data-urlencode To=+15005550006"
        " --data-urlencode 'Body=order 2 coffee'\n\n"
        "It serves until you press Ctrl-C.",
        flush=True,
    )


def _call(url: str, sample: str) -> None:
    form = Form.read((SAMPLES / sample).read_text().strip(), max_fields=500)
    print(f"  {', '.join(f'{name}={value}' for name, value in form.items() if name in _SHOWN)}")
    call = Caller(HttpTransport()).call(Webhook(url=url), form)
    _print_answer(call)


_SHOWN = ("From", "Body", "MessageStatus", "ErrorCode")


def _print_answer(call: Call) -> None:
    statuses = ", then ".join(str(attempt.response.status) for attempt in call.attempts if attempt.response)
    print(f"  answered {statuses}  {call.response.content_type}".rstrip())
    if call.response.body:
        print(f"\n{call.response.body.decode()}", flush=True)


if __name__ == "__main__":
    main()
