// Where the message is written: grows with its text, Enter sends, what was not sent survives a reload.

import { byId } from "./dom.js";
import { Tray } from "./tray.js";

const DRAFT = "meshbox-chat-draft";

export class Composer {
  constructor({ send, stop }) {
    this.field = byId("question");
    this.form = byId("ask");
    this.trouble = byId("ask-trouble");
    this.tray = new Tray({ trouble: (sentence) => this.tell(sentence) });
    this.busy = false;
    this.form.onsubmit = (event) => {
      event.preventDefault();
      if (!this.busy) this.#submit(send);
    };
    byId("stop").onclick = () => {
      stop();
      this.field.focus();
    };
    this.field.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.form.requestSubmit();
    };
    this.field.oninput = () => this.#grow();
    this.#keepDraft();
  }

  #submit(send) {
    const text = this.field.value.trim();
    if (!text && this.tray.empty) return;
    this.tell("");
    this.field.value = "";
    this.#grow();
    send(text, this.tray.take());
  }

  tell(sentence) {
    this.trouble.textContent = sentence;
    this.trouble.hidden = sentence === "";
  }

  show(busy) {
    const lost = document.activeElement === byId("stop") && !busy;
    this.busy = busy;
    byId("send").hidden = busy;
    byId("stop").hidden = !busy;
    if (lost) this.field.focus();
  }

  #grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight + this.field.offsetHeight - this.field.clientHeight}px`;
  }

  #keepDraft() {
    try {
      this.field.value ||= sessionStorage.getItem(DRAFT) ?? ""; // somebody may have typed before the scripts were there
      addEventListener("pagehide", () => sessionStorage.setItem(DRAFT, this.field.value));
    } catch {
      // Without a store a draft is lost with the page.
    }
    this.#grow();
  }
}
