"""The tables of opt-outs and of what else decides whether a message may be sent.

Their indexes are made with them, as new tables are empty.
"""

from __future__ import annotations

OPT_OUT_TABLES = (
    """CREATE TABLE IF NOT EXISTS opt_outs (
    contact TEXT NOT NULL,
    sender TEXT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at {real} NOT NULL,
    PRIMARY KEY (contact, sender)
)""",
    """CREATE TABLE IF NOT EXISTS opt_out_changes (
    id {id},
    contact TEXT NOT NULL,
    sender TEXT NOT NULL,
    change TEXT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at {real} NOT NULL,
    keep_until {real} NOT NULL
)""",
    "CREATE INDEX IF NOT EXISTS opt_out_changes_contact ON opt_out_changes (contact)",
    "CREATE INDEX IF NOT EXISTS opt_out_changes_keep ON opt_out_changes (keep_until)",
    "CREATE TABLE IF NOT EXISTS sender_services (number TEXT PRIMARY KEY, service TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS sender_services_service ON sender_services (service)",
    """CREATE TABLE IF NOT EXISTS unreachable (
    contact TEXT PRIMARY KEY,
    code BIGINT NOT NULL,
    origin TEXT NOT NULL,
    created_at {real} NOT NULL,
    keep_until {real} NOT NULL
)""",
    "CREATE INDEX IF NOT EXISTS unreachable_keep ON unreachable (keep_until)",
    """CREATE TABLE IF NOT EXISTS daily_segments (
    id {id},
    contact TEXT NOT NULL,
    day BIGINT NOT NULL,
    segments BIGINT NOT NULL,
    keep_until {real} NOT NULL,
    UNIQUE (contact, day)
)""",
    "CREATE INDEX IF NOT EXISTS daily_segments_keep ON daily_segments (keep_until)",
)
