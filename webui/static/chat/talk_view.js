// The conversation on the page: its messages, and a scroll that follows the end as long as the person is there.

import { button, byId, make } from "./dom.js";
import { AnswerView, QuestionView } from "./message_view.js";

const NEAR = 80; // pixels from the end that still count as the end
const LONGEST_TOLD = 600;
const EXAMPLES = ["What is the capital of France?", "What is 3 + 4?", "Explain what a router does in two sentences."];

export class TalkView {
  #views = new Map();
  #following = true;

  constructor(actions) {
    this.actions = actions;
    this.room = byId("talk");
    this.thread = byId("thread");
    this.toEnd = byId("to-end");
    this.toEnd.onclick = () => {
      this.follow();
      byId("question").focus();
    };
    this.room.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    const watch = new ResizeObserver(() => this.#resized());
    watch.observe(this.room);
    watch.observe(this.thread);
  }

  show(conversation) {
    this.conversation = conversation;
    this.#views.clear();
    this.thread.replaceChildren();
    this.sync();
    this.follow();
  }

  // Brings the page in line with the messages: new ones appear, removed ones go.
  sync() {
    const { messages } = this.conversation;
    for (const [message, view] of this.#views) {
      if (messages.includes(message)) continue;
      view.node.remove();
      this.#views.delete(message);
    }
    this.thread.querySelector(".welcome")?.remove();
    if (!messages.length) this.thread.append(this.#welcome());
    for (const message of messages) {
      if (!this.#views.has(message)) this.#add(message);
      this.refresh(message);
    }
  }

  refresh(message) {
    this.#views.get(message)?.refresh(message === this.conversation.messages.at(-1));
  }

  #add(message) {
    const View = message.role === "user" ? QuestionView : AnswerView;
    const view = new View(message, this.actions);
    this.#views.set(message, view);
    this.thread.append(view.node);
  }

  // Read out once an answer is there, not word by word.
  announce(message) {
    const said = this.#views.get(message)?.body.innerText.trim() || message.problem;
    byId("told").textContent = said.length > LONGEST_TOLD ? `${said.slice(0, LONGEST_TOLD)}…` : said;
  }

  follow() {
    this.#following = true;
    this.#resized();
  }

  #scrolled() {
    this.#following = this.#distance() < NEAR;
    this.toEnd.hidden = this.#following;
  }

  #resized() {
    if (this.#following) this.room.scrollTop = this.room.scrollHeight;
    this.toEnd.hidden = this.#following || this.#distance() < NEAR;
  }

  #distance() {
    return this.room.scrollHeight - this.room.scrollTop - this.room.clientHeight;
  }

  #welcome() {
    return make(
      "div",
      { className: "welcome" },
      make("p", { className: "welcome-title" }, "What would you like to know?"),
      make("p", { className: "help" }, "Your questions go to this box and no further. Conversations are kept in this browser."),
      make("div", { className: "examples" }, ...EXAMPLES.map((words) => button(words, () => this.actions.example(words)))),
    );
  }
}
