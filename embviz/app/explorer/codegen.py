"""The rows of an Explorer as Python that computes and draws the same without a panel."""

from __future__ import annotations

import keyword
import re

from embviz.app.explorer.context import ExplorerContext
from embviz.app.explorer.heatmap_rows import HeatmapRows
from embviz.app.explorer.row import Row
from embviz.app.explorer.similarity_tab import SimilarityTab
from embviz.app.given import function_note
from embviz.app.tracks import Track
from embviz.core.paths import python_path
from embviz.heads import known_heads
from embviz.models import ALIASES


def generate_code(context: ExplorerContext, heatmaps: HeatmapRows) -> str:
    """Return Python that computes and draws what is shown, without a panel."""
    if context.track is None:
        return ""
    lines = ["import embviz", "", *_track_lines(context.track)]
    names: dict[str, int] = {}
    drawn: list[str] = []
    means: list[str] = []
    span = tuple(context.player.range)
    for row in heatmaps.rows:
        if row.status == "download":
            lines += [f"# {row.model!a}: its weights are not here; embviz.pull({row.model!a}) gets them."]
            continue
        if row.status == "failed":
            lines += [f"# {row.model!a} / {row.layer!a}: this failed."]
            continue
        name = _variable_name(row, names)
        if context.given.find(row.model, row.layer) is not None:
            lines += _given_lines(context, row, name)
            drawn += [f"embviz.heatmap({', '.join([name, *_figure_arguments(row, heatmaps)])}).show()"]
            continue
        lines += [note for note in function_note(row.model) if note not in lines]
        arguments = ["track", ascii(row.model), *_option_arguments(row, context.engine)]
        lines += [f"{name} = embviz.embed({', '.join(arguments)})"]
        if len(span) == 2:
            first, stop = _selected_seconds(row, span)
            lines += [f"{name} = {name}[{first:.3f}:{stop:.3f}]  # the selected seconds"]
            means += [f"{_unused_name(f'{name}_mean', names)} = {name}.mean()"]
        drawn += [f"embviz.heatmap({', '.join([name, *_figure_arguments(row, heatmaps)])}).show()"]
    if means:
        means = ["", "# The mean of the selected seconds: a value per dimension.", *means]
    return "\n".join([*lines, *means, "", *drawn]).rstrip() + "\n"


def similarity_code(context: ExplorerContext, tab: SimilarityTab) -> str:
    """Return Python that finds and draws the boundaries that are shown; empty where none are."""
    if context.track is None or not tab.work.drawn:
        return ""
    row = Row(tab.work.model, tab.work.layer)
    name = _variable_name(row, {})
    arguments = ["track", ascii(row.model), *_option_arguments(row, context.engine)]
    made = [f"{name} = embviz.embed({', '.join(arguments)})"]
    if context.given.find(row.model, row.layer) is not None:
        made = _given_lines(context, row, name)
    chosen = "".join(f", {option}={value!r}" for option, value in tab.choices.items())
    starts = [start for _name, start in context.track.sections]
    lines = ["import embviz", "from embviz.widgets.self_similarity import SelfSimilarity", ""]
    lines += [*_track_lines(context.track), *made]
    lines += [f"boundaries = embviz.boundaries({name}{chosen})", "print(boundaries.to_frame())"]
    if len(starts) > 1:
        lines += [f"print(boundaries.score({starts!r}))  # against the known sections, which start at these seconds"]
    return "\n".join([*lines, "", f"SelfSimilarity.of({name}{chosen})"]) + "\n"


def _track_lines(track: Track) -> list[str]:
    if track.path is None:
        return ["# The sound came as an array: put samples and sample rate here.", "track = (samples, sample_rate)"]
    return [f"track = {python_path(track.current_path or '')}"]


def _given_lines(context: ExplorerContext, row: Row, name: str) -> list[str]:
    """Return what loads the frames of the open track out of vectors that were given."""
    file, number = f"{name}.safetensors", context.track.id if context.track is not None else -1
    return [
        f"# {row.model!a} / {row.layer!a}: vectors that were given; their save({file!r}) keeps them for here.",
        f"{name} = embviz.Vectors.load({file!r}).embedding({context.label_of(number)})",
    ]


def _selected_seconds(row: Row, span: tuple[float, float]) -> tuple[float, float]:
    """Return the selected seconds, or where no frame is centred in them, those of the frame under their middle."""
    if row.embedding is None or not len(row.embedding) or len(row.embedding[span[0] : span[1]]):
        return span
    grid = row.embedding.grid
    frame = grid.time_to_frame((span[0] + span[1]) / 2)
    return float(grid.edges[frame]), float(grid.edges[frame + 1])


def _option_arguments(row: Row, engine: str) -> list[str]:
    usual = {"layer": "embedding", "patch_hop": None, "engine": "auto"}
    given = {"layer": row.layer, "patch_hop": row.hop, "engine": engine}
    return [f"{name}={value!a}" for name, value in given.items() if value != usual[name]]


def _figure_arguments(row: Row, heatmaps: HeatmapRows) -> list[str]:
    look, arguments = row.to_state(), []
    if look.get("order", "index") != "index":
        arguments += [f"order={look['order']!r}"]
    if look.get("scale", "none") not in ("none", "signed"):  # a figure's colors part at zero by themselves
        arguments += [f"scale={look['scale']!r}"]
    if heatmaps.heads.of(row) is not None:
        # A head that is not registered has to be loaded from where it was saved.
        how = "get_head" if any(head.name == row.head for head in known_heads()) else "Head.load"
        arguments += [f"head=embviz.{how}({row.head!a})"]
    return arguments


def _variable_name(row: Row, names: dict[str, int]) -> str:
    """Return a variable's name for a row, different from those before."""
    short = {model: alias for alias, model in ALIASES.items()}.get(row.model, row.model)
    text = short if row.layer == "embedding" else f"{short}_{row.layer}"
    name = re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_") or "row"
    name = f"m_{name}" if name[0].isdigit() or keyword.iskeyword(name) or name in ("embviz", "track") else name
    return _unused_name(name, names)


def _unused_name(name: str, names: dict[str, int]) -> str:
    while name in names:
        names[name] += 1
        name = f"{name}_{names[name]}"
    names[name] = 1
    return name
