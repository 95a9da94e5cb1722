// The one dialog of the page, filled for what is asked. The browser keeps the focus inside and gives it back.

import { button, byId, make } from "./dom.js";
import { reviveOptions, UNTITLED } from "./conversation.js";

function open(title, ...content) {
  const dialog = byId("dialog");
  const heading = make("h2", { id: "dialog-title" }, title);
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.replaceChildren(heading, ...content);
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };
  dialog.showModal();
  return dialog;
}

const closing = (work) => () => {
  byId("dialog").close();
  work?.();
};

function field(id, label, control, help = "") {
  const parts = [make("label", { htmlFor: id }, label), control];
  if (help) {
    parts.push(make("p", { className: "help", id: `${id}-help` }, help));
    control.setAttribute("aria-describedby", `${id}-help`);
  }
  control.id = id;
  return make("div", { className: "field" }, ...parts);
}

const actions = (...buttons) => make("div", { className: "actions" }, ...buttons);

export function confirmDelete(title, remove) {
  open(
    "Delete this conversation?",
    make("p", {}, `“${title || UNTITLED}” is removed from this browser. This cannot be undone.`),
    actions(button("Delete", closing(remove), { className: "danger primary" }), button("Cancel", closing(), { autofocus: true })),
  );
}

export function conversationMenu(title, { rename, markdown, json, remove }) {
  const name = make("input", { value: title, maxLength: 80, required: true, autocomplete: "off" });
  const form = make("form", { className: "stack" }, field("rename", "Title", name), actions(make("button", { className: "primary" }, "Save title")));
  form.onsubmit = (event) => {
    event.preventDefault();
    closing(() => rename(name.value))();
  };
  open(
    "Conversation",
    form,
    actions(button("Export as Markdown", closing(markdown)), button("Export as JSON", closing(json))),
    actions(button("Delete…", closing(remove), { className: "quiet danger" }), button("Close", closing())),
  );
}

export function optionsDialog(options, save) {
  const system = make("textarea", { value: options.system, rows: 4 });
  const temperature = make("input", { type: "number", min: 0, max: 5, step: 0.1, value: options.temperature ?? "" });
  const tokens = make("input", { type: "number", min: 1, max: 1_000_000, step: 1, value: options.max_tokens ?? "" });
  const number = (input) => (input.value === "" ? null : input.valueAsNumber);
  const form = make(
    "form",
    { className: "stack" },
    field("system", "System prompt", system, "What the model is told before your first message: its role, its tone, its language."),
    field("temperature", "Temperature", temperature, "Low values answer soberly, high values more freely. Empty: the model's own value."),
    field("max-tokens", "Longest answer, in tokens", tokens, "A token is about three quarters of a word. Empty: no limit but the model's own."),
    actions(make("button", { className: "primary" }, "Save"), button("Cancel", closing())),
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    const chosen = { system: system.value.trim(), temperature: number(temperature), max_tokens: number(tokens) };
    closing(() => save(reviveOptions(chosen)))();
  };
  open("Settings of this conversation", form);
}

export function tell(title, sentence) {
  open(title, make("p", {}, sentence), actions(button("Close", closing(), { autofocus: true })));
}
