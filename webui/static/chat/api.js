// The box's OpenAI API: one question, its streamed answer, and every failure as a Problem with a sentence.

const CHAT = "/api/openai/v1/chat/completions";
const OBJECTS = "/api/objects";
const LONGEST_WAIT = 60; // seconds between two tries
const UNREACHABLE =
  "The box cannot be reached. Check that it is switched on and that this device is in its network, then try again.";
const BROKE_OFF = "The connection to the box broke off, so this answer is incomplete.";
const NOT_ENDED = "The answer ended before the model had finished it.";

export class Problem extends Error {
  constructor(message, { status = 0, code = "", wait = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.wait = wait; // seconds after which another try makes sense
  }
}

export async function ask(body, signal) {
  const response = await post(CHAT, "application/json", body, signal);
  return { headers: response.headers, pieces: pieces(response.body) };
}

// Keeps a file on the box for the questions to come: its `id`, and the `url` that stands for it.
export async function putUp(file, signal) {
  const response = await post(OBJECTS, "application/octet-stream", file, signal);
  return response.json();
}

// For courtesy: the box forgets it in any case.
export function takeAway(id) {
  fetch(`${OBJECTS}/${encodeURIComponent(id)}`, { method: "DELETE" }).catch(() => {});
}

async function post(address, type, body, signal) {
  const response = await fetch(address, { method: "POST", headers: { "Content-Type": type }, body, signal })
    .catch((error) => { throw unlessStopped(error, new Problem(UNREACHABLE, { code: "unreachable" })); });
  if (response.status === 401) {
    location.assign("/login?next=/chat");
    throw new Problem("You have been logged out. Log in again, then try again.", { status: 401 });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response) {
  const body = await response.json().catch(() => ({}));
  const words = body?.error?.message ?? body?.detail;
  const message = typeof words === "string" && words ? words : `The box answered with status ${response.status}.`;
  const code = [body?.error?.code, body?.code].find((one) => typeof one === "string") ?? "";
  return new Problem(message, { status: response.status, code, wait: waiting(response.headers.get("Retry-After")) });
}

function waiting(header) {
  const seconds = Number.parseInt(header ?? "", 10);
  return Number.isNaN(seconds) ? null : Math.min(Math.max(seconds, 1), LONGEST_WAIT);
}

// The parsed data of each event; a stream that ends without its last word is a problem.
async function* pieces(stream) {
  let ended = false;
  for await (const data of eventData(stream)) {
    if (data === "[DONE]") return;
    const piece = parse(data);
    if (piece?.error) throw new Problem(String(piece.error.message ?? NOT_ENDED), { code: "cut" });
    if (piece?.choices?.[0]?.finish_reason) ended = true;
    if (piece) yield piece;
  }
  if (!ended) throw new Problem(NOT_ENDED, { code: "cut" });
}

function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    throw new Problem(NOT_ENDED, { code: "cut" });
  }
}

async function* eventData(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error) => { throw unlessStopped(error, new Problem(BROKE_OFF, { code: "cut" })); });
      if (done) return;
      const lines = (rest + value).split(/\r?\n/);
      rest = lines.pop();
      for (const line of lines) if (line.startsWith("data:")) yield line.slice(5).trimStart();
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function unlessStopped(error, problem) {
  return error.name === "AbortError" ? error : problem;
}
