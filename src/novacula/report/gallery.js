"use strict";

/* Shows the runs that contain every word and have the chosen part and status. Without this script, the page shows all. */
const [text, part, status] = ["text", "part", "status"].map((id) => document.getElementById(id));
const count = document.getElementById("count");
const runs = [...document.querySelectorAll(".runs > li")].map((item) => ({ item, words: item.textContent.toLowerCase() }));

function choose() {
  const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { item, words } of runs) {
    const fits =
      wanted.every((word) => words.includes(word)) &&
      (!part.value || item.dataset.part === part.value) &&
      (!status.value || item.dataset.status === status.value);
    item.hidden = !fits;
    shown += fits;
  }
  const all = runs.length === 1 ? "1 run" : `${runs.length} runs`;
  count.textContent = shown === runs.length ? all : `${shown} of ${all}`;
}

for (const tool of [text, part, status]) tool.addEventListener("input", choose);

/* Slash moves to the search, Escape clears it, and Enter opens the first result. */
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== text && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    text.select();
  }
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    text.value = "";
    choose();
  } else if (event.key === "Enter") {
    document.querySelector(".runs > li:not([hidden]) a.card")?.click();
  }
});

document.querySelector(".tools").hidden = false;
choose();
