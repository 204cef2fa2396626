// Start the page: read its state, set up the parts, open a conversation, and follow what happens.

import { get, post } from "./api.js";
import { startChatMenu, takePhone } from "./chatmenu.js";
import { startClock, takeClock } from "./clock.js";
import { startComposer } from "./composer.js";
import { startDetails } from "./details.js";
import { attempt, confirmed, say } from "./dialogs.js";
import { byId, fill, make } from "./dom.js";
import { startFaults } from "./faults.js";
import { follow } from "./live.js";
import { startLog } from "./log.js";
import { addPhone, currentKey, keyOf, loadConversations, model, on, open, refresh, takeMessage, tell } from "./model.js";
import { showConnection, startNotices } from "./notices.js";
import { showPhones, startPhones } from "./phones.js";
import { startRuns, takeRun } from "./runs.js";
import { exactTime } from "./words.js";

/** What the page does about each kind of event. */
const EVENTS = {
  message: ({ message, is_opted_out: isOptedOut }) => [takeMessage(message, isOptedOut), tell("happened", { sid: message.sid }), tell("happened", { sid: message.in_reply_to })],
  deleted: ({ sid }) => [model.messages.delete(sid), tell("messages", { keepPlace: true })],
  webhook: (event) => tell("happened", event),
  debugger: (event) => [tell("happened", event), attempt(() => refresh(event.sid))],
  clock: ({ clock }) => takeClock(clock),
  faults: ({ faults }) => put("faults", faults),
  program: ({ program }) => put("program", program),
  phone: ({ phone }) => takePhone(phone),
  run: ({ run }) => takeRun(run),
  auto_run: ({ auto_run: chosen }) => [(model.state.auto_run = chosen), tell("runs")],
  numbers: ({ numbers }) => [put("numbers", numbers), tell("program")],
  reset: () => attempt(reload),
  resync: () => attempt(reload),
};

function put(name, value) {
  model.state[name] = value;
  tell(name);
}

/** Read everything again, after a reset or when events were missed. */
async function reload() {
  model.state = await get("state");
  model.unseen.clear();
  model.runs.clear();
  for (const kind of ["clock", "faults", "program", "runs"]) tell(kind);
  await loadConversations();
  await openFirst();
}

/** Open the conversation that the address names, the latest one, or one that begins. */
async function openFirst() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const latest = [...model.conversations.values()].sort((a, b) => (b.last?.n ?? 0) - (a.last?.n ?? 0))[0];
  if (wanted.get("contact")) return open(wanted.get("contact"), wanted.get("number") ?? "");
  if (latest) return open(latest.contact, latest.number);
  addPhone(model.state.default_contact);
  return openFirst();
}

function rememberPlace() {
  const { contact, number } = model.current;
  if (!model.conversations.has(currentKey())) {
    model.conversations.set(currentKey(), { ...model.current, last: null, is_opted_out: false });
    tell("conversations");
  }
  history.replaceState(null, "", `#${new URLSearchParams({ contact, number })}`);
}

async function reset() {
  const words = "All messages, phones, faults and logs of the emulator are deleted. Your program keeps what it has stored.";
  if (!(await confirmed("Reset the emulator?", words, "Reset", { isDangerous: true }))) return;
  history.replaceState(null, "", "#");
  await attempt(() => post("reset"));
  say("The emulator was reset.");
}

async function start() {
  model.state = JSON.parse(byId("state").textContent);
  fill(byId("error-codes"), ...model.state.error_codes.map(({ code, text }) => make("option", { value: String(code) }, text)));
  for (const set of [startNotices, startPhones, startLog, startComposer, startDetails, startClock, startFaults, startRuns, startChatMenu]) set();
  byId("reset-button").addEventListener("click", reset);
  on("current", rememberPlace);
  on("due", ({ due }) => say(`It arrives at ${exactTime(due)} of the emulator's clock.`));
  on("moved", ({ contact, number }) => attempt(() => open(contact, number)));
  await attempt(async () => {
    await loadConversations();
    await openFirst();
  });
  showPhones(false);
  follow(model.state.event, (event) => EVENTS[event.kind]?.(event), showConnection);
  // For tests and screenshots: everything is in place.
  byId("page").dataset.ready = "yes";
}

start();
