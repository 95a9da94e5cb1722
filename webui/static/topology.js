// Choosing a box or a model is an ordinary link. On a wide page, where the card stands beside the picture, the page
// then stays where it was; on a narrow one the card comes first, and so does the page.

const KEPT = "topology-place";
const wide = matchMedia("(min-width: 78rem)");
const boxes = () => [...document.querySelectorAll(".scroll[id]")];

document.addEventListener("click", (event) => {
  const link = event.target.closest(".topology a[href^='/topology']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const scrolled = boxes().map((box) => [box.id, box.scrollLeft]);
  sessionStorage.setItem(KEPT, JSON.stringify({ id: link.id, top: scrollY, scrolled }));
});

const place = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
sessionStorage.removeItem(KEPT);
if (place) {
  for (const [id, left] of place.scrolled) document.getElementById(id)?.scrollTo({ left });
  document.getElementById(place.id)?.focus({ preventScroll: true });
  scrollTo({ top: wide.matches ? place.top : 0, behavior: "instant" });
}
