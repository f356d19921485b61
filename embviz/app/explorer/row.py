"""One row of heatmaps: what it asks for, what is computed for it, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from embviz.app.work import DrawnWork
from embviz.core.text import plural
from embviz.errors import OptionError
from embviz.plotting.heatmap_data import ORDERS, PAGE_SCALES
from embviz.widgets.base import is_finite

LOOK = ("order", "scale", "pins")


@dataclass
class Row(DrawnWork):
    """One row."""

    id: int = 0
    collapsed: bool = False
    look: dict[str, Any] = field(default_factory=dict)
    head: str = ""
    answer: DrawnWork = field(default_factory=lambda: DrawnWork(""))

    def to_state(self) -> dict[str, Any]:
        """Return what restores the row, ready for JSON."""
        if self.view is not None:
            self.look = {name: getattr(self.view, name) for name in LOOK}
        look = {name: list(value) if isinstance(value, list) else value for name, value in self.look.items()}
        return {name: getattr(self, name) for name in ("model", "layer", "hop", "collapsed", "head")} | look

    def begin(self, status: str = "waiting", message: str = "", remedy: str = "") -> None:
        """Forget what was computed, and what a head made of it."""
        super().begin(status, message, remedy)
        self.answer.begin("")

    def close(self) -> None:
        """Take the views off the page."""
        super().close()
        self.answer.close()


def check_request(layer: Any, hop: Any) -> tuple[str, Any]:
    """Return a layer and a hop; raises where no row can have such. Whether the model has them, its row says."""
    if not isinstance(layer, str):
        raise OptionError(f"A layer is expected by its name, {layer!r:.80} was found.")
    if hop is None or isinstance(hop, str):
        return str(layer), None if hop is None else str(hop)
    if isinstance(hop, bool) or not is_finite(hop):
        raise OptionError(f'patch_hop is a number of seconds above 0, "dense" or None, {hop!r:.80} was found.')
    return str(layer), float(hop)


def check_look(look: dict[str, Any]) -> dict[str, Any]:
    """Return what of a kept look can be had."""
    known = {"order": ORDERS, "scale": PAGE_SCALES}
    valid = {name: look[name] for name, values in known.items() if isinstance(look.get(name), str)}
    valid = {name: value for name, value in valid.items() if value in known[name]}
    pins = look.get("pins")
    pins = [pin for pin in pins if type(pin) is int and pin >= 0] if isinstance(pins, list | tuple) else []
    return valid | ({"pins": pins} if pins else {})


def row_key(work: DrawnWork) -> tuple[str, str, Any]:
    """Return what a piece of work asks for."""
    return work.model, work.layer, work.hop


def constant_note(work: DrawnWork) -> list[str]:
    """Return what there is to say of dimensions that never change."""
    view: Any = work.view
    if view is None or work.status != "ready" or not view.constant:
        return []
    return [f"{view.constant:,} of {plural(view.shape[0], 'dimension')} never change"]
