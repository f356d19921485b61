/** The player: the transport of a track, its waveform, and the mixer of its stems. */

import { h, icon, onChange, write } from "../base/dom.js";
import { applyToClock, firstKeys, keyAction } from "../base/keys.js";
import { formatTime } from "../base/time.js";
import { heardGains, voiceOf } from "./audio_engine.js";
import { clockOf } from "./clock.js";
import { lanes } from "./waveform.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
const ICONS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  loop: "M4 4h7V2l3.5 3L11 8V6H5v3H3V5a1 1 0 0 1 1-1zm8 8H5v2l-3.5-3L5 8v2h6V7h2v4a1 1 0 0 1-1 1z",
  sound:
    "M2 6h3l4-3.5v11L5 10H2zm9-.8a4 4 0 0 1 0 5.6l-.9-.9a2.7 2.7 0 0 0 0-3.8z" +
    "m1.8-1.8a6.5 6.5 0 0 1 0 9.2l-.9-.9a5.2 5.2 0 0 0 0-7.4z",
  muted: "M2 6h3l4-3.5v11L5 10H2zm8.7.6.8-.8 1.5 1.5 1.5-1.5.8.8L13.8 8l1.5 1.5-.8.8-1.5-1.5-1.5 1.5-.8-.8L12.2 8z",
  close: "M3.7 4.8 4.8 3.7 8 6.9l3.2-3.2 1.1 1.1L9.1 8l3.2 3.2-1.1 1.1L8 9.1l-3.2 3.2-1.1-1.1L6.9 8z",
  more: "M7.3 3h1.4v4.3H13v1.4H8.7V13H7.3V8.7H3V7.3h4.3z",
  less: "M3 7.3h10v1.4H3z",
  all: "M1 3h1.4v10H1zm12.6 0H15v10h-1.4zM3 8l3-2.7v2h4v-2L13 8l-3 2.7v-2H6v2z",
};

/**
 * @import { Stem } from "./audio_engine.js" @import { Clock } from "./clock.js"
 * @typedef {import("./waveform.js").Parts & {root: HTMLElement}} Parts
 */

/** @param {import("../types.js").RenderOptions} options */
function render({ model, el, signal: given }) {
  const controller = new AbortController();
  const signal = given ?? controller.signal;
  const clock = clockOf(model.get("clock"));
  const voice = voiceOf(clock);
  const root = h("div.embviz.ev-player", { role: "group", "aria-label": "Player" });
  const parts = { model, clock, voice, signal, root, tools: zoomTools(clock) };
  const note = h("div.ev-note", { role: "status" });
  root.append(transport(parts), note, lanes(parts), mixer(parts));
  el.append(root);
  signal.addEventListener("abort", () => root.remove(), { once: true });
  firstKeys(root, clock, signal);
  const noted = () => {
    const { kind, text } = voice.status;
    const sentence = kind === "failed" && clock.duration ? text : kind === "ready" ? clock.problem : "";
    write(note, sentence);
    note.classList.toggle("ev-error", kind === "failed");
    note.hidden = !sentence;
  };
  voice.on(noted, signal);
  clock.on("state", noted, { signal });
  voice.use(model, signal);
  noted();
  return () => controller.abort();
}

/** @param {string} label @param {string} shape @param {() => void} onclick @param {{key: string}} keys */
function button(label, shape, onclick, { key }) {
  return h(
    "button.ev-plain",
    { type: "button", title: `${label} (${key})`, onclick, "aria-label": label },
    icon(shape),
  );
}

/** What a button does that a key does, too. @param {string} key @param {Clock} clock */
function pressing(key, clock) {
  return () => {
    applyToClock(keyAction({ key }), clock);
  };
}

/** @param {Clock} clock */
function zoomTools(clock) {
  return h(
    "div.ev-tools",
    {},
    button("Zoom out", ICONS.less, pressing("-", clock), { key: "-" }),
    button("Zoom in", ICONS.more, pressing("+", clock), { key: "+" }),
    button("Show the whole track", ICONS.all, pressing("0", clock), { key: "0" }),
  );
}

/** @param {Parts} parts */
function transport({ model, clock, voice, signal, root }) {
  const label = h("span", { textContent: "Play" });
  const face = h("span.ev-face", {}, icon(ICONS.play));
  const play = h("button.ev-primary.ev-play", { type: "button", onclick: () => clock.toggle() }, face, label);
  const now = h("span.ev-now", { textContent: "0:00.0" });
  const whole = h("span.ev-faint");
  const title = h("span.ev-title", { dir: "auto" });
  const loopText = h("span", { textContent: "Loop" });
  const loop = h("button.ev-loop", { type: "button", onclick: pressing("l", clock) }, icon(ICONS.loop), loopText);
  const clear = button("Clear the selected range", ICONS.close, () => clock.setRange(null), { key: "Esc" });
  const speed = h("select.ev-speed", {
    "aria-label": "Speed",
    title: "Speed; the pitch is kept",
    onchange: () => clock.setRate(Number(speed.value)),
  });
  const mute = button("Mute", ICONS.sound, pressing("m", clock), { key: "M" });
  const volume = h("input.ev-volume", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    "aria-label": "Volume",
    title: "Volume",
    oninput: () => clock.setVolume(Number(volume.value)),
  });
  /** @type {boolean | null} whether the button says that it plays */
  let shown = null;
  const state = () => {
    const { playing, range, looping, rate, muted } = clock;
    const ready = clock.duration > 0 && voice.status.kind !== "failed";
    if (shown !== playing) {
      shown = playing;
      face.replaceChildren(icon(playing ? ICONS.pause : ICONS.play));
      label.textContent = playing ? "Pause" : "Play";
      play.title = `${label.textContent} (space)`;
    }
    play.disabled = !ready;
    loop.disabled = !clock.duration;
    loop.setAttribute("aria-pressed", String(looping));
    loop.title = range
      ? "Repeat the selected range (L)"
      : "Repeat what is in view (L); drag over the waveform to select";
    loopText.textContent = range ? `Loop ${formatTime(range[0], 1)}–${formatTime(range[1], 1)}` : "Loop";
    clear.hidden = !range;
    const speeds = SPEEDS.includes(rate) ? SPEEDS : [...SPEEDS, rate].sort((a, b) => a - b);
    if (speed.options.length !== speeds.length) {
      speed.replaceChildren(...speeds.map((one) => h("option", { value: one, textContent: `${one}×` })));
    }
    speed.value = String(rate);
    const silent = muted || !clock.volume;
    mute.replaceChildren(icon(silent ? ICONS.muted : ICONS.sound));
    mute.setAttribute("aria-pressed", String(muted));
    slide(volume, clock.volume);
  };
  const time = () => write(now, formatTime(clock.time, 1));
  const track = () => {
    title.textContent = model.get("title") ?? "";
    title.title = title.textContent;
    whole.textContent = ` / ${formatTime(clock.duration, 1)}`;
    root.setAttribute("aria-label", title.textContent ? `Player: ${title.textContent}` : "Player");
    state();
    time();
  };
  clock.on("time", time, { signal });
  clock.on("state", track, { signal });
  onChange(model, "title", track, signal);
  voice.on(state, signal);
  track();
  return h(
    "div.ev-transport",
    {},
    play,
    h("span.ev-time", {}, now, whole),
    title,
    h("span.ev-chip", {}, loop, clear),
    speed,
    h("span.ev-loud", {}, mute, volume),
  );
}

/** @param {Parts} parts */
function mixer({ model, voice, signal }) {
  const box = h("div.ev-mixer", { role: "group", "aria-label": "Stems" });
  /** @type {Stem[]} */
  let shown = [];
  let update = () => {};
  const build = () => {
    const original = h("button", { type: "button", textContent: "Original", onclick: () => voice.hearOriginal(true) });
    const stems = h("button", { type: "button", textContent: "Stems", onclick: () => voice.hearOriginal(false) });
    const rows = voice.stems.map((stem, i) => strip(stem, (change) => voice.change(i, change)));
    box.replaceChildren(
      h("div.ev-switch", { role: "group", "aria-label": "Heard" }, stems, original),
      h("div.ev-strips", {}, ...rows.map(({ el }) => el)),
    );
    update = () => {
      const gains = heardGains(voice.stems);
      original.setAttribute("aria-pressed", String(voice.original));
      stems.setAttribute("aria-pressed", String(!voice.original));
      for (const [i, row] of rows.entries()) row.update(!voice.original && gains[i] > 0);
    };
  };
  const refresh = () => {
    if (shown !== voice.stems) {
      shown = voice.stems;
      build();
    }
    box.hidden = !voice.stems.length;
    update();
  };
  voice.on(refresh, signal);
  onChange(model, "stems", refresh, signal);
  refresh();
  return box;
}

/** @param {HTMLInputElement} input @param {number} value from 0 to 1 */
function slide(input, value) {
  input.value = String(value);
  input.style.setProperty("--ev-fill", String(value));
}

/** One stem of the mixer. @param {Stem} stem @param {(change: Partial<Stem>) => void} change */
function strip(stem, change) {
  const mute = h("button", {
    type: "button",
    textContent: "M",
    title: "Mute",
    "aria-label": `Mute ${stem.name}`,
    onclick: () => change({ muted: !stem.muted }),
  });
  const solo = h("button", {
    type: "button",
    textContent: "S",
    title: "Solo",
    "aria-label": `Solo ${stem.name}`,
    onclick: () => change({ solo: !stem.solo }),
  });
  const gain = h("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    "aria-label": `Gain of ${stem.name}`,
    oninput: () => change({ gain: Number(gain.value) }),
  });
  const level = h("span.ev-level.ev-faint");
  const name = h("span.ev-name", { textContent: stem.name, title: stem.name, dir: "auto" });
  const el = h("div.ev-strip", {}, name, mute, solo, gain, level);
  const update = (/** @type {boolean} */ heard) => {
    mute.setAttribute("aria-pressed", String(stem.muted));
    solo.setAttribute("aria-pressed", String(stem.solo));
    slide(gain, stem.gain);
    level.textContent = heard ? `${Math.round(stem.gain * 100)} %` : "off";
    el.classList.toggle("ev-off", !heard);
  };
  return { el, update };
}

export default { render };
