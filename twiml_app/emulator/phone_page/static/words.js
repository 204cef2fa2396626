// How addresses, times and statuses read.

const STATUSES = {
  accepted: "accepted",
  scheduled: "scheduled",
  queued: "queued",
  sending: "sending",
  sent: "sent",
  delivered: "delivered",
  read: "read",
  undelivered: "not delivered",
  failed: "failed",
  canceled: "canceled",
  received: "received",
  receiving: "on its way",
};
const ICONS = { sent: "tick", delivered: "ticks", read: "ticks", undelivered: "alert", failed: "alert", canceled: "close" };
const TONES = { delivered: "good", read: "read", undelivered: "bad", failed: "bad" };

// The hours from 0 to 23 everywhere: they take less room, and compare with log lines.
const hours = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const time = new Intl.DateTimeFormat(undefined, hours);
const seconds = new Intl.DateTimeFormat(undefined, { ...hours, second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

export const clockTime = (date) => time.format(date * 1000);
export const exactTime = (date) => seconds.format(date * 1000);
export const dayOf = (date) => day.format(date * 1000);
export const fullTime = (date) => full.format(date * 1000);

/** Return what a run or an export says of messages that the program could not answer; empty if there are none. */
export function leftOutWords(count) {
  return count ? `Left out: ${counted(count, "message")} from when your program was not running.` : "";
}

/** Return the words for a status. */
export function statusWords(status) {
  return STATUSES[status] ?? status;
}

/** Return the name of the icon for a status. */
export function statusIcon(status) {
  return ICONS[status] ?? "wait";
}

/** Return the class that colors a status. */
export function statusTone(status) {
  return TONES[status] ?? "";
}

/** Return the channel of an address: `sms`, or what stands before the colon. */
export function channelOf(address) {
  return address.includes(":") ? address.split(":", 1)[0] : "sms";
}

/** Return an address without its channel. */
export function bare(address) {
  return address.slice(address.indexOf(":") + 1);
}

/** Return a number of ours as an address of the channel that a contact uses. */
export function onChannelOf(contact, number) {
  const channel = channelOf(contact);
  return channel === "sms" || !number ? bare(number) : `${channel}:${bare(number)}`;
}

/** Return an address as people write it, where that is known. */
export function named(address) {
  const number = bare(address);
  const american = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return american ? `(${american[1]}) ${american[2]}-${american[3]}` : number;
}

/** Return the name of a channel. */
export function channelName(channel) {
  return { sms: "SMS", whatsapp: "WhatsApp" }[channel] ?? channel;
}

/** Return a duration in milliseconds in words. */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "not known";
  return milliseconds < 1000 ? `${Number(milliseconds.toPrecision(3))} ms` : `${Number((milliseconds / 1000).toFixed(1))} s`;
}

/** Return a count with its noun. */
export function counted(count, noun, plural = `${noun}s`) {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** Return a text cut to a length. */
export function shortened(content, length = 60) {
  const line = content.replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}
