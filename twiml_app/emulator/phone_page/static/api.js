// Ask the emulator. Every failure becomes a Problem with one plain line that can be shown.

/** Twilio waits 15 seconds for an answer, and a fallback as long again; a run of a conversation may take longer. */
const DEADLINE_MS = 45_000;
const RUN_DEADLINE_MS = 180_000;

export class Problem extends Error {}

/** Return the document at a path of the page's API. */
export function get(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  return ask("GET", query ? `${path}?${query}` : path);
}

/** Post a document; returns the answer. */
export function post(path, document = {}) {
  return ask("POST", path, JSON.stringify(document), { "Content-Type": "application/json" });
}

/** Post a form with files; returns the answer. */
export function postForm(path, form) {
  return ask("POST", path, form);
}

/** Delete something; returns the answer. */
export function remove(path) {
  return ask("DELETE", path);
}

async function ask(method, path, body = undefined, headers = {}) {
  const deadline = AbortSignal.timeout(path === "run" ? RUN_DEADLINE_MS : DEADLINE_MS);
  let response;
  try {
    response = await fetch(`/_phone/${path}`, {
      method,
      body,
      headers: method === "GET" ? headers : { ...headers, "X-Twiml-Phone": "1" },
      signal: deadline,
      cache: "no-store",
    });
  } catch {
    throw new Problem(deadline.aborted ? "The emulator takes too long." : "The emulator cannot be reached: does it still run?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(answer.error || `The emulator answered ${response.status}.`);
  return answer;
}
