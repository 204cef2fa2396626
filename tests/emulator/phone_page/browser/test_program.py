"""The phone page next to the program under development: failures to load, run again after an edit, save as test."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import Window
from tests.emulator.phone_page.browser.page import violations, write
from tests.emulator.phone_page.local_program import LocalProgram
from tests.emulator.program import CONTACT, NUMBER
from tests.servers import LIMIT_S, ROOT, clean_environment
from twiml_app import InboundMessage, Router
from twiml_app.emulator import Emulator, ProgramStatus, ReplayedAnswer
from twiml_app.recordings import read_file

pytestmark = pytest.mark.slow

HANDLERS = """
from twiml_app import InboundMessage, Router

router = Router()

@router.message("order <int:count> <item>")
def order(message: InboundMessage, count: int, item: str) -> str:
    return f"Thanks! {count} {item} will be ready in ten minutes."

@router.default
def echo(message: InboundMessage) -> str:
    return message.body

routers = [router]
"""
ENVIRONMENT = clean_environment(TWIML_CREDENTIALS="sms:quite-long-enough", PYTHONPATH=str(ROOT))


@dataclass
class Project:
    """A program in a folder, whose recordings are replayed by ``twiml-app replay``."""

    folder: Path
    current: ProgramStatus = field(default_factory=lambda: ProgramStatus(state="running", generation=1))
    watchers: list[Callable[[ProgramStatus], None]] = field(default_factory=list)

    def edit(self, old: str, new: str) -> None:
        """Change the handlers, and tell who watches."""
        path = self.folder / "handlers.py"
        path.write_text(path.read_text().replace(old, new))
        self.become(ProgramStatus(state="running", generation=self.current.generation + 1))

    def become(self, status: ProgramStatus) -> None:
        """Change the status."""
        self.current = status
        for watcher in self.watchers:
            watcher(status)

    def status(self) -> ProgramStatus:
        """Return the current status."""
        return self.current

    def watch(self, on_change: Callable[[ProgramStatus], None]) -> None:
        """Call this function with every new status."""
        self.watchers.append(on_change)

    def replay(self, recording: str) -> list[ReplayedAnswer]:
        """Replay a recording against the code as it is now."""
        path = self.folder / "recording.jsonl"
        path.write_text(recording)
        done = self.run("-c", "from twiml_app.cli import main; main()", "replay", "--json", "--yes", str(path))
        differing = {each["sid"]: tuple(each["differences"]) for each in json.loads(done)["different"]}
        found = read_file(path)
        return [ReplayedAnswer(sid=each.sid, differences=differing.pop(each.sid, ())) for each in found]

    def save_test(self, name: str, source: str, recording: str) -> Path:
        """Write a test and its recording."""
        tests = self.folder / "tests"
        (tests / "recordings").mkdir(parents=True)
        (tests / "recordings" / f"{name}.jsonl").write_text(recording)
        (tests / f"test_{name}.py").write_text(source)
        return Path("tests", f"test_{name}.py")

    def run(self, *arguments: str) -> str:
        """Run Python in the folder; returns what it prints."""
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=LIMIT_S
        )
        return done.stdout or done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A program with two handlers."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "handlers.py").write_text(HANDLERS)
    return Project(folder)


def test_conversation_runs_again_after_an_edit_and_becomes_a_test(
    browser: Browser, start: Callable[..., Emulator], project: Project
) -> None:
    """Edit, save, see which answers are different; what is right is kept as a test that passes."""
    twilio = start(project)
    with Window(browser, f"{twilio.url}/") as page:
        for text in ("order 2 coffee", "hello"):
            write(page, text)
            expect(page.locator(".outbound")).to_have_count(1 if text != "hello" else 2)
        page.get_by_role("button", name="More for this conversation").click()
        page.get_by_role("button", name="Save as test").click()
        page.get_by_label("Name").fill("orders")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("#said")).to_have_text("Saved: tests/test_orders.py")
        assert "passed" in project.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")

        project.edit("in ten minutes", "in five minutes")
        page.get_by_role("button", name="Run again").click()
        expect(page.get_by_text("Handlers run for real")).to_be_visible()
        page.get_by_role("dialog").get_by_role("button", name="Run again").click()
        expect(page.get_by_text("Run again: 1 of 2 answers changed")).to_be_visible()
        expect(page.locator(".changed .removed")).to_contain_text("in ten minutes")
        expect(page.locator(".changed .added")).to_contain_text("in five minutes")
        assert violations(page) == []

        page.get_by_role("button", name="More for this conversation").click()
        page.get_by_role("switch", name="Run again after every reload").check()
        page.keyboard.press("Escape")
        project.edit("in five minutes", "in ten minutes")
        expect(page.get_by_text("Run again: all 2 answers are the same")).to_be_visible()


def test_run_says_which_answers_changed_and_what_was_left_out(browser: Browser, tmp_path: Path) -> None:
    """A text whose fallback request was answered too has two answers; one that nobody answered has none."""
    router = Router()

    @router.default
    def fail(message: InboundMessage) -> str:
        raise ValueError("out of coffee")

    local = LocalProgram(tmp_path, router)
    with local.emulator(NUMBER) as twilio:
        twilio.phone(CONTACT).text("hi")
        local.reload(problem="SyntaxError")
        twilio.phone(CONTACT).text("hello broken")
        local.settings = {**local.settings, "TWIML_APOLOGY": "Sorry!"}
        local.reload()
        with Window(browser, f"{twilio.url}/") as page:
            page.get_by_role("button", name="Run again").click()
            page.get_by_role("dialog").get_by_role("button", name="Run again").click()

            changed = ["The answer has changed", "The answer to its fallback request has changed"]
            expect(page.locator(".changed summary")).to_have_text(changed)
            left_out = "Left out: 1 message from when your program was not running."
            expect(page.locator("#run-result")).to_contain_text(left_out)
            assert violations(page) == []
            page.get_by_role("button", name="More for this conversation").click()
            page.get_by_role("button", name="Save as test").click()
            page.get_by_role("button", name="Save", exact=True).click()
            expect(page.locator("#said")).to_have_text(f"Saved: test_conversation.py. {left_out}")


def test_program_that_failed_to_load_is_shown_with_its_traceback(
    browser: Browser, start: Callable[..., Emulator], project: Project
) -> None:
    """It says why nothing is answered, until the program loads again."""
    twilio = start(project)
    with Window(browser, f"{twilio.url}/") as page:
        detail = "Traceback\n  line 7\n<b>SyntaxError</b>: invalid"
        project.become(ProgramStatus(state="failed", detail=detail, generation=1))
        banner = page.get_by_role("alert").filter(has_text="Your program failed to load")
        expect(banner.get_by_label("Traceback")).to_have_text(detail)
        assert violations(page) == []

        project.become(ProgramStatus(state="running", generation=2))
        expect(banner).to_have_count(0)
        expect(page.get_by_text("Running")).to_be_visible()


def test_program_is_not_called_running_while_the_emulator_is_not_reached(
    browser: Browser, start: Callable[..., Emulator], project: Project
) -> None:
    """Both have ended, as far as the page can know."""
    twilio = start(project)
    opened = Window(browser, f"{twilio.url}/")
    with opened as page:
        expect(page.get_by_text("Running")).to_be_visible()
        twilio.stop()
        expect(page.get_by_text("Not connected: trying again")).to_be_visible()
        expect(page.get_by_text("Running")).to_have_count(0)
        opened.problems.clear()  # the browser reports the lost stream
