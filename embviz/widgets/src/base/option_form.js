/** A form for the options of a method: what they mean, what is recommended, and what was chosen. */
import { h, write } from "./dom.js";
import { fillSelect, plain, quoted, uid } from "./ui.js";

/** @import { MethodOption } from "../types.js" */

/**
 * What a text in a field means. @param {Omit<MethodOption, "name">} option @param {string} text
 * @returns {{value?: number | string | null, problem?: string}} the value (null: left to the method), or what is wrong
 */
export function readOption({ kind, min, max, value: recommended }, text) {
  const word = text.trim();
  if (kind === "choice") return { value: word };
  if (!word) return recommended == null ? { value: null } : { problem: "A number is needed here." };
  const value = Number(word.replace(",", "."));
  if (!Number.isFinite(value)) return { problem: `“${quoted(word)}” is no number.` };
  if (kind === "int" && !Number.isInteger(value)) return { problem: "A whole number is needed here." };
  if ((min != null && value < min) || (max != null && value > max)) {
    if (max == null) return { problem: `At least ${min}.` };
    return { problem: min == null ? `At most ${max}.` : `From ${min} to ${max}.` };
  }
  return { value };
}

/**
 * Only what differs from what is recommended.
 * @param {Pick<MethodOption, "name" | "value">[]} options @param {Record<string, unknown>} values
 */
export function differing(options, values) {
  const own = options.filter(({ name, value }) => name in values && values[name] !== value);
  return Object.fromEntries(own.map(({ name }) => [name, values[name]]));
}

/** What is allowed, in words. @param {Omit<MethodOption, "name">} option @returns {string} such as ``2 to 200`` */
export function rangeOf({ kind, min, max }) {
  if (kind === "choice") return "";
  if (min != null && max != null) return `${min} to ${max}`;
  return min != null ? `${min} or more` : max != null ? `up to ${max}` : "";
}

/**
 * @param {{title: string, options: MethodOption[], chosen: Record<string, MethodOption["value"]>,
 *   apply: (values: object) => void}} options
 * @returns {HTMLFormElement}
 */
export function optionForm({ title, options, chosen, apply }) {
  const fields = options.map((option) => fieldOf(option, chosen[option.name] ?? option.value));
  const go = h("button.ev-primary", { type: "submit" }, "Apply");
  const reset = h("button", { type: "button" }, "Reset");
  reset.title = "Put back what is recommended";
  const el = h(
    "form.ev-atlas-form",
    { noValidate: true },
    h("h3", { dir: "auto" }, plain(title)),
    ...fields.map((field) => field.el),
    h("div.ev-atlas-form-foot", {}, reset, go),
  );
  el.addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = fields.find((field) => field.read().problem);
    for (const field of fields) field.check();
    if (wrong) wrong.control.focus();
    else apply(differing(options, Object.fromEntries(fields.map(({ name, read }) => [name, read().value]))));
  });
  reset.addEventListener("click", () => {
    for (const field of fields) field.reset();
  });
  return el;
}

/** @param {MethodOption} option @param {MethodOption["value"]} value */
function fieldOf(option, value) {
  const { name, kind, help } = option;
  const [id, note] = [uid("option"), uid("note")];
  const shownAs = (/** @type {MethodOption["value"]} */ own) => (own == null ? "" : String(own));
  const control = kind === "choice" ? h("select", { id }) : h("input", { id, type: "text", inputMode: "decimal" });
  if (control instanceof HTMLSelectElement) {
    const choices = (option.choices ?? []).map((one) => ({ value: String(one), label: String(one) }));
    fillSelect(control, choices, shownAs(value));
  } else {
    Object.assign(control, { value: shownAs(value), placeholder: "automatic", autocomplete: "off" });
  }
  control.setAttribute("aria-describedby", note);
  const problem = h("span.ev-atlas-bad", { role: "alert" });
  const recommended = option.value == null ? "" : `recommended ${option.value}`;
  const facts = [rangeOf(option), recommended].filter(Boolean).join(", ");
  const words = [plain(help), facts && `(${facts})`].filter(Boolean).join(" ");
  const el = h(
    "div.ev-atlas-option",
    {},
    h("label", { for: id, dir: "auto" }, plain(option.title || name)),
    control,
    h("p.ev-faint", { id: note, dir: "auto" }, words),
    problem,
  );
  const read = () => readOption(option, control.value);
  const check = () => {
    const { problem: text = "" } = read();
    write(problem, text);
    control.setAttribute("aria-invalid", String(Boolean(text)));
  };
  control.addEventListener("change", check);
  const reset = () => {
    control.value = shownAs(option.value);
    check();
  };
  return { name, el, control, read, check, reset };
}
