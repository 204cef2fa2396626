"""Numbers and URLs as they are typed to the emulator and its commands."""

from __future__ import annotations

import pytest

from tests.cli.emulators import NUMBER, PASSWORD, run
from twiml_app.cli.emulator_parameters import EmulatorUrl, NumberAndUrl, PhoneNumber, read_numbers


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--number", f"sms:{PASSWORD}@127.0.0.1"], "+15017122661=http://user:password@", id="only a URL"),
        pytest.param(["--number", f"{NUMBER}=sms:{PASSWORD}@h/message"], "http or https URL", id="no scheme"),
        pytest.param(["--number", f"{NUMBER}=http://sms:{PASSWORD}@h:0/m"], "http or https URL", id="port 0"),
        pytest.param(["--number", f"12=http://sms:{PASSWORD}@h/m"], "'12' is not a phone number", id="not a number"),
        pytest.param(["outbox", "--url", "127.0.0.1:8088"], "http://127.0.0.1:8088", id="no URL"),
        pytest.param(["outbox", "--url", "http://[::1"], "http://127.0.0.1:8088", id="half a URL"),
        pytest.param(["outbox", "--url", f"http://a:{PASSWORD}@127.0.0.1:9"], "without credentials", id="credentials"),
        pytest.param(["text", "hi", "--contact", "ann"], "'ann' is not a phone number", id="from a name"),
    ],
)
def test_wrong_number_or_url_exits_2_and_says_what_to_type(arguments: list[str], says: str) -> None:
    """Nothing is started or asked, and a password that was typed must not be repeated."""
    result = run(*arguments)

    assert (result.exit_code, result.stdout, says in result.stderr) == (2, "", True), result.stderr
    assert PASSWORD not in result.stderr


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        pytest.param("+15558675310", "+15558675310", id="as Twilio writes it"),
        pytest.param("(555) 867-5310", "+15558675310", id="as people write it"),
        pytest.param("whatsapp:+15558675310", "whatsapp:+15558675310", id="another channel"),
        pytest.param("12345", "12345", id="a short code"),
    ],
)
def test_number_is_read_as_twilio_writes_it(typed: str, number: str) -> None:
    """Whoever types a number must not have to know E.164."""
    assert PhoneNumber()(typed) == number


def test_number_and_url_are_split_once() -> None:
    """A query contains = too, and Click converts a default a second time."""
    typed = f"(501) 712-2661=http://sms:{PASSWORD}@127.0.0.1:8000/message?step=1#rc=2"
    read = (NUMBER, f"http://sms:{PASSWORD}@127.0.0.1:8000/message?step=1#rc=2")

    assert NumberAndUrl()(typed) == read
    assert NumberAndUrl()(read) == read


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f"http://sms:{PASSWORD}@127.0.0.1/message", id="only a URL"),
        pytest.param(f"{NUMBER}=sms:{PASSWORD}@h/message", id="no scheme"),
        pytest.param(f"{NUMBER}=http://127.0.0.1/m 12=http://sms:{PASSWORD}@h/m", id="second is not a number"),
    ],
)
def test_wrong_number_in_the_environment_exits_2_and_names_the_variable(value: str) -> None:
    """The password that it probably contains must not be printed."""
    result = run(environment={"TWIML_EMULATOR_NUMBERS": value})

    assert (result.exit_code, result.stdout, "TWIML_EMULATOR_NUMBERS" in result.stderr) == (2, "", True), result.stderr
    assert PASSWORD not in result.stderr


def test_number_option_replaces_the_numbers_of_the_environment() -> None:
    """An option always wins over a variable, such as one of the project's .env file."""
    environment = {"TWIML_EMULATOR_NUMBERS": "+15017122662=http://127.0.0.1/theirs"}

    assert read_numbers(((NUMBER, "http://127.0.0.1/ours"),), environment) == {NUMBER: "http://127.0.0.1/ours"}
    assert read_numbers((), environment) == {"+15017122662": "http://127.0.0.1/theirs"}
    assert read_numbers((), {}) == {}


@pytest.mark.parametrize("url", ["http://127.0.0.1/message", "http://sms@127.0.0.1/message"])
def test_number_without_a_password_is_not_warned_about(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A warning that is wrong makes people ignore the next one."""
    read_numbers(((NUMBER, url),), {})

    assert capsys.readouterr().err == ""


def test_url_of_an_emulator_may_end_with_a_slash() -> None:
    """Browsers add one when a URL is copied."""
    assert EmulatorUrl()("https://localhost:8088/") == "https://localhost:8088"
