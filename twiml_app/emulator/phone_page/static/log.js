// The open conversation: its messages in a bounded log that grows at the end, and by older messages on demand.

import { bubble } from "./bubble.js";
import { attempt } from "./dialogs.js";
import { button, byId, make, text } from "./dom.js";
import { loadNewest, loadOlder, model, on, select } from "./model.js";
import { channelName, dayOf, named } from "./words.js";

/** Messages from the same side within this many seconds are drawn close to each other. */
const JOINED_S = 90;
/** How near its end a log has to be to follow new messages, in pixels. */
const NEAR_END = 80;

let shown = new Map();

/** Set up the log. */
export function startLog() {
  const log = byId("log");
  log.addEventListener("keydown", walk);
  log.addEventListener("scroll", () => isNearEnd() && !model.hasNewer && (byId("to-end").hidden = true));
  byId("to-end").addEventListener("click", () => attempt(toEnd));
  on("current", clear);
  on("messages", draw);
  on("runs", () => draw({ isAgain: true }));
  on("selected", markSelected);
}

async function toEnd() {
  byId("to-end").hidden = true;
  if (model.hasNewer) await loadNewest();
  scrollToEnd();
  byId("text").focus();
}

function clear() {
  shown = new Map();
  byId("log").replaceChildren();
  byId("to-end").hidden = true;
}

function isNearEnd() {
  const log = byId("log");
  return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;
}

function scrollToEnd() {
  byId("log").scrollTop = byId("log").scrollHeight;
}

/** Draw what has changed: a new message is added, a changed one replaced, everything else drawn again. */
function draw({ isNew = false, sid = "", atEnd = false, keepPlace = false, isAgain = false } = {}) {
  const wasNearEnd = isNearEnd();
  if (sid && !isNew) return redraw(sid);
  if (isNew && [...model.messages.keys()].at(-1) === sid) append(sid);
  else drawAll({ keepPlace: keepPlace || isAgain });
  if (atEnd || (wasNearEnd && !keepPlace)) scrollToEnd();
  else if (isNew) byId("to-end").hidden = false;
}

function append(sid) {
  const log = byId("log");
  log.querySelector(".empty")?.remove();
  const message = model.messages.get(sid);
  const before = [...model.messages.values()].at(-2);
  const element = elementOf(message, before);
  element.classList.add("arrives");
  if (isNewDay(message, before)) log.append(dayLine(message));
  log.append(element);
  // The answer of a run moves to the last reply.
  if (message.in_reply_to) redraw(message.in_reply_to);
  for (const old of shown.keys()) {
    if (model.messages.has(old)) break;
    shown.get(old).remove();
    shown.delete(old);
  }
  drawOlder();
  rove();
}

function drawAll({ keepPlace }) {
  const log = byId("log");
  const fromEnd = log.scrollHeight - log.scrollTop;
  // Whole pages of messages are not news: only what arrives later is read aloud.
  log.setAttribute("aria-busy", "true");
  shown = new Map();
  const elements = [];
  let before;
  for (const message of model.messages.values()) {
    if (isNewDay(message, before)) elements.push(dayLine(message));
    elements.push(elementOf(message, before));
    before = message;
  }
  log.replaceChildren(...(elements.length ? elements : [empty()]));
  drawOlder();
  rove();
  if (keepPlace) log.scrollTop = log.scrollHeight - fromEnd;
  byId("to-end").hidden = !model.hasNewer;
  requestAnimationFrame(() => log.removeAttribute("aria-busy"));
}

function elementOf(message, before) {
  const element = bubble(message);
  if (before && before.direction === message.direction && message.date - before.date < JOINED_S) element.classList.add("joined");
  if (message.sid === model.selected) element.classList.add("selected");
  shown.set(message.sid, element);
  return element;
}

function redraw(sid) {
  const old = shown.get(sid);
  const message = model.messages.get(sid);
  if (!old || !message) return;
  const fresh = bubble(message);
  for (const name of ["joined", "selected"]) fresh.classList.toggle(name, old.classList.contains(name));
  const meta = old.querySelector(".meta");
  const hasFocus = document.activeElement === meta;
  fresh.querySelector(".meta").tabIndex = meta.tabIndex;
  // A changed status replaces the line below; the text stays, so that it is not read aloud again.
  const parts = [...fresh.children].slice(1);
  while (old.children.length > 1) old.lastElementChild.remove();
  old.append(...parts);
  old.className = fresh.className;
  if (hasFocus) old.querySelector(".meta").focus({ preventScroll: true });
}

function isNewDay(message, before) {
  return !before || dayOf(message.date) !== dayOf(before.date);
}

function dayLine(message) {
  return text("p", "day", dayOf(message.date));
}

function drawOlder() {
  const log = byId("log");
  const known = log.querySelector(".older");
  if (!model.hasOlder) return known?.remove();
  if (!known) log.prepend(button("Older messages", () => attempt(loadOlder), { className: "older", data: { key: "older" } }));
}

function empty() {
  const { contact, number, channel } = model.current;
  return make(
    "div",
    { className: "empty" },
    text("h3", "", `Text ${named(number) || "your number"}`),
    text("p", "", `This is the phone ${named(contact)} (${channelName(channel)}). What you write below reaches your program as a webhook; its replies arrive here.`),
  );
}

function markSelected() {
  for (const [sid, element] of shown) element.classList.toggle("selected", sid === model.selected);
  rove();
}

/** Keep one message in the order of the Tab key: the selected one, or the last. */
function rove(wanted = undefined) {
  const metas = [...byId("log").querySelectorAll(".meta")];
  const chosen = wanted ?? metas.find((each) => each.dataset.key === model.selected) ?? metas.at(-1);
  for (const each of metas) each.tabIndex = each === chosen ? 0 : -1;
}

/** Move between messages by the arrow keys. */
function walk(event) {
  if (!event.target.classList.contains("meta")) return;
  const metas = [...byId("log").querySelectorAll(".meta")];
  const at = metas.indexOf(event.target);
  const next = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: metas.length - 1 }[event.key];
  if (event.key === "Escape") return select("");
  if (next === undefined || !metas[next]) return;
  event.preventDefault();
  rove(metas[next]);
  metas[next].focus();
}
