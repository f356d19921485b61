"""A view as data and as code: what restores it, what computes the same without a panel, and a page without a kernel."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.app.explorer.context import ExplorerContext
from embviz.app.uploads import free_path, safe_name
from embviz.errors import OptionError
from embviz.export import track_page
from embviz.export.static_widgets import unsent
from embviz.models import ALIASES
from embviz.models.weights import has_weights

if TYPE_CHECKING:
    from embviz.app.explorer.heatmap_rows import HeatmapRows, Row
    from embviz.audio import Audio
    from embviz.core.worker import Job

__all__ = ["FORMAT", "checked", "code", "export", "page", "restore", "state"]

FORMAT = 1
TABS = ("poster", "hears", "layers", "structure", "map", "tasks")
PLAYER = ("time", "rate", "volume", "looping")
ROW = ("model", "layer", "hop", "collapsed", "head", "order", "scale", "pins")
RATES = (0.5, 2.0)
ORDERS = {"index": "index", "activity": "activity", "similarity": "cluster"}
SCALES = {"none": "none", "signed": "none", "dimension": "minmax"}


def state(context: ExplorerContext, heatmaps: HeatmapRows, walk: str, structure: tuple[str, str]) -> dict[str, Any]:
    """Return what restores a view, ready for JSON."""
    player = context.player
    return {
        "format": FORMAT,
        "track": context.track.told if context.track is not None else None,
        "rows": [row.kept() for row in heatmaps.rows],
        "tab": context.panel.tab,
        "walk": walk,
        "structure": list(structure),
        "range": list(player.range),
        "view": list(player.view),
        **{name: getattr(player, name) for name in PLAYER},
    }


def checked(given: Any) -> dict[str, Any]:
    """Return a state with what is missing filled in; raises OptionError where it is none."""
    if not isinstance(given, Mapping) or given.get("format") != FORMAT or not isinstance(given.get("rows"), list):
        raise OptionError(f"A state is expected as Explorer.state() returns it, {given!r:.80} was found.")
    usual: dict[str, Any] = {"track": None, "tab": "poster", "walk": "", "structure": ["", ""], "range": [], "view": []}
    usual |= {"tasks": {}, "time": 0.0, "rate": 1.0, "volume": 1.0, "looping": False}
    found = usual | dict(given)
    sound = (
        all(isinstance(row, Mapping) and isinstance(row.get("model"), str) for row in found["rows"])
        and found["tab"] in TABS
        and isinstance(found["track"], str | None)
        and isinstance(found["walk"], str)
        and isinstance(found["tasks"], Mapping)
        and _are(str, found["structure"], 2)
        and all(found[name] == [] or _are(float, found[name], 2) for name in ("range", "view"))
        and _are(float, [found[name] for name in PLAYER], len(PLAYER))
    )
    if not sound:
        raise OptionError("The state is damaged: a value in it has another kind than Explorer.state() gives.")
    found["rows"] = [{name: row[name] for name in ROW if name in row} for row in found["rows"]]
    return found


def restore(player: Any, kept: Mapping[str, Any]) -> None:
    """Put playhead, range, zoom and the like where they were, once the track is open."""
    said = {"time": "seek", "rate": "rate", "volume": "volume", "range": "range", "looping": "loop", "view": "view"}
    # The file may have become another one since.
    limits = {"time": (0, player.duration), "rate": RATES, "volume": (0, 1), "looping": (0, 1)}
    fits = {name: min(max(kept[name], low), high) for name, (low, high) in limits.items()}
    fits |= {name: _within(kept[name], player.duration) for name in ("range", "view")}
    fits["looping"] = bool(fits["looping"] and fits["range"])
    for name, kind in said.items():
        value = fits[name]
        if value in ([], getattr(player, name)):
            continue
        # The trait is for a page that is yet to be opened, the message for one that is open.
        setattr(player, name, value)
        player.send({"kind": kind, "value": value})


def _are(kind: type, values: Any, count: int) -> bool:
    """Tell whether there are so many texts, or so many numbers that JSON can hold."""
    if not isinstance(values, list | tuple) or len(values) != count:
        return False
    if kind is str:
        return all(isinstance(value, str) for value in values)
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)


def _within(span: Sequence[float], duration: float) -> list[float]:
    """Return what lies inside the track of a stretch; nothing where that is nothing."""
    ends = sorted(min(max(float(end), 0.0), duration) for end in span)
    return ends if ends and ends[0] < ends[1] else []


# Code. -------------------------------------------------------------------------------------------------------------


def code(context: ExplorerContext, heatmaps: HeatmapRows) -> str:
    """Return Python that computes and draws what is shown, without a panel."""
    if context.track is None:
        return ""
    lines = ["import embviz", ""]
    if context.track.path is None:
        lines += ["# The sound came as an array: put samples and sample rate here.", "track = (samples, sample_rate)"]
    else:
        lines += [f"track = {context.track.told!a}"]
    names: dict[str, int] = {}
    drawn, means = [], []
    span = tuple(context.player.range)
    for row in heatmaps.rows:
        if row.status == "download":
            lines += [f"# {row.model}: its weights are not here; embviz.pull({row.model!r}) gets them."]
            continue
        if row.status == "failed":
            lines += [f"# {row.model} / {row.layer!a}: this failed."]
            continue
        name = _name(row, names)
        lines += [f"{name} = embviz.embed({', '.join(['track', repr(row.model), *_options(row)])})"]
        if len(span) == 2:
            first, stop = _seconds_of(row, span)
            lines += [f"{name} = {name}[{first:.3f}:{stop:.3f}]  # the selected seconds"]
            means += [f"{_unused(f'{name}_mean', names)} = {name}.mean()"]
        drawn.append(f"embviz.heatmap({', '.join([name, *_look(row), *_head(row, heatmaps)])})")
    if means:
        drawn += ["", "# The mean of the selected seconds: a value per dimension.", *means]
    return "\n".join([*lines, "", *drawn]).rstrip() + "\n"


def _seconds_of(row: Row, span: tuple[float, float]) -> tuple[float, float]:
    """Return the selected seconds, or where no frame is centred in them, those of the frame under their middle."""
    if row.embedding is None or not len(row.embedding) or len(row.embedding[span[0] : span[1]]):
        return span
    grid = row.embedding.grid
    frame = grid.time_to_frame((span[0] + span[1]) / 2)
    return float(grid.edges[frame]), float(grid.edges[frame + 1])


def _options(row: Row) -> list[str]:
    layer = [] if row.layer == "embedding" else [f"layer={row.layer!a}"]
    return [*layer, *([] if row.hop is None else [f"patch_hop={row.hop!r}"])]


def _look(row: Row) -> list[str]:
    look = row.kept()
    order, scale = ORDERS.get(look.get("order", ""), "index"), SCALES.get(look.get("scale", ""), "none")
    return [f"{name}={value!r}" for name, value, usual in (("order", order, "index"), ("scale", scale, "none"))
            if value != usual]  # fmt: skip


def _head(row: Row, heatmaps: HeatmapRows) -> list[str]:
    if heatmaps.heads.of(row) is None:
        return []
    # A head that is not registered has to be loaded from where it was saved.
    how = "get_head" if heatmaps.heads.is_registered(row.head) else "Head.load"
    return [f"head=embviz.{how}({row.head!a})"]


def _name(row: Row, names: dict[str, int]) -> str:
    """Return a variable's name for a row, different from those before."""
    short = {model: alias for alias, model in ALIASES.items()}.get(row.model, row.model)
    text = short if row.layer == "embedding" else f"{short}_{row.layer}"
    name = re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_") or "row"
    name = f"m_{name}" if name[0].isdigit() or keyword.iskeyword(name) or name in ("embviz", "track") else name
    return _unused(name, names)


def _unused(name: str, names: dict[str, int]) -> str:
    while name in names:
        names[name] += 1
        name = f"{name}_{names[name]}"
    names[name] = 1
    return name


# A page. -----------------------------------------------------------------------------------------------------------


def page(path: str | Path, context: ExplorerContext, heatmaps: HeatmapRows, **options: Any) -> Path:
    """Write the rows as they are to a page that needs no kernel; see :func:`embviz.export.track_page.write`."""
    sound, contents, usual = _contents(context, heatmaps)
    return track_page.write(path, sound, contents, **{**usual, **options})


def _contents(context: ExplorerContext, heatmaps: HeatmapRows) -> tuple[Audio, list[Any], dict[str, Any]]:
    """Return what a page of the rows as they are is made of: its sound, its plots and its options."""
    if context.sound is None:
        raise OptionError("No track is open; open one, then write the page.")
    contents: list[Any] = []
    for row in heatmaps.rows:
        if row.embedding is not None:
            look = {name: value for name, value in row.kept().items() if name in ("order", "scale", "pins")}
            contents.append(track_page.Row(row.embedding, options=look))
            if row.answer.embedding is not None:
                contents.append(_answers(row))
        elif not has_weights(row.model):
            contents.append(track_page.absent(row.model))
    track = context.sound.track
    return context.sound.audio, contents, {"sections": track.sections, "title": track.title or None}


def _answers(row: Any) -> track_page.Row:
    """Return what stands on a page below a row with a head: its curves, as they are now."""
    from embviz.widgets.curves import Curves

    answers, view = row.answer.embedding, row.answer.view
    look = {name: getattr(view, name) for name in ("top", "threshold", "pins")}
    facts = (f"what a classifier says of {answers.model} / {row.layer}",)
    return track_page.Row(unsent(Curves).of(answers, title="", **look), answers.layer, facts, embedding=answers)


def export(context: ExplorerContext, heatmaps: HeatmapRows) -> None:
    """Have the page written into the working folder, under a name that is free."""
    # Collected now: another track may be open when its turn comes.
    sound, contents, options = _contents(context, heatmaps)
    stem = safe_name(Path(sound.title).stem) or "embviz"
    path = free_path(Path.cwd() / f"{stem}.html")

    def task(job: Job) -> Path:
        job.report(f"writing {path.name}", 0, 0)
        return track_page.write(path, sound, contents, **options)

    context.worker.submit(
        ("export",),
        task,
        done=lambda written: context.notice("done", f"Written to {str(written)!r}."),
        failed=lambda sentence, remedy: context.notice("error", sentence, remedy),
        progress=context.busy,
    )
