// Which messages show the result of running their conversation again.

import { currentKey } from "./model.js";

/** Return whether an answer of a run is different from before. */
export function isChanged(answer) {
  return answer.changed;
}

/** Return the answer that is shown below a message: below the last reply to a text, or below the text if it has none. */
export function lastAnswer(message, model) {
  const run = model.runs.get(currentKey());
  if (!run) return undefined;
  const asked = message.direction === "inbound" ? message.sid : message.in_reply_to;
  const answer = run.answers.find((each) => each.sid === asked);
  if (!answer) return undefined;
  const replies = [...model.messages.values()].filter((each) => each.in_reply_to === asked);
  const last = replies.length ? replies.at(-1).sid : asked;
  return last === message.sid ? answer : undefined;
}
