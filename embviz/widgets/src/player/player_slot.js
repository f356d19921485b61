/** A place for a player, which is there from the first track on: an empty player only takes room. */
import { onChange } from "../base/dom.js";
import { refOf, slot } from "../base/ui.js";

/**
 * @param {{host: import("../types.js").Host, signal: AbortSignal}} options
 * @returns {{el: HTMLElement, set: (view: string) => void}}
 */
export function playerSlot({ host, signal }) {
  const place = slot({ host, signal });
  const el = /** @type {HTMLElement} */ (place.el);
  el.hidden = true;

  async function follow(/** @type {string} */ view) {
    /** @type {import("../types.js").Model} */
    let player;
    try {
      player = await host.getModel(refOf(view));
    } catch {
      // The place itself says what is wrong.
      el.hidden = false;
      return;
    }
    const update = () => {
      el.hidden = !player.get("serial") && !player.get("problem");
    };
    if (signal.aborted) return;
    onChange(player, "serial problem", update, signal);
    update();
  }

  return {
    el,
    set(view) {
      if ((view || "") === place.view) return;
      el.hidden = true;
      place.set(view);
      if (view) follow(view);
    },
  };
}
