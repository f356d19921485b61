/**
 * The panel's line to Python: every command carries a number, which Python answers at once; where no answer comes, the
 * reader is told.
 */
import { onMessage } from "./dom.js";

/** Milliseconds after which a command without an answer counts as unheard, where nothing is known to run. */
export const PATIENCE = 5000;
/** Where work is known to run, which may hold the kernel for as long, as the first map does. */
export const LONG_PATIENCE = 60_000;
/** Bytes per second that any line carries: what is larger is given more time. */
export const SLOWEST = 500_000;

export const SILENT =
  "The kernel does not answer: it is busy, or was restarted; run the cells above and this one again.";
export const BUSY = "The kernel is busy, and does this as soon as it can.";
export const GONE = "The kernel was restarted or has ended; run the cells above and this one again.";

/** How long to wait for the answer to a message with so many bytes. */
export function patience(bytes = 0) {
  return PATIENCE + (bytes / SLOWEST) * 1000;
}

/** @import { Model } from "../types.js" */
/** @typedef {{timer: ReturnType<typeof setTimeout>, resolve: (heard: boolean) => void}} Waiting */

/**
 * What the kernel does, such as "busy", "idle" or "restarting"; empty where the page does not know, as outside of
 * JupyterLab and Notebook.
 * @param {Model} model @returns {string}
 */
export function kernelStatus(model) {
  const { widget_manager: manager } = /** @type {{widget_manager?: {kernel?: {status?: string}}}} */ (model);
  return manager?.kernel?.status ?? "";
}

/** Whether the traits say that something is computed. @param {Model} model */
export function isWorking(model) {
  const runs = (/** @type {string} */ name) => ["waiting", "running", "partial"].includes(model.get(name)?.status);
  return Boolean(model.get("progress")?.text) || runs("map") || runs("evaluation_status");
}

export class Link {
  #model;
  #signal;
  #onTrouble;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  // Two views of one panel must not take each other's answers for their own.
  #seq = Math.floor(Math.random() * 1e6) * 1000;

  /** A sentence while the kernel is not heard, else empty. */
  trouble = "";

  /** @param {Model} model @param {{signal: AbortSignal, onTrouble: (sentence: string) => void}} options */
  constructor(model, { signal, onTrouble }) {
    this.#model = model;
    this.#signal = signal;
    this.#onTrouble = onTrouble;
    const answer = (/** @type {import("../types.js").Message} */ content) => {
      if (content?.kind === "ack") this.#answered(content.seq);
    };
    onMessage(model, answer, signal);
    const self = this;
    // Jupyter tells that the line was cut or mended, but not which; its view knows.
    /** @this {{model?: {comm_live?: boolean}} | undefined} */
    const cut = function () {
      self.#say(this?.model?.comm_live === true ? "" : GONE);
    };
    model.on("comm_live_update", cut);
    signal.addEventListener(
      "abort",
      () => {
        model.off("comm_live_update", cut);
        for (const { timer } of this.#waiting.values()) clearTimeout(timer);
      },
      { once: true },
    );
  }

  /**
   * Send a command.
   * @param {string} kind @param {object} [content] @param {ArrayBuffer[]} [buffers]
   * @returns {Promise<boolean>} whether Python has heard it in time
   */
  send(kind, content = {}, buffers = []) {
    if (this.#signal.aborted) return Promise.resolve(false);
    this.#seq += 1;
    const seq = this.#seq;
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
    return new Promise((resolve) => {
      const wait = patience(bytes);
      const timer = setTimeout(() => this.#unheard(seq, wait), wait);
      this.#waiting.set(seq, { timer, resolve });
      try {
        /** @type {Required<Model>} */ (this.#model).send({ kind, seq, ...content }, undefined, buffers);
      } catch {
        // The line is closed for good: nothing will come of waiting.
        clearTimeout(timer);
        this.#waiting.delete(seq);
        this.#say(GONE);
        resolve(false);
      }
    });
  }

  /**
   * No answer has come to a command for so many milliseconds: a kernel that is busy is waited for, with a word where
   * the page does not show what it does.
   * @param {number} seq @param {number} waited
   */
  #unheard(seq, waited) {
    const waiting = this.#waiting.get(seq);
    if (!waiting) return;
    const [status, known] = [kernelStatus(this.#model), isWorking(this.#model)];
    const patient = known && waited < LONG_PATIENCE;
    if (status === "busy" || (!status && patient)) {
      if (!patient) this.#say(BUSY);
      waiting.timer = setTimeout(() => this.#unheard(seq, waited + PATIENCE), PATIENCE);
      return;
    }
    this.#say(SILENT);
    waiting.resolve(false);
  }

  /** @param {number} seq */
  #answered(seq) {
    const waiting = this.#waiting.get(seq);
    this.#waiting.delete(seq);
    clearTimeout(waiting?.timer);
    waiting?.resolve(true);
    this.#say("");
  }

  /** @param {string} sentence */
  #say(sentence) {
    if (sentence === this.trouble) return;
    this.trouble = sentence;
    this.#onTrouble(sentence);
  }
}
