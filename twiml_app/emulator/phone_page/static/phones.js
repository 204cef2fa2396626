// The list of phones, one row for each conversation, and the form that adds a phone.

import { post } from "./api.js";
import { attempt, openDialog } from "./dialogs.js";
import { button, byId, fill, icon, make, spoken, text } from "./dom.js";
import { addPhone, currentKey, keyOf, model, on, open } from "./model.js";
import { bare, channelName, clockTime, counted, dayOf, named, shortened } from "./words.js";

/** With fewer phones than this, a field that finds one is in the way. */
const FIND_FROM = 8;
/** How many rows are in the page; the field finds the others. */
const MOST_ROWS = 100;

const rows = new Map();
let isDue = false;

/** Set up the list. */
export function startPhones() {
  byId("add-phone").addEventListener("click", askForPhone);
  byId("find").addEventListener("input", draw);
  byId("to-phones").addEventListener("click", () => showPhones(true));
  on("conversations current", drawSoon);
}

/** On a narrow screen, show the phones instead of the conversation, or the other way round. */
export function showPhones(isOpen) {
  byId("page").dataset.phones = isOpen ? "open" : "";
  if (isOpen) (byId("phone-list").querySelector("[aria-current=true]") ?? byId("add-phone")).focus();
}

/** Draw at most once a frame: messages can come by the hundred. */
function drawSoon() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    draw();
  });
}

function draw() {
  const all = [...model.conversations.values()].sort((a, b) => (b.last?.n ?? 0) - (a.last?.n ?? 0));
  byId("find-row").hidden = all.length < FIND_FROM;
  const wanted = byId("find").value.trim().toLowerCase();
  const found = wanted ? all.filter((each) => matches(each, wanted)) : all;
  const shown = found.slice(0, MOST_ROWS);
  const numbers = new Set(all.map((each) => bare(each.number)));
  const elements = shown.map((each) => rowOf(each, numbers.size > 1));
  const list = byId("phone-list");
  const left = found.length - shown.length;
  const rest = left ? text("li", "quiet small rest", `and ${left} more: find one above`) : null;
  const isSame = elements.length === list.children.length && elements.every((row, at) => list.children[at] === row);
  if (!isSame || rest) fill(list, ...elements, rest);
  for (const key of rows.keys()) if (!model.conversations.has(key)) rows.delete(key);
}

function matches({ contact, number, last }, wanted) {
  return `${contact} ${named(contact)} ${number} ${last?.body ?? ""}`.toLowerCase().includes(wanted);
}

/** Return the row of a conversation; it is only built again if something in it has changed. */
function rowOf(conversation, isWithNumber) {
  const key = keyOf(conversation);
  const { last, is_opted_out: isOptedOut } = conversation;
  const unseen = model.unseen.get(key) ?? 0;
  const isOpen = key === currentKey();
  const looks = JSON.stringify([last?.sid, last?.status, unseen, isOpen, isOptedOut, isWithNumber]);
  const known = rows.get(key);
  if (known?.dataset.looks === looks) return known;
  const row = known ?? make("li", {});
  row.dataset.looks = looks;
  fill(row, rowButton(conversation, { key, unseen, isOpen, isWithNumber }));
  rows.set(key, row);
  return row;
}

function rowButton({ contact, number, channel, last, is_opted_out: isOptedOut }, { key, unseen, isOpen, isWithNumber }) {
  const choose = () => {
    showPhones(false);
    return attempt(() => open(contact, number));
  };
  const content = [
    make("span", { className: `face ${channel}` }, icon(channel === "whatsapp" ? "whatsapp" : "sms")),
    make("span", { className: "name" }, named(contact), spoken(`, ${channelName(channel)}. `)),
    make("span", { className: "when" }, last ? whenOf(last.date) : ""),
    make("span", { className: "last" }, isWithNumber ? `${named(number) || "no sender yet"}: ` : "", lastWords(last)),
    make(
      "span",
      { className: "marks" },
      isOptedOut ? text("span", "pill warn", "STOP") : null,
      unseen ? make("span", { className: "count" }, String(unseen), spoken(unseen === 1 ? " new message" : " new messages")) : null,
    ),
  ];
  const label = isOpen ? { current: "true" } : {};
  return make("button", { type: "button", className: "phone", data: { key }, aria: label, on: { click: choose } }, ...content);
}

function whenOf(date) {
  const isToday = dayOf(date) === dayOf(model.state.clock.now);
  return isToday ? clockTime(date) : dayOf(date);
}

function lastWords(last) {
  if (!last) return "No messages yet";
  const pictures = last.media.length ? `${counted(last.media.length, "picture")} ` : "";
  return `${last.direction === "inbound" ? "" : "↩ "}${pictures}${shortened(last.body)}`;
}

function askForPhone() {
  openDialog("Add a phone", (close) => {
    const channel = (value, label, isChosen) =>
      make("label", { className: "check" }, make("input", { type: "radio", name: "channel", value, checked: isChosen }), label);
    const address = make("input", { id: "new-phone", type: "tel", value: unusedNumber(), required: true, autofocus: true });
    const problem = text("p", "problem", "", { attributes: { role: "alert" }, hidden: true });
    const save = async (event) => {
      event.preventDefault();
      const prefix = new FormData(event.target).get("channel") === "whatsapp" ? "whatsapp:" : "";
      try {
        const { phone } = await post("phones", { contact: prefix + address.value.trim(), outcome: "delivered" });
        model.state.phones.push(phone);
        addPhone(phone.contact);
        close();
        showPhones(false);
        const added = [...model.conversations.values()].find((each) => each.contact === phone.contact);
        await open(added.contact, added.number);
        byId("text").focus();
      } catch (error) {
        problem.hidden = false;
        problem.textContent = error.message;
      }
    };
    return [
      make(
        "form",
        { className: "stack", on: { submit: save } },
        make(
          "fieldset",
          { className: "row" },
          text("legend", "small quiet", "It sends and receives"),
          channel("sms", "SMS", true),
          channel("whatsapp", "WhatsApp", false),
        ),
        make("div", { className: "field" }, make("label", { htmlFor: "new-phone" }, "Its number"), address),
        text("p", "small quiet", "Any number works: no phone rings."),
        problem,
        make("div", { className: "row ends" }, button("Cancel", close), make("button", { type: "submit", className: "primary" }, "Add")),
      ),
    ];
  });
}

/** Return a number of the range that is reserved for fiction and that no phone has. */
function unusedNumber() {
  const used = new Set([...model.conversations.values()].map((each) => bare(each.contact)));
  for (let last = 10; last < 100; last += 1) {
    const number = `+155586753${last}`;
    if (!used.has(number)) return number;
  }
  return "";
}
