// The steps of a message's story: requests, what the program did, what came of it, and what Twilio's debugger says.

import { make, spoken, text } from "./dom.js";
import { select } from "./model.js";
import { counted, duration, exactTime, shortened, statusWords } from "./words.js";

const UNKNOWN = "not known";
const WHAT = { message: "Message URL", fallback: "Fallback URL", status: "Status callback" };
const SIGNATURES = { right: "valid", wrong: "wrong", none: "not signed" };

/** Return the debugger's entries, in red, with what to do. */
export function alarms(entries) {
  return entries.map(({ code, level, text: words, url }) =>
    make(
      "div",
      { className: `alarm ${level === "warning" ? "warning" : ""}` },
      make("p", {}, make("strong", {}, `${level === "warning" ? "Warning" : "Error"} ${code}`), ` ${words}`),
      url ? text("p", "small quiet", url) : null,
    ),
  );
}

/** Return a list of the requests as steps. */
export function steps(details) {
  const { requests, answer_ms: limit } = details;
  return requests.map((request) => stepOf(request, limit));
}

function stepOf(request, limit) {
  const { status, milliseconds, verdict, url, method, date } = request;
  const tone = toneOf(request);
  return make(
    "li",
    { className: `step ${tone}` },
    make(
      "h4",
      {},
      make("span", { className: "what" }, titleOf(request)),
      make("span", { className: "pill" }, status ? String(status) : "no answer"),
      make("span", { className: "quiet small" }, duration(milliseconds)),
      text("span", "when", exactTime(date)),
    ),
    isNews(request) ? text("p", "", verdict) : null,
    request.step === "answer" && request.what !== "status" ? handlerOf(request, limit) : null,
    request.exception ? make("div", { className: "alarm" }, make("strong", {}, "Exception "), make("code", {}, request.exception)) : null,
    factsOf(request),
    make(
      "details",
      {},
      make("summary", {}, `${method} with ${counted(Object.keys(request.parameters).length, "parameter")}`),
      text("p", "small mono quiet", url),
      table(request.parameters),
    ),
    request.body ? answerOf(request) : null,
  );
}

/** Return whether the verdict says more than the title and the line about the signature. */
function isNews({ verdict, step, status, signature }) {
  if (!verdict || step === "challenge") return false;
  return step !== "answer" || status >= 400 || signature !== "right";
}

function titleOf({ what, step, parameters }) {
  if (step === "challenge") return "Asked for credentials";
  if (step === "redirect") return "Redirected";
  if (what === "status") return `Status callback: ${statusWords(parameters.MessageStatus ?? parameters.SmsStatus ?? UNKNOWN)}`;
  return WHAT[what] ?? what;
}

function toneOf({ step, status }) {
  if (step === "failed" || !status || status >= 500) return "bad";
  if (step === "answer") return status < 400 ? "good" : "bad";
  return "";
}

/** Return which handler ran, and its time next to Twilio's limit. */
function handlerOf({ handler, handler_ms: took, milliseconds }, limit) {
  const time = took ?? milliseconds;
  const isLate = time > limit;
  return make(
    "div",
    {},
    make("p", {}, "Handler ", handler ? make("code", {}, handler) : make("span", { className: "quiet" }, UNKNOWN)),
    make(
      "p",
      { className: "small quiet" },
      took === null ? `The answer took ${duration(milliseconds)}` : `It took ${duration(took)}`,
      ` of Twilio's ${duration(limit)}`,
    ),
    make("progress", {
      className: `limit ${isLate ? "bad" : ""}`,
      max: limit,
      value: Math.min(time, limit),
      aria: { label: `Time used of Twilio's ${duration(limit)}` },
    }),
  );
}

function factsOf({ signature, user }) {
  const tone = { right: "good", wrong: "bad" }[signature] ?? "quiet";
  return make(
    "p",
    { className: "small" },
    "Signature ",
    make("span", { className: tone }, SIGNATURES[signature] ?? UNKNOWN),
    make("span", { className: "quiet" }, " · credentials "),
    user ? make("code", {}, user) : make("span", { className: "quiet" }, "none sent"),
  );
}

function table(parameters) {
  const rows = Object.entries(parameters).map(([name, value]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value)),
  );
  return make("table", { className: "parameters" }, make("caption", { className: "spoken" }, "Parameters"), make("tbody", {}, ...rows));
}

function answerOf({ body, content_type: kind, what, step }) {
  const isTwiml = kind.includes("xml");
  return make(
    "details",
    { open: what !== "status" && step !== "challenge" },
    make("summary", {}, isTwiml ? "TwiML" : `Answer (${kind || "no content type"})`),
    make("pre", { className: "code", tabIndex: 0, attributes: { role: "group" }, aria: { label: "Answer of the program" } }, isTwiml ? indented(body) : body),
  );
}

/** Return TwiML with a line per element; a document that is not well-formed stays as it is. */
export function indented(xml) {
  const parsed = new DOMParser().parseFromString(xml, "application/xml");
  if (parsed.querySelector("parsererror") || !parsed.documentElement) return xml;
  const head = /^\s*<\?xml[^>]*\?>/.exec(xml)?.[0].trim();
  return [...(head ? [head] : []), ...lines(parsed.documentElement, 0)].join("\n");
}

function lines(element, depth) {
  const space = "  ".repeat(depth);
  const whole = new XMLSerializer().serializeToString(element);
  const children = [...element.children];
  const hasText = [...element.childNodes].some((node) => node.nodeType !== Node.ELEMENT_NODE && node.textContent.trim());
  if (!children.length || hasText) return [space + whole];
  const start = whole.slice(0, whole.indexOf(">") + 1);
  return [space + start, ...children.flatMap((child) => lines(child, depth + 1)), `${space}</${element.nodeName}>`];
}

/** Return the messages that an answer has made, as buttons that show their own stories. */
export function made(messages) {
  if (!messages.length) return text("p", "small quiet", "No message came of it.");
  const buttons = messages.map(({ sid, status, body, media, error }) =>
    make(
      "button",
      { type: "button", data: { key: sid }, on: { click: () => select(sid) } },
      spoken("Reply: "),
      shortened(body, 34) || counted(media.length, "picture"),
      make("span", { className: error ? "bad small" : "quiet small" }, error ? `${statusWords(status)} ${error.code}` : statusWords(status)),
    ),
  );
  return make("div", { className: "became" }, ...buttons);
}
