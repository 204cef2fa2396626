"""A project with a handler that keeps state, served by gunicorn, and people who text it at the same time."""

from __future__ import annotations

import http.client
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers import LIMIT_S, ROOT, gunicorn
from tests.webhook_requests import AUTHORIZATION, BASIC
from twiml_app import MessagingResponse
from twiml_app.caller import inbound_form, random_sid
from twiml_app.webhook import FORM_TYPE, Form

HANDLERS = """
import os, signal, time
from pathlib import Path
from twiml_app import Conversation, InboundMessage, Router

router = Router()
HERE = Path(__file__).parent
LOG = os.open(HERE / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def log(message: InboundMessage, what: str) -> None:
    os.write(LOG, f"{message.contact} {what} {message.body}\\n".encode())


@router.default
def remember(message: InboundMessage, conversation: Conversation) -> str:
    texts = list(conversation.get("texts", []))
    log(message, "begin")
    if message.body == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    while message.body == "hold" and not (HERE / "release").exists():
        time.sleep(0.005)
    time.sleep(0.002)
    conversation["texts"] = [*texts, message.body]
    log(message, "end")
    return " ".join(conversation["texts"])


routers = [router]
"""


#: Nobody reads what the server prints, so it must not be more than a pipe takes.
WSGI = """
import logging
from twiml_app.app import create_app

app = create_app()
logging.getLogger("twiml_app").setLevel(logging.CRITICAL)
"""


class Served:
    """A running project; several servers are several machines with one database."""

    def __init__(self, folder: Path, urls: list[str]) -> None:
        self._folder = folder
        self._urls = urls
        self._sent = 0
        self._pool = ThreadPoolExecutor(max_workers=96)

    def text(self, body: str, contact: str) -> str:
        """Send a text to the next server, and return the reply, or the status of a failure."""
        return self._call(inbound_form(body, from_=contact, message_sid=random_sid("SM")))

    def text_until_answered(self, body: str, contact: str) -> str:
        """Send a text, and again if a worker has too many that wait, as Twilio does where the URL asks for it."""
        form = inbound_form(body, from_=contact, message_sid=random_sid("SM"))
        while (answer := self._call(form)) == "503":
            time.sleep(0.01)
        return answer

    def send(self, text: Callable[[str, str], str], body: str, contact: str) -> Future[str]:
        """Send a text from a thread of its own."""
        return self._pool.submit(text, body, contact)

    def _call(self, form: Form) -> str:
        self._sent += 1
        headers = {"Content-Type": FORM_TYPE, "Authorization": AUTHORIZATION["authorization"]}
        address = urlsplit(self._urls[self._sent % len(self._urls)]).netloc
        with closing(http.client.HTTPConnection(address, timeout=LIMIT_S)) as connection:
            connection.request("POST", "/message", form.encode(), headers)
            response = connection.getresponse()
            read = response.read()
        return MessagingResponse.parse(read).messages[0].text if response.status == 200 else str(response.status)

    def log(self, contact: str) -> list[str]:
        """Return what the handler did for a contact, in order."""
        lines = (self._folder / "handlers" / "log").read_text().splitlines()
        return [line.partition(" ")[2] for line in lines if line.startswith(f"{contact} ")]

    def wait_for(self, line: str, contact: str) -> None:
        """Wait until the handler has written a line."""
        while line not in self.log(contact):
            time.sleep(0.002)

    def release(self) -> None:
        """Let the handlers of ``hold`` end."""
        (self._folder / "handlers" / "release").touch()

    def hold(self) -> None:
        """Let the next handlers of ``hold`` run until they are released."""
        (self._folder / "handlers" / "release").unlink()


@contextmanager
def served(folder: Path, database_url: str, *, servers: int = 1, workers: int = 4, **settings: str) -> Iterator[Served]:
    """Serve the project."""
    (folder / "handlers").mkdir()
    (folder / "handlers" / "__init__.py").write_text(HANDLERS)
    (folder / "wsgi.py").write_text(WSGI)
    shutil.copy(ROOT / "gunicorn.conf.py", folder)
    environment: Mapping[str, str] = {
        **BASIC,
        "TWIML_DATABASE_URL": database_url,
        "PYTHONPATH": str(ROOT),
        "TWIML_LOOP_LIMIT": "1000",
        **settings,
    }
    with ExitStack() as stack:
        urls = [stack.enter_context(gunicorn(environment, folder=folder, workers=workers)) for _ in range(servers)]
        project = Served(folder, urls)
        try:
            yield project
        finally:
            project.release()
