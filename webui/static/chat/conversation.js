// What a conversation is, and how one from a file or an older page becomes a sound one. No elements, no storage.

const LONGEST_TITLE = 80;
const AUTO_TITLE = 60;
const MOST_MESSAGES = 10_000;
const MOST_ATTACHMENTS = 50;
const IDENTIFIER = /^[\w-]{1,64}$/;
const MEDIA = {
  image: /^data:image\/(png|jpeg|webp|gif);base64,/,
  audio: /^data:audio\/(wav|mpeg);base64,/,
  pdf: /^data:application\/pdf;base64,/,
};
const ENDED = new Set(["done", "length", "stopped", "cut", "failed"]);

export const UNTITLED = "New chat";

export function newId() {
  // Not randomUUID: browsers give that to safe addresses only.
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function newConversation(model) {
  const now = Date.now();
  const options = { system: "", temperature: null, max_tokens: null };
  return { id: newId(), title: "", created: now, changed: now, model, options, messages: [] };
}

export const userMessage = (text, attachments = []) => ({ role: "user", text, attachments });

export const answerMessage = () => ({ role: "assistant", text: "", thinking: "", state: "waiting", problem: "", stats: {} });

export const isRunning = (message) => message.state === "waiting" || message.state === "writing";

export function titleFrom(text) {
  const line = text.trim().split("\n")[0].replace(/\s+/g, " ");
  return line.length > AUTO_TITLE ? `${line.slice(0, AUTO_TITLE - 1).trimEnd()}…` : line;
}

export const cleanTitle = (text) => text.replace(/\s+/g, " ").trim().slice(0, LONGEST_TITLE);

// A sound conversation from anything; null when there is none in it.
export function revive(raw) {
  if (!isRecord(raw) || !Array.isArray(raw.messages) || raw.messages.length > MOST_MESSAGES) return null;
  const messages = raw.messages.map(reviveMessage);
  if (messages.includes(null)) return null;
  return {
    id: typeof raw.id === "string" && IDENTIFIER.test(raw.id) ? raw.id : newId(),
    title: cleanTitle(string(raw.title)),
    created: time(raw.created),
    changed: time(raw.changed),
    model: string(raw.model, 300) || "auto",
    options: reviveOptions(raw.options),
    messages,
  };
}

function reviveMessage(raw) {
  if (!isRecord(raw) || typeof raw.text !== "string") return null;
  if (raw.role === "user") {
    const attachments = (Array.isArray(raw.attachments) ? raw.attachments : []).slice(0, MOST_ATTACHMENTS);
    return userMessage(raw.text, attachments.map(reviveAttachment).filter((one) => one !== null));
  }
  if (raw.role !== "assistant") return null;
  // An answer that was on its way when the page was left did not come to its end.
  const state = ENDED.has(raw.state) ? raw.state : "cut";
  const stats = reviveStats(raw.stats);
  return { role: "assistant", text: raw.text, thinking: string(raw.thinking), state, problem: string(raw.problem, 2000), stats };
}

function reviveAttachment(raw) {
  if (!isRecord(raw) || typeof raw.data !== "string") return null;
  const name = string(raw.name, 200) || "file";
  if (raw.kind === "text") return { kind: "text", name, data: raw.data };
  return Object.hasOwn(MEDIA, raw.kind) && MEDIA[raw.kind].test(raw.data) ? { kind: raw.kind, name, data: raw.data } : null;
}

function reviveStats(raw) {
  const stats = {};
  for (const key of ["model", "box", "route"]) {
    if (typeof raw?.[key] === "string") stats[key] = raw[key].slice(0, 300);
  }
  for (const key of ["tokens", "rate", "first", "total", "asked"]) {
    if (Number.isFinite(raw?.[key])) stats[key] = raw[key];
  }
  return stats;
}

export function reviveOptions(raw) {
  const within = (value, low, high) => (Number.isFinite(value) && value >= low && value <= high ? value : null);
  const tokens = within(raw?.max_tokens, 1, 1_000_000);
  return {
    system: string(raw?.system, 100_000),
    temperature: within(raw?.temperature, 0, 5),
    max_tokens: tokens === null ? null : Math.round(tokens),
  };
}

// What the first page of Meshbox kept: a bare list of roles and texts.
export function fromOldPage(raw) {
  if (!Array.isArray(raw) || !raw.length) return null;
  const messages = raw.map((one) => ({ role: one?.role, text: one?.content, state: "done" }));
  const first = messages.find((one) => one.role === "user" && typeof one.text === "string");
  return revive({ messages, title: titleFrom(first?.text ?? ""), created: Date.now(), changed: Date.now() });
}

const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const string = (value, longest = Infinity) => (typeof value === "string" ? value.slice(0, longest) : "");
const time = (value) => (Number.isFinite(value) && value > 0 && value < 8.64e15 ? value : Date.now());
