// "What happened": the story of the selected message, and what can be done to it.

import { get, post } from "./api.js";
import { copyExport } from "./exports.js";
import { sendAgain } from "./composer.js";
import { attempt, say } from "./dialogs.js";
import { button, byId, fill, icon, make, spoken, text } from "./dom.js";
import { model, on, select } from "./model.js";
import { alarms, made, steps } from "./story.js";
import { exactTime, named, statusIcon, statusTone, statusWords } from "./words.js";

/** Events come in bursts: the story is loaded again once they pause. */
const PAUSE_MS = 120;
const NO_REQUESTS = "No request to your program is known: it may not have been called, or the emulator has forgotten it.";

let due = 0;
let loaded = null;
let opener = null;
let isPressed = false;

/** Set up the pane. */
export function startDetails() {
  on("selected", () => {
    const isOpen = Boolean(model.selected);
    if (isOpen && !byId("details").contains(document.activeElement)) opener = document.activeElement;
    byId("page").dataset.details = isOpen ? "open" : "";
    loaded = null;
    draw();
    if (isOpen) load();
  });
  on("current", () => select(""));
  on("happened", ({ sid }) => isShown(sid) && loadSoon());
  byId("details").addEventListener("keydown", (event) => event.key === "Escape" && close());
  byId("details").addEventListener("pointerdown", () => { isPressed = true; });
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(() => { isPressed = false; }));
  draw();
}

function isShown(sid) {
  if (!sid || !model.selected) return false;
  return sid === model.selected || loaded?.made.some((each) => each.sid === sid);
}

function loadSoon() {
  clearTimeout(due);
  due = setTimeout(load, PAUSE_MS);
}

async function load() {
  if (isPressed) return loadSoon(); // a button that is drawn again between press and release would not be clicked
  const sid = model.selected;
  const details = await attempt(() => get(`messages/${sid}`));
  if (!details || sid !== model.selected) return;
  if (isPressed) return loadSoon();
  const isFirst = loaded === null;
  loaded = details;
  draw();
  // Where the pane covers the conversation, the focus has to follow.
  if (isFirst && isOverlay()) byId("details").focus({ preventScroll: true });
}

function isOverlay() {
  return getComputedStyle(byId("details")).position === "absolute";
}

function close() {
  const sid = model.selected;
  select("");
  const meta = byId("log").querySelector(`[data-key="${CSS.escape(sid)}"]`);
  (meta ?? opener ?? byId("text")).focus();
}

function draw() {
  const pane = byId("details");
  if (!model.selected) return fill(pane, head(), make("div", { className: "scrolls" }, nothing()));
  const scrolled = pane.querySelector(".scrolls")?.scrollTop ?? 0;
  const opened = new Set([...pane.querySelectorAll(".step")].flatMap((step, at) => openParts(step, at)));
  fill(pane, head(), make("div", { className: "scrolls" }, ...(loaded ? whole(loaded) : [text("p", "quiet", "Loading…")])));
  for (const [at, step] of [...pane.querySelectorAll(".step")].entries()) {
    for (const [part, each] of [...step.querySelectorAll("details")].entries()) if (opened.has(`${at} ${part}`)) each.open = true;
  }
  pane.querySelector(".scrolls").scrollTop = scrolled;
}

function openParts(step, at) {
  return [...step.querySelectorAll("details")].flatMap((each, part) => (each.open ? [`${at} ${part}`] : []));
}

function head() {
  const isOpen = Boolean(model.selected);
  return make(
    "div",
    { className: "pane-head" },
    make("h2", {}, "What happened"),
    isOpen
      ? make("button", { type: "button", className: "plain square", data: { key: "close" }, on: { click: close } }, icon("close"), spoken("Close"))
      : null,
  );
}

function nothing() {
  return make(
    "div",
    { className: "empty" },
    text("p", "", "Choose a message to see its webhook, the handler that ran, the TwiML, what came of it, and what went wrong."),
  );
}

function whole(details) {
  const { message, debugger: entries, requests, parent } = details;
  const isInbound = message.direction === "inbound";
  return [
    summary(message, parent),
    ...alarms(entries),
    isInbound ? actionsOfText(message) : actionsOfReply(message),
    make(
      "div",
      { className: "story" },
      make("h3", {}, isInbound ? "The webhook" : "Status callbacks"),
      requests.length ? make("ol", {}, ...steps(details)) : text("p", "small quiet", details.untold || NO_REQUESTS),
    ),
    isInbound ? make("div", { className: "story" }, make("h3", {}, "What came of it"), made(details.made)) : null,
  ];
}

function summary(message, parent) {
  const { direction, status, error, date, sid, num_segments: segments, encoding, contact, number } = message;
  const isInbound = direction === "inbound";
  const [from, to] = isInbound ? [contact, number] : [number, contact];
  const tone = statusTone(status);
  return make(
    "div",
    { className: "summary" },
    make(
      "p",
      { className: "row" },
      make("span", { className: `pill ${tone}` }, isInbound ? null : icon(statusIcon(status)), statusWords(status)),
      make("span", { className: "small" }, `${named(from)} → ${named(to)}`),
    ),
    error ? make("div", { className: "alarm" }, make("p", {}, make("strong", {}, `Error ${error.code}`), ` ${error.text}. ${error.advice}`)) : null,
    text("p", "small quiet", `${exactTime(date)} · ${segments} ${segments === 1 ? "segment" : "segments"} · ${encoding}`),
    make("p", { className: "small sid" }, make("code", {}, sid)),
    parent ? make("p", {}, button("Show the text it replies to", () => select(parent), { data: { key: "parent" } })) : null,
  );
}

function actionsOfText({ sid, can }) {
  const is = (action) => can.includes(action);
  const duplicate = async () => {
    const answer = await post(`messages/${sid}/duplicate`);
    say(answer.problem || `Answered ${answer.status}: ${answer.is_same ? "the same answer, as it should be" : "a different answer"}.`, !answer.is_same);
  };
  return make(
    "div",
    { className: "actions" },
    make(
      "div",
      { className: "row" },
      button("Send again", () => sendAgain(sid, 0), { disabled: !is("again"), data: { key: "again" } }),
      button("Send 1 minute late", () => sendAgain(sid, 60), { disabled: !is("again"), data: { key: "late" } }),
      button("Duplicate", () => attempt(duplicate), {
        disabled: !is("duplicate"),
        data: { key: "duplicate" },
        title: "The same webhook with the same MessageSid",
      }),
      button("Copy as curl", () => copyExport("curl", sid), { data: { key: "curl" } }),
    ),
  );
}

function actionsOfReply(message) {
  const { can } = message;
  if (!can.length) return text("p", "actions small quiet", "Its delivery has ended. “Delivery” in the menu of the conversation decides what happens to the next ones.");
  const code = make("input", {
    id: "fails-with",
    inputMode: "numeric",
    value: "30005",
    attributes: { list: "error-codes", "aria-label": "Error code" },
    data: { key: "code" },
  });
  const force = (status) =>
    attempt(() => post(`messages/${message.sid}/status`, { status, ...(status === "failed" ? { error_code: Number(code.value) } : {}) }));
  const one = (status, label, options = {}) => (can.includes(status) ? button(label, () => force(status), { data: { key: status }, ...options }) : null);
  return make(
    "div",
    { className: "actions" },
    text("h3", "", "How it ends"),
    make(
      "div",
      { className: "row" },
      one("delivered", "Delivered"),
      one("read", "Read"),
      one("opted_out", "Opted out"),
    ),
    can.includes("failed") ? make("div", { className: "row" }, one("failed", "Fails with", { className: "danger" }), code) : null,
  );
}
