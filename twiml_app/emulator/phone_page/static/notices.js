// What concerns the whole page: whether the program runs, and whether the emulator is reached.

import { byId, fill, make, text } from "./dom.js";
import { model, on } from "./model.js";

const PILLS = { running: ["good", "Running"], starting: ["warn", "Starting…"], failed: ["bad", "Failed to load"] };

let isReached = true;

/** Set up the notices. */
export function startNotices() {
  on("program", draw);
  draw();
}

function draw() {
  const { program, numbers } = model.state;
  drawPill();
  fill(byId("notices"), program?.state === "failed" ? failure(program) : numbers.some((each) => each.is_answered) ? null : unanswered());
}

function drawPill() {
  const [tone, words] = PILLS[model.state.program?.state] ?? [];
  // What is known of the program is old while the emulator is not reached.
  fill(byId("program"), words && isReached ? make("span", { className: `pill ${tone}` }, make("span", { className: "dot" }), words) : null);
}

function failure({ detail }) {
  const reason = detail.trim().split("\n").at(-1);
  const trace = make("pre", { tabIndex: 0, attributes: { role: "group" }, aria: { label: "Traceback" } }, detail.trim());
  // On the screen of a phone it would leave no room for the conversation.
  const hasRoom = matchMedia("(min-width: 720px)").matches;
  return make(
    "div",
    { className: "banner", attributes: { role: "alert" } },
    make("p", {}, make("strong", {}, "Your program failed to load. "), "Texts are not answered until it loads: correct it and save."),
    make("p", {}, make("code", {}, reason)),
    make("details", { open: hasRoom }, make("summary", {}, "Traceback"), trace),
  );
}

function unanswered() {
  const { program_note: note } = model.state;
  return make(
    "div",
    { className: "banner calm" },
    make("p", {}, make("strong", {}, "No number is answered. "), note ? "Start the emulator with a number and its Message URL: twiml-app emulator --number." : "The program has not registered its number yet."),
  );
}

/** Show whether the emulator is reached. */
export function showConnection(isOnline) {
  if (isOnline === isReached) return;
  isReached = isOnline;
  drawPill();
  const pill = isOnline ? null : make("span", { className: "pill bad" }, make("span", { className: "dot" }), text("span", "", "Not connected: trying again"));
  fill(byId("connection"), pill);
}
