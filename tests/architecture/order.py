"""The import order: a module imports only from modules listed above it."""

from __future__ import annotations

from pathlib import Path

#: The packages and modules of ``twiml_app``.
ORDER: tuple[str, ...] = (
    *("errors", "statuses", "segments", "opt_out_words", "reactions", "addresses"),
    *("webhook", "alerts", "inbound_media", "events", "nouns", "verbs", "twiml"),
    *("credentials", "setting_readers", "unknown_settings", "config", "signature", "logs", "private_files"),
    *("pending", "active_app"),
    *("enqueueing", "routing", "receiver", "caller", "exchanges", "media", "recordings", "journal"),
    "conversations",
    *("consent", "sending", "opt_outs", "work"),
    *("metrics", "health", "log_batches", "body_deadlines", "wsgi_request", "wsgi_response", "lazy_contexts"),
    *("media_view", "views", "trusted_hosts", "direct_dispatch", "project_routers", "assembly", "app", "emulator"),
    *("handler_errors", "served_app", "testing", "checks", "chaos", "plugin", "dev", "cli"),
)

#: The modules inside each package.
INSIDE: dict[str, tuple[str, ...]] = {
    "enqueueing": ("functions", "arguments", "enqueue"),
    "routing": (
        *("positions", "patterns", "repeats", "dialog_options", "routes", "hidden", "mistakes"),
        *("registrations", "schedules", "scheduling", "dialogs", "dialog_registrations", "router"),
    ),
    "receiver": (
        *("auth", "turns", "claims", "replay_proofs", "signature_diagnosis", "admission", "responses", "opt_outs"),
        *("replies", "file_urls", "suggestions", "notifying", "wait_budget", "hooks", "log_lines", "conversing"),
        *("answering", "receiver"),
    ),
    "caller": ("types", "urls", "forms", "http_auth", "session", "transports", "caller"),
    "media": ("hosts", "fetching", "sources", "kinds", "links"),
    "recordings": (
        *("format", "url_secrets", "comparison", "folding", "parameters", "fakes", "phone_numbers"),
        *("known_numbers", "known_words", "texts", "payloads", "scrubbing", "media", "replay"),
    ),
    "journal": (
        *("deadlines", "lock_holders", "locks", "worker_files", "indexes"),
        *("opt_out_tables", "stores", "send_tables", "work_tables", "conversation_tables"),
        *("migrations", "group_commit", "engine"),
        *("readers", "sqlite", "postgres_connection", "postgres", "opening"),
        *("ledger", "refusals", "received_events", "opt_out_rows", "reachability_rows"),
        *("send_rows", "send_claims", "send_store", "rows", "killed"),
        *("forgetting", "upkeep", "readiness", "conversation_rows", "conversation_store", "dialog_versions"),
        *("row_claims", "lock_claims", "durable", "archive", "send_archive", "gauges", "work_rows", "work_archive"),
    ),
    "conversations": (
        *("conversation", "turns", "postponing", "replayed", "conversations"),
        *("answers", "questions", "stored", "runs", "one_message", "engine", "checking", "open_dialogs"),
        *("later", "starting"),
    ),
    "consent": ("permission", "opt_out_list"),
    "sending": ("content", "route", "options", "asking", "http_client", "api", "dispatcher", "sending"),
    "work": ("delivering", "event_loop", "runner", "keeper", "background", "queue", "work", "opening"),
    "emulator": (
        *(
            "quoting",
            "resources",
            "profiles",
            "clocks",
            "numbers",
            "number_stock",
            "pricing",
            "smart_encoding",
            "content_types",
            "program",
        ),
        *("twiml_reader", "chunked_body", "fault_kinds", "faults"),
        *("database", "store", "pending_tasks"),
        *("context", "schedule", "clock_control", "send_queues", "whatsapp", "whatsapp_forms"),
        *("debugger", "webhook_log", "media", "composing"),
        *("delivery_steps", "status_changes", "service_senders", "message_faults", "delivery"),
        *("opt_outs", "webhook_faults", "webhooks", "alerts", "replying", "twiml_execution", "text_faults", "inbound"),
        *("auto_replies", "reactions", "phones", "client"),
        *("twilio_hosts", "request_handler", "server", "proxy", "python_redirection", "program_environment"),
        *(
            "rest.parameters",
            "rest.request",
            "rest.access",
            "rest.paging",
            "rest.rendering",
            "rest.representations",
            "rest.sender_representations",
        ),
        *("rest.request_log", "rest.hints", "rest.api_faults"),
        *("rest.message_request", "rest.message_addresses", "rest.message_options", "rest.create_message"),
        *("rest.accounts", "rest.messages", "rest.media"),
        *(
            "rest.legacy",
            "rest.available_numbers",
            "rest.incoming_numbers",
            "rest.addresses",
            "rest.short_codes",
            "rest.empty_lists",
            "rest.applications",
            "rest.services",
            "rest.service_numbers",
            "rest.alpha_senders",
            "rest.alerts",
            "rest.usage_records",
        ),
        *("rest.control_phones", "rest.control_logs", "rest.control_faults", "rest.control"),
        *("rest.handling", "rest.api"),
        *(
            "phone_page.exchange",
            "phone_page.security",
            "phone_page.reading",
            "phone_page.conversations",
            "phone_page.documents",
            "phone_page.events",
            "phone_page.feed",
            "phone_page.state",
            "phone_page.messages",
            "phone_page.inspector",
            "phone_page.texting",
            "phone_page.controls",
            "phone_page.recording",
            "phone_page.pytest_source",
            "phone_page.curl_command",
            "phone_page.exports",
            "phone_page.run_again",
            "phone_page.page",
            "phone_page.assembly",
        ),
        *("state_check", "seed_reader", "seeds", "options", "parts", "emulator"),
    ),
    "checks": ("findings", "urls", "probing", "journal", "handlers", "installation"),
    "chaos": ("recorded", "trials", "program", "runs", "judging", "chaos"),
    "dev": (
        *("account", "environment", "failures", "local_twilio", "serving", "notes", "child"),
        *("watcher", "processes", "keeper", "program", "session"),
    ),
    "cli": (
        *("printed", "output", "common", "journal_access", "trial", "emulator_parameters", "emulator_client"),
        *("emulator_logs", "emulator_controls", "emulator_faults", "emulator_starting", "emulator_exec", "emulator"),
        *("chat_lines", "chat_pictures", "chat_commands", "chat_emulator", "chat_url", "chat", "chaos", "check"),
        *(
            "journal_work",
            "journal",
            "journal_recordings",
            "journal_maintenance",
            "explain",
            "overview",
            "conversation",
            "opt_outs",
        ),
        *("new", "routes", "simulate", "replay", "sends", "worker", "dev"),
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
