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

    assert (
        "  number   none: set TWIML_EMULATOR_NUMBERS=+15017122661=http://user:password@127.0.0.1:8000/message\n"
        in process.said
    )
    assert (text.exit_code, text.stdout) == (1, "")
    assert "no number exists yet" in text.stderr
    assert "add numbers with TWIML_EMULATOR_NUMBERS or --number when you start the emulator" in text.stderr


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


def test_nothing_that_is_printed_holds_a_secret(tmp_path: Path, dead_url: str) -> None:
    """Terminals are recorded and shared: passwords of URLs and a configured token must never appear."""
    token = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    environment = {"TWILIO_AUTH_TOKEN": token}
    url = dead_url.replace("://", f"://sms:{PASSWORD}@")
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


def test_numbers_of_the_environment_are_used_without_a_warning(program: str) -> None:
    """No other user can read the environment of the emulator, so this is the place for a password."""
    environment = {"TWIML_EMULATOR_NUMBERS": f"{NUMBER}={program} +15017122662={program}"}
    with started(environment=environment) as process:
        turn = run("text", "hours", "--number", NUMBER, url=process.url)

    assert "  number   +15017122662 -> http://127.0.0.1" in process.said
    assert turn.stdout == "> We are open from 8 to 18, Monday to Saturday.  [1 segment]\n"
    assert "warning" not in process.complained


def test_numbers_of_the_env_file_are_used(tmp_path: Path, program: str) -> None:
    """A project keeps its password in .env, which the emulator reads as all commands do."""
    (tmp_path / ".env").write_text(f"TWIML_EMULATOR_NUMBERS='{NUMBER}={program}'\n")
    with started(folder=tmp_path) as process:
        pass

    assert f"  number   {NUMBER} -> http://127.0.0.1" in process.said


def test_password_on_the_command_line_is_warned_about_once(program: str) -> None:
    """Its user learns where to put it, and still gets an emulator."""
    with started("--number", f"{NUMBER}={program}", "--number", f"+15017122662={program}") as process:
        pass

    assert process.complained == (
        "warning: other users of this machine can see the password in --number in the list of processes:"
        " use TWIML_EMULATOR_NUMBERS or --seed\n"
    )


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
    assert (several.exit_code, "several numbers exist" in several.stderr) == (1, True)
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
    assert "no number exists yet" in typed.stderr
    assert bundle.startswith("-----BEGIN CERTIFICATE-----")
    assert not Path(trust[1]).exists()


def test_port_that_is_taken_is_one_line() -> None:
    """The likeliest cause is an emulator that is already running."""
    with started() as process:
        port = process.url.rpartition(":")[2]
        second = subprocess.run([*COMMAND, "--port", port], env=clean_environment(), capture_output=True, text=True)

    assert (second.returncode, second.stdout, len(second.stderr.splitlines())) == (1, "", 1)
    assert second.stderr == (
        f"Error: port: 127.0.0.1:{port} is in use: another emulator may be running there; --port 0 picks a free port\n"
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
        "export TWIML_EMULATOR_NUMBERS=+15017122661=http://user:password@127.0.0.1:8000/message\n"
        in run("--help").stdout
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


def test_errors_are_posted_to_the_webhook_of_the_debugger(program: str) -> None:
    """The application can be tried out with the alerts of a failure."""
    alerts = program.replace("/message", "/alert")
    with started("--clock", "step", "--number", f"{NUMBER}={program}-typo", "--debugger-url", alerts) as process:
        run("text", "hi", url=process.url)
        run("clock", "--settle", url=process.url)
        called = json.loads(run("webhooks", "--json", url=process.url).stdout)

    assert [each["status"] for each in called if each["url"].endswith("/alert")] == [401, 204]


def test_webhook_of_the_debugger_must_be_a_url() -> None:
    """A typo is reported at the start, in one line."""
    result = run(environment={"TWIML_EMULATOR_DEBUGGER_URL": "alert"})

    assert result.stderr == "Error: debugger_url: it must begin with http:// or https:// and include a host\n"
