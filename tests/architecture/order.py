"""The import order: a module imports only from modules listed above it."""

from __future__ import annotations

from pathlib import Path

#: The packages and modules of ``twiml_app``.
ORDER: tuple[str, ...] = (
    *("errors", "statuses", "segments", "opt_out_words", "reactions"),
    *("webhook", "alerts", "events", "verbs", "twiml"),
    *(
        "credentials",
        "setting_readers",
        "unknown_settings",
        "config",
        "signature",
        "logs",
        "private_files",
        "pending",
        "active_app",
    ),
    *("routing", "receiver", "caller", "recordings", "journal", "conversations"),
    *("metrics", "health", "body_deadlines", "wsgi_request", "wsgi_response", "webhook_sessions"),
    *("views", "trusted_hosts", "direct_dispatch", "app", "emulator"),
    *("handler_errors", "served_app", "testing", "checks", "plugin", "cli"),
)

#: The modules inside each package.
INSIDE: dict[str, tuple[str, ...]] = {
    "routing": ("positions", "patterns", "repeats", "routes", "hidden", "mistakes", "registrations", "router"),
    "receiver": (
        *("auth", "turns", "claims", "replay_proofs", "signature_diagnosis", "admission"),
        *("responses", "opt_outs", "replies", "suggestions", "wait_budget", "answering", "receiver"),
    ),
    "caller": ("types", "urls", "forms", "http_auth", "session", "transports", "caller"),
    "recordings": (
        *("format", "url_secrets", "comparison", "folding", "parameters", "fakes", "phone_numbers"),
        *("known_numbers", "known_words", "texts", "payloads", "scrubbing", "media", "replay"),
    ),
    "journal": (
        *(
            "deadlines",
            "lock_holders",
            "locks",
            "worker_files",
            "indexes",
            "stores",
            "conversation_tables",
            "migrations",
        ),
        *("group_commit", "engine"),
        *("readers", "sqlite", "postgres_connection", "postgres", "opening"),
        *("ledger", "refusals", "received_events", "rows", "killed", "forgetting", "upkeep", "readiness"),
        *("conversation_rows", "conversation_store"),
        *("row_claims", "lock_claims", "durable", "archive", "gauges"),
    ),
    "conversations": ("conversation", "turns", "replayed", "conversations"),
    "emulator": (
        *("quoting", "resources", "profiles", "clocks", "numbers", "pricing", "smart_encoding", "content_types"),
        *("twiml_reader", "chunked_body", "fault_kinds", "faults"),
        *("database", "store", "pending_tasks"),
        *("context", "schedule", "send_queues", "debugger", "webhook_log", "media", "composing"),
        *("delivery_steps", "status_changes", "service_senders", "message_faults", "delivery"),
        *("opt_outs", "webhook_faults", "webhooks", "alerts", "replying", "twiml_execution", "text_faults", "inbound"),
        *("auto_replies", "reactions", "phones", "client"),
        *("request_handler", "server"),
        *("rest.parameters", "rest.request", "rest.access", "rest.paging", "rest.rendering", "rest.representations"),
        *("rest.request_log", "rest.hints", "rest.api_faults"),
        *("rest.message_request", "rest.message_addresses", "rest.message_options", "rest.create_message"),
        *("rest.accounts", "rest.messages", "rest.media"),
        *("rest.legacy", "rest.incoming_numbers", "rest.applications", "rest.services", "rest.service_numbers"),
        *("rest.control_logs", "rest.control_phones", "rest.control_faults", "rest.control", "rest.api"),
        *("state_check", "seed_reader", "seeds", "parts", "options", "emulator"),
    ),
    "cli": (
        *("common", "emulator_parameters", "emulator_client"),
        *("emulator_logs", "emulator_controls", "emulator_faults", "emulator"),
        *("check", "journal", "journal_maintenance", "explain", "overview", "new", "routes", "simulate", "replay"),
    ),
}

#: The last package of the core; ``make test`` requires every line and branch of the core to be covered.
LAST_OF_CORE = "caller"


def core_files() -> list[str]:
    """Return the files of the core, which must be covered completely."""
    core = ORDER[: ORDER.index(LAST_OF_CORE) + 1]
    return [f"twiml_app/{name}/*" if Path("twiml_app", name).is_dir() else f"twiml_app/{name}.py" for name in core]


if __name__ == "__main__":
    print(",".join(core_files()))
