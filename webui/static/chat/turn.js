// One answer on its way: asks, waits while the model loads, takes the pieces in. Knows no elements: it changes the
// message and says so.

import { Problem, ask } from "./api.js";
import { requestBody, saidBefore } from "./request.js";

const TICK = 1000;
const MOST_SENT_ANEW = 2; // attachments that were gone, then those that the box does not take
const NO_PREFILL = new Set([400, 422, 500]);
const TOO_LONG =
  "The conversation is more than the model can hold at once. Shorten it, begin a new chat, or choose a model with a larger context. The box says: {words}";
const NOT_WITH_FILES =
  "The model may not be able to read the attached files. Choose one that can, or edit the question and leave them out. " +
  "The box says: {words}";
const TOO_LARGE = "The conversation with its attachments is larger than the box takes ({limit} MiB). Begin a new chat or attach less.";

export class Turn {
  #stopper = new AbortController();

  constructor(conversation, answer, { changed, mostBytes, objects }) {
    this.conversation = conversation;
    this.answer = answer;
    this.changed = () => changed(answer);
    this.mostBytes = mostBytes;
    this.objects = objects;
    this.sentAnew = 0;
    this.how = answer.text ? "prefill" : "new";
    this.already = answer.text ? answer.stats.tokens ?? 0 : 0;
  }

  stop() { this.#stopper.abort(); }

  async run() {
    const ticking = setInterval(() => { if (this.answer.state === "waiting") this.changed(); }, TICK);
    this.#begin();
    try {
      while (!(await this.#attempt()));
    } finally {
      clearInterval(ticking);
      delete this.answer.waiting;
      this.changed();
    }
  }

  #begin() {
    Object.assign(this.answer, { state: "waiting", problem: "", waiting: { since: Date.now() } });
    this.changed();
  }

  // True when there is nothing more to do.
  async #attempt() {
    const length = this.answer.text.length + this.answer.thinking.length;
    try {
      await this.#exchange();
      return true;
    } catch (error) {
      if (error.name === "AbortError") return this.#end("stopped");
      if (!(error instanceof Problem)) throw error;
      if (this.sentAnew < MOST_SENT_ANEW && this.objects.helps(error, this.#said())) {
        this.sentAnew += 1;
        return false;
      }
      const begun = this.answer.text.length + this.answer.thinking.length > length;
      if (!begun && this.how === "prefill" && NO_PREFILL.has(error.status)) {
        this.how = "told";
        return false;
      }
      if (begun || error.wait === null) return this.#end(this.answer.text ? "cut" : "failed", this.#sentence(error));
      return this.#wait(error);
    }
  }

  #end(state, problem = "") {
    Object.assign(this.answer, { state, problem });
    return true;
  }

  async #exchange() {
    const body = requestBody(this.conversation, this.answer, this.how, await this.#addresses());
    if (body.length > this.mostBytes) {
      throw new Problem(TOO_LARGE.replace("{limit}", this.mostBytes >> 20), { code: "request_too_large" });
    }
    const clock = { started: performance.now(), first: null, pieces: 0 };
    const { headers, pieces } = await ask(body, this.#stopper.signal);
    const { stats } = this.answer;
    stats.model = headers.get("X-Meshbox-Model") ?? this.conversation.model;
    stats.box = headers.get("X-Meshbox-Node") ?? "";
    stats.route = headers.get("X-Meshbox-Route") ?? "";
    let reason = "stop";
    try {
      for await (const piece of pieces) reason = this.#take(piece, clock) ?? reason;
    } finally {
      this.#measure(clock);
    }
    this.#end(reason === "length" ? "length" : "done");
  }

  #said() { return saidBefore(this.conversation, this.answer); }

  async #addresses() {
    const telling = (name) => {
      this.answer.waiting = { sending: name };
      this.changed();
    };
    const found = await this.objects.addresses(this.#said(), this.#stopper.signal, telling);
    if (this.answer.waiting?.sending) this.answer.waiting = { since: Date.now() };
    return found;
  }

  #take(piece, clock) {
    const { answer } = this;
    const choice = piece.choices?.[0];
    const text = words(choice?.delta?.content);
    const thought = words(choice?.delta?.reasoning_content);
    if (piece.usage) clock.usage = piece.usage;
    if (piece.timings) clock.timings = piece.timings;
    if (text || thought) {
      clock.first ??= performance.now();
      clock.last = performance.now();
      clock.pieces += 1;
      answer.state = "writing";
      answer.text += text;
      answer.thinking += thought;
      this.changed();
    }
    return choice?.finish_reason;
  }

  // The engine's own figures where it gives them, else what was seen here.
  #measure({ started, first, last, pieces, usage, timings }) {
    const { stats } = this.answer;
    const now = performance.now();
    const tokens = finite(usage?.completion_tokens) ?? finite(timings?.predicted_n) ?? pieces;
    stats.tokens = this.already + tokens;
    stats.asked = finite(usage?.prompt_tokens) ?? undefined;
    stats.first = first === null ? undefined : (first - started) / 1000;
    stats.total = (now - started) / 1000;
    stats.rate = finite(timings?.predicted_per_second) ?? finite((pieces - 1) / ((last - first) / 1000)) ?? undefined;
  }

  async #wait(problem) {
    const until = Date.now() + problem.wait * 1000;
    Object.assign(this.answer, { state: "waiting", waiting: { words: problem.message, until } });
    while (Date.now() < until && !this.#stopper.signal.aborted) {
      this.changed();
      await pause(Math.min(TICK, until - Date.now()), this.#stopper.signal);
    }
    if (this.#stopper.signal.aborted) return this.#end("stopped");
    this.answer.waiting = { since: Date.now() };
    return false;
  }

  #sentence({ message, code, status }) {
    if (code === "context_length_exceeded") return TOO_LONG.replace("{words}", () => message);
    const files = this.conversation.messages.some((one) => one.attachments?.some((file) => file.kind !== "text"));
    return files && [400, 415, 422, 500, 501].includes(status) ? NOT_WITH_FILES.replace("{words}", () => message) : message;
  }
}

const words = (value) => (typeof value === "string" ? value.replace(/\r\n?/g, "\n") : "");
const finite = (value) => (Number.isFinite(value) ? value : null);

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(milliseconds, 0));
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
