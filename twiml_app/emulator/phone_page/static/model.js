// What the page knows. The parts of the page read it, and are called when something in it has changed.

import { get } from "./api.js";
import { channelOf } from "./words.js";

/** How many messages are in the page; older and newer ones are loaded on demand. */
export const MOST_SHOWN = 200;

const changed = new EventTarget();

export const model = {
  /** The document of /_phone/state. */
  state: {},
  /** Conversations by key, and those with messages that were not seen. */
  conversations: new Map(),
  unseen: new Map(),
  /** The open conversation: {contact, number, channel}. */
  current: null,
  /** Its messages by SID, oldest first, and whether there are older and newer ones. */
  messages: new Map(),
  hasOlder: false,
  hasNewer: false,
  /** The SID of the message whose story is shown. */
  selected: "",
  /** The latest run of each conversation by key. */
  runs: new Map(),
  /** How many texts of each conversation wait for an answer. */
  waiting: new Map(),
};

/** Call a function when something changes: `on("messages clock", draw)`. */
export function on(kinds, listener) {
  for (const kind of kinds.split(" ")) changed.addEventListener(kind, (event) => listener(event.detail));
}

/** Tell the listeners of a kind. */
export function tell(kind, detail) {
  changed.dispatchEvent(new CustomEvent(kind, { detail }));
}

/** Return the key of a conversation. */
export function keyOf({ contact, number }) {
  return `${contact} ${number}`;
}

/** Return the key of the open conversation. */
export function currentKey() {
  return model.current ? keyOf(model.current) : "";
}

/** Return whether something belongs to the open conversation. */
export function isCurrent(thing) {
  return keyOf(thing) === currentKey();
}

/** Return the settings of a phone. */
export function phoneOf(contact) {
  const found = model.state.phones.find((phone) => phone.contact === contact);
  return found ?? { contact, outcome: "delivered", error_code: null, takes_media: null };
}

/** Load the list of conversations. */
export async function loadConversations() {
  const { conversations } = await get("conversations", { limit: 500 });
  model.conversations = new Map(conversations.map((each) => [keyOf(each), each]));
  for (const { contact } of model.state.phones) addPhone(contact);
  tell("conversations");
}

/** List a phone, even if nobody has written yet. */
export function addPhone(contact, number = model.state.numbers[0]?.number ?? "") {
  if ([...model.conversations.values()].some((each) => each.contact === contact)) return;
  const conversation = { contact, number, channel: channelOf(contact), last: null, is_opted_out: false };
  model.conversations.set(keyOf(conversation), conversation);
  tell("conversations");
}

/** Open a conversation and load its newest messages. */
export async function open(contact, number) {
  const before = currentKey();
  model.current = { contact, number, channel: channelOf(contact) };
  if (before !== currentKey()) model.selected = "";
  model.unseen.delete(currentKey());
  model.messages = new Map();
  model.hasOlder = model.hasNewer = false;
  tell("current");
  await loadNewest();
}

/** Load the newest messages of the open conversation. */
export async function loadNewest() {
  const key = currentKey();
  const { messages, more } = await get("messages", { ...place(), limit: model.state.limits.page });
  if (key !== currentKey()) return;
  const live = [...model.messages.values()].filter((each) => !messages.some((other) => other.sid === each.sid));
  const newer = live.filter((each) => each.n > (messages[0]?.n ?? 0));
  model.messages = new Map([...messages.reverse(), ...newer].map((each) => [each.sid, each]));
  model.hasOlder = more;
  model.hasNewer = false;
  tell("messages", { atEnd: true });
}

/** Load the messages before the oldest one that is shown. */
export async function loadOlder() {
  const key = currentKey();
  const oldest = model.messages.keys().next().value;
  const { messages, more } = await get("messages", { ...place(), before: oldest, limit: model.state.limits.page });
  if (key !== currentKey()) return;
  const all = [...messages.reverse(), ...model.messages.values()];
  model.hasNewer ||= all.length > MOST_SHOWN;
  model.messages = new Map(all.slice(0, MOST_SHOWN).map((each) => [each.sid, each]));
  model.hasOlder = more;
  tell("messages", { keepPlace: true });
}

function place() {
  return { contact: model.current.contact, number: model.current.number };
}

/** Take a new or changed message into the list and, if it is open, into its conversation. */
export function takeMessage(message, isOptedOut = undefined) {
  const key = keyOf(message);
  const known = model.conversations.get(key);
  if (!known?.last || known.last.n <= message.n) {
    model.conversations.set(key, { ...known, ...only(message), last: message, is_opted_out: isOptedOut ?? known?.is_opted_out ?? false });
  }
  if (key === currentKey()) takeCurrent(message);
  else if (message.direction !== "inbound" && (known?.last?.n ?? 0) < message.n) {
    model.unseen.set(key, (model.unseen.get(key) ?? 0) + 1);
  }
  tell("conversations");
}

/** Load one message again, for example because something went wrong with it. */
export async function refresh(sid) {
  if (!model.messages.has(sid)) return;
  const { message } = await get(`messages/${sid}`);
  if (model.messages.has(sid)) takeMessage(message);
}

function only({ contact, number }) {
  return { contact, number, channel: channelOf(contact) };
}

function takeCurrent(message) {
  const isNew = !model.messages.has(message.sid);
  if (isNew && model.hasNewer) return;
  const newest = [...model.messages.values()].at(-1);
  model.messages.set(message.sid, message);
  if (isNew && newest && newest.n > message.n) {
    model.messages = new Map([...model.messages.values()].sort((a, b) => a.n - b.n).map((each) => [each.sid, each]));
  }
  while (model.messages.size > MOST_SHOWN) {
    model.messages.delete(model.messages.keys().next().value);
    model.hasOlder = true;
  }
  tell("messages", { isNew, sid: message.sid });
}

/** Show the story of a message. */
export function select(sid) {
  model.selected = sid;
  tell("selected");
}

/** Count a text that waits for an answer, or one less. */
export function wait(key, by) {
  model.waiting.set(key, Math.max(0, (model.waiting.get(key) ?? 0) + by));
  tell("waiting");
}
