// The head of the conversation: whose phone it is, which of your numbers it texts, and the menu.

import { post } from "./api.js";
import { attempt, menu, say } from "./dialogs.js";
import { button, byId, fill, make, text } from "./dom.js";
import { askToSave, copyExport } from "./exports.js";
import { model, on, open, phoneOf } from "./model.js";
import { isAutomatic, setAutomatic } from "./runs.js";
import { bare, channelName, named } from "./words.js";

const OUTCOMES = [
  ["delivered", "arrive"],
  ["sent", "wait until you decide"],
  ["undelivered", "are sent, but do not arrive, with"],
  ["failed", "fail before they are sent, with"],
  ["read", "are read (WhatsApp)"],
];
const FAILURES = ["undelivered", "failed"];

/** Set up the head and its menu. */
export function startChatMenu() {
  menu("chat-menu", "chat-menu-button", menuOf);
  byId("number").addEventListener("change", (event) => attempt(() => open(model.current.contact, event.target.value)));
  on("current numbers", drawHead);
}

function drawHead() {
  if (!model.current) return;
  const { contact, number, channel } = model.current;
  const { outcome, error_code: code } = phoneOf(contact);
  const fate = outcome === "delivered" ? "" : ` · messages to it: ${outcome === "sent" ? "wait" : outcome} ${code ?? ""}`;
  byId("chat-title").textContent = named(contact);
  byId("chat-to").textContent = `${channelName(channel)} to ${named(number) || "a service"}${fate}`;
  document.title = `${named(contact)} – ${model.state.title}`;
  byId("chat").classList.toggle("whatsapp", channel === "whatsapp");
  drawNumbers(number, channel);
}

function drawNumbers(number, channel) {
  const prefix = channel === "sms" ? "" : `${channel}:`;
  const all = new Set([...model.state.numbers.map((each) => (number.includes(":") ? prefix : "") + bare(each.number)), number]);
  const picker = byId("number");
  picker.hidden = all.size < 2;
  fill(picker, ...[...all].map((each) => make("option", { value: each, selected: each === number }, named(each) || "a service")));
}

function menuOf(close) {
  const note = model.state.program_note;
  const done = (action) => () => [close(), action()];
  return [
    make("div", { className: "stack" },
      text("h2", "", "This conversation"),
      make(
        "label",
        { className: "check" },
        make("input", { type: "checkbox", attributes: { role: "switch" }, checked: isAutomatic(), disabled: Boolean(note), on: { change: (event) => setAutomatic(event.target.checked) } }),
        "Run again after every reload",
      ),
      make(
        "div",
        { className: "row" },
        button("Save as test…", done(askToSave), { disabled: Boolean(note) }),
        button("Copy as pytest", done(() => copyExport("pytest"))),
        button("Copy as recording", done(() => copyExport("recording"))),
      ),
      note ? text("p", "small quiet", note) : null,
      text("h2", "", "Delivery: messages to this phone"),
      deliveryOf(),
    ),
  ];
}

function deliveryOf() {
  const { contact, channel } = model.current;
  const phone = phoneOf(contact);
  const code = make("input", {
    id: "phone-code",
    inputMode: "numeric",
    value: String(phone.error_code ?? 30005),
    attributes: { list: "error-codes" },
  });
  const save = (outcome) =>
    attempt(async () => {
      const isFailure = FAILURES.includes(outcome);
      const document = { contact, outcome, error_code: isFailure ? Number(code.value) : null, takes_media: phone.takes_media };
      takePhone((await post("phones", document)).phone);
      say("Saved: it holds for the next messages.");
    });
  code.addEventListener("change", () => FAILURES.includes(phoneOf(contact).outcome) && save(phoneOf(contact).outcome));
  const choices = OUTCOMES.filter(([value]) => value !== "read" || channel !== "sms").map(([value, words]) =>
    make(
      "label",
      { className: "check" },
      make("input", { type: "radio", name: "outcome", value, checked: phone.outcome === value, on: { change: () => save(value) } }),
      words,
    ),
  );
  return make("fieldset", { className: "stack tight" }, text("legend", "spoken", "Messages to this phone"), ...choices, make("div", { className: "row indented" }, make("label", { htmlFor: "phone-code", className: "small quiet" }, "Error code"), code));
}

/** Take the settings of a phone. */
export function takePhone(phone) {
  const others = model.state.phones.filter((each) => each.contact !== phone.contact);
  model.state.phones = [...others, phone];
  drawHead();
}
