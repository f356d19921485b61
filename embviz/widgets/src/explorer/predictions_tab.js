/** What the models say they hear: tags, tempo, and the stems of the mix. */
import { h, onChange, shape, write } from "../base/dom.js";
import { costOf, fillSelect, plain, quoted, slot, stateBox } from "../base/ui.js";

/** @import { Downloads, Panel, Plane, Predictions, Stems, Tagger, Tempo, ViewItem } from "./types.js" */

/**
 * The bars of a distribution over tempi.
 * @param {number[] | undefined} bpms @param {number[] | undefined} shares
 * @param {number} width @param {number} height of the plot, in pixels
 * @returns {{x: number, y: number, width: number, height: number, bpm: number, share: number}[]}
 */
export function tempoBars(bpms = [], shares = [], width, height) {
  const count = Math.min(bpms.length, shares.length);
  const highest = Math.max(...Array.from({ length: count }, (_, i) => shares[i] || 0), 0);
  if (!count || !(highest > 0)) return [];
  const step = width / count;
  return Array.from({ length: count }, (_, i) => {
    const tall = (Math.max(0, shares[i] || 0) / highest) * height;
    return { x: i * step, y: height - tall, width: Math.max(step, 1), height: tall, bpm: bpms[i], share: shares[i] };
  });
}

/**
 * Ticks at round tempi.
 * @param {number[] | undefined} bpms @param {number} width
 * @returns {{x: number, label: string}[]}
 */
export function tempoTicks(bpms, width, every = 30) {
  if (!bpms?.length) return [];
  const [low, high] = [bpms[0], bpms[bpms.length - 1]];
  const ticks = [];
  for (let bpm = Math.ceil(low / every) * every; bpm <= high; bpm += every) {
    // A bar's middle stands for its tempo.
    const at = bpms.findIndex((value) => value >= bpm);
    ticks.push({ x: ((at + 0.5) / bpms.length) * width, label: String(bpm) });
  }
  return ticks;
}

/**
 * A tempo in words that say how sure it is: what is hardly more likely than others is no headline.
 * @param {number | null | undefined} bpm
 * @param {number | null | undefined} confidence share of the tempo in the distribution, from 0 to 1
 * @returns {{certainty: "sure" | "likely" | "uncertain", text: string, words: string}}
 */
export function tempoWords(bpm, confidence) {
  if (bpm == null) return { certainty: "uncertain", text: "no tempo", words: "" };
  const tempo = `${Number(bpm.toFixed(1))} BPM`;
  const share = `confidence ${Math.round((confidence ?? 0) * 100)} %`;
  if ((confidence ?? 0) >= 0.5) return { certainty: "sure", text: tempo, words: share };
  if ((confidence ?? 0) >= 0.2) return { certainty: "likely", text: `about ${tempo}`, words: `likely, ${share}` };
  return { certainty: "uncertain", text: `uncertain, perhaps ${tempo}`, words: share };
}

/** The bars' own units; they are stretched over what width there is. */
const CHART = { width: 1000, height: 64 };

/** @param {Panel} panel */
export function hears(panel) {
  const { model, link, host, signal } = panel;
  /** @returns {Predictions} */
  const own = () => model.get("predictions") ?? {};
  const ask = () => link.send("show_predictions");
  let tagger = "";

  const select = h("select", { "aria-label": "Model that gives the tags" });
  const tagState = stateBox({ link, retry: () => (tagger ? link.send("show_tags", { model: tagger }) : ask()) });
  const curves = slot({ host, signal });
  const tags = h(
    "section.ev-panel-card",
    { role: "group", "aria-label": "Tags over time" },
    h(
      "div.ev-panel-card-head",
      {},
      h("h3", {}, "Tags"),
      h("span.ev-faint", {}, "how sure the model is of each, over time"),
      select,
    ),
    tagState.el,
    curves.el,
  );

  const figure = h("div.ev-panel-tempo-figure");
  const number = h("div.ev-panel-bpm");
  const sure = h("div.ev-faint");
  const tempoState = stateBox({ link, retry: ask });
  const tempoView = slot({ host, signal });
  const tempoBody = h("div.ev-panel-tempo", { hidden: true }, h("div", {}, number, sure), figure);
  const tempo = h(
    "section.ev-panel-card",
    { role: "group", "aria-label": "Tempo" },
    h(
      "div.ev-panel-card-head",
      {},
      h("h3", {}, "Tempo"),
      h("span.ev-faint", {}, "how likely each tempo is; averaged, and over time"),
    ),
    tempoState.el,
    tempoBody,
    tempoView.el,
  );

  const stemModel = h("select", { "aria-label": "Model that separates" });
  const separate = h("button", { type: "button" });
  const stemState = stateBox({ link, retry: () => link.send("separate_stems", { model: stemModel.value }) });
  const stemNote = h("p.ev-panel-message", { dir: "auto" });
  const stems = h(
    "section.ev-panel-card",
    { role: "group", "aria-label": "Stems" },
    h(
      "div.ev-panel-card-head",
      {},
      h("h3", {}, "Stems"),
      h("span.ev-faint", {}, "the mix taken apart, to listen to"),
      stemModel,
    ),
    stemState.el,
    h("div.ev-panel-stems", {}, separate, stemNote),
  );
  const planeHead = h("select", { "aria-label": "Head that gives valence and arousal" });
  const planeState = stateBox({ link, retry: ask });
  const planeView = slot({ host, signal });
  const planeHint = h("p.ev-panel-message.ev-faint");
  const plane = h(
    "section.ev-panel-card",
    { role: "group", "aria-label": "Valence and arousal" },
    h(
      "div.ev-panel-card-head",
      {},
      h("h3", {}, "Valence and arousal"),
      h("span.ev-faint", {}, "the way of the track: pleasant to the right, energetic upwards"),
      planeHead,
    ),
    planeHint,
    planeState.el,
    planeView.el,
  );
  const el = h("div.ev-panel-predictions", {}, tags, tempo, plane, stems);

  select.addEventListener("change", () => {
    tagger = select.value;
    link.send("show_tags", { model: tagger });
    update();
  });
  planeHead.addEventListener("change", () => link.send("show_plane", { head: planeHead.value }));
  stemModel.addEventListener("change", update);
  separate.addEventListener("click", () => link.send("separate_stems", { model: stemModel.value }));

  function update() {
    if (!panel.visible("predictions")) return;
    const pulling = model.get("downloads") ?? {};
    updateTags(own().taggers ?? [], pulling);
    updateTempo(own().tempo ?? {}, pulling);
    updatePlane(own().plane ?? {});
    updateStems(own().stems ?? {}, pulling);
  }

  /** @param {Plane} item */
  function updatePlane(item) {
    const heads = item.heads ?? [];
    plane.hidden = !heads.length && !item.hint;
    planeHint.hidden = !item.hint;
    write(planeHint, item.hint ?? "");
    fillSelect(
      planeHead,
      heads.map(({ name, title }) => ({ value: name, label: title || name })),
      item.head ?? "",
    );
    planeHead.hidden = heads.length < 2;
    planeState.update(heads.length ? item : { status: "" }, panel.modelOf(item.model), undefined);
    planeView.set(item.view);
  }

  /** @param {Tagger[]} taggers @param {Downloads} pulling */
  function updateTags(taggers, pulling) {
    if (!taggers.some((entry) => entry.model === tagger)) {
      tagger = (taggers.find((entry) => entry.view || entry.status) ?? taggers[0])?.model ?? "";
    }
    /** @type {ViewItem} */
    const entry = taggers.find(({ model: name }) => name === tagger) ?? {};
    fillSelect(
      select,
      taggers.map(({ model: name, title }) => ({ value: name, label: title || name })),
      tagger,
    );
    select.hidden = taggers.length < 2;
    tagState.update(taggers.length ? entry : { status: "waiting" }, panel.modelOf(tagger), pulling[tagger]);
    curves.set(entry.view);
  }

  /** @param {Tempo} item @param {Downloads} pulling */
  function updateTempo(item, pulling) {
    tempoState.update(item, panel.modelOf(item.model), pulling[item.model ?? ""]);
    tempoBody.hidden = item.bpm == null && !item.shares?.length;
    const { certainty, text, words } = tempoWords(item.bpm, item.confidence);
    write(number, text);
    number.dataset.certainty = certainty;
    write(sure, [words, item.status === "ready" ? plain(item.message) : ""].filter(Boolean).join(" · "));
    const key = JSON.stringify([item.bpms, item.shares, item.bpm, item.confidence]);
    if (figure.dataset.key !== key) {
      figure.dataset.key = key;
      figure.replaceChildren(...chart(item));
    }
    tempoView.set(item.view);
  }

  /** @param {Stems} item @param {Downloads} pulling */
  function updateStems(item, pulling) {
    const names = item.models?.length ? item.models : item.model ? [item.model] : [];
    const value = names.includes(stemModel.value) ? stemModel.value : item.model || names[0] || "";
    fillSelect(
      stemModel,
      names.map((name) => ({ value: name, label: panel.modelOf(name)?.title ?? name })),
      value,
    );
    stemModel.hidden = names.length < 2;
    const chosen = panel.modelOf(value);
    stemState.update(item, chosen, pulling[value]);
    const done = item.status === "ready" && (item.names?.length ?? 0) > 0 && value === (item.model || value);
    separate.hidden = done || !["", "ready", undefined].includes(item.status);
    separate.disabled = !value;
    const cost = costOf((chosen?.cost ?? 0) * ((panel.seconds() ?? 0) / 60));
    write(separate, `Separate into ${stemWords(value)}${cost ? ` (${cost})` : ""}`);
    const list = (item.names ?? []).map(quoted).join(", ");
    write(stemNote, done ? `Separated into ${list}: mute, solo and mix them in the player above.` : "");
  }

  onChange(model, "predictions models downloads tracks track", update, signal);
  return { el, update, ask };
}

/** What a model of Spleeter takes a mix apart into. @param {string} name */
export function stemWords(name) {
  if (/5s/.test(name)) return "vocals, piano, drums, bass and the rest";
  if (/4s/.test(name)) return "vocals, drums, bass and the rest";
  return "vocals and accompaniment";
}

/** @param {Tempo} item */
function chart({ bpms, shares, bpm, confidence }) {
  const { width, height } = CHART;
  const bars = tempoBars(bpms, shares, width, height);
  const { certainty, text } = tempoWords(bpm, confidence);
  const peak = bpm == null ? "" : `, its peak: ${text}`;
  const summary = `Distribution of tempi${peak}`;
  const svg = shape("svg", {
    viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": summary,
  });
  for (const bar of bars) {
    const rect = shape("rect", { x: bar.x, y: bar.y, width: bar.width * 0.92, height: bar.height });
    if (certainty !== "uncertain" && bpm != null && Math.abs(bar.bpm - bpm) <= 1)
      rect.setAttribute("class", "ev-panel-peak");
    const title = shape("title", {});
    title.textContent = `${Number(bar.bpm.toFixed(1))} BPM: ${(bar.share * 100).toFixed(1)} %`;
    rect.append(title);
    svg.append(rect);
  }
  if (!bars.length) return [];
  const axis = h("div.ev-panel-axis", { "aria-hidden": "true" });
  const ticks = tempoTicks(bpms, 100).filter((tick) => tick.x < 92);
  for (const { x, label } of ticks) axis.append(h("span", { style: { left: `${x}%` } }, label));
  axis.append(h("span.ev-panel-unit", {}, "BPM"));
  return [svg, axis];
}
