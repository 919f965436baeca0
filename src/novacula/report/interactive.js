"use strict";

/* Draws the figures of plotly in the page's own colors. */
for (const place of document.querySelectorAll(".plotly")) {
  const figure = JSON.parse(place.dataset.figure);
  const shared = document.getElementById(place.dataset.texts);
  const texts = shared ? JSON.parse(shared.dataset.values) : [];
  for (const trace of figure.data) if (trace.textAt) trace.text = trace.textAt.map((number) => texts[number]);
  const style = getComputedStyle(place);
  const rule = style.getPropertyValue("--rule");
  const axis = { gridcolor: rule, zerolinecolor: rule, linecolor: rule };
  const modebar = { bgcolor: "rgba(0,0,0,0)", color: style.getPropertyValue("--faint"), activecolor: style.color };
  const layout = { modebar, ...figure.layout, font: { color: style.color, family: style.fontFamily, ...figure.layout.font } };
  for (const name of Object.keys(layout).concat("xaxis", "yaxis")) {
    if (/^[xy]axis\d*$/.test(name)) layout[name] = { ...axis, automargin: true, ...layout[name] };
  }
  Plotly.newPlot(place, figure.data, layout, {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d"], // pages have no network, and nothing is selected
  });
}

/* Sorts a table by a column after a click or the Enter key on its heading, and twice for the other order. */
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.querySelectorAll("thead th")];
  const body = table.tBodies[0];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const falling = heading.getAttribute("aria-sort") === "descending";
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", falling ? "ascending" : "descending");
      const key = (row) => {
        const text = row.cells[column].textContent.trim();
        const number = Number(text.replace(/,/g, "").replace("\u2212", "-"));
        return text !== "" && Number.isFinite(number) ? number : text;
      };
      const compare = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1; // numbers before what has none
        const order = typeof x === "number" ? x - y : x.localeCompare(y);
        return falling ? order : -order;
      };
      body.append(...[...body.rows].sort(compare));
    });
  });
}
