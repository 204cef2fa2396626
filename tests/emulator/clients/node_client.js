// Use the npm package `twilio`, and print the results.
//
// Usage: node node_client.js SCENARIO URL SID TOKEN WEBSITE, with the package in NODE_PATH
"use strict";

const readline = require("node:readline");
const twilio = require("twilio");

const [SCENARIO, URL_BASE, SID, TOKEN, WEBSITE] = process.argv.slice(2);
const PHONE = "+15558675310";
const OTHER_PHONE = "+15558675311";
const NUMBER = "+15017122661";
const OTHER_NUMBER = "+15017122662";
const NOBODY = "SM00000000000000000000000000000000";
const WILD_TEXT = "Grüße & mehr=1+1; 100 %\nzweite Zeile 😀";
const ELSEWHERE = "https://pictures.example/cat.jpg";
const DAY_MS = 24 * 3600 * 1000;

function connect(sid, token, options) {
  const made = twilio(sid, token, options);
  made.api.baseUrl = URL_BASE;
  return made;
}

const client = connect(SID, TOKEN);
const answers = readline.createInterface({ input: process.stdin });

function ask(request) {
  return new Promise((resolve, reject) => {
    answers.once("line", (answer) => (answer === "ok" ? resolve() : reject(new Error(`${request}: ${answer}`))));
    process.stdout.write(request + "\n");
  });
}

// As `plain` in talk.py: a value of a type that JSON does not have becomes a string with the name of the type.
function plain(value) {
  if (value === undefined) return "undefined";
  if (value instanceof Date) return "datetime " + value.toISOString().replace(".000Z", "+00:00");
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}

function describe(thing) {
  const pairs = Object.entries(thing.toJSON());
  return Object.fromEntries(pairs.map(([name, value]) => [pythonName(name), value]));
}

function pythonName(name) {
  return name === "from" ? "from_" : name.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase());
}

function text(body = "Hello", others = {}) {
  return client.messages.create({ to: PHONE, from: NUMBER, body, ...others });
}

async function refused(action) {
  try {
    return await action();
  } catch (error) {
    if (error.status === undefined) throw error;
    return { status: error.status, code: error.code, message: error.message };
  }
}

function bodies(messages) {
  return messages.map((message) => message.body);
}

async function sending() {
  const created = await text();
  const wild = await text(WILD_TEXT);
  await ask("settle");
  return {
    created: describe(created),
    delivered: describe(await client.messages(created.sid).fetch()),
    wild: [wild.body, (await client.messages(wild.sid).fetch()).body, wild.numSegments],
  };
}

async function removing() {
  const sent = await text("first");
  await text("second");
  await ask("settle");
  const redacted = await client.messages(sent.sid).update({ body: "" });
  return {
    redacted: [redacted.body, redacted.status, (await client.messages(sent.sid).fetch()).body],
    deleted: await client.messages(sent.sid).remove(),
    gone: await refused(() => client.messages(sent.sid).fetch()),
    left: bodies(await client.messages.list()),
  };
}

async function following() {
  const site = WEBSITE.replace("://", "://anna:s%C3%A4cret@");
  const { sid } = await text("Hello", { statusCallback: site + "/status?order=5&name=a+b" });
  await ask("settle");
  return sid;
}

async function messagingService() {
  client.messaging.baseUrl = URL_BASE;
  const number = await client.incomingPhoneNumbers.create({ phoneNumber: OTHER_NUMBER });
  const service = await client.messaging.v1.services.create({ friendlyName: "Reminders" });
  await client.messaging.v1.services(service.sid).phoneNumbers.create({ phoneNumberSid: number.sid });
  return service.sid;
}

async function scheduling() {
  const service = await messagingService();
  const sendAt = new Date((await text()).dateCreated.getTime() + 3600 * 1000);
  const planned = { to: PHONE, messagingServiceSid: service, sendAt, scheduleType: "fixed" };
  const kept = await client.messages.create({ ...planned, body: "kept" });
  const dropped = await client.messages.create({ ...planned, body: "dropped" });
  const canceled = await client.messages(dropped.sid).update({ status: "canceled" });
  await ask("advance 7200");
  await ask("settle");
  const later = await Promise.all([kept, dropped].map((message) => client.messages(message.sid).fetch()));
  return {
    planned: [kept.status, kept.dateSent, kept.messagingServiceSid === service],
    canceled: canceled.status,
    after: later.map((message) => message.status),
    from: later[0].from,
  };
}

async function fiveTextsAndALaterOne() {
  for (const body of "12345") {
    await text(body, { to: body % 2 ? PHONE : OTHER_PHONE, from: body === "5" ? OTHER_NUMBER : NUMBER });
  }
  await ask("settle");
  await ask("advance 259200");
  await text("6");
  await ask("settle");
}

async function listing() {
  await fiveTextsAndALaterOne();
  const found = async (options) => bodies(await client.messages.list(options));
  const all = await client.messages.list();
  const between = new Date(all[0].dateSent.getTime() - DAY_MS);
  const day = (date) => Math.floor(date.getTime() / DAY_MS);
  const first = day(all.at(-1).dateSent);
  const streamed = [];
  await client.messages.each({ limit: 4, callback: (message) => streamed.push(message.body) });
  return {
    pages: await found({ pageSize: 2 }),
    limit: await found({ limit: 3, pageSize: 2 }),
    to: await found({ to: OTHER_PHONE, pageSize: 1 }),
    from: await found({ from: OTHER_NUMBER }),
    before: await found({ dateSentBefore: between, pageSize: 2 }),
    after: await found({ dateSentAfter: between }),
    on: await found({ dateSent: new Date(first * DAY_MS), pageSize: 2 }),
    same_day: bodies(all.filter((message) => day(message.dateSent) === first)),
    streamed,
  };
}

async function media() {
  const sent = await text("Look", { mediaUrl: [WEBSITE + "/cat.png", ELSEWHERE] });
  await ask("settle");
  const pictures = client.messages(sent.sid).media;
  const listed = await pictures.list();
  const one = listed.find((item) => item.contentType === "image/png");
  return {
    sid: sent.sid,
    num_media: [sent.numMedia, (await client.messages(sent.sid).fetch()).numMedia],
    listed: listed.map(describe),
    fetched: describe(await pictures(one.sid).fetch()),
    downloaded: await download(URL_BASE + one.uri.replace(/\.json$/, "")),
    deleted: await pictures(one.sid).remove(),
    left: (await pictures.list()).map((item) => item.contentType),
    gone: await refused(() => pictures(one.sid).fetch()),
  };
}

async function download(url) {
  const authorization = "Basic " + Buffer.from(`${SID}:${TOKEN}`).toString("base64");
  const answer = await fetch(url, { headers: { authorization } });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { type: answer.headers.get("content-type"), bytes: bytes.toString("base64") };
}

function names(accounts) {
  return accounts.filter((account) => account.sid !== SID).map((account) => account.friendlyName);
}

async function accounts() {
  const created = await client.api.accounts.create({ friendlyName: "Sub Ä" });
  const child = client.api.accounts(created.sid);
  const sendForIt = () =>
    connect(SID, TOKEN, { accountSid: created.sid }).messages.create({ to: PHONE, from: NUMBER, body: "Hello" });
  const found = async (options) => names(await client.api.accounts.list(options));
  const seen = {
    own: describe(await client.api.account.fetch()),
    created: describe(created),
    fetched: (await child.fetch()).friendlyName,
    renamed: (await child.update({ friendlyName: "Sub 2" })).friendlyName,
    listed: await found({ pageSize: 1 }),
    by_name: await found({ friendlyName: "Sub 2" }),
    acted: await actingFor(created, sendForIt),
  };
  seen.suspended = (await child.update({ status: "suspended" })).status;
  seen.while_suspended = await refused(sendForIt);
  seen.active = (await child.update({ status: "active" })).status;
  seen.after = (await sendForIt()).accountSid;
  seen.closed = (await child.update({ status: "closed" })).status;
  seen.once_closed = await refused(sendForIt);
  seen.reopened = await refused(() => child.update({ status: "active" }));
  seen.by_status = [await found({ status: "active" }), await found({ status: "closed" })];
  return seen;
}

async function actingFor(child, sendForIt) {
  const sent = await sendForIt();
  return {
    account_sid: sent.accountSid,
    seen_by_itself: bodies(await connect(child.sid, child.authToken).messages.list()),
    seen_by_parent: bodies(await client.messages.list()),
  };
}

async function refusals() {
  return {
    "wrong token": await refused(() => connect(SID, "wrong").messages(NOBODY).fetch()),
    "wrong account": await refused(() => connect("AC" + "0".repeat(32), TOKEN).messages(NOBODY).fetch()),
    "unknown message": await refused(() => client.messages(NOBODY).fetch()),
    "no To": await refused(() => text("Hello", { to: "" })),
    "invalid To": await refused(() => text("Hello", { to: "+15005550001" })),
    "unreachable To": await refused(() => text("Hello", { to: "+15005550002" })),
    "no Body": await refused(() => text("")),
    "invalid From": await refused(() => text("Hello", { from: "+15005550001" })),
    "full From": await refused(() => text("Hello", { from: "+15005550008" })),
    unfinished: await refused(async () => client.messages((await text()).sid).remove()),
    listed: bodies(await client.messages.list()),
  };
}

async function numbers() {
  client.messaging.baseUrl = client.monitor.baseUrl = URL_BASE;
  const owned = client.incomingPhoneNumbers;
  const found = await client.availablePhoneNumbers("US").local.list({ areaCode: 415, limit: 2 });
  const bought = [];
  for (const each of found) bought.push(await owned.create({ phoneNumber: each.phoneNumber }));
  bought.push(await owned.create({ areaCode: "416", friendlyName: "Toronto" }));
  const services = client.messaging.v1.services;
  const made = [];
  for (const friendlyName of ["one", "two", "three"]) made.push(await services.create({ friendlyName }));
  const pool = services(made[0].sid).phoneNumbers;
  for (const number of bought) await pool.create({ phoneNumberSid: number.sid });
  const taken = () => services(made[1].sid).phoneNumbers.create({ phoneNumberSid: bought[0].sid });
  const used = await client.usage.records.list({ category: "sms-outbound" });
  return {
    found: found.map((each) => each.phoneNumber),
    unavailable: await refused(() => owned.create({ phoneNumber: "+15005550000" })),
    invalid: await refused(() => owned.create({ phoneNumber: "+15005550001" })),
    empty: await refused(() => owned.create({ areaCode: "533" })),
    listed: (await owned.list({ pageSize: 1 })).map((each) => each.friendlyName),
    pool: (await pool.list({ pageSize: 1 })).map((each) => each.phoneNumber),
    services: (await services.list({ pageSize: 1 })).map((each) => each.friendlyName),
    taken: await refused(taken),
    calls: (await client.calls.list()).length,
    alerts: (await client.monitor.v1.alerts.list()).length,
    usage: used.map((each) => each.count),
    released: await owned(bought[0].sid).remove(),
    left: (await pool.list()).map((each) => each.phoneNumber),
  };
}

const SCENARIOS = { sending, removing, following, scheduling, listing, media, accounts, refusals, numbers };

async function main() {
  const seen = plain(await SCENARIOS[SCENARIO]());
  const { version } = require("twilio/package.json");
  process.stdout.write("seen " + JSON.stringify({ version, seen }) + "\n");
  answers.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
