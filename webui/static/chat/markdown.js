// Markdown as elements. `marked` only cuts the text into tokens; every element is made here, every text is a text node.

import { Lexer } from "../vendor/marked/marked.esm.js?v=18.2.1";
import { copyButton, make } from "./dom.js";

const DEEPEST = 24; // levels of nesting that are drawn
const MOST_ROWS = 1000; // of a table
const SAFE_SCHEMES = new Set(["http:", "https:", "mailto:"]);
const ENTITIES = {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", hellip: "…", mdash: "—", ndash: "–", copy: "©",
  reg: "®", trade: "™", deg: "°", times: "×", middot: "·", bull: "•", rarr: "→", larr: "←", le: "≤", ge: "≥", ne: "≠",
};

// A text that the lexer cannot take (nested beyond all reason) stays as it is.
export function lex(text) {
  try {
    return Lexer.lex(text, { gfm: true, breaks: true });
  } catch {
    return [{ type: "plain", raw: text }];
  }
}

// Headings of an answer stand below the page's own, without gaps: the depths that are open lead to the level.
export class Outline {
  constructor(depths = []) { this.depths = depths; }
  copy() { return new Outline([...this.depths]); }
  level(depth) {
    while (this.depths.length && this.depths.at(-1) >= depth) this.depths.pop();
    this.depths.push(depth);
    return Math.min(this.depths.length + 2, 6);
  }
}

export function render(tokens, outline) {
  return blocks(tokens, { outline, depth: 0 });
}

function blocks(tokens, at) {
  const deeper = { outline: at.outline, depth: at.depth + 1 };
  return tokens.flatMap((token) => {
    if (at.depth > DEEPEST) return [make("p", { className: "plain-text" }, token.raw)];
    return BLOCKS[token.type]?.(token, deeper) ?? [make("p", { className: "plain-text" }, token.raw)];
  });
}

const BLOCKS = {
  space: () => [],
  def: () => [],
  hr: () => [make("hr")],
  heading: (token, at) => [make(`h${at.outline.level(token.depth)}`, {}, ...inline(token.tokens, at))],
  paragraph: (token, at) => [make("p", {}, ...inline(token.tokens, at))],
  text: (token, at) => [make("p", {}, ...inline(token.tokens ?? [token], at))],
  blockquote: (token, at) => [make("blockquote", {}, ...blocks(token.tokens, at))],
  code: (token) => [codeBlock(token.text, token.lang)],
  list: (token, at) => [list(token, at)],
  table: (token, at) => [table(token, at)],
};

export function codeBlock(text, language) {
  const name = (language ?? "").trim().split(/\s/)[0].slice(0, 30);
  const code = make("code", {}, text);
  const head = make("div", { className: "code-head" }, make("span", {}, name || "text"), copyButton(() => code.textContent));
  return make("div", { className: "code-block" }, head, make("pre", { tabIndex: 0 }, code));
}

function list(token, at) {
  const made = make(token.ordered ? "ol" : "ul");
  if (token.ordered && Number.isSafeInteger(token.start) && Math.abs(token.start) < 2 ** 31) made.start = token.start;
  made.append(...token.items.map((item) => listItem(item, at)));
  return made;
}

function listItem(item, at) {
  const made = make("li", item.task ? { className: "task" } : {});
  for (const token of item.tokens) {
    if (token.type === "checkbox") made.append(tick(token.checked));
    else if (token.type === "text" && !item.loose) made.append(...inline(token.tokens ?? [token], at));
    else made.append(...blocks([token], at));
  }
  return made;
}

function tick(checked) {
  return make("span", { className: "tick", role: "img", "aria-label": checked ? "done" : "to do" }, checked ? "☑ " : "☐ ");
}

function table(token, at) {
  const cell = (name) => (content) => {
    const side = ["left", "right", "center"].includes(content.align) ? content.align : "";
    return make(name, { className: side }, ...inline(content.tokens, at));
  };
  const head = make("thead", {}, make("tr", {}, ...token.header.map(cell("th"))));
  const rows = token.rows.slice(0, MOST_ROWS).map((row) => make("tr", {}, ...row.map(cell("td"))));
  const made = make("div", { className: "sheet", tabIndex: 0, role: "group", "aria-label": "Table" });
  made.append(make("table", {}, head, make("tbody", {}, ...rows)));
  const hidden = token.rows.length - rows.length;
  if (hidden > 0) made.append(make("p", { className: "help" }, `${hidden} more rows are not drawn. Copying the answer gives them all.`));
  return made;
}

function inline(tokens, at) {
  const deeper = { outline: at.outline, depth: at.depth + 1 };
  return tokens.flatMap((token) => {
    if (at.depth > DEEPEST) return [token.raw];
    return INLINE[token.type]?.(token, deeper) ?? [token.raw];
  });
}

const INLINE = {
  text: (token, at) => (token.tokens ? inline(token.tokens, at) : [withEntities(token.text)]),
  escape: (token) => [token.text],
  strong: (token, at) => [make("strong", {}, ...inline(token.tokens, at))],
  em: (token, at) => [make("em", {}, ...inline(token.tokens, at))],
  del: (token, at) => [make("del", {}, ...inline(token.tokens, at))],
  codespan: (token) => [make("code", {}, token.text)],
  br: () => [make("br")],
  html: (token) => [/^<br\s*\/?>$/i.test(token.raw) ? make("br") : token.raw],
  checkbox: (token) => [tick(token.checked)],
  link: (token, at) => link(token.href, inline(token.tokens, at), token.raw),
  image: (token) => link(token.href, [`Picture: ${token.text || token.href}`], token.raw),
};

// Where a link may not lead, its words stay and its address is shown.
function link(href, words, raw) {
  const target = safeAddress(href);
  return target === null ? [raw] : [make("a", { href: target, target: "_blank", rel: "noopener noreferrer", title: target }, ...words)];
}

export function safeAddress(href) {
  try {
    const address = new URL(href);
    return SAFE_SCHEMES.has(address.protocol) ? address.href : null;
  } catch {
    return null;
  }
}

function withEntities(text) {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,6}));/gi, (whole, hex, decimal, name) => {
    if (name) return ENTITIES[name] ?? whole;
    const code = hex ? parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : whole;
  });
}
