"""Every row of the table, with what it must reach, as ratios within one run."""

from __future__ import annotations

from benchmarks.rows import Target

_FLASK = "against Flask with the official library"
_LIMIT = "against a constant answer"
_LARGE = "in a journal of 1,000,000 exchanges against an empty one"

SERVED = (
    Target(key="off-flask", figure=f"journal off: requests/s {_FLASK}", must=1.6, aim=2.1),
    Target(key="off-limit", figure=f"journal off: requests/s {_LIMIT}", must=0.52, aim=0.75),
    Target(key="off-express", figure="journal off: requests/s against Express, official library", must=0.75, aim=1.0),
    Target(key="process-flask", figure=f"`TWIML_DURABILITY=process`: requests/s {_FLASK}", must=1.25, aim=1.8),
    Target(key="default-flask", figure=f"default journal: requests/s {_FLASK}", must=1.0, aim=1.4),
    Target(key="default-limit", figure=f"default journal: requests/s {_LIMIT}", must=0.36, aim=0.5),
    Target(key="limit-flask", figure=f"a constant answer: requests/s {_FLASK}"),
    Target(key="django-flask", figure=f"Django with django-twilio: requests/s {_FLASK}"),
    Target(key="fastapi-flask", figure=f"FastAPI with the official library: requests/s {_FLASK}"),
    Target(key="express-flask", figure=f"Express with the official library: requests/s {_FLASK}"),
    Target(key="granian-off", figure="journal off: requests/s under Granian against gunicorn"),
    Target(key="granian-default", figure="default journal: requests/s under Granian against gunicorn"),
    Target(key="memory", figure=f"resident memory of a worker {_FLASK}", must=1.4, aim=1.2, at_most=True),
)
TAIL = (
    Target(
        key="tail-off",
        figure="journal off: p99 / p50 at 8 connections, gunicorn as shipped, against the constant answer's",
        must=1.0,
        at_most=True,
    ),
    Target(
        key="tail-default",
        figure="default journal: p99 / p50 at 8 connections, gunicorn as shipped, against the constant answer's",
        must=1.0,
        at_most=True,
    ),
)
IN_PROCESS = (
    Target(key="build-message", figure="building one Message, against the official library", must=4, aim=6),
    Target(key="build-full", figure="building a full Message, against the official library", must=3.5, aim=5),
    Target(key="verify", figure="verifying a signature, against the official library", must=9, aim=12),
    Target(key="match", figure="matching among 1,000 patterns against 10: time", must=2, aim=1.2, at_most=True),
    Target(key="import", figure=f"import of the served application {_FLASK}: time", must=1.5, aim=1.2, at_most=True),
    Target(key="replay", figure="replay in process: exchanges/s", must=1500, aim=3000, unit="/s"),
)
JOURNAL = (
    Target(key="claim-p50", figure=f"a claim {_LARGE}: median", must=1.3, aim=1.1, at_most=True),
    Target(key="claim-p99", figure=f"a claim {_LARGE}: p99", must=1.3, aim=1.1, at_most=True),
    Target(
        key="overview",
        figure="`overview` at 1,000,000 exchanges: longest hold-up of a claim",
        must=20,
        at_most=True,
        unit="ms",
        worst=True,
    ),
    Target(
        key="list",
        figure="`journal list` at 1,000,000 exchanges: longest hold-up of a claim",
        must=20,
        at_most=True,
        unit="ms",
        worst=True,
    ),
)
WORKERS = (
    Target(
        key="workers",
        figure="four workers against one, default journal, as a share of the same without",
        must=0.75,
        aim=0.9,
    ),
    Target(key="postgres", figure="PostgreSQL journal against SQLite, four workers: requests/s", aim=1.0),
)
EMULATOR = (Target(key="emulator", figure="REST create-message in the emulator, 8 connections", aim=500, unit="/s"),)

TARGETS = (*SERVED, *TAIL, *IN_PROCESS, *JOURNAL, *WORKERS, *EMULATOR)
