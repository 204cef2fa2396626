"""Checks: the findings about an installation, from its settings and from outside."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.postgres_server import new_schema
from tests.servers import ROOT
from twiml_app.app import create_app
from twiml_app.caller.types import OutgoingRequest
from twiml_app.checks import Finding, check_settings, console_urls, list_settings, mask_url, probe
from twiml_app.config import Settings
from twiml_app.served_app import in_process
from twiml_app.webhook import WebhookResponse

SOUND = {
    "TWIML_CREDENTIALS": "sms:quite-long-enough",
    "TWIML_PUBLIC_URL": "https://sms.example.com",
    "TWILIO_AUTH_TOKEN": "0123456789abcdef",
}
URL = "https://sms.example.com/message"


def test_sound_settings_have_no_warnings(postgres_url: str) -> None:
    """If nothing is wrong, check reports only the number of handlers and that the journal works."""
    settings, findings = check_settings(SOUND | {"TWIML_DATABASE_URL": new_schema(postgres_url)}, ROOT)

    assert settings is not None
    assert {finding.level for finding in findings} == {"ok"}
    assert findings[-1] == Finding("ok", "handlers", "16 handlers")


@pytest.mark.parametrize(
    ("changes", "level", "says"),
    [
        pytest.param(
            {"TWIML_CREDENTIALS": "", "TWILIO_AUTH_TOKEN": ""},
            "error",
            "no authentication is configured",
            id="no credentials",
        ),
        pytest.param({"TWIML_CREDENTIALS": "sms:short"}, "warning", "shorter than 12 characters", id="short password"),
        pytest.param({"TWIML_PUBLIC_URL": ""}, "warning", "not set", id="no public URL"),
        pytest.param(
            {"TWIML_PUBLIC_URL": ""},
            "warning",
            "status URLs of replies follow the Host header",
            id="host of the sender",
        ),
        pytest.param({"TWIML_PUBLIC_URL": "http://x.example"}, "warning", "unencrypted", id="public URL by http"),
        pytest.param({"TWIML_PUBLIK_URL": "x"}, "warning", "did you mean TWIML_PUBLIC_URL?", id="misspelled setting"),
        pytest.param({"TWIML_DATABASE_URL": "off"}, "warning", "is answered twice", id="no journal"),
        pytest.param({"TWIML_DATABASE_URL": "sqlite:////dev/null/x.db"}, "error", "cannot be written to", id="no disk"),
        pytest.param(
            {"TWIML_FROM": "+15005550006"}, "error", "without an account and its token", id="sender without an account"
        ),
        pytest.param(
            {"TWIML_FROM": "40404", "TWILIO_ACCOUNT_SID": "AC1", "TWIML_PUBLIC_URL": ""},
            "warning",
            "nobody reports the delivery of messages",
            id="sender without a public URL",
        ),
        pytest.param(
            {"TWIML_DATABASE_URL": "sqlite:///{folder}/twiml.db", "TWILIO_AUTH_TOKEN": ""},
            "warning",
            "a message that would have to wait too long for the one before it gets 503",
            id="state without sending",
        ),
        pytest.param({"TWIML_HANDLERS": "no_such"}, "error", "there is no module no_such", id="no handlers"),
    ],
)
def test_wrong_setting_is_named(changes: dict[str, str], level: str, says: str, tmp_path: Path) -> None:
    """During an outage, the first line that is not ok must say what to set."""
    changed = {name: value.format(folder=tmp_path) for name, value in changes.items()}
    findings = check_settings(SOUND | {"TWIML_DATABASE_URL": "off"} | changed, ROOT)[1]

    assert any(finding.level == level and says in finding.says for finding in findings), findings


def test_journal_in_a_temporary_folder_is_a_warning() -> None:
    """Its answers are gone after a restart of the machine, and a retry then runs the handler again."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        findings = check_settings(SOUND | {"TWIML_DATABASE_URL": f"sqlite:///{folder}/twiml.db"}, ROOT)[1]

    assert any(each.level == "warning" and "folder for temporary files" in each.says for each in findings), findings


def test_journal_that_others_can_read_is_a_warning_with_the_command(tmp_path: Path) -> None:
    """A restored backup has the mode that the umask allows, and nothing else would say so."""
    folder = tmp_path / "my app"
    folder.mkdir()
    settings = SOUND | {"TWIML_DATABASE_URL": f"sqlite:///{folder}/twiml.db"}
    private = check_settings(settings, ROOT)[1]
    folder.chmod(0o755)
    for name in ("twiml.db", "twiml.db-backup"):
        (folder / name).touch()
        (folder / name).chmod(0o644)
    found = check_settings(settings, ROOT)[1]

    assert [each for each in found if each not in private] == [
        Finding(
            "warning",
            "journal",
            "other users can read or change people's texts: type"
            f" chmod 600 '{folder}/twiml.db' '{folder}/twiml.db-backup'",
        )
    ]


def test_missing_message_handlers_are_reported(tmp_path: Path) -> None:
    """An application that answers no message looks healthy in every other way."""
    (tmp_path / "silent_handlers.py").write_text("from twiml_app import Router\nrouters = [Router()]\n")

    findings = check_settings(SOUND | {"TWIML_HANDLERS": "silent_handlers"}, tmp_path)[1]

    assert any(each.level == "warning" and "no handler answers messages" in each.says for each in findings), findings


def test_handler_that_never_runs_is_reported_with_both_places(tmp_path: Path) -> None:
    """The two may be in different modules, and the first match wins without a word."""
    (tmp_path / "hidden_handlers.py").write_text(
        "from twiml_app import Router\n"
        "router = Router()\n"
        "@router.message('order <item>')\n"
        "def order(message, item): ...\n"
        "@router.message('order <int:count>')\n"
        "def count(message, count): ...\n"
        "routers = [router]\n"
    )

    findings = check_settings(SOUND | {"TWIML_HANDLERS": "hidden_handlers"}, tmp_path)[1]

    path = tmp_path / "hidden_handlers.py"
    assert [finding.says for finding in findings if "never runs" in finding.says] == [
        f'"order <int:count>" never runs ({path}:5 hidden_handlers.count): "order <item>" comes first and matches the'
        f" same messages ({path}:3 hidden_handlers.order). Register the more specific one first"
    ]


def test_regular_expression_that_can_take_minutes_is_reported_with_its_place(tmp_path: Path) -> None:
    """A text that almost matches would hold a worker; the text patterns of the package cannot do that."""
    (tmp_path / "slow_handlers.py").write_text(
        "import re\n"
        "from twiml_app import Router\n"
        "router = Router()\n"
        "@router.message(re.compile(r'^order\\s*(?P<item>.*)\\s+please$'))\n"
        "def order(message, item): ...\n"
        "@router.message(re.compile('(?x) (a+)+ \\n  b'))\n"
        "def nested(message): ...\n"
        "@router.message(re.compile(r'^order (\\d+)$'))\n"
        "def quick(message): ...\n"
        "@router.message(re.compile('(x+)+' + 'y' * 100))\n"
        "def long(message): ...\n"
        "@router.message('<a> <int:n> <b>')\n"
        "def text(message, a, n, b): ...\n"
        "routers = [router]\n"
    )

    findings = check_settings(SOUND | {"TWIML_HANDLERS": "slow_handlers"}, tmp_path)[1]

    path = tmp_path / "slow_handlers.py"
    says = [each.says for each in findings if "take minutes" in each.says]
    assert [each.partition(": two of its repeats")[0] for each in says] == [
        rf"/^order\s*(?P<item>.*)\s+please$/ can take minutes for a long text ({path}:4 slow_handlers.order)",
        f"/(?x) (a+)+ b/ can take minutes for a long text ({path}:6 slow_handlers.nested)",
        f"/(x+)+{'y' * 72}…/ can take minutes for a long text ({path}:10 slow_handlers.long)",
    ]


def test_secrets_are_shown_only_on_request() -> None:
    """The output is pasted into tickets."""
    settings = Settings.read(SOUND)

    assert "quite-long-enough" not in f"{list_settings(SOUND)}{console_urls(settings)}"
    assert console_urls(settings).message == "https://sms:***@sms.example.com/message#rc=2&rp=all"
    assert (
        console_urls(settings, show_secrets=True).fallback == "https://sms:quite-long-enough@sms.example.com/fallback"
    )
    assert list_settings(SOUND, show_secrets=True)["TWILIO_AUTH_TOKEN"] == "0123456789abcdef"


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        pytest.param("postgresql://app:secret@db/shop", "postgresql://app:***@db/shop", id="password"),
        pytest.param("postgresql://app:se/c?r#e@t@db/shop", "postgresql://app:***@db/shop", id="reserved characters"),
        pytest.param("redis://:secret@host:6379/0", "redis://:***@host:6379/0", id="no user"),
        pytest.param(
            "postgresql:///shop?user=app&password=secret", "postgresql:///shop?user=app&password=***", id="query"
        ),
        pytest.param("host=db password=secret dbname=shop", "host=db password=*** dbname=shop", id="keywords"),
        pytest.param("sqlite:///instance/twiml.db", "sqlite:///instance/twiml.db", id="nothing to mask"),
        pytest.param("off", "off", id="not a URL"),
    ],
)
def test_password_of_a_url_is_masked(url: str, masked: str) -> None:
    """Commands print URLs, and their output is pasted into tickets."""
    assert mask_url(url) == masked


def test_probe_of_the_application_itself_is_sound() -> None:
    """The challenge arrives, a signed request gets TwiML, a wrong signature is refused; no handler runs."""
    transport = in_process(create_app(SOUND | {"TWIML_DATABASE_URL": "off"}, root=ROOT))[1]

    findings = list(probe(URL, Settings.read(SOUND), transport))

    assert [(finding.level, finding.subject) for finding in findings] == [
        ("ok", "challenge"),
        ("ok", "answer"),
        ("ok", "forgery"),
    ]


CHALLENGE = (("WWW-Authenticate", 'Basic realm="twiml_app"'),)


def edge(
    *, challenge: tuple[tuple[str, str], ...] = CHALLENGE, status: int = 401, content_type: str = "text/xml"
) -> object:
    """Return a transport that answers as a gateway in front of the application may."""

    def send(request: OutgoingRequest) -> WebhookResponse:
        if not any(name == "Authorization" for name, _ in request.headers):
            return WebhookResponse(status=status, headers=challenge)
        return WebhookResponse(status=200, content_type=content_type, body=b"<Response/>")

    return send


@pytest.mark.parametrize(
    ("transport", "subject", "says"),
    [
        pytest.param(edge(challenge=()), "challenge", "no WWW-Authenticate realm", id="gateway drops the realm"),
        pytest.param(
            edge(challenge=(("WWW-Authenticate", 'Basic realm="nginx"'),)),
            "challenge",
            "not this application's",
            id="something else challenges",
        ),
        pytest.param(edge(status=200), "challenge", "answered with 200, not 401", id="open to anyone"),
        pytest.param(edge(content_type="text/html"), "answer", "text/html, not text/xml", id="content type changed"),
        pytest.param(edge(), "forgery", "a wrong signature is accepted", id="signature not verified"),
    ],
)
def test_probe_names_the_obstacle(transport: object, subject: str, says: str) -> None:
    """A gateway may rename headers, and then Twilio never authenticates and nobody sees why."""
    findings = list(probe(URL, Settings.read(SOUND), transport))  # type: ignore[arg-type]

    assert [says in finding.says for finding in findings if finding.subject == subject] == [True], findings


def test_probe_of_a_dead_address_reports_it() -> None:
    """A failed connection is a finding, not a traceback."""

    def refuse(request: OutgoingRequest) -> WebhookResponse:
        raise OSError("connection refused")

    findings = list(probe(URL, Settings.read(SOUND), refuse))

    assert findings[0] == Finding("error", "connection", "connection refused")
    assert findings[1].says == (
        f"{findings[0].says} (does the application run, and does the proxy in front of it reach it?)"
    )
    assert {finding.level for finding in findings} == {"error"}


@pytest.mark.parametrize(
    ("status", "says"),
    [
        pytest.param(403, "twiml-app explain --last says why", id="refused"),
        pytest.param(404, "the path of the URL must end in /message", id="another path"),
        pytest.param(503, "the log of the application says why", id="failed"),
    ],
)
def test_probe_says_where_to_find_the_reason(status: int, says: str) -> None:
    """The log has no line about a path that the application does not serve."""

    def answer(request: OutgoingRequest) -> WebhookResponse:
        return WebhookResponse(status=status)

    findings = {finding.subject: finding for finding in probe(URL, Settings.read(SOUND), answer)}

    assert (findings["answer"].level, says in findings["answer"].says) == ("error", True), findings["answer"]
