// The emulator's clock: what time it is, which kind of clock, and moving it.

import { post } from "./api.js";
import { attempt, menu, say } from "./dialogs.js";
import { button, byId, fill, icon, make, spoken, text } from "./dom.js";
import { model, on, tell } from "./model.js";
import { clockTime, fullTime } from "./words.js";

const KINDS = [
  ["real", "Real", "as time passes"],
  ["fast", "Fast", "100 times as fast"],
  ["step", "Stepped", "it moves when you move it"],
];
const STEPS = [
  [60, "1 minute later"],
  [3600, "1 hour later"],
  [86400, "1 day later"],
];
const TICK_MS = 1_000;

/** When the current document of the clock came, by the browser's own clock. */
let since = performance.now();
let redraw = () => {};

/** Set up the clock. */
export function startClock() {
  menu("clock-menu", "clock-button", menuOf);
  byId("hour-later").addEventListener("click", () => advance(3600));
  on("clock", () => {
    since = performance.now();
    draw();
    redraw();
  });
  setInterval(() => document.hidden || draw(), TICK_MS);
  draw();
}

/** Return the emulator's time now. */
export function now() {
  const { now: then, speed } = model.state.clock;
  return then + ((performance.now() - since) / 1000) * speed;
}

function draw() {
  const { kind, can_advance: canAdvance } = model.state.clock;
  const words = `${clockTime(now())}${kind === "real" ? "" : ` · ${kind}`}`;
  byId("hour-later").hidden = !canAdvance;
  const opener = byId("clock-button");
  if (opener.dataset.words === words) return;
  opener.dataset.words = words;
  fill(opener, icon("clock"), spoken("Clock: "), make("span", { className: "time" }, words));
  opener.title = fullTime(now());
}

/** Take the clock that an answer or an event has. */
export function takeClock(clock) {
  model.state.clock = clock;
  tell("clock");
}

async function change(document, words) {
  const answer = await attempt(() => post("clock", document));
  if (!answer) return;
  takeClock(answer.clock);
  say(words);
}

function advance(seconds) {
  const words = STEPS.find(([each]) => each === seconds)[1];
  return change({ advance: seconds }, `It is ${words}.`);
}

function menuOf() {
  const body = make("div", { className: "stack" });
  const drawBody = () => fill(body, ...contentOf());
  redraw = () => byId("clock-menu").matches(":popover-open") && drawBody();
  drawBody();
  return [body];
}

function contentOf() {
  const { kind } = model.state.clock;
  const choice = ([value, label, words]) =>
    make(
      "label",
      { className: "check" },
      make("input", {
        type: "radio",
        name: "clock",
        value,
        checked: kind === value,
        data: { key: `clock-${value}` },
        on: { change: () => change({ kind: value }, `The clock is now ${label.toLowerCase()}.`) },
      }),
      make("span", {}, label, " ", make("span", { className: "quiet small" }, words)),
    );
  return [
    make("h2", {}, fullTime(now())),
    make("fieldset", { className: "stack tight" }, text("legend", "spoken", "Kind of clock"), ...KINDS.map(choice)),
    make(
      "div",
      { className: "row" },
      ...STEPS.map(([seconds, words]) => button(words, () => advance(seconds), { data: { key: `later-${seconds}` } })),
    ),
    button("Finish everything in transit", () => change({ settle: true }, "Everything has arrived or failed."), { data: { key: "settle" } }),
  ];
}
