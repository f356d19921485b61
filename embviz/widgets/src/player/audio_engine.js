/**
 * The sound of a track: where it comes from, what of it is heard, and the clock that follows it.
 *
 * It belongs to the clock, not to a view: however often the player is shown on a page, it sounds once.
 */
import { bytesOf } from "../base/buffers.js";
import { onChange, onMessage, throttled } from "../base/dom.js";
import { addressOf, baseUrl } from "../base/server.js";
import { clamp } from "../base/time.js";
import { lacksDevice } from "./silent_media.js";

const GRACE = 800; // ms that the sound outlives the last view, which may only be drawn anew
const PATIENCE = 10_000; // ms
const SETTLED = 16; // frames over which stems are compared

/**
 * @import { Message, Model } from "../types.js"
 * @import { Clock } from "./clock.js"
 * @typedef {{name: string, element: HTMLAudioElement, gain: number, muted: boolean, solo: boolean, apart: number[],
 *   hurries: boolean}} Stem `apart` are the seconds that it was ahead of the first one lately
 * @typedef {{model: Model, element: HTMLAudioElement, end: AbortController}} Session a model whose sound is had
 */

/** The gains that are heard. @param {{gain: number, muted: boolean, solo: boolean}[]} stems */
export function heardGains(stems) {
  const alone = stems.some(({ solo }) => solo);
  return stems.map(({ gain, muted, solo }) => ((alone ? solo : !muted) ? gain : 0));
}

/** The sound of a clock's track: one for the whole page. @param {Clock} clock @returns {Voice} */
export function voiceOf(clock) {
  clock.voices ??= new Voice(clock);
  return clock.voices;
}

export class Voice {
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** @type {Set<object>} */
  #users = new Set();
  /** @type {Session | null} */
  #session = null;
  #blob = "";
  #from = "";
  #offset = 0; // second of the track at which the element's sound begins
  #asked = { sound: false, transcode: false };
  #waiting = false;
  #patience = 0;
  #leaving = 0;
  #failure = "";
  /** @type {number | null} */
  #serial = null;

  /** @type {Stem[]} */
  stems = [];
  original = false;

  /** @param {Clock} clock */
  constructor(clock) {
    this.clock = clock;
  }

  /** The model whose sound is had; not to be asked where there is none. */
  get #model() {
    return /** @type {Session} */ (this.#session).model;
  }

  /** What plays the track itself; not to be asked where there is no model. */
  get #element() {
    return /** @type {Session} */ (this.#session).element;
  }

  /** Sound for a view of this model until its signal is aborted. @param {Model} model @param {AbortSignal} signal */
  use(model, signal) {
    const user = {};
    this.#users.add(user);
    clearTimeout(this.#leaving);
    signal.addEventListener("abort", () => {
      this.#users.delete(user);
      if (!this.#users.size) this.#leaving = Number(setTimeout(() => this.#release(), GRACE));
    });
    if (this.#session?.model !== model) this.#bind(model);
  }

  /** @param {() => void} listener @param {AbortSignal} signal */
  on(listener, signal) {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  }

  #tell() {
    for (const listener of [...this.#listeners]) listener();
  }

  /** @returns {{kind: "empty" | "loading" | "failed" | "ready", text: string}} */
  get status() {
    const [problem, loading] = [this.#session?.model.get("problem"), this.#session?.model.get("loading")];
    if (problem || this.#failure) return { kind: "failed", text: problem || this.#failure };
    if (loading) return { kind: "loading", text: `${loading[0].toUpperCase()}${loading.slice(1)} …` };
    if (!this.clock.duration) return { kind: "empty", text: "No track is open." };
    if (this.clock.silent) return { kind: "ready", text: "" };
    if (this.#waiting) return { kind: "loading", text: "Fetching the sound …" };
    if (!this.#session || this.#element.readyState < 1) return { kind: "loading", text: "Loading the sound …" };
    return { kind: "ready", text: "" };
  }

  /** @param {Model} model */
  #bind(model) {
    this.#release();
    const [element, end] = [new Audio(), new AbortController()];
    const { signal } = end;
    this.#session = { model, element, end };
    element.preload = "auto";
    element.addEventListener("error", () => this.#refused(), { signal });
    for (const kind of ["loadedmetadata", "emptied"]) element.addEventListener(kind, () => this.#tell(), { signal });
    this.#follow(model, signal);
    this.#load();
    this.#setStems();
  }

  /** @param {Model} model @param {AbortSignal} signal */
  #follow(model, signal) {
    const { clock } = this;
    const load = soon(() => this.#load(), signal);
    const take = soon(() => this.#waiting && this.#take(), signal);
    const setStems = soon(() => this.#setStems(), signal);
    onChange(model, "serial duration", load, signal);
    onChange(model, "sound", take, signal);
    onChange(model, "stems stem_sounds", setStems, signal);
    onChange(model, "problem loading", () => this.#heard(), signal);
    onMessage(model, (content) => this.#told(content), signal);
    this.#reported = throttled(() => this.#report(), 110, signal);
    const moved = () => {
      this.#keepStep();
      this.#reported();
    };
    const changed = () => {
      this.#balance();
      moved();
    };
    clock.on("time", moved, { signal });
    clock.on("state", changed, { signal });
    clock.on("view", this.#reported, { signal });
  }

  /** Tells Python before long how the clock is. */
  #reported = () => {};

  #remix() {
    this.#conduct();
    this.#balance();
    this.#reported();
    this.#tell();
  }

  #release() {
    clearTimeout(this.#leaving);
    clearTimeout(this.#patience);
    if (!this.#session) return;
    this.#session.end.abort();
    this.#dropStems();
    this.clock.attach(null);
    empty(this.#element);
    URL.revokeObjectURL(this.#blob);
    this.#session = null;
    this.#blob = "";
  }

  #load() {
    const [model, { clock }] = [this.#model, this];
    const [serial, duration] = [model.get("serial") ?? 0, model.get("duration") ?? 0];
    const known = this.#element.getAttribute("src") || this.#waiting || this.#failure;
    if (known && serial === this.#serial && duration === clock.duration) return;
    if (serial !== this.#serial || duration !== clock.duration) {
      const fresh = this.#serial === null && !clock.duration;
      clock.load(duration);
      if (fresh) this.#restore();
      this.#serial = serial;
    }
    this.#open();
  }

  /** A page that opens takes up where the last one was. */
  #restore() {
    const [model, { clock }] = [this.#model, this];
    const [range, view] = [model.get("range") ?? [], model.get("view") ?? []];
    clock.setRate(model.get("rate") || 1);
    clock.setVolume(model.get("volume") ?? 1);
    if (range.length === 2) clock.setRange(range[0], range[1]);
    if (view.length === 2 && view[1] > view[0]) clock.setView(view[0], view[1]);
    clock.setLooping(Boolean(model.get("looping")));
    if (model.get("time") > 0) clock.seek(model.get("time"));
  }

  #open() {
    const model = this.#model;
    this.#asked = { sound: false, transcode: false };
    this.#failure = "";
    this.#still();
    this.#lead(this.#element);
    if (!this.clock.duration) {
      empty(this.#element);
    } else if (bytesOf(model.get("sound")).length) {
      this.#take();
    } else if (addressOf(model.get("url") ?? "", baseUrl())) {
      this.#source(addressOf(model.get("url"), baseUrl()), "url");
    } else {
      empty(this.#element);
      if (!model.get("problem")) this.#ask("sound", "no server");
    }
    this.#tell();
  }

  /** Play from the bytes that Python has sent. */
  #take() {
    const bytes = bytesOf(this.#model.get("sound"));
    if (!bytes.length) return;
    this.#still();
    const before = this.#blob;
    this.#blob = URL.createObjectURL(new Blob([blobPart(bytes)], { type: this.#model.get("mime") || "" }));
    this.#source(this.#blob, "bytes");
    URL.revokeObjectURL(before);
    this.#tell();
  }

  /** Let the clock follow an element: stems have all of the track, what a browser decodes may lack its beginning. @param {HTMLAudioElement} element */
  #lead(element) {
    this.clock.attach(element, element === this.#element ? this.#offset : 0);
  }

  /** @param {string} address @param {"url" | "bytes"} from */
  #source(address, from) {
    const wanted = !this.#element.paused;
    this.#from = from;
    this.#offset = this.#model.get("offset") ?? 0;
    this.#failure = "";
    this.#element.src = address;
    this.#lead(this.#element);
    if (wanted) this.clock.play();
    this.#conduct();
  }

  #refused() {
    const element = this.#element;
    if (!element.getAttribute("src")) return;
    if (lacksDevice(element)) {
      this.clock.runSilently();
      this.#tell();
      return;
    }
    const lost = this.#from === "url" && element.error?.code !== MediaError.MEDIA_ERR_DECODE;
    if (lost && !this.#asked.sound) this.#ask("sound", "failed");
    else if (!this.#model.get("transcoded") && !this.#asked.transcode) this.#ask("transcode");
    else this.#fail("The browser cannot decode this sound.");
  }

  /** @param {"sound" | "transcode"} kind @param {string} [why] */
  #ask(kind, why) {
    const wanted = !this.#element.paused;
    this.#asked[kind] = true;
    this.#waiting = true;
    empty(this.#element);
    // An element without a source waits for one, so that who has pressed play need not press it again.
    if (wanted) this.#element.play().catch(() => {});
    clearTimeout(this.#patience);
    this.#patience = Number(setTimeout(() => this.#impatient(), PATIENCE));
    this.#model.send?.(why ? { kind, why, serial: this.#serial } : { kind, serial: this.#serial });
    this.#tell();
  }

  #impatient() {
    if (!this.#waiting || this.#model.get("loading")) return;
    this.#failure =
      "The kernel does not send the sound: it is busy, or was restarted; run the cells above and this one again.";
    this.#tell();
  }

  #still() {
    this.#waiting = false;
    clearTimeout(this.#patience);
  }

  /** @param {string} sentence */
  #fail(sentence) {
    this.#still();
    empty(this.#element);
    this.#lead(this.#element);
    this.#failure = sentence;
    this.#tell();
  }

  #heard() {
    if (this.#model.get("problem") && this.#waiting) this.#fail("");
    this.#tell();
  }

  /** @param {Message} content of Python */
  #told({ kind, value }) {
    const { clock } = this;
    if (kind === "play") {
      // Of two windows with the same notebook, one plays.
      if (!document.hidden) clock.play();
    } else if (kind === "pause") clock.pause();
    else if (kind === "seek") clock.seek(value);
    else if (kind === "range") clock.setRange(value?.[0] ?? null, value?.[1]);
    else if (kind === "view") clock.setView(value[0], value[1]);
    else if (kind === "rate") clock.setRate(value);
    else if (kind === "volume") clock.setVolume(value);
    else if (kind === "loop") clock.setLooping(value);
  }

  #report() {
    const [model, { clock }] = [this.#model, this];
    const { time, playing, rate, volume, looping } = clock;
    const mix = this.original ? [] : heardGains(this.stems);
    /** @type {Record<string, unknown>} */
    const now = { time, playing, rate, volume, looping, range: clock.range ?? [], view: clock.view, mix };
    const changed = Object.entries(now).filter(([name, value]) => !same(value, model.get(name)));
    for (const [name, value] of changed) model.set(name, Array.isArray(value) ? [...value] : value);
    try {
      if (changed.length) model.save_changes?.();
    } catch {
      // Python has closed the player, whose sound outlives its view for a moment.
    }
  }

  // Stems: elements of their own; the first of them leads the clock while they are heard.

  #setStems() {
    const model = this.#model;
    /** @type {{name: unknown}[]} */
    const names = model.get("stems") ?? [];
    /** @type {DataView[]} */
    const sounds = model.get("stem_sounds") ?? [];
    this.#dropStems();
    if (names.length && names.length === sounds.length) {
      const type = model.get("stem_mime") || "";
      this.stems = names.map(({ name }, i) => this.#stemOf(String(name), new Blob([blobPart(sounds[i])], { type })));
      unison(this.stems.map(({ element }) => element));
    }
    this.original = false;
    this.#remix();
  }

  /** @param {string} name @param {Blob} sound @returns {Stem} */
  #stemOf(name, sound) {
    const element = new Audio(URL.createObjectURL(sound));
    element.preload = "auto";
    element.preservesPitch = true;
    element.addEventListener("loadedmetadata", () => this.#keepStep(), { signal: this.#session?.end.signal });
    // On an empty source, too, which says nothing.
    element.addEventListener("error", () => element.getAttribute("src") && this.#stemRefused(element));
    return { name, element, gain: 1, muted: false, solo: false, apart: [], hurries: false };
  }

  /** @param {HTMLAudioElement} element */
  #stemRefused(element) {
    if (lacksDevice(element)) this.clock.runSilently();
    else this.hearOriginal(true);
  }

  #dropStems() {
    const wanted = this.stems.some(({ element }) => element === this.clock.media) && this.clock.playing;
    if (wanted || this.clock.media !== this.#element) this.#lead(this.#element);
    if (wanted) this.clock.play();
    for (const { element } of this.stems) {
      const address = element.src;
      empty(element);
      URL.revokeObjectURL(address);
    }
    this.stems = [];
  }

  /** Change a stem. @param {number} index @param {Partial<Pick<Stem, "gain" | "muted" | "solo">>} change */
  change(index, change) {
    Object.assign(this.stems[index], change);
    this.original = false;
    this.#remix();
  }

  /** @param {boolean} original whether the track itself is heard, rather than its stems */
  hearOriginal(original) {
    this.original = original;
    this.#remix();
  }

  #balance() {
    const { clock } = this;
    const gains = heardGains(this.stems);
    this.stems.forEach(({ element }, i) => {
      element.volume = clock.volume * gains[i];
      element.muted = clock.muted || !gains[i];
      element.playbackRate = clock.rate;
    });
  }

  /** Let the clock follow what is heard: the first stem, or the original. */
  #conduct() {
    const { clock } = this;
    if (!this.#session || clock.silent) return;
    const leader = this.stems.length && !this.original ? this.stems[0].element : this.#element;
    if (clock.media === leader) return;
    const wanted = clock.playing;
    clock.pause();
    this.#lead(leader);
    if (wanted) clock.play();
  }

  /** What `unison` leaves between the stems is made up for by running a little faster or slower. */
  #keepStep() {
    const leader = this.stems[0]?.element;
    if (!leader || leader !== this.clock.media) return;
    const rests = leader.paused || leader.seeking || leader.readyState < 1;
    for (const stem of this.stems.slice(1)) {
      const { element } = stem;
      if (element.readyState < 1 || element.seeking) continue;
      const ahead = element.currentTime - leader.currentTime;
      if (rests) {
        stem.apart = [];
        if (leader.paused && !element.paused) element.pause();
        if (leader.paused && !leader.ended && Math.abs(ahead) > 0.002) element.currentTime = leader.currentTime;
      } else if (element.paused && !element.ended) {
        element.play().catch(() => {});
      } else {
        this.#catchUp(stem, ahead);
      }
    }
  }

  /** @param {Stem} stem @param {number} ahead of the first one, in seconds */
  #catchUp(stem, ahead) {
    const { element, apart } = stem;
    const rate = this.clock.rate;
    // The times of elements come in steps: the middle of the last ones is what they mean.
    apart.push(ahead);
    if (apart.length > SETTLED) apart.shift();
    const settled = apart.length < SETTLED ? 0 : [...apart].sort((a, b) => a - b)[SETTLED / 2];
    if (Math.abs(settled) > 0.3) {
      stem.apart = [];
      element.currentTime = this.stems[0].element.currentTime;
      return;
    }
    stem.hurries = Math.abs(settled) > (stem.hurries ? 0.004 : 0.015);
    // To keep the pitch takes a delay, which would come and go with the hurry.
    element.preservesPitch = rate !== 1;
    element.playbackRate = stem.hurries ? rate * (1 - clamp(settled, -0.03, 0.03)) : rate;
  }
}

/**
 * Call back once for several events of one moment: several traits of one track come as several events, and their values
 * are all there after the first.
 * @param {() => unknown} call @param {AbortSignal} signal
 */
function soon(call, signal) {
  let asked = false;
  const now = () => {
    asked = false;
    if (!signal.aborted) call();
  };
  return () => {
    if (!asked) queueMicrotask(now);
    asked = true;
  };
}

/** @param {DataView | Uint8Array} bytes that came over a wire, and share their memory with nobody */
function blobPart(bytes) {
  return /** @type {Uint8Array<ArrayBuffer>} */ (bytesOf(bytes));
}

/**
 * Let elements begin, end and move together with the first: told in the same moment, they do it in the same moment.
 * @param {HTMLAudioElement[]} elements
 */
function unison([leader, ...others]) {
  const element = HTMLMediaElement.prototype;
  const time = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(element, "currentTime"));
  leader.play = () => {
    for (const other of others) other.play().catch(() => {});
    return element.play.call(leader);
  };
  leader.pause = () => {
    for (const other of others) other.pause();
    element.pause.call(leader);
  };
  Object.defineProperty(leader, "currentTime", {
    get: () => time.get?.call(leader),
    set: (seconds) => {
      for (const one of [leader, ...others]) time.set?.call(one, seconds);
    },
  });
}

/** @param {HTMLAudioElement} element */
function empty(element) {
  element.pause();
  if (!element.getAttribute("src")) return;
  element.removeAttribute("src");
  element.load();
}

/** @param {unknown} a @param {unknown} b */
function same(a, b) {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
