// @ts-nocheck
/**
 * A confusion matrix: the truth as rows, the answers as columns, and below it the tracks of the chosen cell.
 *
 * It shows what the traits say and sends commands; the arithmetic here is that of shares and of pixels.
 */
import { counted } from "../atlas/track_lists.js";
import { notices, troubleLine } from "../base/chrome.js";
import { Link } from "../base/commands.js";
import { h, onChange, onTheme, sizeOf, write } from "../base/dom.js";
import { applyToClock, keepKeys, pressedAction } from "../base/keys.js";
import { iconButton, lineOf, namesOf, rowList } from "../base/row_list.js";
import { clamp } from "../base/time.js";
import { nameOf, plain, quoted, slot } from "../base/ui.js";
import { clockOf } from "../player/clock.js";

const UNITS = [
  { name: "share", title: "Shares" },
  { name: "count", title: "Counts" },
];
const LETTER = 6.6; // pixels of one, about
const HEAD = { least: 78, most: 220 }; // pixels of the names beside the rows
const CELL = { least: 32, most: 104, roomy: 52 }; // pixels of a cell; from `roomy` on it holds two numbers
const UPRIGHT = 100; // pixels of a cell that holds as much of a name as stands upright
const TOTAL = 60; // pixels of the column of totals
const GAP = 3; // pixels between cells
const FLIPS = { dark: 0.55, light: 0.675 }; // shares from which the other of black and white is read better
const PAGE = 8; // rows that Page Up and Page Down move by

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** How many tracks each class has. @param {number[][]} counts */
export const totalsOf = (counts) => counts.map(sum);

/** How many tracks were taken for each class. @param {number[][]} counts */
export const answersOf = (counts) => counts.map((_, column) => sum(counts.map((row) => row[column] ?? 0)));

/**
 * A share in as few characters as say enough.
 * @param {number} count @param {number} total @returns {string} such as ``30 %``; ``<1 %`` is not nothing
 */
export function shareOf(count, total, sign = " %") {
  if (!(total > 0)) return "–";
  const percent = (100 * count) / total;
  if (percent > 0 && percent < 0.5) return `<1${sign}`;
  if (percent < 100 && percent >= 99.5) return `>99${sign}`;
  return `${Math.round(percent)}${sign}`;
}

/**
 * What a cell says, as a sentence without its full stop.
 * @param {string[]} classes @param {number[][]} counts @param {number} truth @param {number} answer
 * @returns {string} such as ``12 of 40 “rock” tracks were taken for “metal”``
 */
export function sentenceOf(classes, counts, truth, answer) {
  const [own, other] = [`“${quoted(classes[truth])}”`, `“${quoted(classes[answer])}”`];
  const [count, total] = [counts[truth]?.[answer] ?? 0, sum(counts[truth] ?? [])];
  if (!total) return `There are no ${own} tracks`;
  const what = `${own} ${total === 1 ? "track" : "tracks"}`;
  const did = truth === answer ? "recognised" : `taken for ${other}`;
  if (!count) return truth === answer ? `No ${own} track was recognised` : `No ${own} track was taken for ${other}`;
  return `${count.toLocaleString("en")} of ${total.toLocaleString("en")} ${what} ${count === 1 ? "was" : "were"} ${did}`;
}

/**
 * How wide what is, in pixels, and whether names stand upright above columns that are too narrow for them.
 * @param {number} width of the widget @param {string[]} classes
 * @returns {{head: number, cell: number, upright: boolean, roomy: boolean}}
 */
export function layoutOf(width, classes) {
  const longest = Math.max(0, ...classes.map((name) => [...name].length)) * LETTER;
  const head = clamp(Math.ceil(longest) + 20, HEAD.least, Math.min(HEAD.most, Math.max(HEAD.least, width / 4)));
  const n = Math.max(1, classes.length);
  const cell = clamp(Math.floor((width - head - TOTAL - GAP * (n + 3)) / n), CELL.least, CELL.most);
  return { head, cell, upright: longest + 8 > cell && cell < UPRIGHT, roomy: cell >= CELL.roomy };
}

/**
 * The cell that a key leads to, or null where it leads nowhere.
 * @param {{key: string, ctrlKey?: boolean, metaKey?: boolean}} event @param {number} n rows and columns
 * @returns {[number, number] | null}
 */
export function movedTo({ key, ctrlKey, metaKey, altKey }, row, column, n) {
  const far = Boolean(ctrlKey || metaKey);
  if (altKey || (far && key !== "Home" && key !== "End")) return null;
  const target = {
    ArrowDown: [row + 1, column],
    ArrowUp: [row - 1, column],
    ArrowRight: [row, column + 1],
    ArrowLeft: [row, column - 1],
    PageDown: [row + PAGE, column],
    PageUp: [row - PAGE, column],
    Home: [far ? 0 : row, 0],
    End: [far ? n - 1 : row, n - 1],
  }[key];
  return target ? target.map((place) => clamp(place, 0, n - 1)) : null;
}

function render({ model, el, signal: given, host }) {
  const own = new AbortController();
  given?.addEventListener("abort", () => own.abort(), { once: true });
  draw(model, el, own.signal, host);
  return () => own.abort();
}

function draw(model, el, signal, host) {
  const clock = clockOf(model.get("clock") ?? "");
  const trouble = troubleLine();
  const link = new Link(model, { signal, onTrouble: trouble.say });
  const messages = notices({ link });
  const player = slot({ host, signal });
  const title = h("h3", { dir: "auto" });
  const units = choice("Numbers", UNITS, (name) => (model.set("unit", name), model.save_changes()));
  const testSets = choice("Collection", [], (name) => link.send("show_test_set", { name }));
  const matrix = table((truth, answer) => link.send("show_cell", { truth, answer }));
  const list = trackList({ model, link, clock });
  const root = h(
    "div.embviz.ev-parts.ev-confusion",
    { role: "region", "aria-label": "Confusion matrix" },
    h("div.ev-confusion-head", {}, title, h("div.ev-confusion-choices", {}, testSets.el, units.el)),
    trouble.el,
    ...messages.nodes,
    matrix.el,
    legend(),
    player.el,
    list.el,
  );
  const testSet = () => {
    const all = model.get("test_sets") ?? [];
    return all.find(({ name }) => name === model.get("test_set")) ?? all[0] ?? { counts: [] };
  };

  function update() {
    write(title, plain(model.get("title")));
    units.update(model.get("unit"));
    testSets.fill(model.get("test_sets") ?? []);
    testSets.update(testSet().name);
    const { truth = -1, answer = -1 } = model.get("chosen") ?? {};
    const classes = model.get("classes") ?? [];
    const { counts, title: name } = testSet();
    matrix.update({ classes, counts, unit: model.get("unit"), testSet: name, truth, answer });
    list.update(classes, testSet());
  }

  function pressed(event) {
    // Inside a panel or a page, keys are theirs.
    if (event.defaultPrevented || root.parentElement?.closest(".embviz")) return;
    if (applyToClock(pressedAction(event), clock)) event.preventDefault();
  }

  keepKeys(root, signal);
  root.addEventListener("keydown", pressed, { signal });
  onChange(model, "title classes test_sets test_set unit chosen", update, signal);
  onChange(model, "current", () => list.update(model.get("classes") ?? [], testSet()), signal);
  onChange(model, "player", () => player.set(model.get("player")), signal);
  onChange(model, "notice", () => messages.update(model.get("notice") ?? {}), signal);
  clock.on("state", () => list.update(model.get("classes") ?? [], testSet()), { signal });
  onTheme(root, (dark) => root.classList.toggle("ev-confusion-dark", dark), signal);
  signal.addEventListener("abort", () => root.remove(), { once: true });
  el.append(root);
  const size = sizeOf(root, () => matrix.fit(size.width), signal);
  player.set(model.get("player"));
  messages.update(model.get("notice") ?? {});
  update();
}

/** Buttons of which one is pressed; hidden where there is nothing to choose from. */
function choice(label, options, choose) {
  const el = h("div.ev-confusion-choice", { role: "group", "aria-label": label });
  let shown = [];
  const self = {
    el,
    fill(given) {
      if (JSON.stringify(given.map(({ name }) => name)) === JSON.stringify(shown)) return;
      shown = given.map(({ name }) => name);
      el.replaceChildren(
        ...given.map(({ name, title }) =>
          h("button", { type: "button", "data-name": name, onclick: () => choose(name) }, plain(title)),
        ),
      );
      el.hidden = given.length < 2;
    },
    update(name) {
      for (const one of el.children) one.setAttribute("aria-pressed", String(one.dataset.name === name));
    },
  };
  self.fill(options);
  return self;
}

/** What shades and outlines mean. */
function legend() {
  return h(
    "div.ev-confusion-legend.ev-faint",
    {},
    h("span", {}, "0 %"),
    h("span.ev-confusion-ramp", { role: "img", "aria-label": "The darker against the page, the larger the share" }),
    h("span", {}, "100 % of the tracks of a class"),
    h("span.ev-confusion-sample", { "aria-hidden": "true" }),
    h("span", {}, "outlined: right answers"),
  );
}

/** What a cell looks like: with black or white numbers, and with an outline where it counts right answers. */
function kindsOf(share, right) {
  const kinds = { right, strong: share > FLIPS.dark, most: share > FLIPS.light };
  return [
    "ev-confusion-cell",
    ...Object.keys(kinds)
      .filter((kind) => kinds[kind])
      .map((kind) => `ev-confusion-${kind}`),
  ].join(" ");
}

/** @param {(truth: number, answer: number) => void} choose */
function table(choose) {
  const caption = h("caption.ev-hidden");
  const grid = h("table.ev-confusion-table", { role: "grid" });
  const el = h("div.ev-confusion-scroll", {}, grid);
  let [names, buttons, columns, rows, totals, answers] = [null, [], [], [], [], []];
  let [shown, width, roomy] = [{ classes: [], counts: [] }, 0, true];
  let [place, pressed, drawn] = [[0, 0], null, ""];

  function build(classes) {
    const head = (name, scope, kind) => h(`th.${kind}`, { scope, title: quoted(name) }, nameOf(name));
    const total = (text, kind, scope) => h(`th.${kind}`, { scope }, text);
    names = JSON.stringify(classes);
    columns = classes.map((name) => head(name, "col", "ev-confusion-column"));
    rows = classes.map((name) => head(name, "row", "ev-confusion-row"));
    totals = classes.map(() => h("td.ev-confusion-total"));
    answers = classes.map(() => h("td.ev-confusion-total"));
    buttons = classes.map((_, truth) =>
      classes.map((_, answer) => {
        const el = h("button", { type: "button", tabIndex: -1, "aria-pressed": "false" }, h("span"), h("small"));
        Object.assign(el.dataset, { truth, answer });
        return el;
      }),
    );
    const corner = h("td.ev-confusion-corner", {}, h("span", {}, "answered →"), h("span", {}, "truth ↓"));
    grid.replaceChildren(
      caption,
      h("thead", {}, h("tr", {}, corner, ...columns, total("tracks", "ev-confusion-column.ev-confusion-sum", "col"))),
      h(
        "tbody",
        {},
        ...rows.map((row, i) => h("tr", {}, row, ...buttons[i].map((one) => h("td", {}, one)), totals[i])),
      ),
      h("tfoot", {}, h("tr", {}, total("answers", "ev-confusion-row.ev-confusion-sum", "row"), ...answers, h("td"))),
    );
    stop(...place.map((at) => clamp(at, 0, Math.max(0, classes.length - 1))));
  }

  /** The Tab key stops at one cell. */
  function stop(row, column) {
    const before = buttons[place[0]]?.[place[1]];
    if (before) before.tabIndex = -1;
    place = [row, column];
    const now = buttons[row]?.[column];
    if (now) now.tabIndex = 0;
    return now;
  }

  function numbers() {
    const { classes, counts, unit } = shown;
    const [all, taken] = [totalsOf(counts), answersOf(counts)];
    const sign = roomy ? " %" : "";
    buttons.forEach((line, i) =>
      line.forEach((el, j) => {
        const count = counts[i]?.[j] ?? 0;
        const share = all[i] ? count / all[i] : 0;
        const said = [shareOf(count, all[i], sign), count.toLocaleString("en")];
        const [first, second] = unit === "share" ? said : said.reverse();
        write(el.firstChild, count || i === j ? first : "·");
        write(el.lastChild, roomy && count ? second : "");
        const more = count ? `, ${shareOf(count, all[i])}` : "";
        el.setAttribute("aria-label", `${sentenceOf(classes, counts, i, j)}${more}`);
        el.className = kindsOf(share, i === j);
        el.style.setProperty("--share", share.toFixed(3));
      }),
    );
    totals.forEach((el, i) => write(el, (all[i] ?? 0).toLocaleString("en")));
    answers.forEach((el, i) => write(el, (taken[i] ?? 0).toLocaleString("en")));
    const what = `${counted(sum(all), "track")} of ${counted(classes.length, "class", "classes")}`;
    write(caption, `${plain(shown.testSet)}: ${what}; rows are the truth, columns are the answers.`);
  }

  function press() {
    pressed?.setAttribute("aria-pressed", "false");
    pressed = buttons[shown.truth]?.[shown.answer];
    pressed?.setAttribute("aria-pressed", "true");
  }

  /** Say what a cell counts, and of which classes, while it is pointed at or has the focus. */
  function light(cell) {
    const { truth, answer } = cell?.dataset ?? {};
    if (cell) cell.title = cell.getAttribute("aria-label");
    rows.forEach((el, i) => el.classList.toggle("ev-confusion-lit", String(i) === truth));
    columns.forEach((el, i) => el.classList.toggle("ev-confusion-lit", String(i) === answer));
  }

  const cellOf = ({ target }) => target.closest?.(".ev-confusion-cell");
  grid.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (cell) choose(Number(cell.dataset.truth), Number(cell.dataset.answer));
  });
  grid.addEventListener("pointerover", (event) => light(cellOf(event)));
  grid.addEventListener("pointerleave", () => light(null));
  grid.addEventListener("focusin", (event) => {
    const cell = cellOf(event);
    if (!cell) return;
    stop(Number(cell.dataset.truth), Number(cell.dataset.answer));
    light(cell);
  });
  grid.addEventListener("focusout", () => light(null));
  grid.addEventListener("keydown", (event) => {
    const to = cellOf(event) && movedTo(event, ...place, buttons.length);
    if (!to) return;
    event.preventDefault();
    event.stopPropagation();
    stop(...to)?.focus();
  });

  const self = {
    el,
    fit(now) {
      width = now || width;
      if (!width) return;
      const layout = layoutOf(width, shown.classes.map(plain));
      grid.style.setProperty("--ev-confusion-head", `${layout.head}px`);
      grid.style.setProperty("--ev-confusion-cell", `${layout.cell}px`);
      grid.classList.toggle("ev-confusion-upright", layout.upright);
      grid.classList.toggle("ev-confusion-small", !layout.roomy);
      if (roomy === layout.roomy) return;
      roomy = layout.roomy;
      numbers();
    },
    update(given) {
      shown = given;
      if (JSON.stringify(given.classes) !== names) {
        build(given.classes);
        if (given.truth >= 0) stop(given.truth, given.answer);
      }
      el.hidden = !given.classes.length;
      const { classes, counts, unit, testSet } = given;
      const now = JSON.stringify([classes, counts, unit, testSet]);
      if (now !== drawn) {
        drawn = now;
        self.fit(0);
        numbers();
      }
      press();
    },
  };
  return self;
}

/** The tracks of the chosen cell. @param {{model: object, link: Link, clock: import("../player/clock.js").Clock}} parts */
function trackList({ model, link, clock }) {
  const heading = h("h3", { role: "status" });
  const order = h("span.ev-faint");
  const hint = h("p.ev-panel-empty", {}, "Choose a cell: the tracks in it are listed here, and can be played.");
  const more = h("p.ev-confusion-more.ev-faint");
  let names = [];
  const list = rowList({
    label: "Tracks of the cell",
    row(item) {
      const { test_set: testSet, track } = model.get("current") ?? {};
      const current = track === item.track && testSet === model.get("test_set");
      const playing = current && clock.playing;
      const press = () => (current && clock.playing ? clock.pause() : link.send("play", { track: item.track }));
      const { truth, answer } = model.get("chosen") ?? {};
      const figures = [`${names[answer]}: ${shareOf(item.probability, 1)}`];
      if (truth !== answer) figures.push(`${names[truth]}: ${shareOf(item.own, 1)}`);
      const bar = h("span.ev-confusion-bar", { "aria-hidden": "true" });
      bar.style.setProperty("--share", clamp(item.probability ?? 0, 0, 1).toFixed(3));
      const node = h(
        "li.ev-confusion-track",
        {},
        iconButton(playing ? "pause" : "play", `${playing ? "Pause" : "Play"} ${lineOf(item)}`, press),
        namesOf(item),
        current ? h("span.ev-confusion-state.ev-faint", {}, playing ? "playing" : "open") : null,
        h(
          "span.ev-confusion-figure",
          { title: `Probability of ${figures.join(", of ")}` },
          bar,
          shareOf(item.probability, 1),
        ),
      );
      if (current) node.setAttribute("aria-current", "true");
      return node;
    },
  });
  const el = h(
    "section.ev-confusion-list",
    { "aria-label": "Tracks of the chosen cell" },
    h("div.ev-confusion-list-head", {}, heading, order),
    hint,
    list.el,
    more,
  );
  return {
    el,
    update(classes, { name, counts = [] }) {
      const chosen = model.get("chosen") ?? {};
      const { truth = -1, answer = -1, rows = [], more: rest = 0 } = chosen;
      const known = truth >= 0 && truth < classes.length;
      names = classes.map(quoted);
      hint.hidden = known;
      write(heading, known ? `${sentenceOf(classes, counts, truth, answer)}.` : "");
      heading.hidden = !known;
      write(order, rows.length > 1 ? "most certain first" : "");
      more.hidden = !rest;
      write(more, rest ? `… and ${counted(rest, "more track")}; in Python, the selection has them all.` : "");
      list.fill(known ? rows : [], [truth, answer, name, model.get("current"), clock.playing]);
    },
  };
}

export default { render };
