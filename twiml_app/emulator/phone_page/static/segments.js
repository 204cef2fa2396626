// Count SMS segments as twiml_app/segments.py does, so that the counter agrees with what the emulator bills.

const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENSION = new Set("\f^{}\\[~]|€");
const SINGLE = { "GSM-7": 160, "UCS-2": 70 };
const CONCATENATED = { "GSM-7": 153, "UCS-2": 67 };

/** Twilio's limit for the text of a message, in UTF-16 units, which is the length of a string in JavaScript. */
export const MAX_UNITS = 1600;

/** Return the encoding of a text, its units, and the number of its segments. */
export function segment(text) {
  const encoding = [...text].every((letter) => BASIC.has(letter) || EXTENSION.has(letter)) ? "GSM-7" : "UCS-2";
  const sizes = clusters(text).map((cluster) => size(cluster, encoding));
  const units = sizes.reduce((sum, each) => sum + each, 0);
  if (units <= SINGLE[encoding]) return { encoding, units, count: 1 };
  return { encoding, units, count: filled(clusters(text), encoding) };
}

/** Return the visible characters of a text: an emoji of several code points is one. */
function clusters(text) {
  if (/^[\x00-\x0c\x0e-\x7f]*$/.test(text) || !globalThis.Intl?.Segmenter) return [...text];
  return [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text)].map((each) => each.segment);
}

function size(cluster, encoding) {
  if (encoding === "UCS-2") return cluster.length;
  return [...cluster].reduce((sum, letter) => sum + (EXTENSION.has(letter) ? 2 : 1), 0);
}

/** Return how many concatenated segments the clusters fill; one is split only if it is longer than a segment. */
function filled(all, encoding) {
  const room = CONCATENATED[encoding];
  let count = 1;
  let used = 0;
  for (const cluster of all.flatMap((each) => (size(each, encoding) > room ? [...each] : [each]))) {
    const needed = size(cluster, encoding);
    if (used + needed > room) {
      count += 1;
      used = 0;
    }
    used += needed;
  }
  return count;
}
