"""The commands for a running emulator: text it, look into it, move its clock."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.cli.emulators import (
    NUMBER,
    PASSWORD,
    PHONE,
    answer_of_emulator,
    client_of,
    messages_path,
    run,
    seen,
    send,
    started,
    untimed,
)
from tests.emulator.clients.website import website
from tests.emulator.program import Program
from tests.emulator.rest.listening import listening
from twiml_app.emulator import ACCOUNT_SID

pytestmark = pytest.mark.slow


def test_text_shows_what_the_program_answers(texted: str) -> None:
    """A developer wants to see the reply, and a script the exit status."""
    turn = run("text", "order 2 coffee", url=texted)
    status, document = seen(
        run("text", "hours", "--contact", "(555) 867-5311", "--number", NUMBER, "--json", url=texted)
    )
    silent = run("text", "STOP", url=texted)

    assert (turn.exit_code, turn.stdout) == (0, "> Thanks! 2 coffee will be ready in ten minutes.  [1 segment]\n")
    assert (status, document["inbound"]["from"], document["problems"]) == (0, "+15558675311", [])
    assert [reply["body"] for reply in document["replies"]] == ["We are open from 8 to 18, Monday to Saturday."]
    assert (silent.exit_code, silent.stdout.splitlines()[1:]) == (0, ["the app sent no reply"])
    assert silent.stdout.startswith("Twilio itself replies: You have successfully been unsubscribed.")


def test_text_shows_what_the_program_sends_instead_of_a_reply() -> None:
    """An app that works for a while answers through the REST API; without the wait, it would seem to say nothing."""
    with listening() as program, started("--number", f"{NUMBER}={program.url}/message") as process:

        def answer() -> None:
            while not program.posts:
                time.sleep(0.01)
            send(process.url, "your report is ready")

        app = threading.Thread(target=answer)
        app.start()
        turn = run("text", "report", url=process.url)
        app.join()

    assert (turn.exit_code, turn.stdout) == (0, "> your report is ready  [1 segment, sent through the REST API]\n")


def test_text_carries_pictures(texted: str) -> None:
    """The emulator fetches them from this machine, and the media of the reply are counted."""
    with website() as site:
        turn = run("text", "--media", f"{site.url}/a.png", "--media", f"{site.url}/b.png", url=texted)

    assert turn.stdout == "> Thanks, 2 received. Here is ours:  [1 segment, 1 media]\n"


def test_text_goes_wrong_as_asked_for(texted: str) -> None:
    """A developer sees what the app makes of a text that arrives twice, and of a reaction."""
    answer = "> Thanks! 2 coffee will be ready in ten minutes.  [1 segment]\n"
    twice = run("text", "order 2 coffee", "--fault", "text-duplicate", url=texted)
    dropped = run("text", "order 2 coffee", "--fault", "webhook-drop", url=texted)
    status, document = seen(run("text", "your order", "--reaction", "love", "--json", url=texted))

    assert twice.stdout == f"{answer}'order 2 coffee' arrived as another message at {NUMBER}:\n{answer}"
    assert (dropped.exit_code, "(the fault webhook-drop)" in dropped.stdout) == (1, True)
    assert (status, document["inbound"]["body"]) == (0, "Loved “your order”")


def test_text_exits_1_if_twilio_would_complain(dead_url: str) -> None:
    """An app that does not run needs the error code and what to do about it, without the password."""
    number_url = dead_url.replace("://", f"://sms:{PASSWORD}@")
    with started("--number", f"{NUMBER}={number_url}/message#rc=0") as process:
        turn = run("text", "hi", url=process.url)
        status, document = seen(run("text", "hi", "--json", url=process.url))
        complaints = run("debugger", url=process.url)

    says = (
        f"error 11205  {dead_url}/message: no connection to 127.0.0.1: Connection refused."
        " Is the application running, and does it listen on this address and port?\n"
    )
    assert (turn.exit_code, turn.stdout) == (1, f"{says}the app sent no reply\n")
    assert (status, [problem["code"] for problem in document["problems"]]) == (1, [11205])
    assert (complaints.exit_code, [line.partition("  ")[2] + "\n" for line in complaints.stdout.splitlines()]) == (
        1,
        [says] * 2,
    )
    sid = document["inbound"]["sid"]
    latest = [line for line in untimed(process.complained) if not line.startswith(" ")][-2:]
    assert latest[0].startswith(f"webhook {sid} POST {dead_url}/message no connection to 127.0.0.1: Connection")
    assert latest[1] == f"error 11205 {sid} {dead_url}/message"
    assert says.partition(": ")[2] in process.complained


def test_outbox_shows_what_was_sent(emulator: str) -> None:
    """People read a table, and programs the JSON of the REST API."""
    empty = run("outbox", url=emulator)
    sid = send(emulator, "two\nlines")
    run("phone", PHONE, "--status", "failed", "--error-code", "30007", url=emulator)
    run("clock", "--settle", url=emulator)
    names, row = run("outbox", url=emulator).stdout.splitlines()
    status, document = seen(run("outbox", "--json", url=emulator))

    assert empty.stdout == "no messages yet\n"
    assert names.split() == ["date", "sid", "way", "from", "to", "status", "error", "body"]
    assert row.split()[1:] == [sid, "out", NUMBER, PHONE, "failed", "30007", "two", "lines"]
    assert (status, [(each["sid"], each["error_code"]) for each in document]) == (0, [(sid, 30007)])


def test_debugger_is_quiet_where_all_is_well(emulator: str) -> None:
    """A script needs exit status 0, and people a sentence."""
    shown = run("debugger", url=emulator)

    assert (shown.exit_code, shown.stdout) == (0, "no errors or warnings\n")
    assert seen(run("debugger", "--json", url=emulator)) == (0, [])


def test_requests_show_what_clients_did_wrong() -> None:
    """The developer of a client must see its mistake: in the log at once, and later through the command."""
    with started() as process:
        empty = run("requests", url=process.url)
        form = {"to": PHONE, "From": NUMBER, "Body": "x"}
        refused = client_of(process.url).request("POST", messages_path(process.url), data=form)
        shown = run("requests", url=process.url)
        status, document = seen(run("requests", "--json", url=process.url))

    line = f"POST /2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json 400 21604 A 'To' phone number is required.\n"
    hint = "    to: write To, names are case-sensitive\n"
    assert refused.status_code == 400
    assert empty.stdout == "no requests to the REST API yet\n"
    assert untimed(process.complained) == [line.strip(), hint.rstrip()]
    assert shown.stdout.partition("  ")[2] == line + hint
    assert (status, [(each["code"], each["hints"]) for each in document]) == (0, [(21604, [hint.strip()])])


def test_messages_and_webhooks_show_what_was_texted_and_answered(texted: str) -> None:
    """A conversation is read in the terminal: texts, replies, the parameters of webhooks and the TwiML."""
    run("reset", url=texted)
    run("text", "order \x1b[31m2 coffee", url=texted)
    run("clock", "--settle", url=texted)
    listed, on_phone = run("outbox", url=texted).stdout, run("phone", PHONE, url=texted).stdout
    called, (_, logged) = run("webhooks", url=texted).stdout, seen(run("webhooks", "--json", url=texted))
    directions = [each["direction"] for each in seen(run("outbox", "--json", url=texted))[1]]

    for shown in (listed, on_phone):
        assert [line.split()[2] for line in shown.splitlines() if line[:2] == "20"] == ["in", "out"]
    assert directions == ["inbound", "outbound-reply"]
    assert 'Body="order \\u001b[31m2 coffee"' in called
    assert "<Response>" in called
    answered = next(each for each in logged if each["status"] == 200)
    assert (answered["parameters"]["From"], "<Response>" in answered["body"]) == (PHONE, True)


def test_webhooks_show_every_request_to_the_program(dead_url: str) -> None:
    """If the app does not run, the list must show why there was no answer."""
    number_url = dead_url.replace("://", f"://sms:{PASSWORD}@")
    with started("--number", f"{NUMBER}={number_url}/message#rc=0") as process:
        empty = run("webhooks", url=process.url)
        run("text", "hi", url=process.url)
        shown = run("webhooks", url=process.url)
        status, (document,) = seen(run("webhooks", "--json", url=process.url))

    assert empty.stdout == "no webhooks called yet\n"
    assert f"POST {dead_url}/message" in shown.stdout
    assert "Connection refused" in shown.stdout
    assert (status, document["status"], document["url"]) == (0, 0, f"{dead_url}/message")


def test_text_needs_something_to_send() -> None:
    """An empty text is a typing mistake."""
    result = run("text")

    assert (result.exit_code, "give a BODY" in result.stderr) == (2, True)


def test_requests_show_no_commands(emulator: str) -> None:
    """A command is not a request of a client."""
    run("outbox", url=emulator)

    assert seen(run("requests", "--json", url=emulator)) == (0, [])


def test_phone_sets_the_delivery_outcome(emulator: str) -> None:
    """Developers want to try a failed delivery before it happens, and to see what reached the phone."""
    before = run("phone", PHONE, url=emulator)
    sid = send(emulator, "hello\x1b[31m")
    run("clock", "--settle", url=emulator)
    reached = run("phone", "555 867 5310", url=emulator)
    status, document = seen(
        run("phone", PHONE, "--status", "undelivered", "--error-code", "30005", "--no-media", "--json", url=emulator)
    )
    after = run("phone", PHONE, "--media", url=emulator)

    assert before.stdout == f"{PHONE}: messages to it end as delivered\nno messages yet\n"
    assert reached.stdout.splitlines()[-1].split()[1:] == [sid, "out", NUMBER, PHONE, "delivered", "hello\ufffd[31m"]
    assert (status, document["status"], document["error_code"]) == (0, "undelivered", 30005)
    assert document["takes_media"] is False
    assert [message["sid"] for message in document["messages"]] == [sid]
    assert after.stdout.startswith(f"{PHONE}: messages to it end as undelivered (30005), accepts media\n")


def test_clock_is_stepped_by_hand(emulator: str) -> None:
    """With a stepped clock nothing may arrive until somebody moves it."""
    sid = send(emulator)
    before = run("clock", url=emulator)
    waiting = client_of(emulator).messages(sid).fetch().status
    after = run("clock", "--advance", "3600", url=emulator)

    hours = [datetime.fromisoformat(shown.stdout.strip()) for shown in (before, after)]
    assert (waiting, hours[1] - hours[0]) == ("queued", timedelta(hours=1))
    assert client_of(emulator).messages(sid).fetch().status == "delivered"


def test_real_clock_cannot_be_advanced_until_it_is_switched() -> None:
    """The error says what to do: the clock can be another one while the emulator runs."""
    with started("--clock", "real") as process:
        refused = run("clock", "--advance", "5", url=process.url)
        settled = run("clock", "--settle", url=process.url)
        switched = run("clock", "--kind", "step", "--advance", "5", url=process.url)

    assert (refused.exit_code, "switch it to fast or step first" in refused.stderr) == (1, True)
    assert (settled.exit_code, ", clock real;" in process.said) == (0, True)
    assert (switched.exit_code, switched.stderr) == (0, "")


def test_clock_that_does_not_settle_exits_1() -> None:
    """A script must not go on as if every message had arrived."""
    with Program() as server:
        server.answers("/_emulator/clock", answer_of_emulator({"now": "2026-11-23T00:00:00Z", "settled": False}))
        shown = run("clock", "--settle", url=server.bare(""))

    assert (shown.exit_code, shown.stdout) == (1, "2026-11-23T00:00:00Z\n")
    assert shown.stderr.startswith("Error: ")


def test_outage_affects_only_the_rest_api(emulator: str) -> None:
    """That many requests of clients get 503; the commands still work, also the one that ends the outage."""
    run("outage", "1", "--status", "500", url=emulator)
    with pytest.raises(TwilioRestException) as refused:
        send(emulator)
    assert refused.value.status == 500
    announced = run("outage", "3", url=emulator)
    codes = []
    for _ in range(2):
        with pytest.raises(TwilioRestException) as refused:
            send(emulator)
        codes.append(refused.value.status)
    shown, ended = run("outbox", url=emulator), run("outage", "0", url=emulator)

    assert (announced.stdout, codes) == ("the next 3 requests to the REST API will fail with 503\n", [503, 503])
    assert (shown.exit_code, ended.exit_code, send(emulator)[:2]) == (0, 0, "SM")


def test_reset_forgets_all_but_the_start(texted: str) -> None:
    """The number from the start must still be answered, while messages and phones are reset."""
    send(texted)
    run("phone", PHONE, "--status", "failed", url=texted)
    done = run("reset", url=texted)

    assert (done.exit_code, done.stdout) == (0, "the emulator was reset to its initial state\n")
    assert run("outbox", url=texted).stdout == "no messages yet\n"
    assert run("phone", PHONE, url=texted).stdout.startswith(f"{PHONE}: messages to it end as delivered\n")
    assert run("text", "hours", url=texted).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["phone"], "PHONE", id="no phone"),
        pytest.param(["phone", PHONE, "--error-code", "30005"], "--status undelivered or failed", id="only a code"),
        pytest.param(
            ["phone", PHONE, "--status", "sent", "--error-code", "30005"],
            "undelivered or failed",
            id="code of a sent",
        ),
        pytest.param(["clock", "--advance", "-1"], "--advance", id="back in time"),
        pytest.param(["outage", "many"], "COUNT", id="no count"),
    ],
)
def test_wrong_usage_exits_2_before_anything_is_asked(arguments: list[str], says: str) -> None:
    """The error must say what to type, and the emulator must not change."""
    result = run(*arguments)

    assert (result.exit_code, result.stdout, says in result.stderr) == (2, "", True), result.stderr
    assert PASSWORD not in result.stderr


def test_text_to_a_number_without_a_url_says_why_nobody_answers(tmp_path: Path) -> None:
    """Twilio does not complain about such a number, but nobody answered."""
    seed = tmp_path / "seed.toml"
    seed.write_text(f'[[numbers]]\nphone_number = "{NUMBER}"\n')
    with started("--seed", str(seed)) as process:
        turn = run("text", "hi", url=process.url)
        status, document = seen(run("text", "hi", "--json", url=process.url))

    assert (turn.exit_code, status, document["replies"], document["problems"]) == (1, 1, [], [])
    assert document["unrouted"]
    assert document["unrouted"] in turn.stdout
    assert "the app sent no reply" not in turn.stdout
