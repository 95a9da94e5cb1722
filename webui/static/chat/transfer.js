// Conversations as files, and back. A file may come from anybody: what is not sound in it is left out.

import { newId, revive, UNTITLED } from "./conversation.js";

const FORMAT = "meshbox-chat";
const MOST_BYTES = 200 << 20;
const MOST_CONVERSATIONS = 5000;

export function asJson(conversations) {
  return JSON.stringify({ format: FORMAT, version: 1, conversations }, null, 1);
}

export function asMarkdown(conversation) {
  const parts = [`# ${conversation.title || UNTITLED}`];
  if (conversation.options.system) parts.push(`> ${conversation.options.system.replaceAll("\n", "\n> ")}`);
  for (const message of conversation.messages) {
    parts.push(message.role === "user" ? "## You" : `## ${message.stats.model || conversation.model}`);
    for (const file of message.attachments ?? []) parts.push(`*Attached: ${file.name}*`);
    if (message.text) parts.push(message.text);
    if (message.problem) parts.push(`*${message.problem}*`);
  }
  return parts.join("\n\n") + "\n";
}

export function fileName(title, ending) {
  const safe = (title || UNTITLED).replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60);
  return `${safe || "chat"}.${ending}`;
}

// Stores what the file holds; returns a sentence about what was done.
export async function takeIn(file, store) {
  if (file.size > MOST_BYTES) return `${file.name} is too large: a file may have up to ${MOST_BYTES >> 20} MiB.`;
  const given = conversationsIn(await file.text());
  if (given === null) return `${file.name} is no export of this page, so nothing was imported.`;
  const known = new Map((await store.list()).map((head) => [head.id, head.changed]));
  let taken = 0;
  let present = 0;
  for (const raw of given) {
    const one = revive(raw);
    if (one === null) continue;
    if (known.get(one.id) === one.changed) {
      present += 1;
      continue;
    }
    await store.write(known.has(one.id) ? { ...one, id: newId() } : one);
    taken += 1;
  }
  return report(taken, present, given.length - taken - present);
}

function conversationsIn(text) {
  try {
    const parsed = JSON.parse(text);
    const sound = parsed?.format === FORMAT && Array.isArray(parsed.conversations);
    return sound && parsed.conversations.length <= MOST_CONVERSATIONS ? parsed.conversations : null;
  } catch {
    return null;
  }
}

function report(taken, present, broken) {
  const sentences = [taken === 1 ? "1 conversation was imported." : `${taken} conversations were imported.`];
  if (present) sentences.push(`Already here: ${present}.`);
  if (broken) sentences.push(`Left out, because they are damaged: ${broken}.`);
  return sentences.join(" ");
}
