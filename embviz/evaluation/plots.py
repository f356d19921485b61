"""Plots of an evaluation: models against each other, accuracy along the layers of a model, and learning curves.

Conventions: scores are written in per cent: class-weighted accuracy, R² of quantities, ROC-AUC of labels. Intervals
hold 95 %. Chance is one in the number of classes, and one half for ROC-AUC; who always names the largest class comes to
the same where all classes were tested; R² is zero for who names the mean. Cross-validation is a filled circle, the
other collection an open diamond; curves differ in colour, dashes and marks.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import plural
from embviz.errors import ModelError, OptionError, did_you_mean
from embviz.evaluation import subplots, summary
from embviz.models import get_model, model_title

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from embviz.evaluation.evaluation import Evaluation
    from embviz.models import Model


MEASURES = {"accuracy": "class-weighted accuracy", "R²": "R²", "ROC-AUC": "ROC-AUC (macro)"}
PLAIN = ("majority", "mean")  # the better of the baselines
LOWEST = -50.0  # per cent, of an axis
LARGER = "larger marks: the best"
CHANCES = 16  # pixels that texts of chance need
MOST_ROWS = 40  # of a task; beyond, only the best layer of each model is drawn
MOST_CURVES = 12  # of a task, learning; the same holds
ONLY_BEST = "only the best layer of each model"
APART = 0.17  # rows that the two points of a row are moved by

# Pixels.
ROW, LEAST, CURVES, LARGE = 24, 84, 200, 360  # height of a row; of a plot of rows, of curves, of curves alone
LEFT = 60  # room for numbers beside a plot
LAYER = 26  # letters of a layer's name


def plot(evaluation: Evaluation, *, task: str | None = None) -> Figure:
    """Draw how well each model does, a row for each, the best on top.

    Parameters
    ----------
    evaluation : Evaluation
        As :func:`embviz.evaluate` returns it.
    task : str, optional
        The only one to be drawn; by default there is a plot for each, with the models in the same order: that of their
        mean accuracy.

    Returns
    -------
    plotly.graph_objects.Figure
        Where a task would have more than 40 rows, only the best layer of each model is drawn, and the figure says so.

    Raises
    ------
    OptionError
        If there is no such task, or nothing was evaluated.
    """
    table, note = _limit_rows(_add_labels(_model_scores(evaluation, task)))
    labels, tasks = _rank_labels(table), _task_names(table)
    outside = bool(table["external"].notna().any())
    kinds = ["cross-validation", "external"] if outside else ["cross-validation"]
    tall, left = max(LEAST, ROW * len(labels)), subplots.label_width(labels)
    grid = subplots.make_grid(tasks, tall, left=left, legend=kinds if outside else [])
    ends = _axis_range(evaluation.table, tasks)
    for name, subplot in zip(tasks, grid, strict=True):
        for kind in kinds:
            points = _points(table[table["task"] == name], labels, kind, apart=APART * outside)
            subplot.add_points(points, kind, listed=outside and name == tasks[0], best=len(labels) > 1)
        _draw_chance(subplot, evaluation, name, ends, upright=True)
    figure = grid[0].figure
    figure.update_yaxes(range=[len(labels) - 0.5, -0.5], showgrid=False, **subplots.tick_labels(labels))
    figure.update_xaxes(**subplots.percent_axis(ends, grid[0].width, brief=True))
    facts = [_measured(table), *([LARGER] if len(labels) > 1 else []), *note]
    return subplots.finish_figure(figure, tasks[0] if len(tasks) == 1 else "Downstream tasks", facts)


def layers_plot(evaluation: Evaluation, model: str | Model | None = None, *, task: str | None = None) -> Figure:
    """Draw accuracy along the depth of a model, from input to output.

    Parameters
    ----------
    evaluation : Evaluation
        With several layers, as ``embviz.evaluate(..., layers="all")`` returns it.
    model : str or Model, optional
        Whose layers are drawn, with a curve for each task. Where none is named and there are several, each task has a
        plot of its own with a curve for each model, along the relative depth of the layers: 0 is the first that was
        evaluated, 1 the last.
    task : str, optional
        The only one to be drawn.

    Returns
    -------
    plotly.graph_objects.Figure
        The best layer of each curve has a larger mark.

    Raises
    ------
    OptionError
        If there is no such model or task, or fewer than two layers of a model were evaluated.
    """
    table = _model_scores(evaluation, task)
    if model is not None:
        table = table[table["model"] == _resolve_model(model, list(table["model"].unique()))]
    layers = table.groupby("model")["layer"].nunique()
    if (layers < 2).all():
        raise OptionError(
            "Depth needs two layers of a model or more, one was evaluated; "
            'pass layers="all", or the names of several, to evaluate.'
        )
    depths = {(result.task, result.model, result.layer): result.depth for result in evaluation.results}
    table = table[table["model"].isin(layers.index[layers > 1])]
    keys = zip(table["task"], table["model"], table["layer"], strict=True)
    table = table.assign(depth=[depths[key] for key in keys]).sort_values("depth", kind="stable")
    along = _along_layers if len(set(table["model"])) == 1 else _along_models
    return along(evaluation, table)


def learning_plot(evaluation: Evaluation) -> Figure:
    """Draw the score of each task against the number of tracks that were learnt from, a curve for each model.

    Parameters
    ----------
    evaluation : Evaluation
        With smaller training sets, as ``embviz.evaluate(..., learning=(0.1, 0.3))`` returns it.

    Returns
    -------
    plotly.graph_objects.Figure
        A plot for each task; the number of tracks has a logarithmic axis.

    Raises
    ------
    OptionError
        If nothing was learnt from smaller sets.
    """
    table = evaluation.learning
    table = table[(table["model"] != "") & table["score"].notna()]
    if not (table["share"] < 1).any():
        raise OptionError(
            "There are no smaller training sets to draw; pass learning=, such as learning=(0.1, 0.3), to evaluate."
        )
    table = _add_labels(table).sort_values("tracks", kind="stable")
    labels, tasks, facts = _rank_labels(table), _task_names(table), [_measured(table)]
    if len(labels) > MOST_CURVES:
        models = dict(zip(table["label"], table["model"], strict=True))
        best = {models[label]: label for label in reversed(labels)}
        labels, facts = [label for label in labels if best[models[label]] == label], [*facts, ONLY_BEST]
    counts = [plural(round(tracks), "training track") for tracks in table["tracks"]]
    table = table.assign(at=table["tracks"], lines=list(zip(table["label"], counts, strict=True)))
    axes = {}
    for task in tasks:
        ticks = _thin_out(sorted({round(tracks) for tracks in table.loc[table["task"] == task, "tracks"]}))
        axes[task] = {"type": "log", **subplots.tick_labels([f"{tick:,}" for tick in ticks], ticks)}
    return _draw_curves(evaluation, table, labels, axes, ("Learning curves", "training tracks"), facts)


def _draw_curves(
    evaluation: Evaluation,
    table: pd.DataFrame,
    labels: Sequence[str],
    axes: Mapping[str, Mapping[str, Any]],
    titles: tuple[str, str],
    facts: Sequence[str],
) -> Figure:
    """Draw a plot for each task, with a curve for each label; the table has places (`at`) and texts (`lines`)."""
    tasks = list(axes)
    tall = CURVES if len(tasks) > 1 else LARGE
    grid = subplots.make_grid(tasks, tall, left=LEFT, legend=labels)
    ends = _axis_range(evaluation.table, tasks, table)
    for task, subplot in zip(tasks, grid, strict=True):
        for number, label in enumerate(labels):
            rows = table[(table["task"] == task) & (table["label"] == label)]
            curve = _values(rows, list(rows["at"]), list(rows["lines"]))
            subplot.add_curve(curve, number, label, listed=task == tasks[0], best=LARGER in facts)
        _draw_chance(subplot, evaluation, task, ends)
        subplot.set_x(titles[1], **axes[task])
    figure = grid[0].figure
    figure.update_yaxes(**subplots.percent_axis(ends, tall))
    title = f"{titles[0]} · {tasks[0]}" if len(tasks) == 1 else titles[0]
    return subplots.finish_figure(figure, title, facts)


# Depth. --------------------------------------------------------------------------------------------------------------


def _along_layers(evaluation: Evaluation, table: pd.DataFrame) -> Figure:
    """Draw the layers of one model by name, with a curve for each task."""
    names, tasks = list(dict.fromkeys(table["layer"])), _task_names(table)
    curves = list(table.groupby(["task", *_distinguishing_columns(table)], sort=False))
    longest = max(len(name[:LAYER]) for name in names) * subplots.LETTER
    slanted = longest > (subplots.WIDTH - 2 * LEFT) / len(names)
    best = [rows.loc[rows["score"].idxmax(), "layer"] for _, rows in curves]
    listed = [f"{' · '.join(key)} (best: {layer})" for (key, _), layer in zip(curves, best, strict=True)]
    [subplot] = subplots.make_grid([""], LARGE, left=LEFT, legend=listed, below=int(longest * 0.62) if slanted else 0)
    ends = _axis_range(evaluation.table, tasks)
    for number, (key, rows) in enumerate(curves):
        sizes = zip(rows["layer"], rows["dimensions"], strict=True)
        lines = [(layer, key[0], plural(d, "dimension")) for layer, d in sizes]
        places = [names.index(layer) for layer in rows["layer"]]
        subplot.add_curve(_values(rows, places, lines), number, listed[number], listed=len(curves) > 1, best=True)
    _draw_chance_levels(subplot, evaluation, tasks, ends)
    axis = {"range": [-0.4, len(names) - 0.6], "tickangle": -40 if slanted else 0}
    subplot.set_x("layer, from input to output", **axis, **subplots.tick_labels(names, longest=LAYER))
    subplot.figure.update_yaxes(**subplots.percent_axis(ends, LARGE))
    title = " · ".join([model_title(table["model"].iloc[0]), *(tasks if len(tasks) == 1 else [])])
    facts = [_measured(table), f"best: {best[0]}" if len(curves) == 1 else LARGER]
    return subplots.finish_figure(subplot.figure, title, facts)


def _along_models(evaluation: Evaluation, table: pd.DataFrame) -> Figure:
    """Draw a plot for each task, with a curve for each model along the relative depth of its layers."""
    table = _add_labels(table, layers=False)
    ranks = table.groupby("model")["depth"].rank("dense") - 1
    relative = ranks / ranks.groupby(table["model"]).transform("max")
    table = table.assign(at=relative, lines=list(zip(table["layer"], table["label"], strict=True)))
    axis = {"range": [-0.05, 1.05], **subplots.tick_labels(["first", "middle", "last"], [0, 0.5, 1])}
    axes, labels = dict.fromkeys(_task_names(table), axis), list(dict.fromkeys(table["label"]))
    return _draw_curves(
        evaluation, table, labels, axes, ("Along the layers", "depth of the layer"), [_measured(table), LARGER]
    )


def _draw_chance_levels(
    subplot: subplots.Subplot, evaluation: Evaluation, tasks: Sequence[str], ends: tuple[float, float]
) -> None:
    """Draw chance once for each number of classes, and say whose it is."""
    if len(tasks) == 1:
        _draw_chance(subplot, evaluation, tasks[0], ends)
        return
    table = evaluation.table.drop_duplicates("task")
    chance = {task: 100 * level for task, level in zip(table["task"], _guessing(table), strict=True)}
    levels = {level: [task for task in tasks if chance[task] == level] for level in {chance[task] for task in tasks}}
    least, text = CHANCES * (ends[1] - ends[0]) / LARGE, ""
    for level, own in sorted(levels.items()):
        names = f" ({', '.join(own[:3])}{', …' if len(own) > 3 else ''})" if len(levels) > 1 else ""
        text = f"{text}, {level:.0f} %{names}" if text else f"chance {level:.0f} %{names}"
        subplot.line(level, "dash", upright=False)
        above = min((more for more in levels if more > level), default=math.inf)
        # Lines that are too near each other for a text between them share the one above.
        if above - level > least:
            subplot.write_level(text, level, ends)
            text = ""


# What is drawn. ------------------------------------------------------------------------------------------------------


def _model_scores(evaluation: Evaluation, task: str | None) -> pd.DataFrame:
    """Return the scores of models, of one task or of all."""
    table = evaluation.table
    table = table[(table["model"] != "") & table["score"].notna()]
    if not len(table):
        raise OptionError("There is nothing to draw: no model was evaluated; pass one or more to evaluate.")
    return table if task is None else table[table["task"] == _check_name("task", task, _task_names(table))]


def _check_name(what: str, name: Any, names: Sequence[str]) -> str:
    if name in names:
        return str(name)
    lines = ", ".join(map(repr, names))
    raise OptionError(f"There is no {what} {name!r} here; there is {lines}.{did_you_mean(str(name), names)}")


def _resolve_model(model: Any, names: Sequence[str]) -> str:
    """Return the name of an evaluated model, which may be called by that of its system."""
    name = getattr(model, "name", model)
    if name not in names:
        with contextlib.suppress(ModelError):  # it may be nobody's name
            name = get_model(name).name
    return _check_name("model", name, names)


def _task_names(table: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(table["task"]))


def _distinguishing_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns, beside those of model and layer, that tell rows apart."""
    return [name for name in ("classifier", "pooling") if len(set(table[name])) > 1]


def _add_labels(table: pd.DataFrame, *, layers: bool = True) -> pd.DataFrame:
    """Return the rows with what each is called: its model, and what else tells it from others."""
    titles = {name: model_title(name) for name in table["model"].unique()}
    if len(set(titles.values())) < len(titles):
        titles = {name: name for name in titles}
    layered = ["layer"] if layers and table.groupby("model")["layer"].nunique().max() > 1 else []
    parts = [table["model"].map(titles), *(table[name] for name in layered + _distinguishing_columns(table))]
    return table.assign(label=[" · ".join(row) for row in zip(*parts, strict=True)])


def _rank_labels(table: pd.DataFrame) -> list[str]:
    """Return the labels by mean accuracy, the best first."""
    means = table.groupby("label", sort=False)["score"].mean()
    return list(means.sort_values(ascending=False, kind="stable").index)


def _limit_rows(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows that can be drawn below each other, and what to say of those that are left out."""
    if table["label"].nunique() <= MOST_ROWS:
        return table, []
    few = table.loc[table.groupby(["task", "model"], sort=False)["score"].idxmax()]
    return few.assign(label=[model_title(name) for name in few["model"]]), [ONLY_BEST]


def _points(rows: pd.DataFrame, labels: Sequence[str], kind: str, *, apart: float) -> subplots.Values:
    """Return what is drawn of one task: its accuracies in cross-validation, or for the other collection."""
    if kind == "external":
        rows = rows[rows["external"].notna()]
        places = [labels.index(label) + apart for label in rows["label"]]
        return _values(rows, places, [(label,) for label in rows["label"]], prefix="external_")
    counts = zip(rows["label"], rows["tracks"], rows["folds"], strict=True)
    lines = [(label, f"{plural(n, 'track')}, {plural(k, 'fold')}") for label, n, k in counts]
    return _values(rows, [labels.index(label) - apart for label in rows["label"]], lines)


def _values(
    rows: pd.DataFrame, at: Sequence[float], lines: Sequence[Sequence[str]], prefix: str = ""
) -> subplots.Values:
    names = prefix.rstrip("_") or "score", f"{prefix}low", f"{prefix}high"
    values, low, high = (100 * rows[name].to_numpy(float) for name in names)
    return subplots.Values(np.array(at, float), values, low, high, lines)


def _axis_range(table: pd.DataFrame, tasks: Sequence[str], more: pd.DataFrame | None = None) -> tuple[float, float]:
    """Return the ends of an axis that holds all intervals, and chance, in per cent."""
    table = table[table["task"].isin(tasks)]
    values = [100 * level for level in _guessing(table)]
    for frame in (table[table["model"] != ""], table[table["classifier"].isin(PLAIN)], more):
        if frame is not None:
            names = ["score", "low", "high", "external", "external_low", "external_high"]
            values += list(100 * frame.reindex(columns=names).to_numpy(float).ravel())
    known = [value for value in values if math.isfinite(value)]
    return max(LOWEST, 10 * math.floor(min(known) / 10)) - 2, min(100.0, 10 * math.ceil(max(known) / 10)) + 2


def _draw_chance(
    subplot: subplots.Subplot, evaluation: Evaluation, task: str, ends: tuple[float, float], *, upright: bool = False
) -> None:
    table = evaluation.table
    own = table[table["task"] == task]
    majority = float(own.loc[own["classifier"].isin(PLAIN), "score"].max())
    quantity = bool((own["measure"] == "R²").all())
    subplot.draw_chance(100 * _guessing(own)[0], majority, ends, upright=upright, quantity=quantity)


def _guessing(table: pd.DataFrame) -> list[float]:
    """Return the score of who looks at nothing, for each row."""
    return [summary.guessing(*of) for of in zip(table["measure"], table["classes"], strict=True)]


def _measured(table: pd.DataFrame) -> str:
    """Return what is drawn, in words."""
    names = [MEASURES[name] for name in dict.fromkeys(table["measure"])]
    return f"{', or '.join(names)}, 95 % intervals"


def _thin_out(ticks: Sequence[int]) -> list[int]:
    """Return those of rising numbers that can be written below a logarithmic axis without touching."""
    kept: list[int] = []
    for tick in reversed([tick for tick in ticks if tick > 0]):
        if not kept or kept[-1] / tick >= 1.25:
            kept.append(tick)
    return kept[::-1]
