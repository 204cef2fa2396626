// What happens in the emulator, as it happens: server-sent events, and asking every two seconds where they are refused.

import { get } from "./api.js";

const POLL_MS = 2_000;
/** While polling, how long until the stream is tried again. */
const AGAIN_MS = 20_000;
/** A stream ends every 20 seconds and resumes at once: only a longer gap is worth a word. */
const PATIENCE_MS = 3_000;

/** Call `onEvent` with every event after number `after`, and `onConnection` with whether the emulator is reached. */
export function follow(after, onEvent, onConnection) {
  let last = after;
  let source = null;
  let timer = 0;
  let gap = 0;

  function take(event) {
    // A number below the last one comes from an emulator that was restarted; it always says so by `resync`.
    if (event.n <= last && event.kind !== "resync") return;
    last = event.n;
    onEvent(event);
  }

  function connected() {
    clearTimeout(gap);
    gap = 0;
    onConnection(true);
  }

  function lost() {
    gap ||= setTimeout(() => onConnection(false), PATIENCE_MS);
  }

  function stream() {
    stop();
    source = new EventSource(`/_phone/events?after=${last}`);
    source.onopen = connected;
    source.onmessage = (message) => take(JSON.parse(message.data));
    source.onerror = () => {
      lost();
      // The browser resumes by itself unless the answer was a refusal, such as 503 for too many streams.
      if (source?.readyState === EventSource.CLOSED) poll(Date.now() + AGAIN_MS);
    };
  }

  async function poll(until) {
    stop();
    try {
      const { events } = await get("poll", { after: last });
      events.forEach(take);
      connected();
    } catch {
      lost();
    }
    if (document.hidden) return;
    timer = setTimeout(() => (Date.now() < until ? poll(until) : stream()), POLL_MS);
  }

  function stop() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  // A browser opens six connections to a host: a tab that nobody sees must not hold one of them.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : stream()));
  addEventListener("pagehide", stop);
  stream();
}
