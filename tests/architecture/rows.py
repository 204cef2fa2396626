"""The order of the house: a module imports only from modules that stand above it in this table."""

from __future__ import annotations

import sys

ROWS: tuple[tuple[int, str], ...] = (
    (0, "errors"),
    (0, "statuses"),
    (0, "segments"),
    (0, "keywords"),
    (1, "webhook"),
    (1, "events"),
    (1, "verbs"),
    (1, "twiml"),
    (1, "config"),
    (2, "auth"),
    (2, "signature"),
    (2, "patterns"),
    (2, "routes"),
    (2, "routing"),
    (2, "replies"),
    (2, "logs"),
    (3, "claims"),
    (3, "suggestions"),
    (3, "diagnosis"),
    (3, "admission"),
    (3, "answering"),
    (3, "receiver"),
    (3, "calls"),
    (3, "challenges"),
    (3, "remembered"),
    (3, "caller"),
    (3, "transports"),
    (3, "forms"),
    (4, "recordings"),
    (4, "scrubbing"),
    (4, "journal"),
    (5, "replay"),
    (6, "app"),
    (7, "emulator"),
    (8, "testing"),
    (8, "checks"),
    (8, "plugin"),
    (9, "cli"),
)

#: The same order inside the emulator, which is one row of the table above.
EMULATOR: tuple[str, ...] = (
    *("quoting", "resources", "profiles", "clocks", "numbers", "pricing", "smart_encoding", "content_types"),
    *("documents", "chunks"),
    *("store", "context", "schedule", "lines", "debugger", "wire", "media", "composing", "delivery", "opt_outs"),
    *("webhooks", "replying", "execution", "receiving", "handsets", "client", "server"),
    *("rest.parameters", "rest.asking", "rest.access", "rest.paging", "rest.rendering", "rest.representations"),
    *("rest.request_log", "rest.hints", "rest.sending", "rest.accounts", "rest.messages", "rest.media", "rest.legacy"),
    *("rest.incoming_numbers", "rest.applications", "rest.services", "rest.control", "rest.api"),
    *("seeds", "assembly", "emulator"),
)


def files(first: int, last: int) -> list[str]:
    """Return the files of the modules from one row to another."""
    return [f"twiml_app/{name}.py" for row, name in ROWS if first <= row <= last]


if __name__ == "__main__":
    print(",".join(files(int(sys.argv[1]), int(sys.argv[2]))))
