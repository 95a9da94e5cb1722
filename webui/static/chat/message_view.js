// One message on the page. It is told when its message changed and draws what differs.

import { isRunning } from "./conversation.js";
import { button, copyButton, make } from "./dom.js";
import { LiveText } from "./live_text.js";
import { allStats, shortStats } from "./stats.js";
import { preview } from "./tray.js";

const STATES = {
  stopped: "You stopped this answer.",
  cut: "This answer was cut off.",
  length: "This answer reached its length limit.",
  failed: "No answer came.",
};

export class QuestionView {
  constructor(message, actions) {
    this.message = message;
    this.actions = actions;
    this.node = make("article", { className: "said user" });
    this.refresh();
  }

  refresh() {
    const { message } = this;
    const files = message.attachments.map((file) => make("li", {}, preview(file)));
    this.edit = button("Edit", () => this.#edit());
    this.node.replaceChildren(
      make("h2", { className: "unseen" }, "You"),
      ...(files.length ? [make("ul", { className: "tray" }, ...files)] : []),
      make("div", { className: "body plain-text", hidden: message.text === "" }, message.text),
      make("div", { className: "tools-row" }, copyButton(() => message.text), this.edit),
    );
  }

  #edit() {
    const field = make("textarea", { value: this.message.text, rows: 3, "aria-label": "Your message, changed" });
    const leave = () => {
      this.refresh();
      this.edit.focus();
    };
    const form = make(
      "form",
      { className: "edit" },
      field,
      make("p", { className: "help" }, "Sending this asks again. What comes after it in this conversation is removed."),
      make("div", { className: "actions" }, make("button", { className: "primary" }, "Send again"), button("Cancel", leave)),
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      if (field.value.trim() || this.message.attachments.length) this.actions.resend(this.message, field.value.trim());
    };
    field.onkeydown = (event) => {
      if (event.key === "Escape") leave();
      else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) form.requestSubmit();
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    this.node.replaceChildren(make("h2", { className: "unseen" }, "You"), form);
    field.focus();
  }
}

export class AnswerView {
  constructor(message, actions) {
    this.message = message;
    this.actions = actions;
    this.thinking = make("div", { className: "plain-text" });
    this.thinkingTitle = make("summary");
    this.thinkingBox = make("details", { className: "thinking", hidden: true }, this.thinkingTitle, this.thinking);
    this.body = make("div", { className: "body" });
    this.text = new LiveText(this.body);
    this.pending = make("p", { className: "pending" });
    this.trouble = make("p", { className: "trouble", hidden: true });
    this.tools = make("div", { className: "tools-row" });
    this.note = make("details", { className: "note", hidden: true });
    const heading = make("h2", { className: "unseen" }, "Answer");
    this.node = make("article", { className: "said assistant" }, heading, this.thinkingBox, this.body, this.pending, this.trouble, this.tools, this.note);
    this.refresh(false);
  }

  // `last`: it is the newest message, which can be asked for again.
  refresh(last) {
    const { message } = this;
    const running = isRunning(message);
    this.node.ariaBusy = String(running);
    this.#showThinking(running);
    if (running) this.text.update(message.text);
    else this.text.finish(message.text);
    this.pending.hidden = !running;
    this.pending.textContent = message.state === "waiting" ? waitingWords(message) : "Writing…";
    const told = [message.problem, message.problem ? "" : STATES[message.state]].find(Boolean) ?? "";
    this.trouble.hidden = running || told === "";
    this.trouble.textContent = told;
    this.node.classList.toggle("error", message.state === "failed");
    this.#showEnd(running, last);
  }

  #showThinking(running) {
    const { message } = this;
    this.thinkingBox.hidden = message.thinking === "";
    const words = running && message.text === "" ? "Thinking…" : "Thinking";
    if (this.thinkingTitle.textContent !== words) this.thinkingTitle.textContent = words;
    if (this.thought === message.thinking) return;
    this.thought = message.thinking;
    if (this.thinking.firstChild) this.thinking.firstChild.data = message.thinking;
    else this.thinking.textContent = message.thinking;
  }

  #showEnd(running, last) {
    const key = JSON.stringify([running, last, this.message.state, this.message.stats]);
    if (key === this.ended) return;
    this.ended = key;
    const { message, actions } = this;
    const buttons = [];
    if (!running && message.text) buttons.push(copyButton(() => message.text));
    if (!running && last && message.text && ["cut", "stopped", "length"].includes(message.state)) buttons.push(button("Continue", () => actions.goOn(message)));
    if (!running && last) buttons.push(button(message.state === "failed" ? "Retry" : "Try again", () => actions.again(message)));
    this.tools.replaceChildren(...buttons);
    this.note.hidden = running || !Object.keys(message.stats).length;
    if (this.note.hidden) return;
    const facts = allStats(message.stats, actions.boxName).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
    this.note.replaceChildren(make("summary", {}, shortStats(message.stats, actions.boxName)), make("dl", { className: "facts" }, ...facts));
  }
}

function waitingWords({ waiting }) {
  if (waiting?.until) {
    const left = Math.max(1, Math.ceil((waiting.until - Date.now()) / 1000));
    return `${waiting.words.replace(/ Try again [\w ]+\.$/, "")} Trying again in ${left} s.`;
  }
  if (waiting?.sending) return `Sending ${waiting.sending}…`;
  const seconds = Math.floor((Date.now() - (waiting?.since ?? Date.now())) / 1000);
  return seconds < 2 ? "Waiting for the first word…" : `Waiting for the first word… ${seconds} s`;
}
