// The chat page: asks the box's own API through this port and shows the answer as it comes.
// Model output is only ever put into text nodes.

const API = "/api/openai/v1/chat/completions";
const STORE = "meshbox-chat";
const FENCE = "```";
const FEWEST_TOKENS = 8;

const talk = document.getElementById("talk");
const form = document.getElementById("ask");
const question = document.getElementById("question");
const send = document.getElementById("send");
const stop = document.getElementById("stop");

let messages = load();
let running = null;

function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE) ?? "[]");
    return Array.isArray(kept) ? kept.filter((m) => typeof m?.role === "string" && typeof m?.content === "string") : [];
  } catch {
    return [];
  }
}

function keep() {
  try {
    localStorage.setItem(STORE, JSON.stringify(messages));
  } catch {
    // A full or forbidden store costs the history, not the chat.
  }
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

// Code between fences becomes a block of its own; everything else stays plain text.
function fill(target, text) {
  const parts = text.split(FENCE);
  target.replaceChildren(...parts.map((part, index) => {
    if (index % 2 === 0) return element("div", "text", part);
    const code = element("pre", "", part.replace(/^[\w+-]*\n/, ""));
    code.tabIndex = 0;
    return code;
  }).filter((block) => block.textContent !== ""));
}

function show(role, text) {
  const box = element("div", `said ${role}`);
  const body = element("div", "body");
  fill(body, text);
  const note = element("div", "note");
  box.append(body, note);
  talk.querySelector(".hint")?.remove();
  talk.append(box);
  scroll(true);
  return { box, body, note };
}

function scroll(force = false) {
  const near = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 120;
  if (force || near) talk.scrollTop = talk.scrollHeight;
}

function busy(on) {
  send.hidden = on;
  stop.hidden = !on;
}

// The data of each server-sent event of a streamed answer.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data: ") && line !== "data: [DONE]") yield JSON.parse(line.slice(6));
    }
  }
}

async function failure(response) {
  try {
    const body = await response.json();
    return body.error?.message ?? body.detail ?? response.statusText;
  } catch {
    return response.statusText;
  }
}

// The engine's own figure where it gives one, else what was seen here; a handful of tokens says nothing about either.
function speed(started, first, tokens, timings) {
  const now = performance.now();
  const wait = ((first ?? now) - started) / 1000;
  const rate = timings?.predicted_per_second ?? (tokens - 1) / ((now - first) / 1000);
  const parts = [`first word after ${wait.toFixed(2)} s`];
  if (tokens >= FEWEST_TOKENS && Number.isFinite(rate)) parts.push(`${rate.toFixed(0)} tokens/s`);
  return parts;
}

async function answer(shown, signal) {
  const started = performance.now();
  const model = document.getElementById("model").value;
  const response = await fetch(API, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  if (response.status === 401) {
    location.assign("/login?next=/chat");
    return "";
  }
  if (!response.ok) throw new Error(await failure(response));
  let text = "";
  let first = null;
  let tokens = 0;
  let timings = null;
  try {
    for await (const event of events(response)) {
      if (event.error) throw new Error(event.error.message);
      const piece = event.choices?.[0]?.delta?.content;
      timings = event.timings ?? timings;
      tokens = event.usage?.completion_tokens ?? (piece ? tokens + 1 : tokens);
      if (!piece) continue;
      first ??= performance.now();
      text += piece;
      fill(shown.body, text);
      scroll();
    }
  } catch (error) {
    if (error.name !== "AbortError") {
      error.partial = text;
      throw error;
    }
  }
  shown.note.textContent = [response.headers.get("X-Meshbox-Model") ?? model, ...speed(started, first, tokens, timings)].join(" · ");
  return text;
}

async function ask(text) {
  messages.push({ role: "user", content: text });
  show("user", text);
  const shown = show("assistant", "");
  running = new AbortController();
  busy(true);
  try {
    const reply = await answer(shown, running.signal);
    messages.push({ role: "assistant", content: reply });
  } catch (error) {
    if (error.name !== "AbortError") {
      shown.box.classList.add("error");
      shown.note.textContent = error.message;
    }
    if (error.partial) messages.push({ role: "assistant", content: error.partial });
    else messages.pop();
  } finally {
    keep();
    running = null;
    busy(false);
    question.focus();
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (!text || running) return;
  question.value = "";
  ask(text);
});

question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

stop.addEventListener("click", () => running?.abort());

document.getElementById("fresh").addEventListener("click", () => {
  running?.abort();
  messages = [];
  keep();
  empty();
  question.focus();
});

function empty() {
  talk.replaceChildren(document.getElementById("hint").content.cloneNode(true));
}

empty();
for (const message of messages) show(message.role, message.content);
