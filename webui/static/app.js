// Small comforts of every page: selects that send their form, buttons that copy.

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
