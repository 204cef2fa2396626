"""How gunicorn serves a phone number; ``gunicorn wsgi:app`` reads this file by itself.

Twilio waits 15 seconds for an answer, https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
"""

import os
import signal
from typing import Any

# Platforms say by PORT where to listen; elsewhere a reverse proxy in front speaks TLS.
bind = f"{'0.0.0.0' if 'PORT' in os.environ else '127.0.0.1'}:{os.environ.get('PORT', '8000')}"

# Handlers mostly wait for something, so threads serve more than processes; and a client that keeps its connection open
# does not stop a threaded worker.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8

# A worker that shows no sign of life for longer than Twilio waits is replaced. This does not limit one slow request of
# a threaded worker: a handler needs time limits of its own for what it calls.
timeout = 20

# What is being answered when a stop is asked for is answered first: longer than Twilio's 15 seconds.
graceful_timeout = 25

# Connections of the proxy are kept a little longer than a proxy keeps them idle (often 60 s): gunicorn never closes one
# that is just being used.
keepalive = 75

# A GET webhook carries the whole text in its request line: 1600 letters of another alphabet take 9605 bytes, and
# gunicorn's own limit goes no further than 8190, beyond which there is only "none" (0). Reverse proxies limit it too.
limit_request_line = 0

# The application writes one line an event; an access log would show tokens of status URLs.
accesslog = None
errorlog = "-"
loglevel = "info"


def post_worker_init(worker: Any) -> None:
    """Leave Ctrl-C to the master, which stops the workers: a terminal sends it to all of them at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
