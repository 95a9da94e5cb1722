// The attachments of the message that is being written: chosen, pasted or dropped; shown with a button to remove each.

import { MOST_FILES, Unreadable, readFile } from "./attachments.js";
import { button, byId, make } from "./dom.js";

export class Tray {
  #files = [];

  constructor({ trouble }) {
    this.trouble = trouble;
    this.list = byId("tray");
    this.input = byId("files");
    byId("attach").onclick = () => this.input.click();
    this.input.onchange = () => {
      this.add([...this.input.files]);
      this.input.value = "";
    };
    this.#listenToPaste(byId("question"));
    this.#listenToDrop(byId("room"));
  }

  get empty() { return this.#files.length === 0; }

  take() {
    const taken = this.#files;
    this.set([]);
    return taken;
  }

  set(files) {
    this.#files = files;
    this.#show();
  }

  async add(files) {
    this.trouble("");
    for (const file of files) {
      if (this.#files.length >= MOST_FILES) {
        this.trouble(`One message can carry ${MOST_FILES} files.`);
        return;
      }
      try {
        this.set([...this.#files, await readFile(file)]);
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        this.trouble(error.message);
      }
    }
  }

  #show() {
    this.list.hidden = this.empty;
    this.list.replaceChildren(...this.#files.map((file) => make("li", {}, preview(file), this.#remover(file))));
  }

  #remover(file) {
    const remove = () => {
      this.set(this.#files.filter((one) => one !== file));
      byId("question").focus();
    };
    return button("Remove", remove, { "aria-label": `Remove ${file.name}` });
  }

  #listenToPaste(field) {
    field.addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      if (!files.length) return;
      event.preventDefault();
      this.add(files);
    });
  }

  #listenToDrop(room) {
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    room.addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      room.classList.add("dropping");
    });
    room.addEventListener("dragleave", (event) => {
      if (!room.contains(event.relatedTarget)) room.classList.remove("dropping");
    });
    room.addEventListener("drop", (event) => {
      room.classList.remove("dropping");
      if (!holdsFiles(event)) return;
      event.preventDefault();
      this.add([...event.dataTransfer.files]);
    });
  }
}

export function preview({ kind, name, data }) {
  if (kind === "image") return make("img", { src: data, alt: name, className: "thumb" });
  return make("span", { className: "file" }, make("span", { className: "file-kind" }, kind.toUpperCase()), name);
}
