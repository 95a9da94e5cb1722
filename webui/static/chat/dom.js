// Elements by hand: text only ever goes into text nodes.

export const byId = (id) => document.getElementById(id);

// Names with a dash and `role` become attributes, everything else properties; what is undefined is left out.
export function make(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (key.includes("-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

export function button(label, onclick, properties = {}) {
  return make("button", { type: "button", className: "quiet", onclick, ...properties }, label);
}

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${byId("chat").dataset.icons}#${name}`);
  picture.append(use);
  return picture;
}

// Browsers give the clipboard to safe addresses only; on plain http the old way still works.
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text);
  }
}

function copyByHand(text) {
  const before = document.activeElement;
  const holder = make("textarea", { value: text, className: "unseen", readOnly: true });
  holder.style.whiteSpace = "pre"; // else the line ends are lost on the way
  (document.querySelector("dialog[open]") ?? document.body).append(holder);
  holder.select();
  const copied = document.execCommand("copy");
  holder.remove();
  before?.focus({ preventScroll: true });
  return copied;
}

export function copyButton(textOf, label = "Copy") {
  const made = button(label, async () => {
    made.textContent = (await copyText(textOf())) ? "Copied" : "Not possible here";
    setTimeout(() => { made.textContent = label; }, 2000);
  });
  return made;
}

export function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
