// Uploads a model file in pieces, so that a lost connection costs one piece and not the whole.

const PIECE = 8 * 1024 * 1024;
const TRIES = 8;
const form = document.getElementById("upload-form");
const input = document.getElementById("file");
const bar = document.getElementById("upload-bar");
const words = document.getElementById("upload-words");
const stop = document.getElementById("upload-stop");
const start = form.querySelector("button");

let running = null;
form.hidden = false;

const pause = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
const address = (name) => `/api/models/upload?name=${encodeURIComponent(name)}`;

async function problem(response) {
  try {
    return (await response.json()).detail ?? response.statusText;
  } catch {
    return response.statusText;
  }
}

// How much of the file the box has already: an earlier try may have been broken off.
async function presentBytes(name, signal) {
  const response = await fetch(address(name), { signal });
  if (!response.ok) throw new Error(await problem(response));
  return (await response.json()).received;
}

async function sendPiece(file, from, signal) {
  const to = Math.min(from + PIECE, file.size);
  const response = await fetch(address(file.name), {
    method: "POST",
    body: file.slice(from, to),
    headers: { "Content-Type": "application/octet-stream", "Content-Range": `bytes ${from}-${to - 1}/${file.size}` },
    signal,
  });
  if (response.status >= 500) throw new TypeError(await problem(response));
  if (!response.ok) throw new Error(await problem(response));
  return to;
}

async function upload(file, signal) {
  let from = await presentBytes(file.name, signal);
  let failures = 0;
  while (from < file.size) {
    try {
      from = await sendPiece(file, from, signal);
      failures = 0;
    } catch (error) {
      if (!(error instanceof TypeError) || ++failures > TRIES) throw error;
      words.textContent = "The connection was lost; trying again.";
      await pause(Math.min(2 ** failures, 20));
      from = await presentBytes(file.name, signal).catch(() => from);
    }
    bar.value = from / file.size;
    words.textContent = `${Math.round((100 * from) / file.size)} % sent`;
  }
}

function busy(on) {
  start.hidden = on;
  stop.hidden = !on;
  bar.hidden = !on;
  input.disabled = on;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [file] = input.files;
  if (!file) return;
  running = new AbortController();
  busy(true);
  try {
    await upload(file, running.signal);
    words.textContent = `${file.name} is here. It appears in the list above in a moment.`;
    form.reset();
  } catch (error) {
    words.textContent = error.name === "AbortError" ? "Stopped. The same file goes on from here when you upload it again." : error.message;
  } finally {
    busy(false);
    running = null;
  }
});
stop.addEventListener("click", () => running?.abort());
