"""``replay``: recorded exchanges are sent again, and the answers compared."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout

import pytest

from tests.cli.projects import Project, served
from tests.file_modes import mode_of
from tests.recordings.exchanges import exchange
from tests.servers import refusing_port
from tests.webhook_requests import ACCOUNT, SID, TOKEN
from twiml_app.cli import main
from twiml_app.recordings.format import read_file, write_file


def test_recorded_exported_and_replayed_traffic_agrees(project: Project) -> None:
    """The product promises this round trip: recorded traffic becomes a test."""
    exported = project.type("journal", "export", "traffic.jsonl")
    replayed = project.type("replay", "traffic.jsonl")

    assert exported.output == "4 exchanges in traffic.jsonl\n"
    assert (replayed.exit_code, replayed.stdout) == (0, "4 replayed, 0 different\n")
    text = (project.folder / "traffic.jsonl").read_text()
    for personal in ("5005550001", "Ada", SID, "quite-long-enough", "500-555"):
        assert personal not in text
    assert "whatsapp:+15005550006" in text


def test_exactly_the_exchanges_of_a_changed_handler_differ(project: Project) -> None:
    """After a change to one handler, the report must show its effect on customers and nothing else."""
    project.type("journal", "export", "traffic.jsonl")
    project.change_menu("Tea only")

    result = project.type("replay", "traffic.jsonl", "--parallel", "2")
    rows = json.loads(project.type("replay", "traffic.jsonl", "--json").stdout)

    sids = [each.sid for each in read_file(project.folder / "traffic.jsonl") if each.form.get("Body") == "menu"]
    assert (result.exit_code, [row["sid"] for row in rows["different"]], rows["replayed"]) == (1, sids, 4)
    assert result.stdout.count(f"{project.module}.menu") == 2
    assert result.stdout.count("    -     Tea or coffee?\n    +     Tea only\n") == 2
    assert result.stdout.endswith("\n4 replayed, 2 different\n")


def test_update_accepts_the_new_answers(project: Project) -> None:
    """--update says that the change was intended; lines that agree stay untouched, and a group may still read them."""
    project.type("journal", "export", "traffic.jsonl")
    (project.folder / "traffic.jsonl").chmod(0o664)
    before = (project.folder / "traffic.jsonl").read_text().split("\n")
    project.change_menu("Tea only")

    result = project.type("replay", "traffic.jsonl", "--update")

    after = (project.folder / "traffic.jsonl").read_text().split("\n")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "4 replayed, 2 different, 2 accepted")
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, False, True, True]
    assert mode_of(project.folder / "traffic.jsonl") == 0o664
    assert project.type("replay", "traffic.jsonl").exit_code == 0


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_replay_does_not_change_the_live_journal(project: Project, where: str) -> None:
    """A stored replay would be exported, counted and charged as if customers had written."""
    project.type("journal", "export", "traffic.jsonl")
    before = project.journal()

    if where == "here":
        result = project.type("replay", "traffic.jsonl", "--app", f"{project.module}:make_app", **project.environment)
    else:
        with served(project.app()) as url:
            result = project.type("replay", "traffic.jsonl", "--to", f"{url}/message", "--pace", "1000x")

    assert (result.exit_code, result.stdout) == (0, "4 replayed, 0 different\n")
    assert project.journal() == before


def test_requests_to_a_url_are_signed(project: Project) -> None:
    """A running application checks signatures and accounts as it does for Twilio."""
    project.type("journal", "export", "traffic.jsonl")
    keys = {"TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_ACCOUNT_SID": ACCOUNT}

    with served(project.app(TWIML_ACCOUNTS=ACCOUNT, TWIML_PUBLIC_URL="", **keys)) as url:
        signed = project.type("replay", "traffic.jsonl", "--to", url, **keys)
        unsigned = project.type("replay", "traffic.jsonl", "--to", url)

    assert (signed.exit_code, signed.stdout) == (0, "4 replayed, 0 different\n")
    assert unsigned.stdout.endswith("4 replayed, 4 different\n")


def test_parallel_replay_without_the_key_stops_too(project: Project) -> None:
    """Only what is sent at once may slip through, not everything that waits."""
    write_file(project.folder / "many.jsonl", [exchange(number) for number in range(40)])
    before = len(project.journal()[0])

    with served(project.app(SECRET_KEY="of the application")) as url:
        result = project.type("replay", "many.jsonl", "--to", url, "--parallel", "2")

    assert (result.exit_code, "the application has another key" in result.stderr) == (1, True)
    assert 1 <= len(project.journal()[0]) - before <= 2


def test_application_with_a_key_of_its_own_is_replayed_with_that_key(project: Project) -> None:
    """Without its key a replay would be stored and charged, so it stops at the first exchange."""
    project.type("journal", "export", "traffic.jsonl")

    with served(project.app(SECRET_KEY="of the application")) as url:
        before = project.journal()
        proven = project.type("replay", "traffic.jsonl", "--to", url, SECRET_KEY="of the application")
        after = project.journal()
        unproven = project.type("replay", "traffic.jsonl", "--to", url)

    assert (proven.exit_code, proven.stdout, after) == (0, "4 replayed, 0 different\n", before)
    assert (unproven.exit_code, "the application has another key" in unproven.stderr) == (1, True)
    assert len(project.journal()[0]) == len(before[0]) + 1


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"TWIML_CREDENTIALS": ""}, id="credentials of the URL"),
        pytest.param({"TWIML_CREDENTIALS": "other:pair-of-this-folder"}, id="before those of the folder"),
        pytest.param({"TWIML_CREDENTIALS": "", "SECRET_KEY": "key"}, id="only a key"),
    ],
)
def test_key_of_a_replay_comes_from_the_url_or_the_environment(project: Project, environment: dict[str, str]) -> None:
    """Without SECRET_KEY, the key of an application is made from its credentials, which the URL contains."""
    project.type("journal", "export", "traffic.jsonl")

    with served(project.app(SECRET_KEY=environment.get("SECRET_KEY", ""))) as url:
        result = project.type("replay", "traffic.jsonl", "--to", url, **environment)

    assert (result.exit_code, result.stdout) == (0, "4 replayed, 0 different\n")


def test_replay_without_a_key_sends_nothing(project: Project) -> None:
    """Unsigned, the exchanges would be handled as real events."""
    write_file(project.folder / "a.jsonl", [exchange()])

    result = project.type("replay", "a.jsonl", "--to", "http://127.0.0.1:1", TWIML_CREDENTIALS="")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "nothing to sign the replay with: set the SECRET_KEY of the application" in result.stderr


def test_url_is_taken_from_the_environment(project: Project) -> None:
    """Its password must not be in the list of processes, and the address is checked as in the option."""
    project.type("journal", "export", "traffic.jsonl")
    with served(project.app()) as url:
        gone = url

    unreached = project.type("replay", "traffic.jsonl", TWIML_REPLAY_TO=gone)
    refused = project.type("replay", "traffic.jsonl", TWIML_REPLAY_TO="https://sms.example.com")

    assert unreached.stdout.count("no answer: ") == 4
    assert "sms.example.com is not this machine" in refused.stderr


def test_missing_answers_are_not_accepted(project: Project) -> None:
    """An update against an application that is down must not look like a success."""
    project.type("journal", "export", "traffic.jsonl")
    with served(project.app()) as url:
        gone = url

    result = project.type("replay", "traffic.jsonl", "--to", gone, "--update")

    assert (result.exit_code, result.stdout.count("no answer: ")) == (1, 4)
    assert result.stdout.endswith("4 replayed, 4 different\n")


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        pytest.param(("--to", "https://sms.example.com"), 1, "sms.example.com is not this machine", id="another host"),
        pytest.param(
            ("--to", "http://127.0.0.1@e.com"),
            1,
            "e.com is not this machine",
            id="another host that looks like this one",
        ),
        pytest.param(("--to", "127.0.0.1:8000"), 1, "give scheme and host", id="no scheme"),
        pytest.param(("--to", "http://[::1"), 1, "give scheme and host", id="a broken URL"),
        pytest.param(("--to", "http://localhost/?a=1"), 1, "give scheme and host", id="a query"),
        pytest.param(("--pace", "fast"), 2, "'fast' is not a pace: give 1x or 10x", id="no pace"),
        pytest.param(("--pace", "-1x"), 2, "is not a pace", id="backwards"),
        pytest.param(("--pace", "nan"), 2, "is not a pace", id="not a number"),
        pytest.param(("--parallel", "0"), 2, "0 is not in the range", id="none at the same time"),
        pytest.param(("missing.jsonl",), 2, "missing.jsonl", id="a missing file"),
    ],
)
def test_wrong_usage_is_reported_before_anything_is_sent(
    project: Project, arguments: tuple[str, ...], status: int, complaint: str
) -> None:
    """Recorded texts of customers must not go to an address by accident."""
    write_file(project.folder / "a.jsonl", [exchange()])

    result = project.type("replay", "a.jsonl", *arguments)

    assert result.exit_code == status
    assert complaint in result.stderr


def test_anywhere_allows_another_machine(project: Project) -> None:
    """A staging server is a good target for a replay, and --anywhere allows it."""
    write_file(project.folder / "a.jsonl", [exchange()])

    result = project.type("replay", "a.jsonl", "--anywhere", "--to", "http://host.invalid")

    assert (result.exit_code, "no answer: " in result.stdout) == (1, True)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A paced replay takes as long as the traffic did; standard output must stay clean for programs."""
    write_file(project.folder / "a.jsonl", [exchange()])
    terminal, output = _Terminal(), io.StringIO()

    monkeypatch.chdir(project.folder)
    with redirect_stderr(terminal), redirect_stdout(output), refusing_port() as port, pytest.raises(SystemExit):
        main(["replay", "a.jsonl", "--to", f"http://sms:secret@127.0.0.1:{port}"], standalone_mode=False)

    assert "replaying" in terminal.getvalue()
    assert output.getvalue().endswith("1 replayed, 1 different\n")


def test_broken_recording_is_named(project: Project) -> None:
    """The error must name file and line, without a traceback."""
    (project.folder / "a.jsonl").write_text('{"schema": 3}\n')

    result = project.type("replay", "a.jsonl")

    assert (result.exit_code, result.stderr) == (
        1,
        "Error: a.jsonl:1: schema 3 is newer than 2: upgrade twiml-app\n",
    )
