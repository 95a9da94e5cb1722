// A text that grows: finished blocks are drawn once and left alone, only the last open block is drawn again.

import { Outline, lex, render } from "./markdown.js";

const SHARE = 4; // pauses this many times longer than drawing takes, so that a long block does not take the whole processor
const UNCLEAR = 12; // letters of a first line that may still join the block before it, as a list's next number does
const REFERENCE = /^ {0,3}\[[^\]]+\]:/m; // a link's address that stands elsewhere: known only when all is there

export class LiveText {
  constructor(target) {
    this.target = target;
    this.clear();
  }

  clear() {
    this.text = "";
    this.fixed = 0; // letters whose blocks are drawn for good
    this.outline = new Outline();
    this.open = [];
    this.code = null; // the text node of an open code block
    this.due = null;
    this.notBefore = 0;
    this.target.replaceChildren();
  }

  // What is drawn follows soon.
  update(text) {
    if (text === this.text) return;
    this.text = text;
    this.due ??= requestAnimationFrame((now) => this.#frame(now));
  }

  // The whole text is known: draws it now.
  finish(text) {
    if (this.due !== null) cancelAnimationFrame(this.due);
    this.due = null;
    if (text === this.text && this.drawn === text) return;
    if (REFERENCE.test(text) || !text.startsWith(this.text.slice(0, this.fixed))) this.clear();
    this.text = text;
    this.#draw();
  }

  #frame(now) {
    this.due = null;
    if (now < this.notBefore) {
      this.due = requestAnimationFrame((later) => this.#frame(later));
      return;
    }
    const started = performance.now();
    this.#draw();
    this.notBefore = Infinity; // until the browser has laid out and painted it too
    setTimeout(() => { this.notBefore = performance.now() + (performance.now() - started) * SHARE; });
  }

  #draw() {
    const tokens = lex(this.text.slice(this.fixed));
    const settled = tokens.slice(0, firstOpen(tokens));
    const length = settled.reduce((sum, token) => sum + token.raw.length, 0);
    const open = tokens.slice(settled.length);
    if (settled.length) {
      this.#replaceOpen(render(settled, this.outline));
      this.open = [];
      this.fixed += length;
    }
    this.#drawOpen(open);
    this.drawn = this.text;
  }

  #drawOpen(tokens) {
    const only = tokens.length === 1 && tokens[0].type === "code" ? tokens[0] : null;
    if (only && this.code?.isConnected && this.open.length === 1) {
      this.code.data = only.text; // the same element, so that nothing flickers
      return;
    }
    this.#replaceOpen(render(tokens, this.outline.copy()));
    this.code = only ? this.open[0]?.querySelector("code")?.firstChild ?? null : null;
  }

  #replaceOpen(nodes) {
    for (const node of this.open) node.remove();
    this.target.append(...nodes);
    this.open = nodes;
    this.code = null;
  }
}

// The index of the first token that more text may still change.
function firstOpen(tokens) {
  const last = lastBlock(tokens, tokens.length);
  if (last <= 0) return 0;
  const { raw } = tokens[last];
  const unclear = !raw.includes("\n") && raw.trim().length < UNCLEAR;
  return unclear ? Math.max(lastBlock(tokens, last), 0) : last;
}

function lastBlock(tokens, end) {
  let index = end - 1;
  while (index >= 0 && tokens[index].type === "space") index -= 1;
  return index;
}
