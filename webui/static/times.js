// Times in the clock and the time zone of the reader. Without scripts they stay as they came, with their zone named.

const two = (number) => String(number).padStart(2, "0");

function here(stamp) {
  const at = new Date(stamp);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

function offset() {
  const minutes = -new Date().getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function localise() {
  for (const time of document.querySelectorAll("time[data-local]")) {
    const text = here(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
  }
}

localise();
for (const zone of document.querySelectorAll("[data-zone]")) zone.textContent = zone.dataset.zone.replace("{}", offset());
document.addEventListener("htmx:sse:after:message", localise);
