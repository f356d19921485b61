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
import { nameOf, plain, quoted } from "../base/ui.js";
import { clockOf } from "../player/clock.js";
import { playerSlot } from "../player/player_slot.js";

/**
 * @import { Host, Model, RenderOptions } from "../types.js"
 * @typedef {{name: string, title: string}} Named
 * @typedef {Named & {counts: number[][]}} TestSet
 * @typedef {{track: string, title?: string, artist?: string, probability: number, own: number, said?: string}} Row of the list
 * @typedef {{classes: string[], counts: number[][], unit: string, testSet: string, truth: number, answer: number}}
 * State
 */

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

const sum = (/** @type {number[]} */ numbers) => numbers.reduce((total, number) => total + number, 0);

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
 * @param {{key: string, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean}} event
 * @param {number} row @param {number} column @param {number} n rows and columns
 * @returns {[number, number] | null}
 */
export function movedTo({ key, ctrlKey, metaKey, altKey }, row, column, n) {
  const far = Boolean(ctrlKey || metaKey);
  if (altKey || (far && key !== "Home" && key !== "End")) return null;
  /** @type {Record<string, [number, number]>} */
  const targets = {
    ArrowDown: [row + 1, column],
    ArrowUp: [row - 1, column],
    ArrowRight: [row, column + 1],
    ArrowLeft: [row, column - 1],
    PageDown: [row + PAGE, column],
    PageUp: [row - PAGE, column],
    Home: [far ? 0 : row, 0],
    End: [far ? n - 1 : row, n - 1],
  };
  if (!Object.hasOwn(targets, key)) return null;
  const [down, across] = targets[key];
  return [clamp(down, 0, n - 1), clamp(across, 0, n - 1)];
}

/** @param {RenderOptions} options */
function render({ model, el, signal: given, host }) {
  const own = new AbortController();
  given?.addEventListener("abort", () => own.abort(), { once: true });
  draw(model, el, own.signal, /** @type {Host} */ (host));
  return () => own.abort();
}

/** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal @param {Host} host */
function draw(model, el, signal, host) {
  const clock = clockOf(model.get("clock") ?? "");
  const trouble = troubleLine();
  const link = new Link(model, { signal, onTrouble: trouble.say });
  const messages = notices({ link });
  const player = playerSlot({ host, signal });
  const title = h("h3", { dir: "auto" });
  const setUnit = (/** @type {string} */ name) => {
    model.set("unit", name);
    model.save_changes?.();
  };
  const units = choice("Numbers", UNITS, setUnit);
  const testSets = choice("Collection", [], (name) => link.send("show_test_set", { name }));
  const matrix = table((truth, answer) => link.send("show_cell", { truth, answer }));
  const list = trackList({ model, link, clock });
  const root = h(
    "div.embviz.ev-parts.ev-confusion",
    { role: "group", "aria-label": "Confusion matrix" },
    h("div.ev-confusion-head", {}, title, h("div.ev-confusion-choices", {}, testSets.el, units.el)),
    trouble.el,
    ...messages.nodes,
    matrix.el,
    legend(),
    player.el,
    list.el,
  );
  /** @returns {TestSet} */
  const testSet = () => {
    /** @type {TestSet[]} */
    const all = model.get("test_sets") ?? [];
    return all.find(({ name }) => name === model.get("test_set")) ?? all[0] ?? { name: "", title: "", counts: [] };
  };

  function update() {
    write(title, plain(model.get("title")));
    title.hidden = !title.textContent;
    units.update(model.get("unit"));
    testSets.fill(model.get("test_sets") ?? []);
    testSets.update(testSet().name);
    const { truth = -1, answer = -1 } = model.get("chosen") ?? {};
    const classes = model.get("classes") ?? [];
    const { counts, title: name } = testSet();
    matrix.update({ classes, counts, unit: model.get("unit"), testSet: name, truth, answer });
    list.update(classes, testSet());
  }

  /** @param {KeyboardEvent} event */
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

/**
 * Buttons of which one is pressed; hidden where there is nothing to choose from.
 * @param {string} label @param {Named[]} options @param {(name: string) => void} choose
 */
function choice(label, options, choose) {
  const el = h("div.ev-confusion-choice", { role: "group", "aria-label": label });
  let shown = "";
  const self = {
    el,
    /** @param {Named[]} given */
    fill(given) {
      const names = JSON.stringify(given.map(({ name }) => name));
      if (names === shown) return;
      shown = names;
      el.replaceChildren(
        ...given.map(({ name, title }) =>
          h("button", { type: "button", "data-name": name, onclick: () => choose(name) }, plain(title)),
        ),
      );
      el.hidden = given.length < 2;
    },
    /** @param {string} name */
    update(name) {
      for (const one of el.querySelectorAll("button"))
        one.setAttribute("aria-pressed", String(one.dataset.name === name));
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

/**
 * What a cell looks like: with black or white numbers, and with an outline where it counts right answers.
 * @param {number} share @param {boolean} right
 */
function kindsOf(share, right) {
  const kinds = Object.entries({ right, strong: share > FLIPS.dark, most: share > FLIPS.light });
  return ["ev-confusion-cell", ...kinds.filter(([, applies]) => applies).map(([kind]) => `ev-confusion-${kind}`)].join(
    " ",
  );
}

/** @param {(truth: number, answer: number) => void} choose */
function table(choose) {
  const caption = h("caption.ev-hidden");
  const grid = h("table.ev-confusion-table", { role: "grid" });
  const el = h("div.ev-confusion-scroll", {}, grid);
  /** @type {HTMLButtonElement[][]} a row for each class */
  let buttons = [];
  /** @type {HTMLElement[][]} a heading or a total for each class */
  let [columns, rows, totals, answers] = [[], [], [], []];
  /** @type {State} */
  let shown = { classes: [], counts: [], unit: "", testSet: "", truth: -1, answer: -1 };
  let [names, drawn, width, roomy] = ["", "", 0, true];
  let place = { row: 0, column: 0 };
  /** @type {HTMLButtonElement | undefined} */
  let pressed;

  /** @param {string[]} classes */
  function build(classes) {
    /** @param {string} name @param {string} scope @param {string} kind */
    const head = (name, scope, kind) => h(`th.${kind}`, { scope, title: quoted(name) }, nameOf(name));
    /** @param {string} text @param {string} kind @param {string} scope */
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
    const last = Math.max(0, classes.length - 1);
    stop(clamp(place.row, 0, last), clamp(place.column, 0, last));
  }

  /** The Tab key stops at one cell. @param {number} row @param {number} column */
  function stop(row, column) {
    const before = buttons[place.row]?.[place.column];
    if (before) before.tabIndex = -1;
    place = { row, column };
    const now = buttons[row]?.[column];
    if (now) now.tabIndex = 0;
    return now;
  }

  function numbers() {
    const { classes, counts, unit } = shown;
    const [all, taken] = [totalsOf(counts), answersOf(counts)];
    const sign = roomy ? " %" : "";
    buttons.forEach((line, i) => {
      line.forEach((el, j) => {
        const count = counts[i]?.[j] ?? 0;
        const share = all[i] ? count / all[i] : 0;
        const said = [shareOf(count, all[i], sign), count.toLocaleString("en")];
        const [first, second] = unit === "share" ? said : said.reverse();
        write(el.children[0], count || i === j ? first : "·");
        write(el.children[1], roomy && count ? second : "");
        const more = count ? `, ${shareOf(count, all[i])}` : "";
        el.setAttribute("aria-label", `${sentenceOf(classes, counts, i, j)}${more}`);
        el.className = kindsOf(share, i === j);
        el.style.setProperty("--share", share.toFixed(3));
      });
    });
    for (const [i, el] of totals.entries()) write(el, (all[i] ?? 0).toLocaleString("en"));
    for (const [i, el] of answers.entries()) write(el, (taken[i] ?? 0).toLocaleString("en"));
    const what = `${counted(sum(all), "track")} of ${counted(classes.length, "class", "classes")}`;
    write(caption, `${plain(shown.testSet)}: ${what}; rows are the truth, columns are the answers.`);
  }

  function press() {
    pressed?.setAttribute("aria-pressed", "false");
    pressed = buttons[shown.truth]?.[shown.answer];
    pressed?.setAttribute("aria-pressed", "true");
  }

  /**
   * Say what a cell counts, and of which classes, while it is pointed at or has the focus.
   * @param {HTMLElement | null} cell
   */
  function light(cell) {
    const { truth, answer } = cell?.dataset ?? {};
    if (cell) cell.title = cell.getAttribute("aria-label") ?? "";
    for (const [i, el] of rows.entries()) el.classList.toggle("ev-confusion-lit", String(i) === truth);
    for (const [i, el] of columns.entries()) el.classList.toggle("ev-confusion-lit", String(i) === answer);
  }

  /** @param {Event} event @returns {HTMLElement | null} */
  const cellOf = ({ target }) => (target instanceof Element ? target.closest(".ev-confusion-cell") : null);
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
    const to = cellOf(event) && movedTo(event, place.row, place.column, buttons.length);
    if (!to) return;
    event.preventDefault();
    event.stopPropagation();
    stop(...to)?.focus();
  });

  const self = {
    el,
    /** @param {number} now */
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
    /** @param {State} given */
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

/**
 * The tracks of the chosen cell.
 * @param {{model: Model, link: Link, clock: import("../player/clock.js").Clock}} parts
 */
function trackList({ model, link, clock }) {
  const heading = h("h3", { role: "status" });
  const order = h("span.ev-faint");
  const hint = h("p.ev-panel-empty", {}, "Choose a cell: the tracks in it are listed here, and can be played.");
  const more = h("p.ev-confusion-more.ev-faint");
  /** @type {string[]} */
  let names = [];
  const list = rowList({
    label: "Tracks of the cell",
    /** @param {Row} item */
    row(item) {
      const { test_set: testSet, track } = model.get("current") ?? {};
      const current = track === item.track && testSet === model.get("test_set");
      const playing = current && clock.playing;
      const press = () => {
        if (current && clock.playing) clock.pause();
        else link.send("play", { track: item.track });
      };
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
          { title: item.said ? "" : `Probability of ${figures.join(", of ")}` },
          item.said ? null : bar,
          item.said ? plain(item.said) : shareOf(item.probability, 1),
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
    /** @param {string[]} classes @param {TestSet} testSet */
    update(classes, { name, counts = [] }) {
      const chosen = model.get("chosen") ?? {};
      const { truth = -1, answer = -1, rows = [], more: rest = 0 } = chosen;
      const known = truth >= 0 && truth < classes.length;
      names = classes.map(quoted);
      hint.hidden = known;
      write(heading, known ? `${sentenceOf(classes, counts, truth, answer)}.` : "");
      heading.hidden = !known;
      write(order, rows.length > 1 ? (rows[0].said?.includes("→") ? "farthest off first" : "most certain first") : "");
      more.hidden = !rest;
      write(more, rest ? `… and ${counted(rest, "more track")}; in Python, the selection has them all.` : "");
      list.fill(known ? rows : [], [truth, answer, name, model.get("current"), clock.playing]);
    },
  };
}

export default { render };
