// The list of models. The server keeps a hidden list up to date on the page; this select follows it and keeps what the
// person chose, even while that model is away.

import { byId, make } from "./dom.js";

const REMEMBERED = "meshbox-chat-model";

export class Choices {
  #wanted = "auto";

  constructor(picked) {
    this.select = byId("model");
    this.select.onchange = () => {
      this.#wanted = this.select.value;
      remember(this.#wanted);
      picked(this.#wanted);
    };
    new MutationObserver(() => this.#show()).observe(byId("choices-place"), {
      childList: true, subtree: true, characterData: true, attributes: true,
    });
    this.#show();
  }

  get model() { return this.#wanted; }

  set model(name) {
    this.#wanted = name;
    this.#show();
  }

  // For a conversation that begins: what the address asks for, else what was chosen last, else auto.
  usual() {
    const asked = new URL(location.href).searchParams.get("model");
    const last = asked ?? recall();
    return this.#offered().some((one) => one.model === last && one.usable) ? last : "auto";
  }

  boxName(id) {
    const entries = [...byId("choices").querySelectorAll("[data-box]")];
    return entries.find((entry) => entry.dataset.box === id)?.textContent ?? id.slice(0, 8);
  }

  #offered() {
    return [...byId("choices").querySelectorAll("[data-model]")].map((entry) => ({
      model: entry.dataset.model, label: entry.textContent, usable: entry.dataset.usable === "true",
    }));
  }

  #show() {
    const offered = this.#offered();
    if (!offered.some((one) => one.model === this.#wanted)) {
      const label = this.#wanted === "auto" ? "No model to choose" : `${this.#wanted} (not served now)`;
      offered.unshift({ model: this.#wanted, label, usable: true });
    }
    const told = JSON.stringify(offered);
    if (told !== this.shown) {
      this.select.replaceChildren(...offered.map((one) => make("option", { value: one.model, disabled: !one.usable }, one.label)));
      this.shown = told;
    }
    this.select.value = this.#wanted;
  }
}

function remember(name) {
  try {
    localStorage.setItem(REMEMBERED, name);
  } catch {
    // Without a store the next conversation begins with auto.
  }
}

function recall() {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}
