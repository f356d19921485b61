/** Fills the screen with an element, or the window, where the browser does not let a page have the screen. */

/**
 * @param {HTMLElement} el @param {(full: boolean) => void} changed called whenever it has come or gone
 * @param {AbortSignal} signal
 */
export function fullScreen(el, changed, signal) {
  el.classList.add("ev-full");
  const filled = () => el.matches(":fullscreen, :popover-open");
  el.addEventListener("fullscreenchange", () => changed(filled()), { signal });

  async function enter() {
    try {
      await el.requestFullscreen();
    } catch {
      // Above all else, wherever in the page it is.
      el.popover = "manual";
      el.showPopover();
      changed(true);
    }
  }

  /** @returns {boolean} whether it was there */
  function leave() {
    if (!filled()) return false;
    if (el.matches(":fullscreen")) {
      document.exitFullscreen();
    } else {
      el.popover = null;
      changed(false);
    }
    return true;
  }

  return { leave, toggle: () => void (leave() || enter()) };
}
