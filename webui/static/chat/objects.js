// Large attachments go up once and are then named in questions by their address, so that later turns do not carry them
// again. The box forgets them after some uses and minutes; then, and whenever it takes none, the page sends them anew.

import { Problem, putUp, takeAway } from "./api.js";
import { asText } from "./request.js";

const LARGE = 256 << 10; // characters of a body; what is smaller goes along each time
const FORGOTTEN = "object_not_found";
const UNUSABLE = "object_unusable";

export class Objects {
  #kept = new WeakMap(); // attachment -> what the box said of it, or null when it does not take this one

  // The addresses of the large attachments of these messages, by attachment. `telling` is told what is being sent.
  async addresses(messages, signal, telling) {
    const found = new Map();
    for (const file of largeFiles(messages)) {
      if (!this.#kept.has(file)) {
        telling(file.name);
        await this.#send(file, signal);
      }
      const kept = this.#kept.get(file);
      if (kept) found.set(file, kept.url);
    }
    return found;
  }

  // Whether another try makes sense after a refusal: with what is sent up once more, or goes along in the question.
  helps({ code }, messages) {
    if (code !== FORGOTTEN && code !== UNUSABLE) return false;
    const known = largeFiles(messages).filter((file) => this.#kept.get(file));
    for (const file of known) {
      takeAway(this.#kept.get(file).id);
      if (code === FORGOTTEN) this.#kept.delete(file);
      else this.#kept.set(file, null);
    }
    return known.length > 0;
  }

  async #send(file, signal) {
    try {
      this.#kept.set(file, await putUp(contentOf(file), signal));
    } catch (error) {
      if (!(error instanceof Problem) || error.status === 401) throw error;
      if (error.status >= 400 && error.status < 500) this.#kept.set(file, null); // it would be refused again
    }
  }
}

// PDFs are left to the engine, which alone knows what it makes of them.
function largeFiles(messages) {
  const files = messages.flatMap((message) => message.attachments ?? []);
  return files.filter((file) => file.kind !== "pdf" && file.data.length > LARGE);
}

function contentOf(file) {
  if (file.kind === "text") return new Blob([asText(file)]);
  const words = atob(file.data.slice(file.data.indexOf(",") + 1));
  return new Blob([Uint8Array.from(words, (sign) => sign.charCodeAt(0))]);
}
