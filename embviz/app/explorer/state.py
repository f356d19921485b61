"""A view of an Explorer as data: what restores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from embviz.app.explorer.context import ExplorerContext
from embviz.app.explorer.heatmap_rows import HeatmapRows
from embviz.errors import OptionError
from embviz.widgets.base import is_finite
from embviz.widgets.panel import TABS
from embviz.widgets.self_similarity import LIMITS

FORMAT = 1
PLAYER = ("time", "rate", "volume", "looping")
ROW = ("model", "layer", "hop", "collapsed", "head", "order", "scale", "pins")
RATES = (0.5, 2.0)
MOST_ROWS = 200


def make_state(context: ExplorerContext, heatmaps: HeatmapRows) -> dict[str, Any]:
    """Return what restores a view but for its other tabs, ready for JSON."""
    player = context.player
    return {
        "format": FORMAT,
        "track": context.track.current_path if context.track is not None else None,
        "rows": [row.to_state() for row in heatmaps.rows],
        "tab": context.panel.tab,
        "range": list(player.range),
        "view": list(player.view),
        **{name: getattr(player, name) for name in PLAYER},
    }


def check_state(given: Any) -> dict[str, Any]:
    """Return a state with what is missing filled in; raises OptionError where it is none."""
    if not isinstance(given, Mapping) or given.get("format") != FORMAT or not isinstance(given.get("rows"), list):
        raise OptionError(f"A state is expected as Explorer.state() returns it, {given!r:.80} was found.")
    usual: dict[str, Any] = {"track": None, "tab": "heatmaps", "layers": "", "similarity": ["", ""], "boundaries": {}}
    usual |= {"evaluation": {}, "units": {}, "plane": ""}
    usual |= {"range": [], "view": [], "time": 0.0, "rate": 1.0, "volume": 1.0, "looping": False}
    state = usual | dict(given)
    is_valid = (
        len(state["rows"]) <= MOST_ROWS
        and all(isinstance(row, Mapping) and isinstance(row.get("model"), str) for row in state["rows"])
        and isinstance(state["tab"], str)
        and state["tab"] in TABS
        and isinstance(state["track"], str | None)
        and isinstance(state["layers"], str)
        and isinstance(state["plane"], str)
        and isinstance(state["evaluation"], Mapping)
        and isinstance(state["units"], Mapping)
        and _are_all(str, state["similarity"], 2)
        and _are_choices(state["boundaries"])
        and all(state[name] == [] or _are_all(float, state[name], 2) for name in ("range", "view"))
        and _are_all(float, [state[name] for name in PLAYER], len(PLAYER))
    )
    if not is_valid:
        raise OptionError("The state is damaged: a value in it has another kind than Explorer.state() gives.")
    state["rows"] = [{name: row[name] for name in ROW if name in row} for row in state["rows"]]
    return state


def restore_player(player: Any, state: Mapping[str, Any]) -> None:
    """Put playhead, range, zoom and the like where they were, once the track is open."""
    kinds = {"time": "seek", "rate": "rate", "volume": "volume", "range": "range", "looping": "loop", "view": "view"}
    # The file may have become another one since.
    limits = {"time": (0, player.duration), "rate": RATES, "volume": (0, 1), "looping": (0, 1)}
    fits = {name: min(max(state[name], low), high) for name, (low, high) in limits.items()}
    fits |= {name: _clip_span(state[name], player.duration) for name in ("range", "view")}
    fits["looping"] = bool(fits["looping"] and fits["range"])
    for name, kind in kinds.items():
        value = fits[name]
        if value in ([], getattr(player, name)):
            continue
        # The trait is for a page that is yet to be opened, the message for one that is open.
        setattr(player, name, value)
        player.send({"kind": kind, "value": value})


def _are_all(kind: type, values: Any, count: int) -> bool:
    """Tell whether there are so many texts, or so many numbers that JSON can hold."""
    if not isinstance(values, list | tuple) or len(values) != count:
        return False
    if kind is str:
        return all(isinstance(value, str) for value in values)
    return is_finite(*values)


def _are_choices(values: Any) -> bool:
    """Tell whether these are options of boundaries with values that they can have."""
    return isinstance(values, Mapping) and all(
        name in LIMITS and is_finite(value) and LIMITS[name][0] <= value <= LIMITS[name][1]
        for name, value in values.items()
    )


def _clip_span(span: Sequence[float], duration: float) -> list[float]:
    """Return what lies inside the track of a stretch; nothing where that is nothing."""
    ends = sorted(min(max(float(end), 0.0), duration) for end in span)
    return ends if ends and ends[0] < ends[1] else []
