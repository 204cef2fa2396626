// Menus that open below their button, dialogs that ask, and short words about what was done.

import { button, byId, fill, make, text } from "./dom.js";

const TOAST_MS = 4_000;

let toast = 0;

/** Say something for a moment; screen readers read it. */
export function say(words, isProblem = false) {
  clearTimeout(toast);
  byId("said").className = isProblem ? "toast bad" : "toast";
  byId("said").textContent = words;
  toast = setTimeout(() => (byId("said").textContent = ""), TOAST_MS);
}

/** Do something, and say why if it fails; returns its result, or undefined. */
export async function attempt(action) {
  try {
    return await action();
  } catch (problem) {
    say(problem.message, true);
    return undefined;
  }
}

/** Fill a menu with `content()` each time it is opened, and place it at its button. */
export function menu(id, buttonId, content) {
  const panel = byId(id);
  const opener = byId(buttonId);
  panel.addEventListener("beforetoggle", (event) => {
    if (event.newState === "open") fill(panel, ...content(() => panel.hidePopover()));
  });
  panel.addEventListener("toggle", (event) => {
    opener.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState !== "open") return;
    place(panel, opener.getBoundingClientRect());
    panel.querySelector("button:not(:disabled), input, select")?.focus();
  });
  return panel;
}

function place(panel, at) {
  const { width, height } = panel.getBoundingClientRect();
  // A button on the right has its menu end where the button does, so that less is covered.
  const wanted = at.left > innerWidth / 2 ? at.right - width : at.left;
  const left = Math.max(8, Math.min(wanted, innerWidth - width - 8));
  const fitsBelow = at.bottom + height + 8 <= innerHeight;
  panel.style.left = `${left}px`;
  panel.style.top = `${fitsBelow ? at.bottom + 4 : Math.max(8, at.top - height - 4)}px`;
}

/** Open the dialog with a title and content; `content` gets a function that closes it. */
export function openDialog(title, content, { wide = false } = {}) {
  const dialog = byId("dialog");
  const close = () => dialog.close();
  dialog.className = wide ? "wide" : "";
  const head = make(
    "div",
    { className: "dialog-head" },
    make("h2", { id: "dialog-title" }, title),
    button("Close", close, { className: "plain" }),
  );
  fill(dialog, make("div", {}, head, ...content(close)));
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("[autofocus]")?.focus();
  return dialog;
}

/** Ask before something is done; returns whether it was agreed to. */
export function confirmed(title, words, agree, { isDangerous = false } = {}) {
  return new Promise((resolve) => {
    const dialog = openDialog(title, (close) => [
      text("p", "", words),
      make(
        "div",
        { className: "row ends" },
        button("Cancel", close),
        button(agree, () => [resolve(true), close()], { className: isDangerous ? "danger" : "primary", autofocus: true }),
      ),
    ]);
    dialog.addEventListener("close", () => resolve(false), { once: true });
  });
}
