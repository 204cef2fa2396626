// One message as it is shown in the conversation.

import { icon, make, spoken, text } from "./dom.js";
import { changesBelow } from "./answers.js";
import { select } from "./model.js";
import { clockTime, counted, fullTime, statusIcon, statusTone, statusWords } from "./words.js";

/** Return the element of a message. */
export function bubble(message) {
  const isInbound = message.direction === "inbound";
  const isFailed = Boolean(message.error) || (isInbound && message.problems > 0);
  const names = ["message", isInbound ? "inbound" : "outbound", isFailed ? "failed" : ""];
  const body = make("div", { className: "bubble", dir: "auto", id: `text-${message.sid}` }, ...content(message));
  body.addEventListener("click", (event) => {
    // Whoever selects text or opens a picture does not ask for the story.
    if (!event.target.closest("a") && !getSelection().toString()) select(message.sid);
  });
  body.prepend(spoken(isInbound ? "From this phone: " : "To this phone: "));
  return make(
    "article",
    { className: names.filter(Boolean).join(" "), data: { sid: message.sid }, dir: "ltr" },
    body,
    metaOf(message, isInbound),
    ...changesBelow(message).map(changeOf),
  );
}

function content({ body, media }) {
  const files = media.map(({ url, content_type: kind, is_image: isImage }, at) => {
    const name = isImage ? `Picture ${at + 1}` : `File (${kind})`;
    const link = make("a", { href: url, target: "_blank", rel: "noopener" });
    link.append(isImage ? make("img", { src: url, alt: name, loading: "lazy" }) : name);
    return link;
  });
  return [
    files.length ? make("div", { className: "pictures" }, ...files) : null,
    body ? text("p", "", body) : null,
    body || files.length ? null : text("span", "nothing", "no text"),
  ];
}

/** Return the line below a message: a button that shows what happened. */
function metaOf(message, isInbound) {
  const { sid, date, status, error, problems, num_segments: segments } = message;
  const parts = [make("time", { dateTime: new Date(date * 1000).toISOString(), title: fullTime(date) }, clockTime(date))];
  if (!isInbound) parts.push(...ticks(status, error));
  if (isInbound && problems) parts.push(text("span", "bad", counted(problems, "problem")));
  if (segments > 1) parts.push(text("span", "", `${segments} segments`));
  // The text describes the button, so that it is read when somebody gets here, but not twice when a message arrives.
  const options = { className: "meta", data: { key: sid }, aria: { describedby: `text-${sid}` }, tabIndex: -1 };
  return make("button", { type: "button", ...options, on: { click: () => select(sid) } }, ...parts, spoken(" What happened"));
}

/** Return the ticks of a status, in words too: shown if something went wrong, otherwise spoken. */
function ticks(status, error) {
  const tone = statusTone(status);
  const words = error ? `${statusWords(status)}, ${error.code}: ${error.text}` : statusWords(status);
  const isShown = error || !["sent", "delivered", "read"].includes(status);
  return [
    make("span", { className: `ticks ${tone}`, title: words }, icon(statusIcon(status))),
    isShown ? text("span", tone === "bad" ? "bad" : "", words) : spoken(words),
  ];
}

/** Return what is different since the conversation was run again. */
function changeOf({ what, status, differences }) {
  const request = { status: ` to its status callback (${statusWords(status)})`, fallback: " to its fallback request" }[what] ?? "";
  const words = `The answer${request} has changed`;
  return make("details", { className: "changed", open: true }, make("summary", {}, words), diff(differences));
}

/** Return the lines of a diff; what was removed and added is said in words too. */
export function diff(lines) {
  const kinds = { "+": ["added", "Now: "], "-": ["removed", "Before: "] };
  const shown = lines.map((line) => {
    const [kind, words] = kinds[line[0]] ?? ["", ""];
    return make("span", { className: kind }, words ? spoken(words) : "", line);
  });
  return make("pre", { className: "diff" }, ...shown);
}
