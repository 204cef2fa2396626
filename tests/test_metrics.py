"""Metrics for Prometheus, as a scrape of a real gunicorn shows them."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from tests.servers import LIMIT_S, ROOT, clean_environment, gunicorn
from tests.webhook_requests import AUTHORIZATION, BASIC, read_settings
from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.errors import ConfigurationError
from twiml_app.webhook import Form

HANDLERS = """
from twiml_app import Router

router = Router()


@router.message("fail")
def fail(message):
    raise ValueError("a bug")


@router.default
def echo(message):
    return message.body


@router.status("delivered")
def delivered(status):
    pass


routers = [router]
"""
#: Metrics without a value until something has happened.
SELDOM = {
    "twiml_sends_total",
    "twiml_work_oldest_due_timestamp_seconds",
    "twiml_worker_last_seen_timestamp_seconds",
}
#: How many messages are sent: enough for each of two workers to get some.
MESSAGES = 12


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with metrics, and what a gunicorn that has ended left behind."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "measured.py").write_text(HANDLERS)
    for name in ("wsgi.py", "gunicorn.conf.py"):
        (folder / name).write_text((ROOT / name).read_text())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(LIMIT_S)
    (folder / "instance" / "metrics" / str(ended.pid)).mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def base_url(project: Path) -> Iterator[str]:
    """A gunicorn with two workers that has answered some requests."""
    settings = BASIC | {"TWIML_HANDLERS": "measured", "TWIML_METRICS": "on", "PYTHONPATH": str(ROOT)}
    with gunicorn(settings, folder=project, workers=2) as url:
        for number in range(MESSAGES):
            post(f"{url}/message", inbound_form(f"hello {number}", message_sid=f"SM{number:032x}"))
        for _ in range(2):
            post(f"{url}/status", status_form("SM" + "7" * 32, "delivered"))
        post(f"{url}/status", status_form("SM" + "7" * 32, "teleported", error_code=99999))
        post(f"{url}/message", inbound_form("fail", message_sid="SM" + "8" * 32))
        post(f"{url}/message", inbound_form("hello"), authorization="Basic d3Jvbmc6d3Jvbmc=")
        yield url


def post(url: str, form: Form, authorization: str = AUTHORIZATION["authorization"]) -> None:
    """Send a webhook, whatever the answer is."""
    request = urllib.request.Request(url, form.encode().encode(), {"Authorization": authorization})
    try:
        urllib.request.urlopen(request, timeout=LIMIT_S).close()
    except urllib.error.HTTPError as error:
        error.close()


def scrape(base_url: str) -> str:
    """Return the page that Prometheus reads."""
    request = urllib.request.Request(f"{base_url}/metrics", headers=AUTHORIZATION)
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
        return str(answer.read().decode())


def value(page: str, sample: str) -> float:
    """Return the value of a sample."""
    found = re.search(rf"^{re.escape(sample)} (\S+)$", page, re.MULTILINE)
    assert found, f"{sample} is not in\n{page}"
    return float(found[1])


def test_every_worker_shows_the_sums_of_all(base_url: str) -> None:
    """A scrape reaches one of the workers, and Prometheus cannot know which."""
    replied, seconds = (
        'twiml_webhooks_total{kind="inbound message",outcome="replied"}',
        'twiml_handler_seconds_count{handler="measured.echo"}',
    )
    pages = [scrape(base_url) for _ in range(6)]

    assert {(value(page, replied), value(page, seconds)) for page in pages} == {(MESSAGES, MESSAGES)}


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        pytest.param('twiml_webhooks_total{kind="inbound message",outcome="failed"}', 1, id="failed handler"),
        pytest.param('twiml_webhooks_total{kind="status callback",outcome="repeated"}', 1, id="repeated callback"),
        pytest.param('twiml_deliveries_total{code="none",status="delivered"}', 1, id="delivery, counted once"),
        pytest.param('twiml_deliveries_total{code="other",status="other"}', 1, id="unlisted status and code"),
        pytest.param('twiml_refused_requests_total{status="401"}', 1, id="wrong password"),
    ],
)
def test_what_happens_is_counted(base_url: str, sample: str, expected: int) -> None:
    """Each of these is a line in an alert rule."""
    assert value(scrape(base_url), sample) == expected


def test_last_inbound_message_is_read_from_the_journal(base_url: str) -> None:
    """It survives a restart, and is the same on every machine."""
    assert value(scrape(base_url), "twiml_last_inbound_message_timestamp_seconds") > 1_700_000_000


def test_metrics_have_no_phone_number(base_url: str) -> None:
    """Everybody in a company may read its monitoring."""
    assert not re.search(rf"\+?1555|{quote('+')}", scrape(base_url))


def test_metrics_need_the_credentials(base_url: str) -> None:
    """They say how many customers write, and when."""
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        urllib.request.urlopen(f"{base_url}/metrics", timeout=LIMIT_S)

    assert refused.value.read() == b"the credentials are wrong\n"
    assert refused.value.headers["WWW-Authenticate"] == 'Basic realm="twiml_app"'
    refused.value.close()


@pytest.mark.usefixtures("base_url")
def test_counts_of_an_ended_gunicorn_are_removed(project: Path) -> None:
    """The folder would grow with every deployment."""
    (folder,) = (project / "instance" / "metrics").iterdir()

    assert sorted(folder.glob("*.db"))


def test_there_is_no_page_unless_it_is_switched_on() -> None:
    """Who does not measure shows nothing."""
    with gunicorn(BASIC | {"TWIML_DATABASE_URL": "off"}) as url:
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            scrape(url)
        refused.value.close()


def test_metrics_without_credentials_do_not_start() -> None:
    """With a signature only, nobody could be let in or kept out."""
    with pytest.raises(ConfigurationError, match="TWIML_METRICS: on needs TWIML_CREDENTIALS"):
        read_settings({"TWILIO_AUTH_TOKEN": "0" * 32, "TWIML_METRICS": "on"})


@pytest.mark.parametrize(
    ("before", "problem"),
    [
        pytest.param("import prometheus_client", "was imported before the application", id="imported too early"),
        pytest.param("sys.modules['prometheus_client'] = None", "pip install 'twiml-app", id="library is missing"),
    ],
)
def test_application_that_cannot_count_does_not_start(tmp_path: Path, before: str, problem: str) -> None:
    """Silently, each worker would show its own counts."""
    script = f"""
import sys
{before}
from pathlib import Path
from twiml_app import Router
from twiml_app.app import build_app
settings = {{"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_METRICS": "on"}}
build_app(settings, Path({str(tmp_path)!r}), router=Router())
"""
    command, environment = [sys.executable, "-c", script], clean_environment()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_S)

    assert done.returncode == 1
    assert problem in done.stderr.splitlines()[-1]


def test_alert_rules_of_the_documentation_name_metrics_that_exist(base_url: str) -> None:
    """A rule about a misspelled metric never fires."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "metrics.md").read_text(), re.DOTALL)
    rules = [rule for block in blocks for group in yaml.safe_load(block).get("groups", []) for rule in group["rules"]]
    named = {name for rule in rules for name in re.findall(r"twiml_\w+", rule["expr"])}
    page = scrape(base_url)
    exported = set(re.findall(r"^(twiml_\w+)", page, re.MULTILINE))

    assert len(rules) >= 5
    assert named - exported <= SELDOM
    assert all(re.search(r"twiml-app \w+", rule["annotations"]["summary"]) for rule in rules)


def test_documentation_lists_every_metric(base_url: str) -> None:
    """And no other; those of sends and waiting work appear with the first one."""
    lines = (ROOT / "docs" / "metrics.md").read_text().splitlines()
    rows = [line.split("|")[1] for line in lines if line.startswith("| `twiml_")]
    listed = {name for row in rows for name in re.findall(r"`(twiml_\w+)`", row)}
    exported = set(re.findall(r"^# TYPE (twiml_\w+)", scrape(base_url), re.MULTILINE))

    assert exported - listed == set()
    assert listed - exported <= SELDOM


def test_depths_of_queues_are_read_from_the_journal(base_url: str) -> None:
    """They are zero, and not missing, when nothing waits."""
    page = scrape(base_url)
    names = ("work_waiting", "work_failed", "sends_waiting", "sends_attention", "opt_outs")

    assert {value(page, f"twiml_{name}") for name in names} == {0}
