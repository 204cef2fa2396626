// Things that go wrong on purpose: the rules in force, and a form that adds one.

import { post, remove } from "./api.js";
import { attempt, openDialog } from "./dialogs.js";
import { button, byId, fill, icon, make, spoken, text } from "./dom.js";
import { model, on, tell } from "./model.js";
import { counted, named } from "./words.js";

const PLACES = {
  webhook: "The webhook to your program",
  text: "A text from a phone",
  message: "A message to a phone",
  status: "Status callbacks",
  api: "The REST API that your program calls",
};
const OPTIONS = {
  error_code: ["Error code", "numeric"],
  status: ["HTTP status", "numeric"],
  seconds: ["Seconds", "decimal"],
  text: ["Text", "text"],
};

let redraw = () => {};

/** Set up the menu of faults. */
export function startFaults() {
  byId("faults-button").addEventListener("click", openFaults);
  on("faults", () => [drawButton(), redraw()]);
  drawButton();
}

function inForce() {
  return model.state.faults.filter(({ left }) => left !== 0);
}

function drawButton() {
  const count = inForce().length;
  fill(
    byId("faults-button"),
    icon("fault"),
    make("span", { className: "long" }, "Faults"),
    count ? make("span", { className: "count" }, String(count), spoken(" in force")) : null,
  );
}

function openFaults() {
  const list = make("div", {});
  const form = formOf();
  redraw = () => byId("dialog").open && fill(list, listOf());
  fill(list, listOf());
  openDialog("Faults", () => [text("p", "small quiet", "See what your program does when something goes wrong."), form, list], { wide: true });
}

function listOf() {
  const faults = model.state.faults;
  if (!faults.length) return text("p", "small quiet", "Nothing goes wrong at the moment.");
  const clear = () => attempt(async () => take(await remove("faults")));
  return make(
    "div",
    { className: "stack" },
    make("ul", { className: "faults-list" }, ...faults.map(ruleOf)),
    make("div", { className: "row ends" }, button("Remove all", clear, { data: { key: "clear" } })),
  );
}

function take({ faults }) {
  model.state.faults = faults;
  tell("faults");
}

function ruleOf({ id, kind, left, happened, contact }) {
  const often = left === null ? "until it is removed" : left ? `${counted(left, "time")} more` : "used up";
  const words = [often, happened ? `happened ${counted(happened, "time")}` : "", contact ? `only ${named(contact)}` : ""];
  return make(
    "li",
    {},
    make("span", {}, make("code", {}, kind), make("span", { className: "quiet" }, ` ${words.filter(Boolean).join(" · ")}`)),
    make(
      "button",
      { type: "button", className: "plain square", data: { key: `fault-${id}` }, on: { click: () => attempt(async () => take(await remove(`faults/${id}`))) } },
      icon("close"),
      spoken(`Remove ${kind}`),
    ),
  );
}

function formOf() {
  const kinds = model.state.fault_kinds;
  const groups = Object.entries(PLACES).map(([place, label]) => {
    const options = kinds.filter((kind) => kind.place === place).map(({ name }) => make("option", { value: name }, name));
    return make("optgroup", { label }, ...options);
  });
  const summary = text("p", "small quiet", "", { id: "fault-summary" });
  const options = make("div", { className: "row" });
  const problem = text("p", "problem", "", { attributes: { role: "alert" }, hidden: true });
  const choose = (name) => {
    const kind = kinds.find((each) => each.name === name);
    summary.textContent = kind.summary.replaceAll("`", "");
    fill(options, ...optionsOf(kind));
  };
  const kind = make("select", { id: "fault-kind", aria: { describedby: "fault-summary" }, autofocus: true, on: { change: (event) => choose(event.target.value) } }, ...groups);
  kind.value = "webhook-retry";
  choose(kind.value);
  const often = make(
    "select",
    { id: "fault-count" },
    make("option", { value: "1" }, "once"),
    make("option", { value: "3" }, "three times"),
    make("option", { value: "" }, "until it is removed"),
  );
  const only = make("input", { type: "checkbox", id: "fault-only", checked: false });
  const submit = async (event) => {
    event.preventDefault();
    try {
      await post("faults", documentOf(kind.value, often.value, only.checked, options));
      problem.hidden = true;
    } catch (error) {
      problem.hidden = false;
      problem.textContent = error.message;
    }
  };
  return make(
    "form",
    { className: "stack", on: { submit } },
    make("div", { className: "field" }, make("label", { htmlFor: "fault-kind" }, "What goes wrong"), kind, summary),
    options,
    make("div", { className: "field" }, make("label", { htmlFor: "fault-count" }, "How often"), often),
    make("label", { className: "check" }, only, `Only with the phone ${named(model.current?.contact ?? "")}`),
    problem,
    make("div", { className: "row ends" }, make("button", { type: "submit", className: "primary" }, "Let it happen")),
  );
}

function optionsOf({ options }) {
  return Object.entries(options)
    .filter(([, value]) => value)
    .map(([name, value]) => {
      const [label, mode] = OPTIONS[name];
      const field = make("input", { id: `fault-${name}`, name, value: String(value), inputMode: mode });
      if (name === "error_code") field.setAttribute("list", "error-codes");
      return make("div", { className: "field" }, make("label", { htmlFor: field.id }, label), field);
    });
}

function documentOf(kind, count, isOnly, options) {
  const values = {};
  for (const { name, value } of options.querySelectorAll("input")) values[name] = name === "text" ? value : Number(value);
  return { kind, ...(count ? { count: Number(count) } : {}), ...(isOnly ? { contact: model.current.contact } : {}), ...values };
}
