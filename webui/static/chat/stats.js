// What is known about an answer, in words.

const FEWEST_TOKENS = 8; // fewer say nothing about the speed

// The short line under an answer.
export function shortStats(stats, boxName) {
  const parts = [];
  if (stats.model) parts.push(stats.model);
  if (stats.tokens) parts.push(stats.tokens === 1 ? "1 token" : `${stats.tokens} tokens`);
  if (stats.rate && stats.tokens >= FEWEST_TOKENS) parts.push(`${rateText(stats.rate)} tokens/s`);
  if (stats.first !== undefined) parts.push(`first word after ${stats.first.toFixed(2)} s`);
  if (stats.box) parts.push(`on ${boxName(stats.box)}`);
  return parts.join(" · ");
}

// Everything, as names and values.
export function allStats(stats, boxName) {
  const known = (value, text) => (value === undefined || value === "" ? null : text(value));
  return [
    ["Model", known(stats.model, String)],
    ["Answered by", known(stats.box, boxName)],
    ["Why there", known(stats.route, String)],
    ["Tokens of the answer", known(stats.tokens, String)],
    ["Tokens of the question", known(stats.asked, String)],
    ["Speed", known(stats.rate, (rate) => `${rateText(rate)} tokens/s`)],
    ["First word after", known(stats.first, (seconds) => `${seconds.toFixed(2)} s`)],
    ["Whole answer in", known(stats.total, (seconds) => `${seconds.toFixed(1)} s`)],
  ].filter(([, value]) => value !== null);
}

const rateText = (rate) => (rate < 10 ? rate.toFixed(1) : rate.toFixed(0));
