// The list of conversations beside the talk; a drawer on a small screen.

import { UNTITLED } from "./conversation.js";
import { byId, icon, make } from "./dom.js";

const DAY = 86_400_000;

export class HistoryPanel {
  #heads = [];

  constructor({ open, menu }) {
    this.open = open;
    this.menu = menu;
    this.panel = byId("history");
    this.list = byId("conversations");
    this.search = byId("search");
    this.search.oninput = () => this.#draw();
  }

  show(heads, current) {
    this.#heads = heads.toSorted((a, b) => b.changed - a.changed);
    this.current = current;
    this.#draw();
  }

  close() {
    if (this.panel.matches(":popover-open")) this.panel.hidePopover();
  }

  #draw() {
    const wanted = this.search.value.trim().toLowerCase();
    const found = this.#heads.filter((head) => head.title.toLowerCase().includes(wanted));
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.list.replaceChildren(...groups(found).flatMap(([label, heads]) => this.#group(label, heads)));
    if (!found.length) this.list.append(make("p", { className: "help" }, wanted ? "No title fits." : "No conversations yet."));
    if (focused) this.list.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  #group(label, heads) {
    const id = `when-${label.toLowerCase().replaceAll(" ", "-")}`;
    const rows = heads.map((head) => this.#row(head));
    return [make("p", { className: "when", id }, label), make("ul", { "aria-labelledby": id }, ...rows)];
  }

  #row(head) {
    const title = head.title || UNTITLED;
    const pick = make("button", { type: "button", className: "pick", title, onclick: () => this.open(head.id) }, title);
    if (head.id === this.current) pick.setAttribute("aria-current", "true");
    const more = make("button", { type: "button", className: "more", "aria-label": `More about ${title}`, onclick: () => this.menu(head) }, icon("more"));
    pick.dataset.key = `pick-${head.id}`;
    more.dataset.key = `more-${head.id}`;
    return make("li", {}, pick, more);
  }
}

function groups(heads) {
  const today = new Date().setHours(0, 0, 0, 0);
  const label = ({ changed }) => (changed >= today ? "Today" : changed >= today - 6 * DAY ? "Last 7 days" : "Earlier");
  const found = new Map();
  for (const head of heads) found.set(label(head), [...(found.get(label(head)) ?? []), head]);
  return [...found];
}
