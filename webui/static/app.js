// Small comforts of every page: selects that send their form, buttons that copy, a word when the box is gone.

for (const select of document.querySelectorAll("select[data-submit]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

// On a plain http address browsers offer no clipboard: the text is then selected, ready to be copied by hand.
async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return "Copied";
  } catch {
    getSelection().selectAllChildren(element);
    return "Selected";
  }
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const before = button.textContent;
    button.textContent = await copy(document.getElementById(button.dataset.copy));
    setTimeout(() => { button.textContent = before; }, 2000);
  });
}

// The sentence about what was done is for once: a reload shall not repeat it.
if (document.querySelector("[data-notice]")) {
  const address = new URL(location.href);
  address.searchParams.delete("done");
  history.replaceState(null, "", address);
}

const offline = document.getElementById("offline");

document.addEventListener("htmx:sse:error", (event) => {
  if (event.detail.status === 401) location.reload(); // logged out meanwhile: the login page comes
  offline.hidden = false;
});
document.addEventListener("htmx:sse:after:connection", () => { offline.hidden = true; });

// The first connection of the page's stream is a request like any other: only a lost one is taken up again by itself.
const live = document.getElementById("live");

function connectAgain(event) {
  const { ctx } = event.detail;
  if (!live || ctx?.sourceElement !== live || live._htmx?.sse) return;
  if (ctx.response?.status === 401) return location.reload();
  offline.hidden = false;
  setTimeout(() => htmx.ajax("GET", live.getAttribute("hx-sse:connect"), { source: live }), 2000);
}

document.addEventListener("htmx:response:error", connectAgain);
document.addEventListener("htmx:error", connectAgain);
