"""``emulator``: how it starts, what it prints, and what it keeps when it stops."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from twilio.base.exceptions import TwilioRestException

from tests.cli.emulators import COMMAND, NUMBER, PASSWORD, PHONE, client_of, messages_path, run, send, started
from tests.servers import clean_environment
from twiml_app.cli import main
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN

pytestmark = pytest.mark.slow


def test_introduction_is_all_that_a_client_needs(program: str) -> None:
    """A new user copies from here; the program's password must not appear."""
    with started("--number", f"{NUMBER}={program}#rc=2&rp=all") as process:
        pass

    shown = program.replace(f"sms:{PASSWORD}@", "")
    assert process.said == (
        f"Twilio emulator (current) on {process.url}, clock real; press Ctrl-C to stop\n"
        "\n"
        f"  account  {ACCOUNT_SID}\n"
        f"  token    {AUTH_TOKEN}\n"
        f"  number   {NUMBER} -> {shown}\n"
        f'  Python   client.api.base_url = "{process.url}"\n'
        f'  Node     client.api.baseUrl = "{process.url}"\n'
        f"  try it   twiml-app emulator text hello --url {process.url}\n"
        "\n"
        "stopped\n"
    )


def test_introduction_says_how_a_number_is_given() -> None:
    """Without a number nothing can be texted, and the user should learn that at the start."""
    with started() as process:
        text = run("text", "hi", url=process.url)

    assert "  number   none: use --number +15017122661=http://user:password@127.0.0.1:8000/message\n" in process.said
    assert (text.exit_code, text.stdout) == (1, "")
    assert "there is none yet" in text.stderr
    assert "add numbers with --number when you start the emulator" in text.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_stopped_emulator_leaves_a_state_that_can_be_resumed(tmp_path: Path, program: str, number: int) -> None:
    """Ctrl-C and a service manager stop it cleanly, and messages in transit are still delivered later."""
    state = str(tmp_path / "state.db")
    with started("--clock", "step", "--state", state, "--number", f"{NUMBER}={program}") as first:
        sid = send(first.url)
        first.stop(signal.Signals(number))
    with started("--clock", "step", "--state", state) as second:
        run("clock", "--settle", url=second.url)
        status = client_of(second.url).messages(sid).fetch().status
        turn = run("text", "hours", url=second.url)

    assert (first.status, second.status) == (0, 0)
    assert (first.said.splitlines()[-1], "Traceback" in first.complained) == ("stopped", False)
    assert status == "delivered"
    assert turn.stdout == "> We are open from 8 to 18, Monday to Saturday.  [1 segment]\n"
    assert PASSWORD not in second.said


def test_text_shows_what_the_program_answers(texted: str) -> None:
    """A text, its reply, and exit status 0."""
    turn = run("text", "order 2 coffee", url=texted)
    told = seen(run("text", "hours", "--from", "(555) 867-5311", "--to", NUMBER, "--json", url=texted))
    silent = run("text", "STOP", url=texted)

    assert (turn.exit_code, turn.stdout) == (0, "> Thanks! 2 coffee will be ready in ten minutes.  [1 segment]\n")
    assert (told[0], told[1]["inbound"]["from"], told[1]["problems"]) == (0, "+15558675311", [])
    assert [reply["body"] for reply in told[1]["replies"]] == ["We are open from 8 to 18, Monday to Saturday."]
    assert (silent.exit_code, silent.stdout.splitlines()[1:]) == (0, ["the app sent no reply"])
    assert silent.stdout.startswith("Twilio itself replies: You have successfully been unsubscribed.")


def test_text_carries_pictures(texted: str) -> None:
    """They are fetched from this machine; what comes back is counted."""
    with website() as site:
        turn = run("text", "--media", f"{site.url}/a.png", "--media", f"{site.url}/b.png", url=texted)

    assert turn.stdout == "> Thanks, 2 received. Here is ours:  [1 segment, 1 media]\n"


def test_text_exits_1_if_twilio_would_complain() -> None:
    """A program that is not there: the number of the error, and what to do about it; no password."""
    with started("--number", f"{NUMBER}=http://sms:{PASSWORD}@127.0.0.1:9/message#rc=0") as process:
        turn = run("text", "hi", url=process.url)
        told = seen(run("text", "hi", "--json", url=process.url))
        complaints = run("debugger", url=process.url)

    says = (
        "error 11205  http://127.0.0.1:9/message: no connection to 127.0.0.1: Connection refused."
        " Is the application running, and does it listen at this address and port?\n"
    )
    assert (turn.exit_code, turn.stdout) == (1, f"{says}the app sent no reply\n")
    assert (told[0], [problem["code"] for problem in told[1]["problems"]]) == (1, [11205])
    assert (complaints.exit_code, [line.partition("  ")[2] + "\n" for line in complaints.stdout.splitlines()]) == (
        1,
        [says] * 2,
    )
    sid = told[1]["inbound"]["sid"]
    latest = [line for line in untimed(process.complained) if not line.startswith(" ")][-2:]
    assert latest[0].startswith(f"webhook {sid} POST http://127.0.0.1:9/message no connection to 127.0.0.1: Connection")
    assert latest[1] == f"error 11205 {sid} http://127.0.0.1:9/message"
    assert says.partition(": ")[2] in process.complained


def test_nothing_that_is_printed_holds_a_secret(tmp_path: Path) -> None:
    """Terminals are recorded and shared: passwords of URLs and a configured token must never appear."""
    token = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    environment = {"TWILIO_AUTH_TOKEN": token}
    url = f"http://sms:{PASSWORD}@127.0.0.1:9"
    seed = tmp_path / "seed.toml"
    seed.write_text(f'[[numbers]]\nphone_number = "{NUMBER}"\nsms_url = "{url}/message#e=nowhere"\n')
    with started("--seed", str(seed), environment=environment) as process:
        client_of(process.url, token).messages.create(
            to=PHONE, from_=NUMBER, body="x", status_callback=f"{url}/status#rp=never"
        )
        commands = [("text", "hi"), ("text", "hi", "--json"), ("clock", "--settle"), ("debugger",), ("requests",)]
        shown = [run(*each, url=process.url, environment=environment) for each in [*commands, ("outbox", "--json")]]
        refused = run("outbox", url=process.url)

    everything = "".join([process.said, process.complained, *(each.output for each in [*shown, refused])])
    assert "from TWILIO_AUTH_TOKEN" in process.said
    assert "e=nowhere" in process.complained
    assert (PASSWORD in everything, token in everything) == (False, False)


def test_wrong_credentials_are_a_line_that_says_which(emulator: str) -> None:
    """The commands take the account from the same two variables as the emulator itself."""
    refused = run("outbox", url=emulator, environment={"TWILIO_AUTH_TOKEN": "of-another-account"})

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"Error: the emulator at {emulator} has another account or token: set TWILIO_ACCOUNT_SID and"
        " TWILIO_AUTH_TOKEN to the values it was started with\n"
    )


@pytest.mark.parametrize("command", ["text hi", "outbox", "debugger", "requests", "webhooks", "clock", "reset"])
def test_command_without_an_emulator_says_how_to_start_one(command: str) -> None:
    """One line, and no trace."""
    result = run(*command.split(), "--url", "http://127.0.0.1:9")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(
        "Error: cannot reach an emulator at http://127.0.0.1:9: start one with twiml-app emulator"
    )


def test_command_to_something_else_says_so(program: str) -> None:
    """Two ports are easily mixed up: the program's is not the emulator's."""
    result = run("outbox", "--url", program.replace(f"sms:{PASSWORD}@", "").removesuffix("/message"))

    assert (result.exit_code, "is not a twiml-app emulator: pass its address with --url" in result.stderr) == (1, True)


def test_outbox_shows_what_was_sent(emulator: str) -> None:
    """A table to read, or JSON as the REST API has it."""
    empty = run("outbox", url=emulator)
    sid = send(emulator, "two\nlines")
    run("phone", PHONE, "--status", "failed", "--error-code", "30007", url=emulator)
    run("clock", "--settle", url=emulator)
    names, row = run("outbox", url=emulator).stdout.splitlines()
    status, told = seen(run("outbox", "--json", url=emulator))

    assert empty.stdout == "no messages sent yet\n"
    assert names.split() == ["date", "sid", "from", "to", "status", "error", "body"]
    assert row.split()[1:] == [sid, NUMBER, PHONE, "failed", "30007", "two", "lines"]
    assert (status, [(each["sid"], each["error_code"]) for each in told]) == (0, [(sid, 30007)])


def test_debugger_is_quiet_where_all_is_well(emulator: str) -> None:
    """Exit status 0 is for scripts, the sentence for people."""
    shown = run("debugger", url=emulator)

    assert (shown.exit_code, shown.stdout) == (0, "no errors or warnings\n")
    assert seen(run("debugger", "--json", url=emulator)) == (0, [])


def test_requests_show_what_clients_did_wrong() -> None:
    """Where a client stumbles its developer sees why: in the log as it happens, and later by the command."""
    with started() as process:
        empty = run("requests", url=process.url)
        form = {"to": PHONE, "From": NUMBER, "Body": "x"}
        refused = client_of(process.url).request("POST", path_of(process.url), data=form)
        shown = run("requests", url=process.url)
        status, told = seen(run("requests", "--json", url=process.url))

    line = f"POST /2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json 400 21604 A 'To' phone number is required.\n"
    hint = "    to: write To, names are case-sensitive\n"
    assert refused.status_code == 400
    assert empty.stdout == "no requests to the REST API yet\n"
    assert untimed(process.complained) == [line.strip(), hint.rstrip()]
    assert shown.stdout.partition("  ")[2] == line + hint
    assert (status, [(each["code"], each["hints"]) for each in told]) == (0, [(21604, [hint.strip()])])


def test_webhooks_show_every_request_to_the_program() -> None:
    """With a login there are two for one text; without a program, why there is no answer."""
    with started("--number", f"{NUMBER}=http://sms:{PASSWORD}@127.0.0.1:9/message#rc=0") as process:
        empty = run("webhooks", url=process.url)
        run("text", "hi", url=process.url)
        shown = run("webhooks", url=process.url)
        status, (told,) = seen(run("webhooks", "--json", url=process.url))

    assert empty.stdout == "no webhooks called yet\n"
    assert "POST http://127.0.0.1:9/message" in shown.stdout
    assert "Connection refused" in shown.stdout
    assert (status, told["status"], told["url"]) == (0, 0, "http://127.0.0.1:9/message")


def test_text_needs_something_to_send() -> None:
    """An empty text is a mistyped command."""
    result = run("text")

    assert (result.exit_code, "give a BODY" in result.stderr) == (2, True)


def test_requests_show_no_commands(emulator: str) -> None:
    """What is typed here is no request of a client."""
    run("outbox", url=emulator)

    assert seen(run("requests", "--json", url=emulator)) == (0, [])


def test_phone_chooses_what_becomes_of_a_message(emulator: str) -> None:
    """A failed delivery can be tried before it happens; the next command shows what has reached the phone."""
    before = run("phone", PHONE, url=emulator)
    sid = send(emulator, "hello\x1b[31m")
    run("clock", "--settle", url=emulator)
    reached = run("phone", "555 867 5310", url=emulator)
    status, told = seen(
        run("phone", PHONE, "--status", "undelivered", "--error-code", "30005", "--no-media", "--json", url=emulator)
    )
    after = run("phone", PHONE, "--media", url=emulator)

    assert before.stdout == f"{PHONE}: messages to it end as delivered\nno messages received yet\n"
    assert reached.stdout.splitlines()[-1].split()[1:] == [sid, NUMBER, PHONE, "delivered", "hello\ufffd[31m"]
    assert (status, told["status"], told["error_code"], told["takes_media"]) == (0, "undelivered", 30005, False)
    assert [message["sid"] for message in told["messages"]] == [sid]
    assert after.stdout.startswith(f"{PHONE}: messages to it end as undelivered (30005), accepts media\n")


def test_clock_is_stepped_by_hand(emulator: str) -> None:
    """Nothing arrives before somebody says so."""
    sid = send(emulator)
    before = run("clock", url=emulator)
    waiting = client_of(emulator).messages(sid).fetch().status
    after = run("clock", "--advance", "3600", url=emulator)

    hours = [datetime.fromisoformat(shown.stdout.strip()) for shown in (before, after)]
    assert (waiting, hours[1] - hours[0]) == ("queued", timedelta(hours=1))
    assert client_of(emulator).messages(sid).fetch().status == "delivered"


def test_clock_that_goes_by_itself_is_not_moved() -> None:
    """The error says what to start instead."""
    with started("--clock", "fast") as process:
        refused = run("clock", "--advance", "5", url=process.url)
        settled = run("clock", "--settle", url=process.url)

    assert (refused.exit_code, "start the emulator with --clock step" in refused.stderr) == (1, True)
    assert (settled.exit_code, ", clock fast;" in process.said) == (0, True)


def test_outage_is_one_of_the_rest_api_alone(emulator: str) -> None:
    """So many requests of clients get 503; the commands go on working, also the one that ends it."""
    announced = run("outage", "3", url=emulator)
    codes = []
    for _ in range(2):
        with pytest.raises(TwilioRestException) as refused:
            send(emulator)
        codes.append(refused.value.status)
    shown, ended = run("outbox", url=emulator), run("outage", "0", url=emulator)

    assert (announced.stdout, codes) == ("requests to the REST API that will fail with 503: 3\n", [503, 503])
    assert (shown.exit_code, ended.exit_code, send(emulator)[:2]) == (0, 0, "SM")


def test_reset_forgets_all_but_the_start(texted: str) -> None:
    """The number that was given at the start is still answered; messages and phones are as new."""
    send(texted)
    run("phone", PHONE, "--status", "failed", url=texted)
    done = run("reset", url=texted)

    assert (done.exit_code, done.stdout) == (0, "the emulator was reset to its initial state\n")
    assert run("outbox", url=texted).stdout == "no messages sent yet\n"
    assert run("phone", PHONE, url=texted).stdout.startswith(f"{PHONE}: messages to it end as delivered\n")
    assert run("text", "hours", url=texted).exit_code == 0


def test_seed_says_what_there_is(tmp_path: Path, program: str) -> None:
    """A seed lists the senders; a phone can fail from the beginning, and again after a reset."""
    seed = tmp_path / "seed.toml"
    seed.write_text(
        f'[[numbers]]\nphone_number = "{NUMBER}"\nsms_url = "{program}"\n'
        f'[[numbers]]\nphone_number = "+15017122662"\n'
        f'[[phones]]\ncontact = "{PHONE}"\nstatus = "undelivered"\nerror_code = 30005\n'
    )
    with started("--seed", str(seed)) as process:
        run("reset", url=process.url)
        several = run("text", "hours", url=process.url)
        turn = run("text", "hours", "--number", NUMBER, url=process.url)
        phone = run("phone", PHONE, url=process.url)
        with pytest.raises(TwilioRestException) as refused:
            client_of(process.url).messages.create(to=PHONE, from_="+15017122699", body="x")

    assert "  number   +15017122662 -> no Message URL\n" in process.said
    assert (several.exit_code, "there are several" in several.stderr) == (1, True)
    assert turn.stdout == "> We are open from 8 to 18, Monday to Saturday.  [1 segment]\n"
    assert phone.stdout.startswith(f"{PHONE}: messages to it end as undelivered (30005)\n")
    assert refused.value.code == 21606


def test_profile_of_2014_answers_as_twilio_did_then() -> None:
    """In 2014 a list contained the total count."""
    with started("--profile", "2014") as process:
        listed = client_of(process.url).request("GET", messages_path(process.url))

    assert process.said.startswith("Twilio emulator (2014) on ")
    assert json.loads(listed.text)["total"] == 0


def test_tls_is_trusted_by_the_file_that_is_printed(tmp_path: Path) -> None:
    """A client that does not know the authority must learn what to set; the printed command must work."""
    with started("--tls") as process:
        stranger = run("outbox", url=process.url)
        command = next(line.partition("try it")[2].strip() for line in process.said.splitlines() if "try it" in line)
        environment = clean_environment(PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        typed = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True)
        trust = re.search(r"^  trust    (\S+) ", process.said, re.MULTILINE)
        assert trust
        bundle = Path(trust[1]).read_text()

    assert process.url.startswith("https://localhost:")
    assert (stranger.exit_code, "set SSL_CERT_FILE to the CA file that the emulator printed" in stranger.stderr) == (
        1,
        True,
    )
    assert "there is none yet" in typed.stderr
    assert bundle.startswith("-----BEGIN CERTIFICATE-----")
    assert not Path(trust[1]).exists()


def test_port_that_is_taken_is_one_line() -> None:
    """The likeliest cause is an emulator that is already running."""
    with started() as process:
        port = process.url.rpartition(":")[2]
        second = subprocess.run([*COMMAND, "--port", port], env=clean_environment(), capture_output=True, text=True)

    assert (second.returncode, second.stdout, len(second.stderr.splitlines())) == (1, "", 1)
    assert second.stderr == (
        f"Error: port: 127.0.0.1:{port} is taken: another emulator may run there; --port 0 takes a free one\n"
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("[[numbers]", "seed: ", id="not TOML"),
        pytest.param('[[numbers]]\nphone_nmber = "+15017122661"', "'phone_nmber'", id="unknown key"),
        pytest.param("[[telephones]]", "'telephones'", id="unknown table"),
    ],
)
def test_broken_seed_is_one_line(tmp_path: Path, content: str, says: str) -> None:
    """The error must name the mistake, and nothing may start."""
    (tmp_path / "seed.toml").write_text(content)

    result = run("--port", "0", "--seed", str(tmp_path / "seed.toml"))

    assert (result.exit_code, result.stdout, says in result.stderr) == (1, "", True), result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_file_that_is_not_a_state_is_one_line(tmp_path: Path) -> None:
    """A file of something else must stay as it is."""
    (tmp_path / "notes.txt").write_text("buy milk\n" * 100)

    result = run("--port", "0", "--state", str(tmp_path / "notes.txt"))

    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert (tmp_path / "notes.txt").read_text() == "buy milk\n" * 100


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--number", f"sms:{PASSWORD}@127.0.0.1"], "+15017122661=http://user:password@", id="URL alone"),
        pytest.param(["--number", f"{NUMBER}=sms:{PASSWORD}@h/message"], "http or https URL", id="no scheme"),
        pytest.param(["--number", f"{NUMBER}=http://sms:{PASSWORD}@h:0/m"], "http or https URL", id="port 0"),
        pytest.param(["--number", f"12=http://sms:{PASSWORD}@h/m"], "'12' is not a phone number", id="no number"),
        pytest.param(["--port", "99999"], "--port", id="no port"),
        pytest.param(["--seed", "no-such-file"], "does not exist", id="no seed"),
        pytest.param(["--clock", "slow"], "real", id="no clock"),
        pytest.param(["--port", "1", "outbox"], "twiml-app emulator outbox --url URL", id="option of the start"),
        pytest.param(["texts"], "No such command", id="no command"),
        pytest.param(["outbox", "--url", "127.0.0.1:8088"], "http://127.0.0.1:8088", id="no URL"),
        pytest.param(["outbox", "--url", "http://[::1"], "http://127.0.0.1:8088", id="half a URL"),
        pytest.param(["outbox", "--url", f"http://a:{PASSWORD}@127.0.0.1:9"], "without credentials", id="credentials"),
        pytest.param(["text", "hi", "--from", "ann"], "'ann' is not a phone number", id="from a name"),
        pytest.param(["phone"], "PHONE", id="no phone"),
        pytest.param(["phone", PHONE, "--error-code", "30005"], "--status undelivered or failed", id="code alone"),
        pytest.param(
            ["phone", PHONE, "--status", "sent", "--error-code", "30005"],
            "undelivered or failed",
            id="code of a sent",
        ),
        pytest.param(["clock", "--advance", "-1"], "--advance", id="back in time"),
        pytest.param(["outage", "many"], "COUNT", id="no count"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_to_type(arguments: list[str], says: str) -> None:
    """Before anything is started or asked; a password that was typed is not repeated."""
    result = run(*arguments)

    assert (result.exit_code, result.stdout, says in result.stderr) == (2, "", True), result.stderr
    assert PASSWORD not in result.stderr


def test_help_teaches_with_commands_that_exist() -> None:
    """Every command needs an example that works, and every option of the start an explanation."""
    group = main.commands["emulator"]
    assert isinstance(group, click.Group)
    for name in group.commands:
        examples = re.findall(rf"^    +twiml-app emulator {name}\b", run(name, "--help").stdout, re.MULTILINE)
        assert examples, name
    explained = {
        option.name: getattr(option, "help", "") for option in group.params if isinstance(option, click.Option)
    }

    assert [name for name, says in explained.items() if not says] == []
    assert (
        "twiml-app emulator --number +15017122661=http://user:password@127.0.0.1:8000/message" in run("--help").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--port", "99999"], "--port", id="no port"),
        pytest.param(["--seed", "no-such-file"], "does not exist", id="no seed"),
        pytest.param(["--clock", "slow"], "real", id="no clock"),
        pytest.param(["--port", "1", "outbox"], "twiml-app emulator outbox --url URL", id="option of the start"),
        pytest.param(["texts"], "No such command", id="no command"),
    ],
)
def test_wrong_options_exit_2_before_anything_starts(arguments: list[str], says: str) -> None:
    """The error must say what to type, and nothing may start."""
    result = run(*arguments)

    assert (result.exit_code, result.stdout, says in result.stderr) == (2, "", True), result.stderr
    assert PASSWORD not in result.stderr
