// What is different since a conversation was run again, and where it is shown.

import { currentKey, model } from "./model.js";

/** Return the answers of a run that count: those to texts, and those to status callbacks that have changed. */
export function answersOf(run) {
  return run.answers.filter(({ what, changed }) => what !== "status" || changed);
}

/** Return the changed answers that are shown below a message. */
export function changesBelow(message) {
  const run = model.runs.get(currentKey());
  const changed = run?.answers.filter((each) => each.changed) ?? [];
  return changed.filter((answer) => placeOf(answer) === message.sid);
}

/** Return the SID of the message below which an answer is shown: the last reply to a text, or the text without one. */
function placeOf({ sid, what }) {
  if (what === "status") return sid;
  const replies = [...model.messages.values()].filter((each) => each.in_reply_to === sid);
  return replies.length ? replies.at(-1).sid : sid;
}
