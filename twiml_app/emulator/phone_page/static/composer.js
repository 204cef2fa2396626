// The field to write in: its counter, and what is sent from it.

import { post, postForm } from "./api.js";
import { attempt, menu } from "./dialogs.js";
import { button, byId, fill, make, text } from "./dom.js";
import { currentKey, keyOf, model, on, tell, wait } from "./model.js";
import { hasPictures, set as setPictures, startPictures, takePictures } from "./pictures.js";
import { segment } from "./segments.js";
import { counted } from "./words.js";

const LATE = [
  [0, "at once"],
  [10, "10 seconds later"],
  [60, "1 minute later"],
  [3600, "1 hour later"],
  [86400, "1 day later"],
];

/** How the next text arrives; both are for one text only. */
const next = { fault: "", late: 0 };

/** Set up the composer. */
export function startComposer() {
  const field = byId("text");
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send(field.value);
  });
  field.addEventListener("input", () => [grow(), count()]);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    byId("composer").requestSubmit();
  });
  for (const word of document.querySelectorAll("[data-word]")) {
    word.addEventListener("click", () => sendNow({ body: word.dataset.word, files: [] }));
  }
  startPictures(showProblem);
  menu("options-menu", "options-button", optionsOf);
  on("waiting current", drawWaiting);
  on("current", () => showProblem(""));
  grow();
  count();
}

function grow() {
  const field = byId("text");
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

/** Show the segments and how much of the limit is used. */
function count() {
  const { value } = byId("text");
  const limit = model.state.limits.body;
  const { encoding, count: segments } = segment(value);
  const isOver = value.length > limit;
  const words = value ? `${counted(segments, "segment")} · ${encoding} · ${value.length} / ${limit}` : `0 / ${limit}`;
  byId("counter").textContent = isOver ? `${words}: too long` : words;
  byId("counter").classList.toggle("over", isOver);
  byId("send").disabled = isOver || !(value.trim() || hasPictures());
}

function showProblem(words) {
  byId("send-problem").textContent = words;
  byId("send-problem").hidden = !words;
}

async function send(body) {
  if (byId("send").disabled) return;
  const files = takePictures();
  byId("text").value = "";
  grow();
  count();
  const isSent = await sendNow({ body, files });
  // What could not be sent is put back, unless somebody has gone on writing.
  if (isSent || byId("text").value) return;
  byId("text").value = body;
  setPictures(files);
  grow();
  count();
}

/** Send a text from the open conversation's phone; returns whether the emulator took it. */
async function sendNow({ body, files }) {
  const { contact, number } = model.current;
  const key = currentKey();
  const document = { contact, number, body, fault: next.fault, late_s: next.late };
  Object.assign(next, { fault: "", late: 0 });
  drawOptions();
  showProblem("");
  wait(key, 1);
  try {
    const answer = await (files.length ? postForm("texts", formOf(document, files)) : post("texts", document));
    explain(answer, key);
    return true;
  } catch (problem) {
    showProblem(problem.message);
    return false;
  } finally {
    wait(key, -1);
  }
}

function formOf(document, files) {
  const form = new FormData();
  for (const [name, value] of Object.entries(document)) form.append(name, value);
  for (const file of files) form.append("media", file, file.name);
  return form;
}

/** Say what would otherwise look as if nothing had happened. */
function explain({ due, unrouted, inbound }, key) {
  if (due) tell("due", { due });
  if (unrouted && key === currentKey()) showProblem(unrouted);
  if (inbound && key !== keyOf(inbound)) tell("moved", inbound);
}

function drawWaiting() {
  const waiting = model.waiting.get(currentKey()) ?? 0;
  byId("waiting").textContent = waiting ? "Waiting for your program…" : "";
}

function optionsOf() {
  const kinds = model.state.fault_kinds.filter(({ place }) => ["text", "webhook"].includes(place));
  const about = text("p", "small quiet", "");
  const explainFault = () => {
    about.textContent = kinds.find(({ name }) => name === next.fault)?.summary ?? "Nothing goes wrong.";
    drawOptions();
  };
  const fault = make(
    "select",
    { id: "next-fault", on: { change: (event) => [(next.fault = event.target.value), explainFault()] } },
    make("option", { value: "" }, "as it should"),
    ...kinds.map(({ name }) => make("option", { value: name, selected: name === next.fault }, name)),
  );
  const late = make(
    "select",
    { id: "next-late", on: { change: (event) => [(next.late = Number(event.target.value)), drawOptions()] } },
    ...LATE.map(([value, words]) => make("option", { value, selected: value === next.late }, words)),
  );
  explainFault();
  return [
    text("h2", "", "The next text"),
    make("div", { className: "field" }, make("label", { htmlFor: "next-fault" }, "arrives"), fault, about),
    make("div", { className: "field" }, make("label", { htmlFor: "next-late" }, "and when, by the emulator's clock"), late),
  ];
}

function drawOptions() {
  const late = LATE.find(([value]) => value === next.late)[1];
  const without = (change, words) =>
    button(`${words} ×`, () => [Object.assign(next, change), drawOptions(), byId("text").focus()], {
      aria: { label: `Next text: ${words}. Remove` },
    });
  fill(
    byId("options-shown"),
    next.fault ? without({ fault: "" }, next.fault) : null,
    next.late ? without({ late: 0 }, late) : null,
  );
}

/** Send the same text and pictures again, now or later. */
export function sendAgain(sid, late) {
  const key = currentKey();
  wait(key, 1);
  return attempt(async () => explain(await post(`messages/${sid}/again`, { late_s: late }), key)).finally(() => wait(key, -1));
}
