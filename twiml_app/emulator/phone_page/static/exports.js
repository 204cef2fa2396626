// Take a conversation out of the page: to the clipboard, or into the project's tests.

import { get, post } from "./api.js";
import { attempt, openDialog, say } from "./dialogs.js";
import { button, byId, make, text } from "./dom.js";
import { model } from "./model.js";
import { leftOutWords } from "./words.js";

const NAMES = { curl: "curl command", pytest: "pytest test", recording: "recording" };

/** Copy the open conversation, or one text of it, in a form. */
export function copyExport(form, sid = "") {
  const { contact, number } = model.current;
  return attempt(async () => {
    const { name, text: content, left_out: leftOut } = await get("export", { as: form, contact, number, ...(sid ? { sid } : {}) });
    try {
      await navigator.clipboard.writeText(content);
      say(saying(`Copied: ${NAMES[form]}`, leftOut));
    } catch {
      // A browser may refuse the clipboard: then the text is shown, to be copied by hand.
      showExport(form, name, content, leftOut);
    }
  });
}

function saying(words, leftOut) {
  return leftOut ? `${words}. ${leftOutWords(leftOut)}` : words;
}

function showExport(form, name, content, leftOut) {
  const field = make("textarea", { value: content, rows: 14, readOnly: true, className: "mono", aria: { label: name }, autofocus: true });
  openDialog(`Copy as ${NAMES[form]}`, () => [leftOut ? text("p", "small", leftOutWords(leftOut)) : null, field], { wide: true });
  field.select();
}

/** Ask for a name, and write the open conversation as a test of the project. */
export function askToSave() {
  const { contact, number } = model.current;
  openDialog("Save as test", (close) => {
    const name = make("input", { id: "test-name", value: "conversation", pattern: "[a-z0-9_]+", required: true, autofocus: true, autocomplete: "off" });
    const problem = text("p", "problem", "", { attributes: { role: "alert" }, hidden: true });
    const save = async (event) => {
      event.preventDefault();
      try {
        const { path, left_out: leftOut } = await post("save-test", { contact, number, name: name.value });
        close();
        say(saying(`Saved: ${path}`, leftOut));
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
        text("p", "small quiet", "The conversation becomes a test in the tests of your project. It passes as long as the answers stay as they are."),
        make("div", { className: "field" }, make("label", { htmlFor: "test-name" }, "Name (a to z, 0 to 9 and _)"), name),
        problem,
        make("div", { className: "row ends" }, button("Cancel", close), make("button", { type: "submit", className: "primary" }, "Save")),
      ),
    ];
  });
}
