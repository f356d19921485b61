// What scrolls by itself is reached with the keyboard, as long as it does scroll.
const scrolling = () => {
  for (const each of document.querySelectorAll("pre, .table-wrapper, .cell_output > *")) {
    if (each.scrollWidth > each.clientWidth) each.tabIndex = 0;
    else each.removeAttribute("tabindex");
  }
};
addEventListener("load", scrolling);
addEventListener("resize", scrolling);

// The theme opens its drawers by labels, which only a pointer reaches; the icons in them serve the keyboard.
const drawers = [
  ["__navigation", ".sidebar-drawer", "Menu"],
  ["__toc", ".toc-drawer", "Contents of this page"],
].map(([name, drawer, title]) => {
  const box = document.getElementById(name);
  const icons = [...document.querySelectorAll(`label[for="${name}"] > .icon`)];
  const told = () => {
    for (const icon of icons) icon.ariaExpanded = box.checked;
  };
  const set = (open) => {
    box.checked = open;
    told();
    if (open) document.querySelector(`${drawer} :is(a, input):not([type="checkbox"])`)?.focus();
    else icons.find((icon) => icon.checkVisibility())?.focus();
  };
  for (const icon of icons) {
    icon.tabIndex = 0;
    icon.role = "button";
    icon.ariaLabel = title;
    icon.setAttribute("aria-controls", drawer.slice(1));
    icon.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      set(!box.checked);
    });
  }
  box.addEventListener("change", told);
  told();
  return { box, set };
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const each of drawers) if (each.box.checked) each.set(false);
});

const themed = () => {
  const theme = document.body.dataset.theme;
  const name = theme === "auto" ? "as the system has it" : theme;
  for (const each of document.querySelectorAll(".theme-toggle")) each.ariaLabel = `Colours: ${name}. Change`;
};
new MutationObserver(themed).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
themed();

addEventListener("load", () => {
  for (const each of document.querySelectorAll("button.copybtn")) each.ariaLabel = "Copy this code";
  // The table of pandas says the name of its rows in a line of its own.
  for (const head of document.querySelectorAll("table.dataframe thead")) joined(head);
});

const joined = (head) => {
  const [columns, rows] = head.rows;
  if (head.rows.length !== 2 || columns.cells.length !== rows.cells.length) return;
  const named = (row) => [...row.cells].map((cell) => cell.textContent.trim() !== "");
  const [above, below] = [named(columns), named(rows)];
  if (above.some((is, at) => is === below[at])) return;
  for (const [at, cell] of [...rows.cells].entries()) if (below[at]) columns.cells[at].replaceWith(cell);
  rows.remove();
};

// On paper, solutions are unfolded.
const folded = new Set();
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details:not([open])")) {
    folded.add(each);
    each.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const each of folded) each.open = false;
  folded.clear();
});

for (const field of document.querySelectorAll(".search-again input")) {
  field.value = new URLSearchParams(location.search).get("q") ?? "";
}

// The theme has the next page before the last one; the keyboard goes as one reads.
for (const next of document.querySelectorAll(".related-pages .next-page")) next.parentNode.append(next);
