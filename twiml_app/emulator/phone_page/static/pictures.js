// The pictures that go with the next text: picked, pasted or dropped.

import { byId, fill, icon, make, spoken } from "./dom.js";
import { model } from "./model.js";
import { counted } from "./words.js";

let chosen = [];
let urls = [];

/** Set up the ways in which a picture gets into the composer; `onProblem` is called with why one is refused, or "". */
export function startPictures(onProblem) {
  const { media_types: kinds } = model.state;
  byId("files").accept = kinds.join(",");
  byId("pick").addEventListener("click", () => byId("files").click());
  byId("files").addEventListener("change", (event) => {
    add([...event.target.files], onProblem);
    event.target.value = "";
  });
  byId("text").addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    add(files, onProblem);
  });
  startDrop(onProblem);
}

function startDrop(onProblem) {
  const chat = byId("chat");
  const frame = byId("log-frame");
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  chat.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    frame.classList.add("drop");
  });
  chat.addEventListener("dragleave", (event) => {
    if (!chat.contains(event.relatedTarget)) frame.classList.remove("drop");
  });
  chat.addEventListener("drop", (event) => {
    frame.classList.remove("drop");
    if (!hasFiles(event)) return;
    event.preventDefault();
    add([...event.dataTransfer.files], onProblem);
    byId("text").focus();
  });
}

/** Choose the files that can be sent too, and name the others. */
function add(files, onProblem) {
  const good = [...chosen];
  const refused = new Map();
  for (const file of files) {
    const problem = refusal([...good, file]);
    if (problem) refused.set(problem, [...(refused.get(problem) ?? []), file.name]);
    else good.push(file);
  }
  set(good);
  onProblem([...refused].map(([problem, names]) => `Not added: ${names.join(", ")}. ${problem}`).join(" "));
}

/** Return why the last of these files cannot be sent with the others, or an empty string. */
function refusal(files) {
  const { limits, media_types: kinds } = model.state;
  if (!kinds.includes(files.at(-1).type)) return "Phones send pictures: JPEG, PNG, GIF or WebP.";
  if (files.length > limits.media_count) return `A message can have at most ${counted(limits.media_count, "picture")}.`;
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (size > limits.media_bytes) return `The pictures of a message can have at most ${limits.media_bytes / 1024 / 1024} MB together.`;
  return "";
}

/** Return the chosen pictures and choose none. */
export function takePictures() {
  const files = chosen;
  set([]);
  return files;
}

/** Return whether there are pictures to send. */
export function hasPictures() {
  return chosen.length > 0;
}

/** Choose these pictures, for example again after a text could not be sent. */
export function set(files) {
  urls.forEach((url) => URL.revokeObjectURL(url));
  chosen = files;
  urls = files.map((file) => URL.createObjectURL(file));
  byId("attached").hidden = !files.length;
  fill(byId("attached"), ...files.map(previewOf));
  byId("text").dispatchEvent(new Event("input"));
}

function previewOf(file, at) {
  const without = () => {
    set(chosen.filter((other) => other !== file));
    byId("text").focus();
  };
  return make(
    "li",
    {},
    make("img", { src: urls[at], alt: file.name }),
    make("button", { type: "button", on: { click: without } }, icon("close"), spoken(`Remove ${file.name}`)),
  );
}
