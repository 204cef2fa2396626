"""The phone page in a real browser: chats, pictures, failures, hostile text, small screens, keyboards.

Every window also proves that nothing is wrong in the console and that no request leaves the emulator.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, FilePayload, expect

from tests.browser import NARROW, WIDE, Window, is_inside
from tests.emulator.phone_page.browser.page import PNG, png, violations, write
from tests.emulator.program import CONTACT, NUMBER
from twiml_app.emulator import Emulator
from twiml_app.segments import segment, utf16_units

pytestmark = pytest.mark.slow

Open = Callable[..., Window]
HOSTILE = "<b>bold</b> <img src=x onerror=alert(1)> & 😀👩‍👩‍👧 שלום {{ 7 * 7 }}\n"


def test_chat_goes_both_ways_and_shows_what_happened(window: Open) -> None:
    """This is what the page is for."""
    with window() as page:
        write(page, "order 2 coffee")
        reply = page.locator(".outbound", has_text="Thanks! 2 coffee will be ready in ten minutes.")
        expect(reply.get_by_title("delivered")).to_be_visible()
        page.locator(".inbound .meta").click()
        story = page.get_by_label("What happened", exact=True)

        expect(story.get_by_role("heading", name="Asked for credentials 401")).to_be_visible()
        expect(story.get_by_role("heading", name="Message URL 200")).to_be_visible()
        expect(story.get_by_text("Signature valid").first).to_be_visible()
        expect(story.get_by_text("Handler not known")).to_be_visible()
        expect(story.get_by_text("<Response>")).to_be_visible()
        story.get_by_role("button", name="Thanks! 2 coffee").click()
        expect(story.get_by_text("Status callbacks")).to_be_visible()


def test_message_of_the_program_arrives_while_the_page_is_open(window: Open, twilio: Emulator) -> None:
    """A program may write first, to a phone that the page does not know yet."""
    with window() as page:
        twilio.client().messages.create(to="+15558675399", from_=NUMBER, body="Your table is free.")
        page.get_by_role("button", name="(555) 867-5399").click()

        expect(page.locator(".outbound", has_text="Your table is free.")).to_be_visible()


def test_delivery_ends_as_a_button_says(window: Open, twilio: Emulator) -> None:
    """The message waits for the decision, then shows the code in red with its text, and what to do."""
    twilio.phone(CONTACT).will("sent")
    with window() as page:
        write(page, "order 1 tea")
        page.locator(".outbound .meta").click()
        page.get_by_label("Error code", exact=True).fill("30005")
        page.get_by_role("button", name="Fails with").click()

        expect(page.locator(".outbound .meta > .bad").last).to_contain_text("not delivered, 30005: ")
        expect(page.locator(".details .alarm")).to_contain_text("30005")
    (message,) = twilio.outbox
    assert (message.status, message.error_code) == ("undelivered", 30005)


def test_click_is_not_lost_when_something_happens_between_press_and_release(window: Open, twilio: Emulator) -> None:
    """The story is drawn again with each event, and a button that was replaced meanwhile gets no click."""
    twilio.phone(CONTACT).will("sent")
    with window() as page:
        write(page, "order 1 tea")
        page.locator(".outbound .meta").click()
        story = page.get_by_label("What happened", exact=True)
        story.get_by_role("button", name="Close").hover()
        page.mouse.down()
        story.get_by_role("button", name="Fails with").dispatch_event("click")
        expect(page.locator(".outbound .meta > .bad").last).to_be_visible()
        page.wait_for_timeout(500)  # longer than the pane waits before it draws
        page.mouse.up()

        expect(story.get_by_role("button", name="Close")).to_be_hidden()


def test_exception_of_a_handler_is_shown_with_what_to_do(window: Open) -> None:
    """The sender of a text sees nothing, so the page has to say it."""
    with window() as page:
        write(page, "crash")
        page.locator(".inbound .meta", has_text="1 problem").click()

        expect(page.locator(".details .alarm").first).to_contain_text("Error 11200")


def test_pictures_go_both_ways(window: Open, twilio: Emulator) -> None:
    """One is picked, one dropped."""
    with window() as page:
        page.locator("#files").set_input_files({"name": "owl.png", "mimeType": "image/png", "buffer": PNG})
        page.evaluate(
            """([bytes]) => {
                const files = new DataTransfer();
                files.items.add(new File([new Uint8Array(bytes)], "cat.png", { type: "image/png" }));
                const drop = new DragEvent("drop", { dataTransfer: files, bubbles: true });
                document.getElementById("chat").dispatchEvent(drop);
            }""",
            [list(PNG)],
        )
        expect(page.get_by_role("button", name="Remove cat.png")).to_be_visible()
        page.get_by_role("button", name="Send", exact=True).click()

        expect(page.locator(".inbound .pictures img")).to_have_count(2)
        expect(page.locator(".outbound .pictures img")).to_have_js_property("naturalWidth", 1)
    assert [message.num_media for message in twilio.outbox] == [1]


def test_good_files_are_kept_and_the_refused_ones_named(window: Open) -> None:
    """Somebody may pick a whole folder."""
    good = [FilePayload(name=f"{n}.png", mimeType="image/png", buffer=PNG) for n in range(11)]
    other = [FilePayload(name=name, mimeType="text/plain", buffer=b"#") for name in ("README.md", "notes.txt")]
    with window() as page:
        page.locator("#files").set_input_files([*other, good[0]])
        expect(page.get_by_role("button", name="Remove 0.png")).to_be_visible()
        problem = page.locator("#send-problem")
        expect(problem).to_have_text("Not added: README.md, notes.txt. Phones send pictures: JPEG, PNG, GIF or WebP.")

        page.locator("#files").set_input_files(good[1:])
        expect(page.locator("#attached li")).to_have_count(10)
        expect(problem).to_have_text("Not added: 10.png. A message can have at most 10 pictures.")


def test_log_stays_at_its_end_while_pictures_load(window: Open, twilio: Emulator) -> None:
    """The height of a picture is known late; a banner above takes room of the log; whoever reads further up stays."""
    for number in range(15):
        twilio.client().messages.create(to=CONTACT, from_=NUMBER, body=f"message {number}")
    with window() as page:
        log = page.locator("#log")
        for count in (1, 2):
            page.locator("#files").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": png(300, 400)})
            write(page, "p")
            expect(page.locator(".outbound", has_text="Here is ours:")).to_have_count(count)
            expect(page.locator(".inbound .pictures img").last).to_have_js_property("naturalWidth", 300)
            expect(page.locator(".outbound .pictures img").last).to_have_js_property("naturalWidth", 1)
            expect(page.locator(".outbound .meta").last).to_be_in_viewport(ratio=1)
            expect(page.get_by_role("button", name="New messages")).to_be_hidden()
        page.evaluate("document.getElementById('run-result').style.height = '120px'")
        expect(page.locator(".outbound .meta").last).to_be_in_viewport(ratio=1)

        log.evaluate("(log) => (log.scrollTop -= 300)")
        twilio.client().messages.create(to=CONTACT, from_=NUMBER, body="news")
        expect(page.get_by_role("button", name="New messages")).to_be_visible()
        assert log.evaluate("(log) => log.scrollHeight - log.scrollTop - log.clientHeight") >= 299


def test_hostile_text_stays_text(window: Open) -> None:
    """Anybody can text a number, and the reply may repeat it."""
    text = HOSTILE + "x" * (1600 - utf16_units(HOSTILE))
    with window() as page:
        page.get_by_label("Text from this phone").fill(text + "!")
        expect(page.locator("#counter")).to_contain_text("1601 / 1600: too long")
        write(page, text)

        for side in (".inbound", ".outbound"):
            expect(page.locator(f"{side} .bubble p")).to_have_js_property("textContent", text)
        assert page.locator(".bubble b, .bubble img").count() == 0
        assert is_inside(page)


def test_counter_agrees_with_what_is_billed(window: Open) -> None:
    """A counter that is wrong is worse than none."""
    with window() as page:
        for text in ("a" * 161, "€" * 80 + "[", "😀" * 36, "👩‍👩‍👧" * 20, "é" * 100 + "e\u0301" * 40, "ab\n" * 60):
            page.get_by_label("Text from this phone").fill(text)
            billed = segment(page.get_by_label("Text from this phone").input_value())

            expect(page.locator("#counter")).to_contain_text(f"{billed.count} segments · {billed.encoding} ·")


def test_page_fits_the_screen_of_a_phone(window: Open) -> None:
    """The three panes are shown one at a time."""
    with window(size=NARROW) as page:
        write(page, "order 3 tea")
        page.locator(".outbound .meta").click()
        story = page.get_by_label("What happened", exact=True)
        expect(story).to_be_in_viewport(ratio=0.9)
        assert is_inside(page)

        story.get_by_role("button", name="Close").click()
        expect(story).to_be_hidden()
        page.get_by_role("button", name="All phones").click()
        page.get_by_role("button", name="(555) 867-5310").click()
        expect(page.get_by_label("Text from this phone")).to_be_in_viewport()
        assert is_inside(page)


def test_everything_is_reached_by_keyboard(window: Open) -> None:
    """From the link to the field, through the messages, into the story of one and back."""
    with window() as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the message field")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_label("Text from this phone")).to_be_focused()
        for text in ("order 1 tea", "order 2 tea"):
            page.keyboard.type(text)
            page.keyboard.press("Enter")
            expect(page.locator(".outbound", has_text=text[6:])).to_be_visible()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        expect(page.locator(".message.selected")).to_contain_text("order 2 tea")
        page.keyboard.press("Escape")

        expect(page.locator(".message.selected")).to_have_count(0)
        expect(page.locator(".inbound .meta").last).to_be_focused()


def test_older_messages_are_loaded_on_demand(window: Open, twilio: Emulator) -> None:
    """A long conversation must not slow the page down."""
    for number in range(60):
        twilio.client().messages.create(to=CONTACT, from_=NUMBER, body=f"message {number}")
    with window() as page:
        expect(page.locator(".message")).to_have_count(50)
        page.get_by_role("button", name="Older messages").click()

        expect(page.locator(".message")).to_have_count(60)
        expect(page.locator(".message").first).to_contain_text("message 0")


def test_page_goes_on_after_the_connection_was_lost(window: Open, twilio: Emulator) -> None:
    """What happened meanwhile is shown, once."""
    opened = window()
    cut = {"status": 200, "content_type": "text/event-stream", "body": "retry: 50\n\n"}
    opened.context.route("**/_phone/events*", lambda route: route.fulfill(**cut))
    with opened as page:
        twilio.phone(CONTACT).text("order 4 tea")
        opened.context.unroute("**/_phone/events*")

        expect(page.locator(".outbound", has_text="4 tea")).to_have_count(1)


def test_page_polls_where_streams_are_refused(window: Open, twilio: Emulator) -> None:
    """There are only so many streams."""
    opened = window()
    opened.context.route("**/_phone/events*", lambda route: route.fulfill(status=503))
    with opened as page:
        twilio.phone(CONTACT).text("order 5 tea")

        expect(page.locator(".outbound", has_text="5 tea")).to_have_count(1)
        opened.problems.clear()  # the browser reports the refused stream


def test_fault_is_added_and_removed(window: Open, twilio: Emulator) -> None:
    """A program has to be seen while things go wrong."""
    with window() as page:
        page.get_by_role("button", name="Faults").click()
        page.get_by_label("What goes wrong").select_option("webhook-drop")
        page.get_by_role("button", name="Let it happen").click()
        expect(page.get_by_text("1 time more")).to_be_visible()
        page.get_by_role("button", name="Close").click()
        write(page, "order 6 tea")

        page.locator(".inbound .meta", has_text="1 problem").click()
        expect(page.locator(".details .alarm").first).to_contain_text("Error 11205")
    assert [rule.happened for rule in twilio.faults.all()] == [1]


def test_clock_is_switched_and_moved(window: Open, twilio: Emulator) -> None:
    """A reminder for tomorrow is tried today."""
    with window() as page:
        page.get_by_role("button", name="Clock:").click()
        page.get_by_label("Stepped").check()
        expect(page.locator("#said")).to_have_text("The clock is now stepped.")
        before = twilio.clock.now()
        page.get_by_role("button", name="1 hour later", exact=True).click()
        expect(page.get_by_role("button", name="One hour later")).to_be_visible()
        expect(page.locator("#said")).to_have_text("It is 1 hour later.")
    assert twilio.clock.now() == before + 3600


def test_real_clock_is_moved_and_goes_on(browser: Browser, start: Callable[..., Emulator]) -> None:
    """As in a chat in the terminal."""
    twilio = start(clock="real")
    with Window(browser, f"{twilio.url}/") as page:
        page.get_by_role("button", name="Clock:").click()
        before = twilio.clock.now()
        page.get_by_role("button", name="1 hour later", exact=True).click()
        expect(page.locator("#said")).to_have_text("It is 1 hour later.")
        expect(page.get_by_label("Real")).to_be_checked()
    assert twilio.clock.kind == "real"
    assert 3600 <= twilio.clock.now() - before < 3700


@pytest.mark.parametrize(
    ("size", "scheme"),
    [pytest.param(WIDE, "light", id="wide and light"), pytest.param(NARROW, "dark", id="narrow and dark")],
)
def test_page_is_accessible(window: Open, size: tuple[int, int], scheme: str) -> None:
    """Checked by axe in every state that has parts of its own."""
    with window(size=size, scheme=scheme) as page:
        write(page, "crash")
        write(page, "order 7 tea")
        expect(page.locator(".outbound", has_text="7 tea")).to_be_visible()
        assert violations(page) == []
        page.locator(".inbound .meta", has_text="1 problem").click()
        expect(page.locator(".details .step").last).to_be_visible()
        assert violations(page) == []
        page.locator(".details").get_by_role("button", name="Close").click()
        for name in ("Faults", "Clock:", "More for this conversation", "How it arrives"):
            page.get_by_role("button", name=name).click()
            assert violations(page) == [], name
            page.keyboard.press("Escape")
