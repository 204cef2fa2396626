"""The commands as clients of an emulator: what they report if the wrong server answers, or none."""

from __future__ import annotations

import pytest

from tests.cli.emulators import NUMBER, PASSWORD, answer_of_emulator, run
from tests.emulator.program import Program
from twiml_app.credentials import Credentials, basic_header
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN


@pytest.mark.slow
def test_wrong_credentials_are_one_line_with_the_variables_to_set(emulator: str) -> None:
    """The commands take the account from the same two variables as the emulator itself."""
    refused = run("outbox", url=emulator, environment={"TWILIO_AUTH_TOKEN": "of-another-account"})

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"Error: the emulator at {emulator} has another account or token: set TWILIO_ACCOUNT_SID and"
        " TWILIO_AUTH_TOKEN to the values it was started with\n"
    )


@pytest.mark.parametrize("command", ["text hi", "outbox", "debugger", "requests", "webhooks", "clock", "reset"])
def test_command_without_an_emulator_says_how_to_start_one(command: str, dead_url: str) -> None:
    """One line must be enough, without a traceback."""
    result = run(*command.split(), "--url", dead_url)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: cannot reach an emulator at {dead_url}: start one with twiml-app emulator")


@pytest.mark.slow
def test_command_to_another_server_says_so(program: str) -> None:
    """The ports of the app and of the emulator are easily mixed up."""
    result = run("outbox", "--url", program.replace(f"sms:{PASSWORD}@", "").removesuffix("/message"))

    assert (result.exit_code, "is not a twiml-app emulator: pass its address with --url" in result.stderr) == (1, True)


@pytest.mark.slow
def test_refused_request_is_one_line_with_a_remedy(emulator: str) -> None:
    """The message is that of the emulator, and the command adds the option that helps."""
    refused = run("text", "hi", "--number", NUMBER, url=emulator)

    assert (refused.exit_code, refused.stdout, len(refused.stderr.splitlines())) == (1, "", 1)
    assert NUMBER in refused.stderr
    assert "--number" in refused.stderr


@pytest.mark.parametrize(
    ("environment", "account", "token"),
    [
        pytest.param({"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t"}, "AC1", "t", id="the environment's"),
        pytest.param({"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": ""}, ACCOUNT_SID, AUTH_TOKEN, id="the default"),
    ],
)
def test_commands_use_the_account_of_the_emulator(environment: dict[str, str], account: str, token: str) -> None:
    """An emulator takes its account from the same variables, so nobody has to type it."""
    with Program() as server:
        server.answers("/_emulator/messages", answer_of_emulator({"messages": []}))
        shown = run("outbox", url=server.bare(""), environment=environment)

    assert (shown.exit_code, len(server.received)) == (0, 1)
    assert server.received[0].headers["authorization"] == basic_header(Credentials(account, token))
