// Run a conversation again against the code as it is now, by a button or after every reload.

import { post } from "./api.js";
import { answersOf } from "./answers.js";
import { attempt, confirmed } from "./dialogs.js";
import { button, byId, fill, icon, make, spoken, text } from "./dom.js";
import { currentKey, isCurrent, keyOf, model, on, tell } from "./model.js";
import { counted, leftOutWords } from "./words.js";

const AGREED = "twiml-run-agreed";
let running = "";

/** Set up the button and the line with the result. */
export function startRuns() {
  byId("run-button").addEventListener("click", run);
  on("runs current program", draw);
  draw();
}

/** Return whether the open conversation runs again after every reload. */
export function isAutomatic() {
  const chosen = model.state.auto_run;
  return Boolean(chosen && model.current && isCurrent(chosen));
}

/** Take the result of a run. */
export function takeRun(result) {
  model.runs.set(keyOf(result), result);
  tell("runs");
}

async function run() {
  if (model.state.program_note || running || !(await isAgreed())) return;
  const { contact, number } = model.current;
  running = currentKey();
  draw();
  // Why a run was not possible stays to be read, like the result of one.
  const failed = (problem) => ({ contact, number, answers: [], error: problem.message });
  const result = await post("run", { contact, number }).catch(failed);
  running = "";
  takeRun(result);
}

/** Return whether the warning about side effects was read; it is shown once per session. */
async function isAgreed() {
  if (sessionStorage.getItem(AGREED)) return true;
  const agreed = await confirmed("Run the conversation again?", model.state.run_warning, "Run again");
  if (agreed) sessionStorage.setItem(AGREED, "yes");
  return agreed;
}

/** Switch running again after every reload. */
export async function setAutomatic(isOn) {
  if (isOn && !(await isAgreed())) return tell("runs");
  const { contact, number } = model.current;
  const answer = await attempt(() => post("auto-run", { contact, number, on: isOn }));
  if (answer) model.state.auto_run = answer.auto_run;
  return tell("runs");
}

function draw() {
  drawButton();
  fill(byId("run-result"), resultOf(model.runs.get(currentKey())));
}

function drawButton() {
  const opener = byId("run-button");
  const note = model.state.program_note;
  const isRunning = running && running === currentKey();
  fill(
    opener,
    icon("again"),
    make("span", { className: "long" }, isRunning ? "Running…" : "Run again"),
    isAutomatic() ? make("span", { className: "pill" }, "auto") : null,
  );
  opener.disabled = Boolean(note || running || !model.current);
  opener.title = note || "Play the whole conversation against the code as it is now";
}

function resultOf(result) {
  if (!result) return null;
  const answers = answersOf(result);
  const changed = answers.filter((each) => each.changed);
  const forget = button("", () => [model.runs.delete(currentKey()), tell("runs"), byId("run-button").focus()], { className: "plain square" });
  forget.append(icon("close"), spoken("Dismiss"));
  const show = () => document.querySelector(".changed summary")?.focus();
  const words = !answers.length
    ? "Run again: no answers to compare"
    : changed.length
    ? `Run again: ${changed.length} of ${counted(answers.length, "answer")} changed`
    : `Run again: ${answers.length === 1 ? "the answer is" : `all ${answers.length} answers are`} the same`;
  const tone = result.error ? "bad" : changed.length ? "warn" : "good";
  return make(
    "div",
    { className: `result ${tone}` },
    text("strong", "", result.error ? "It could not run" : words),
    result.error ? text("span", "small", result.error) : null,
    result.left_out ? text("span", "small", leftOutWords(result.left_out)) : null,
    changed.length ? button("Show", show, { className: "plain" }) : null,
    forget,
  );
}
