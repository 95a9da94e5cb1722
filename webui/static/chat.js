// The chat page: which conversation is open, which answers are on their way, and what each button does.
// The parts are in chat/: `turn` asks the box, `talk_view` shows, `store` keeps.

import { Choices } from "./chat/choices.js";
import { Composer } from "./chat/composer.js";
import { answerMessage, cleanTitle, isRunning, newConversation, titleFrom, userMessage } from "./chat/conversation.js";
import { confirmDelete, conversationMenu, optionsDialog, tell } from "./chat/dialogs.js";
import { byId, download } from "./chat/dom.js";
import { HistoryPanel } from "./chat/history_panel.js";
import { Objects } from "./chat/objects.js";
import { openStore } from "./chat/store.js";
import { TalkView } from "./chat/talk_view.js";
import { asJson, asMarkdown, fileName, takeIn } from "./chat/transfer.js";
import { Turn } from "./chat/turn.js";

const OPEN_KEY = "meshbox-chat-open"; // the conversation that this tab shows
const LEAST_PAUSE = 2000; // milliseconds between two savings of a growing answer
const SAVING_SHARE = 50; // saving may take this part of the time
const NOT_KEPT = "This browser keeps nothing for this page: conversations are gone when it is closed. Export what you need.";
const NO_ROOM = "This browser could not save the conversation; it may be out of room. Export what you need.";

const store = await openStore();
const others = new BroadcastChannel("meshbox-chat"); // further tabs with this page
const turns = new Map(); // conversation id -> the turn that fills its answer
const objects = new Objects();
const savings = new Map(); // conversation id -> when it may be saved again while it grows

const choices = new Choices((model) => {
  current.model = model;
  if (current.messages.length) save(current);
});
const talk = new TalkView({ resend, again, goOn, example, boxName: (id) => choices.boxName(id) });
const composer = new Composer({ send, stop });
const panel = new HistoryPanel({ open, menu });
let current = newConversation("auto");

// --- which conversation

async function open(id) {
  const found = turns.get(id)?.conversation ?? await store.read(id).catch(() => null);
  if (found === null) return listAgain();
  show(found);
  panel.close();
}

function begin() {
  show(newConversation(choices.usual()));
  panel.close();
  byId("question").focus();
}

function show(conversation) {
  current = conversation;
  choices.model = conversation.model;
  talk.show(conversation);
  composer.show(turns.has(conversation.id));
  byId("told").textContent = "";
  markOptions();
  remember(conversation.id);
  listAgain();
}

function remember(id) {
  try {
    sessionStorage.setItem(OPEN_KEY, id);
  } catch {
    // After a reload the page then begins with a new chat.
  }
}

async function listAgain() {
  panel.show(await store.list().catch(() => []), current.id);
}

// --- keeping

async function save(conversation) {
  try {
    await store.write(conversation);
    others.postMessage(conversation.id);
  } catch {
    composer.tell(NO_ROOM);
  }
  listAgain();
}

// While an answer grows: seldom enough that saving does not slow it down.
async function saveSometimes(conversation) {
  const now = performance.now();
  if (now < (savings.get(conversation.id) ?? 0)) return;
  savings.set(conversation.id, Infinity);
  await store.write(conversation).catch(() => {});
  const took = performance.now() - now;
  savings.set(conversation.id, performance.now() + Math.max(LEAST_PAUSE, took * SAVING_SHARE));
}

others.onmessage = ({ data }) => {
  listAgain();
  if (data === current.id && !turns.has(data)) open(data);
};

addEventListener("pagehide", () => {
  for (const { conversation } of turns.values()) store.write(conversation).catch(() => {});
});

// --- asking

function send(text, attachments) {
  const conversation = current;
  if (!conversation.title) conversation.title = titleFrom(text || attachments[0].name);
  conversation.messages.push(userMessage(text, attachments));
  answer(conversation, answerMessage());
}

function resend(message, text) {
  stop();
  message.text = text;
  cutAfter(message);
  talk.show(current);
  answer(current, answerMessage());
  byId("question").focus();
}

function again(message) {
  current.messages.splice(current.messages.indexOf(message));
  answer(current, answerMessage());
  byId("question").focus();
}

function goOn(message) {
  answer(current, message);
  byId("question").focus();
}

function example(words) {
  send(words, []);
  byId("question").focus();
}

function cutAfter(message) {
  current.messages.splice(current.messages.indexOf(message) + 1);
}

async function answer(conversation, message) {
  if (!conversation.messages.includes(message)) conversation.messages.push(message);
  conversation.changed = Date.now();
  const mostBytes = Number(byId("chat").dataset.maxBodyMib) << 20;
  const turn = new Turn(conversation, message, { changed: () => changed(turn), mostBytes, objects });
  turns.set(conversation.id, turn);
  composer.show(true);
  talk.sync();
  talk.follow();
  await save(conversation); // first of all: the question is not lost, whatever happens to the page
  await turn.run();
  if (turns.get(conversation.id) === turn) turns.delete(conversation.id);
  if (!conversation.deleted) save(conversation);
  if (conversation !== current) return;
  composer.show(turns.has(conversation.id));
  talk.sync();
  if (conversation.messages.includes(message)) talk.announce(message);
}

function changed({ conversation, answer: message }) {
  if (isRunning(message) && message.text) saveSometimes(conversation);
  if (conversation === current) talk.refresh(message);
}

function stop() {
  turns.get(current.id)?.stop();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open], :popover-open")) stop();
});

// --- one conversation: settings, title, files

byId("options").onclick = () => optionsDialog(current.options, (options) => {
  current.options = options;
  markOptions();
  if (current.messages.length) save(current);
});

function markOptions() {
  const { system, temperature, max_tokens: tokens } = current.options;
  byId("options").classList.toggle("set", system !== "" || temperature !== null || tokens !== null);
}

const loaded = async (id) => turns.get(id)?.conversation ?? (current.id === id ? current : await store.read(id));

function menu(head) {
  conversationMenu(head.title, {
    rename: async (title) => {
      const conversation = await loaded(head.id);
      conversation.title = cleanTitle(title) || conversation.title;
      save(conversation);
    },
    markdown: async () => download(fileName(head.title, "md"), "text/markdown", asMarkdown(await loaded(head.id))),
    json: async () => download(fileName(head.title, "json"), "application/json", asJson([await loaded(head.id)])),
    remove: () => confirmDelete(head.title, () => remove(head.id)),
  });
}

async function remove(id) {
  const running = turns.get(id);
  if (running) running.conversation.deleted = true;
  running?.stop();
  await store.remove(id);
  others.postMessage(id);
  if (id === current.id) begin();
  else listAgain();
}

// --- all conversations

byId("fresh").onclick = begin;
byId("fresh-too").onclick = begin;
byId("export-all").onclick = async () => {
  const heads = await store.list();
  const all = await Promise.all(heads.map((head) => loaded(head.id)));
  download("meshbox-conversations.json", "application/json", asJson(all.filter((one) => one !== null)));
};
byId("import").onclick = () => byId("import-file").click();
byId("import-file").onchange = async ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  const report = await takeIn(file, store).catch(() => NO_ROOM);
  target.value = "";
  others.postMessage("");
  await listAgain();
  tell("Import", report);
};

byId("no-script").hidden = true;
if (!store.lasting) byId("kept").textContent = NOT_KEPT;
const kept = new URL(location.href).searchParams.has("model") ? null : await store.read(recall()).catch(() => null);
show(kept ?? newConversation(choices.usual()));
byId("send").disabled = false; // until now it would have sent the form nowhere

function recall() {
  try {
    return sessionStorage.getItem(OPEN_KEY) ?? "";
  } catch {
    return "";
  }
}
