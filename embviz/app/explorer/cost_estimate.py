"""What is asked of all tracks will cost, before it is begun; and the same as Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from embviz.app.explorer import evaluation_options
from embviz.app.explorer.collection import CollectionLoader
from embviz.app.given import function_note
from embviz.app.tracks import Tracks
from embviz.batch.api import cached_share
from embviz.batch.eta import cost_per_minute
from embviz.collection.table_ops import FIXED
from embviz.core.cache import Cache
from embviz.core.paths import python_path
from embviz.core.text import format_duration, is_missing, plural
from embviz.errors import EmbvizError
from embviz.evaluation.targets import APART, filled_values
from embviz.models import Model, get_model
from embviz.models.weights import has_weights

if TYPE_CHECKING:
    import pandas as pd

    from embviz.extraction import EngineOption


LISTED = 1000  # tracks of code
UNKNOWN = 240.0  # seconds of a track whose length nobody has read


def sentence(
    table: pd.DataFrame, choices: Mapping[str, Any], store: Cache | None, engine: EngineOption,
    report: Callable[[str, int, int], None],
) -> str:  # fmt: skip
    """Return roughly what there is to compute for the tracks of a table; no sound is read."""
    asked = table.loc[filled_values(table[choices["target"]]).index] if choices["target"] in table.columns else table
    models = [get_model(name) for name in choices["models"] if has_weights(name)]
    layers = [(model, _layers(model, choices)) for model in models]
    missing, seconds = _missing_work(asked, layers, choices["pooling"], store, engine, report)
    if not missing:
        return f"All embeddings of {plural(len(asked), 'track')} are computed already; what remains is to train."
    cost = f", about {format_duration(seconds)}" if seconds >= 1 else ""
    tracks = f"{plural(missing, 'embedding')} of {plural(len(asked), 'track')}"
    return f"{tracks} {'is' if missing == 1 else 'are'} to be computed first{cost}; then come the trainings."


def units_sentence(
    table: pd.DataFrame, model: str, layer: str, store: Cache | None, engine: EngineOption,
    report: Callable[[str, int, int], None],
) -> str:  # fmt: skip
    """Return roughly what there is to compute before the dimensions of a layer are known; empty: nothing."""
    from embviz.units.frames import computed_layers
    from embviz.units.units import choose_tagger

    record = get_model(model)
    tagger = choose_tagger(record)
    layers = [(record, computed_layers(record, layer, engine)), *([] if tagger is None else [(tagger, ["output"])])]
    missing, seconds = _missing_work(table, layers, "frames", store, engine, report)
    if not missing:
        return ""
    cost = f", about {format_duration(seconds)}" if seconds >= 1 else ""
    names = " and ".join(dict.fromkeys([f"{record.title} / {layer}", *([f"{tagger.title}'s tags"] if tagger else [])]))
    return (
        f"Dimensions are compared over all {plural(len(table), 'track')}: {names} {'are' if tagger else 'is'} to be "
        f"computed for some of them first{cost}. What is finished is kept."
    )


def _missing_work(
    table: pd.DataFrame, layers: Sequence[tuple[Model, Sequence[str]]], pooling: str, store: Cache | None,
    engine: EngineOption, report: Callable[[str, int, int], None],
) -> tuple[int, float]:  # fmt: skip
    """Return how many embeddings of the tracks of a table are to be computed, and roughly the seconds that takes."""
    length, missing, seconds = _seconds(table), 0, 0.0
    for i, (model, names) in enumerate(layers):
        report("looking into the cache", i, len(layers))
        share = 1 - min((_kept(table, model, layer, pooling, store, engine) for layer in names), default=1.0)
        missing += round(share * len(table))
        seconds += share * length / 60 * cost_per_minute(model, model.patch_hop)
    return missing, seconds


def _layers(model: Model, choices: Mapping[str, Any]) -> list[str]:
    chosen = choices["layers"]
    if isinstance(chosen, Mapping):
        chosen = chosen.get(model.name, "embedding")
    if chosen == "all":
        return [layer.name for layer in model.known_layers]
    return [chosen] if isinstance(chosen, str) else list(chosen)


def _kept(
    table: pd.DataFrame, model: Model, layer: str, pooling: str, store: Cache | None, engine: EngineOption
) -> float:
    if store is None:
        return 0.0
    try:
        return cached_share(table, model, layer, pooling=pooling, engine=engine, cache=store)
    except EmbvizError:
        return 1.0  # what is wrong is said when it is asked for


def _seconds(table: pd.DataFrame) -> float:
    if "duration" not in table.columns:
        return UNKNOWN * len(table)
    return float(sum(table["duration"].astype(float).fillna(UNKNOWN)))


def code(
    choices: Mapping[str, Any], more: Mapping[str, Any], loader: CollectionLoader, tracks: Tracks, engine: EngineOption
) -> str:
    """Return Python that makes the same comparison; empty where none is chosen."""
    if not choices["target"] or not choices["models"]:
        return ""
    named = [choices["target"], choices["groups"], choices["folds"]]
    named += APART if choices["groups"] is None else []  # by which tracks are kept together then
    lines = ["import embviz", "", *_collection_lines(named, loader, tracks)]
    arguments = ["collection", ascii(choices["target"]), ascii(choices["models"])]
    arguments += [f"{name}={value!a}" for name, value in evaluation_options.options(choices).items()]
    arguments += [] if engine == "auto" or "engine" in more else [f"engine={engine!r}"]
    arguments += [f"{name}={name}" for name in sorted(more)]
    return "\n".join([*lines, f"evaluation = embviz.evaluate({', '.join(arguments)})", "evaluation"]) + "\n"


def units_code(
    model: str,
    layer: str,
    dimension: int | None,
    loader: CollectionLoader,
    tracks: Tracks,
    engine: EngineOption,
    *,
    given: bool = False,
) -> str:
    """Return Python that finds the dimensions of a layer, or the card of one; empty where no layer is chosen.

    Vectors that were `given` in place of a model are loaded from where they are to be saved.
    """
    if not model:
        return ""
    arguments = [ascii(model), *([] if layer == "embedding" else [f"layer={layer!a}"])]
    arguments += [] if engine == "auto" else [f"engine={engine!r}"]
    lines, made = _collection_lines(APART, loader, tracks), function_note(model)
    if given:
        arguments, what = ["vectors"], f"{model!a} / {layer!a}: vectors that were given"
        made = [
            f"# {what}; their save('vectors.safetensors') keeps them for here.",
            "vectors = embviz.Vectors.load('vectors.safetensors')",
        ]
        table = None if loader.collection is None else loader.collection.table
        if table is not None and table.index.tolist() != list(range(len(table))):  # as a list of paths is labelled
            lines = ["# Put the collection here whose tracks the vectors are of."]
    call = f"collection.units({', '.join(arguments)})"
    shown = call if dimension is None else f"{call}.card({dimension})"
    return "\n".join(["import embviz", "", *lines, *made, shown]) + "\n"


def _collection_lines(named: Sequence[Any], loader: CollectionLoader, tracks: Tracks) -> list[str]:
    """Return lines that make the collection: that of a folder, or the files and what is said of them here."""
    if tracks.is_whole and not loader.given:
        return [f"collection = embviz.Collection.from_folder({python_path(tracks.folder)})"]
    if loader.collection is None or len(loader.collection) > LISTED:
        return ["# Put your collection here: it has more tracks than code should list."]
    table = loader.collection.table
    table = table[table["path"].astype(str) != ""].drop_duplicates("path")
    lines = [
        "collection = embviz.Collection.from_paths([",
        *(f"    {python_path(path)}," for path in table["path"]),
        "])",
    ]
    for name in dict.fromkeys(name for name in named if name in table.columns and name not in FIXED):
        if filled_values(table[name]).empty:
            continue
        lines += [f"collection = collection.assign(**{{{name!a}: [{', '.join(map(_literal, table[name].tolist()))}]}})"]
    return lines


def _literal(value: Any) -> str:
    """Return what stands in a table as Python."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if is_missing(value):
        return "None"
    return repr(value) if isinstance(value, bool | int | float) else ascii(str(value))
