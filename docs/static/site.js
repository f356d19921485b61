// What scrolls by itself is reached with the keyboard, as long as it does scroll.
const scrolling = () => {
  for (const each of document.querySelectorAll("pre, .table-wrapper, .cell_output > *")) {
    if (each.scrollWidth > each.clientWidth) each.tabIndex = 0;
    else each.removeAttribute("tabindex");
  }
};
addEventListener("load", scrolling);
addEventListener("resize", scrolling);
