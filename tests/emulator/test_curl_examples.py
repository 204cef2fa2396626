"""Examples of Twilio's documentation of three generations, run by curl as they are, host included."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest
from lxml import etree

from tests.servers import LIMIT_S, clean_environment, find_program
from twiml_app.emulator import Emulator, EmulatorOptions, program_environment

ACCOUNT = "AC" + "X" * 32
#: From "Twilio's request" of 2015, with the account of the example.
CREATE = """
curl -X POST https://api.twilio.com/2010-04-01/Accounts/ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX/Messages.json \\
--data-urlencode "Body=This is the ship that made the Kessel Run in fourteen parsecs?" \\
--data-urlencode "From=+15017122661" \\
--data-urlencode "To=+15558675310" \\
-u ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:your_auth_token
"""
#: From the same page.
AUTHENTICATE = """
curl -G https://api.twilio.com/2010-04-01/Accounts \\
    -u '[YOUR ACCOUNT SID]:[YOUR AUTH TOKEN]'
"""
#: From "SMS/Messages" of 2008: the body of the example, and its path with another account.
CREATE_2008 = """
curl -u ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:your_auth_token \\
    https://api.twilio.com/2008-08-01/Accounts/ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX/SMS/Messages \\
    -d 'From=415-555-1212&To=555-867-5309&Body=Hi+Jenny%21+want+to+grab+dinner%3F'
"""
#: From "REST API" of 2010: a client that has only GET and POST.
DELETE_BY_POST = """
curl -X POST -u ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:your_auth_token -o - -w '%{{http_code}}' \\
    'https://api.twilio.com/2010-04-01/Accounts/ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX/IncomingPhoneNumbers/{sid}?_method=DELETE'
"""

Run = Callable[[str, str], str]


@pytest.fixture
def run() -> Run:
    """A function that runs a command line with curl against an emulator of a profile, and returns what is printed."""
    find_program("curl")

    def run_with(profile: str, command: str) -> str:
        seed = {"numbers": [{"sid": "PN" + "1" * 32, "phone_number": "+14155551212"}, {"phone_number": "+15017122661"}]}
        options = EmulatorOptions(account_sid=ACCOUNT, auth_token="your_auth_token", profile=profile, seed=seed)
        with Emulator(options) as emulator:
            given = program_environment(emulator.url, ACCOUNT, "your_auth_token", environment=clean_environment())
            with given as environment:
                done = subprocess.run(
                    ["sh", "-c", command], env=environment, capture_output=True, timeout=LIMIT_S, check=True
                )
        return done.stdout.decode()

    return run_with


@pytest.mark.parametrize("profile", ["current", "2014"])
def test_curl_example_creates_a_message(run: Run, profile: str) -> None:
    """The values are those of the example's response, except for sid, dates and what the delivery adds."""
    message = json.loads(run(profile, CREATE))

    assert {name: message[name] for name in ("account_sid", "api_version", "body", "direction", "from", "to")} == {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": "This is the ship that made the Kessel Run in fourteen parsecs?",
        "direction": "outbound-api",
        "from": "+15017122661",
        "to": "+15558675310",
    }
    assert (message["num_media"], message["num_segments"], message["error_code"]) == ("0", "1", None)


def test_curl_example_reads_accounts_as_xml(run: Run) -> None:
    """The placeholders are replaced by the reader; the path has no extension."""
    command = AUTHENTICATE.replace("[YOUR ACCOUNT SID]", ACCOUNT).replace("[YOUR AUTH TOKEN]", "your_auth_token")
    document = etree.fromstring(run("2014", command).encode())

    assert document.findtext("Accounts/Account/Sid") == ACCOUNT


def test_curl_example_of_2008_creates_a_message(run: Run) -> None:
    """Its numbers are typed as people type them, and come back as national digits, without an XML declaration."""
    text = run("2008", CREATE_2008)
    message = etree.fromstring(text).find("SMSMessage")

    assert text.startswith("<TwilioResponse>")
    assert message is not None
    assert {name: message.findtext(name) for name in ("AccountSid", "To", "From", "Body", "Status", "Flags")} == {
        "AccountSid": ACCOUNT,
        "To": "5558675309",
        "From": "4155551212",
        "Body": "Hi Jenny! want to grab dinner?",
        "Status": "queued",
        "Flags": "2",
    }


def test_curl_example_deletes_a_number_by_post(run: Run) -> None:
    """An empty 204, as after DELETE."""
    assert run("2014", DELETE_BY_POST.format(sid="PN" + "1" * 32)) == "204"
