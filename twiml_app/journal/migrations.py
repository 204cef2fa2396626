"""The tables of both stores: numbered migrations, each of which only goes forward.

A migration adds tables and columns within the transaction that opens the journal, which takes no time. Its indexes take
long in a large journal, so there they are built by ``twiml-app journal upgrade`` and never while a request waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import JournalTooNew
from .conversation_tables import CONVERSATION_TABLES
from .indexes import Index
from .opt_out_tables import OPT_OUT_TABLES
from .send_tables import SEND_TABLES
from .stores import Execute
from .work_tables import WORK_TABLES

#: With at most so many exchanges, missing indexes are built when the journal is opened.
SMALL_JOURNAL = 20_000


@dataclass(frozen=True, slots=True)
class Migration:
    """The step to one schema version; ``{id}``, ``{blob}`` and ``{real}`` are replaced by the types of the store.

    An index that a later step drops is no longer listed in the earlier one.
    """

    version: int
    tables: tuple[str, ...]
    indexes: tuple[Index, ...]


_EXCHANGES = """CREATE TABLE IF NOT EXISTS exchanges (
    id {id},
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    sid TEXT NOT NULL,
    contact TEXT NOT NULL,
    number TEXT NOT NULL,
    message_status TEXT NOT NULL,
    error_code BIGINT,
    received_at {real} NOT NULL,
    endpoint TEXT NOT NULL,
    method TEXT NOT NULL,
    target TEXT NOT NULL DEFAULT '',
    url {blob},
    headers TEXT,
    body {blob},
    state TEXT NOT NULL,
    owner BIGINT NOT NULL,
    answer_status BIGINT,
    answer_type TEXT,
    answer {blob},
    handler TEXT NOT NULL DEFAULT '',
    outcome TEXT NOT NULL DEFAULT '',
    results TEXT,
    milliseconds {real},
    said TEXT NOT NULL DEFAULT '',
    keep_until {real} NOT NULL
)"""
_LEDGER = """CREATE TABLE IF NOT EXISTS ledger (
    sid TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    progress BIGINT NOT NULL,
    error_code BIGINT,
    contact TEXT NOT NULL,
    number TEXT NOT NULL,
    in_reply_to TEXT NOT NULL,
    first_at {real} NOT NULL,
    updated_at {real} NOT NULL,
    keep_until {real} NOT NULL
)"""
_REFUSALS = """CREATE TABLE IF NOT EXISTS refusals (
    id {id},
    received_at {real} NOT NULL,
    status BIGINT NOT NULL,
    reason TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    method TEXT NOT NULL,
    url {blob} NOT NULL,
    headers TEXT NOT NULL,
    body {blob} NOT NULL,
    keep_until {real} NOT NULL
)"""
#: An exchange that needs attention; the index ``exchanges_attention`` has exactly these. SQLite checks the condition at
#: each insert, and would fill a temporary table for an IN.
FAILED_CONDITION = (
    "(state <> 'done' OR outcome = 'failed' OR outcome = 'apologized' OR outcome = 'overdue' OR outcome = 'killed')"
)
#: Every column that selects exchanges in a list, in the order of the list: whatever combination is asked for, and
#: however rare it is, the index is enough to find the exchanges to read. New entries go to its end, which costs little.
_LISTED = "received_at, id, kind, handler, outcome, message_status, state"

MIGRATIONS = (
    Migration(
        1,
        (_EXCHANGES, _LEDGER, _REFUSALS),
        (
            Index("exchanges_sid", "exchanges (sid)"),
            Index("exchanges_contact", "exchanges (contact, received_at)"),
            Index("exchanges_keep", "exchanges (keep_until)"),
            Index("ledger_contact", "ledger (contact)"),
            Index("ledger_keep", "ledger (keep_until)"),
        ),
    ),
    Migration(
        2,
        ("CREATE TABLE IF NOT EXISTS probes (id {id}, body TEXT NOT NULL)",),
        (
            Index("exchanges_received", f"exchanges ({_LISTED})"),
            Index("ledger_failed", "ledger (updated_at) WHERE status IN ('failed', 'undelivered')"),
            Index("ledger_codes", "ledger (error_code) WHERE error_code IS NOT NULL"),
        ),
    ),
    Migration(
        3,
        (
            *("ALTER TABLE exchanges ADD COLUMN effects TEXT", "DROP INDEX IF EXISTS exchanges_failed"),
            *(*OPT_OUT_TABLES, *SEND_TABLES, *WORK_TABLES, *CONVERSATION_TABLES),
        ),
        (Index("exchanges_attention", f"exchanges ({_LISTED}) WHERE {FAILED_CONDITION}"),),
    ),
)
#: The oldest schema whose releases can use a journal together with this one. In SQLite, earlier ones claim messages by
#: rows and do not know the locks of events.
OLDEST_READER = {"sqlite": 2, "postgresql": 1}
#: The schema version of this release.
SCHEMA_VERSION = MIGRATIONS[-1].version
INDEXES = tuple(index for migration in MIGRATIONS for index in migration.indexes)


def migrate(
    execute: Execute, types: Mapping[str, str], *, oldest_reader: int, before: Callable[[int], object] = lambda _: None
) -> None:
    """Bring the tables to this release's version; refuse a journal that only a later release can use.

    ``oldest_reader`` is the oldest version whose releases can work next to this one on the same store; ``before`` is
    called with the version that was found, if it is older.

    Raises: JournalTooNew, and whatever ``before`` raises.
    """
    execute("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
    found: dict[str, str] = dict(execute("SELECT name, value FROM meta"))
    version = int(found.get("schema_version", "0"))
    if int(found.get("oldest_reader", "0")) > SCHEMA_VERSION:
        raise JournalTooNew(
            f"the journal has schema version {found['schema_version']} and needs a release that supports version"
            f" {found['oldest_reader']}; this one supports {SCHEMA_VERSION}: install the later release again"
        )
    if version >= SCHEMA_VERSION:
        return
    before(version)
    for migration in MIGRATIONS:
        if migration.version > version:
            _apply(execute, migration, types)
    if _is_small(execute):
        for index in INDEXES:
            execute(index.statement())
    set_meta(execute, "schema_version", str(SCHEMA_VERSION))
    set_meta(execute, "oldest_reader", str(oldest_reader))


def set_meta(execute: Execute, name: str, value: str) -> None:
    """Store one value about the journal itself."""
    upsert = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    execute(upsert, (name, value))


def _apply(execute: Execute, migration: Migration, types: Mapping[str, str]) -> None:
    for statement in migration.tables:
        execute(statement.format(**types))


def _is_small(execute: Execute) -> bool:
    counted = execute("SELECT count(*) FROM (SELECT 1 FROM exchanges LIMIT ?) AS few", (SMALL_JOURNAL + 1,))
    return bool(counted[0][0] <= SMALL_JOURNAL)
