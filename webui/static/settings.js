// Finding a setting by its words. The forms themselves need no script.

const settings = [...document.querySelectorAll(".settings-all [data-words]")];
const parts = [...document.querySelectorAll(".settings-section")];
const nothing = document.getElementById("find-nothing");
const words = document.getElementById("find-words");

function show() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (text) => wanted.every((word) => text.toLowerCase().includes(word));
  for (const one of settings) one.hidden = !fits(one.dataset.words);
  for (const part of parts) {
    const own = part.querySelectorAll("[data-words]");
    part.hidden = own.length ? ![...own].some((one) => !one.hidden) : !fits(part.querySelector("h2").textContent);
  }
  nothing.hidden = parts.some((part) => !part.hidden);
}

document.getElementById("find").hidden = false;
words.addEventListener("input", show);

// The word that something was saved is for once: a reload shall not repeat it.
if (document.querySelector("[data-saved]")) {
  const address = new URL(location.href);
  address.searchParams.delete("saved");
  history.replaceState(null, "", address);
}
