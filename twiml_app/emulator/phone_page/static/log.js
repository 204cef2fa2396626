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
/** What has changed since the last frame; `all` draws everything again. */
let due = { fresh: new Set(), changed: new Set() };
let isDue = false;
/** Whether the log stays at its end, and where it was scrolled to last. */
let follows = true;
let lastTop = 0;

/** Set up the log. */
export function startLog() {
  const log = byId("log");
  log.addEventListener("keydown", walk);
  log.addEventListener("scroll", noteScroll);
  // The height of a picture is known only after the message was drawn; load events do not bubble.
  log.addEventListener("load", stayAtEnd, true);
  new ResizeObserver(stayAtEnd).observe(log);
  byId("to-end").addEventListener("click", () => attempt(toEnd));
  on("current", clear);
  on("messages", drawSoon);
  on("runs", () => drawSoon({ keepPlace: !follows, atEnd: follows }));
  on("selected", markSelected);
}

async function toEnd() {
  byId("to-end").hidden = true;
  if (model.hasNewer) await loadNewest();
  scrollToEnd();
  byId("text").focus();
}

function clear() {
  due = { fresh: new Set(), changed: new Set() };
  shown = new Map();
  follows = true;
  byId("log").replaceChildren();
  byId("to-end").hidden = true;
}

function isNearEnd() {
  const log = byId("log");
  return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;
}

/** Note whether somebody reads further up: only scrolling back means that, not content that grows. */
function noteScroll() {
  const { scrollTop } = byId("log");
  if (isNearEnd()) follows = true;
  else if (scrollTop < lastTop) follows = false;
  lastTop = scrollTop;
  if (follows && !model.hasNewer) byId("to-end").hidden = true;
}

function stayAtEnd() {
  if (follows) scrollToEnd();
}

function scrollToEnd() {
  const log = byId("log");
  log.scrollTop = log.scrollHeight;
  follows = true;
  lastTop = log.scrollTop;
}

/** Draw at most once a frame: a program can send hundreds of messages at once. */
function drawSoon({ isNew = false, sid = "", atEnd = false, keepPlace = false } = {}) {
  if (sid) (isNew ? due.fresh : due.changed).add(sid);
  else due = { ...due, all: true, atEnd: due.atEnd || atEnd, keepPlace };
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    const changes = due;
    isDue = false;
    due = { fresh: new Set(), changed: new Set() };
    draw(changes);
  });
}

function draw({ fresh, changed, all = false, atEnd = false, keepPlace = false }) {
  const followed = follows;
  // More can have come than are kept.
  for (const sid of fresh) if (!model.messages.has(sid)) fresh.delete(sid);
  if (all || !isAtEnd(fresh)) drawAll({ keepPlace });
  else update(fresh, changed);
  if (atEnd || (followed && !keepPlace)) scrollToEnd();
  else if (fresh.size) byId("to-end").hidden = false;
}

/** Return whether these messages are the last ones: others have to be put between those that are there. */
function isAtEnd(fresh) {
  const last = fresh.size ? [...model.messages.keys()].slice(-fresh.size) : [];
  return last.every((sid) => fresh.has(sid));
}

/** Add new messages, and draw those again that are different. */
function update(fresh, changed) {
  const all = [...model.messages.values()];
  const from = all.length - fresh.size;
  for (let at = from; at < all.length; at += 1) {
    append(all[at], all[at - 1]);
    // The answer of a run moves to the last reply.
    if (all[at].in_reply_to) changed.add(all[at].in_reply_to);
  }
  for (const sid of changed) if (!fresh.has(sid)) redraw(sid);
  for (const [sid, element] of shown) {
    if (model.messages.has(sid)) break;
    element.remove();
    shown.delete(sid);
  }
  drawOlder();
  rove();
}

function append(message, before) {
  const log = byId("log");
  log.querySelector(".empty")?.remove();
  if (isNewDay(message, before)) log.append(dayLine(message));
  const element = elementOf(message, before);
  element.classList.add("arrives");
  log.append(element);
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
  if (keepPlace) lastTop = log.scrollTop = log.scrollHeight - fromEnd;
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
  // On the screen of a phone the story covers the lower part of the log.
  if (model.selected && matchMedia("(max-width: 719px)").matches) shown.get(model.selected)?.scrollIntoView({ block: "start" });
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
