// The log stays at its end as long as its reader does, and never holds more lines than a browser likes.

const KEPT = 1000;
const MOST = 4000; // while somebody reads further up, nothing is taken away from under his eyes

const box = document.getElementById("log");
const lines = document.getElementById("log_lines");
let atEnd = true;

const isAtEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < 40;
const toEnd = () => { box.scrollTop = box.scrollHeight; };

function trim(most) {
  while (lines.children.length > most) lines.firstElementChild.remove();
}

toEnd();
document.addEventListener("htmx:sse:before:message", () => { atEnd = isAtEnd(); });
document.addEventListener("htmx:sse:after:message", () => {
  trim(atEnd ? KEPT : MOST);
  if (atEnd) toEnd();
});
