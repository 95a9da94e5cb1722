// Times of charts and their tables in the clock of the reader; without scripts they stay in UTC.

const two = (number) => String(number).padStart(2, "0");
const clock = (at) => `${two(at.getHours())}:${two(at.getMinutes())}`;
const date = (at) => at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
const moment = (seconds) => new Date(Number(seconds) * 1000);

// A day begins elsewhere at another hour: its label names the day whose midnight is nearest.
const nearestDay = (seconds) => date(moment(Number(seconds) + 12 * 3600));

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function localise() {
  for (const label of document.querySelectorAll(".chart text[data-clock]")) say(label, clock(moment(label.dataset.clock)));
  for (const label of document.querySelectorAll(".chart text[data-day]")) say(label, nearestDay(label.dataset.day));
}

// What belongs to a step begins with its time as the box wrote it: "12 Nov 13:05", "13:05" or "13:05:20".
function stepTime(written, seconds) {
  const at = moment(seconds);
  const parts = [];
  if (/[a-z]/i.test(written)) parts.push(date(at));
  parts.push(/:\d\d:/.test(written) ? `${clock(at)}:${two(at.getSeconds())}` : clock(at));
  return parts.join(" ");
}

document.addEventListener("pointerover", (event) => {
  const title = event.target.closest?.(".band")?.querySelector("title");
  const found = title?.textContent.match(/^(.*) UTC\n/);
  if (found) title.textContent = title.textContent.replace(found[0], `${stepTime(found[1], title.parentNode.dataset.at)}\n`);
});

for (const table of document.querySelectorAll(".chart-card details")) {
  table.addEventListener("toggle", () => {
    for (const cell of table.querySelectorAll("th[data-at]")) {
      cell.textContent = stepTime(cell.textContent, cell.dataset.at);
      cell.removeAttribute("data-at");
    }
  });
}

localise();
document.addEventListener("htmx:sse:after:message", localise);
