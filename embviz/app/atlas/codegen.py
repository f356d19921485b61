"""A map as Python that computes and draws the same without a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.clustering import NO_CLUSTER
from embviz.app.atlas.axes import shown_keys
from embviz.app.atlas.model_outputs import tempo_model
from embviz.app.given import function_note
from embviz.collection.head_columns import column_classes
from embviz.core.paths import python_path
from embviz.core.text import format_cell, is_missing
from embviz.export.axes import axis_of_key
from embviz.export.columns import TOP_FOLDER, is_number
from embviz.heads import get_head, known_heads

if TYPE_CHECKING:
    import pandas as pd

    from embviz.app.atlas.context import AtlasContext
    from embviz.app.atlas.facets import Condition
    from embviz.export.axes import LayerAxis


LISTED = 500  # files
WIDTH = 110  # letters of a line, in which few files have room
TABLE = "tracks.csv"
TAGS = ("title", "artist", "album", "genre", "folder", "year", "duration")  # are read from the files
SELECTED = 500  # rows


def code(
    context: AtlasContext, folder: str, tagger: str, given: Mapping[int, str], conditions: Sequence[Condition]
) -> str:
    """Return Python that gives a map.

    The folder of the tracks is empty where it is not known, the tagger that names the clusters where there is none;
    names may have been given to clusters; conditions leave out tracks.
    """
    chosen = context.choices
    pooling = "frames" if chosen["points"] == "frames" else chosen["pooling"]
    vectors = f"vectors = {_embed(context, chosen['model'], chosen['layer'], pooling)}"
    script = _Script({"import embviz"}, [*_source(context, folder), *_given(context), vectors])
    options = {"seed": context.seed, "metric": chosen["metric"], **chosen["options"]}
    script.lines.append(_call("projection = embviz.project", ["vectors", repr(chosen["method"])], options))
    size = {"duration": "'duration'", "spread": "vectors.spread"}.get(str(chosen["size"]), "")
    drawn = {"color": _color(script, context, pooling), "size": size}
    if chosen["clusters"] != "none":
        drawn |= _clusters(script, context, "frames" if pooling == "frames" else "mean", tagger, given)
    if chosen["second"]:
        script.imports.add("from embviz.analysis import agreement")
        second = chosen["second"]
        script.lines += ["", f"others = {_embed(context, second['model'], second['layer'], pooling)}"]
        script.lines += [f"print(agreement(vectors, others, k={chosen['k']}, metric={chosen['metric']!r}))"]
    drawn |= _axes(script, context, folder, drawn.pop("groups", ""))
    drawn["shown"] = _filter(script, context, folder, conditions)
    arguments = [f"{name}={value}" for name, value in drawn.items() if value]
    picture = _call("embviz.scatter", ["projection", "collection.table", *arguments])
    script.lines += _selection(context, folder)
    return "\n".join([*sorted(script.imports), "", *script.lines, "", picture]) + "\n"


@dataclass
class _Script:
    imports: set[str]
    lines: list[str]


def _source(context: AtlasContext, folder: str) -> list[str]:
    """Return what makes the collection: of its folder, of its paths, or of its table as a file, where it is long."""
    table = context.table
    # What was given is labelled as the table is, which a list of paths is not.
    labelled = any(_variable(context, *which) for which in _shown(context))
    if folder:
        lines = [f"collection = embviz.Collection.from_folder({python_path(folder)})"]
    elif len(table) > LISTED or (labelled and table.index.tolist() != list(range(len(table)))):
        return [f"# The table of these {len(table):,} tracks: atlas.save({TABLE!r}), or Collection.to_csv, writes it.",
                f"collection = embviz.Collection.from_table({TABLE!r})"]  # fmt: skip
    else:
        paths = [python_path(str(path)) for path in table["path"]] if "path" in table.columns else []
        lines = [f"collection = embviz.Collection.from_paths([{', '.join(paths)}])"]
        if len(lines[0]) > WIDTH:
            lines = ["collection = embviz.Collection.from_paths([", *(f"    {path}," for path in paths), "])"]
    # What is known of the table alone, and not of the files, has to be said.
    for name in _shown_columns(context):
        if (name in context.assigned if folder else name not in TAGS) and len(table) <= LISTED:
            values = [None if is_missing(value) else value for value in table[name].tolist()]
            texts = not all(isinstance(value, str | int | float | None) for value in values)
            shown = [format_cell(value) for value in values] if texts else values
            lines.append(f"collection = collection.assign(**{{{name!a}: {shown!a}}})")
    return lines


def _shown_columns(context: AtlasContext) -> list[str]:
    """Return the columns that the map is coloured or laid out by."""
    keys = shown_keys(context.choices)
    names = [key.removeprefix("column:") for key in keys if key.startswith("column:")]
    return [name for name in dict.fromkeys(names) if name in context.table.columns]


def _selection(context: AtlasContext, folder: str) -> list[str]:
    """Return what selects the same rows, in their order."""
    selected = context.selection.selected
    if not len(selected.labels):
        return []
    if len(selected.labels) > SELECTED:
        return ["", f"# {len(selected.labels):,} rows are selected: atlas.selection has them."]
    # What is made of a list of paths is labelled by the places in it.
    labels = selected.labels if folder else context.places(selected.labels)
    rows = f"selection = collection.table.loc[{labels.tolist()}]"
    return ["", rows if selected.times is None else f"{rows}.assign(time={selected.times.tolist()})"]


def _filter(script: _Script, context: AtlasContext, folder: str, conditions: Sequence[Condition]) -> str:
    """Write what leaves out the same tracks; return what the picture is told of them."""
    written = [_condition(script, context, folder, one) for one in conditions]
    if not any(written):
        return ""
    script.lines += ["", "table = collection.table", f"passes = {next(filter(None, written))}"]
    script.lines += [f"passes &= {text}" for text in list(filter(None, written))[1:]]
    script.lines.append("filtered = table[passes]")
    return "filtered.index"


def _condition(script: _Script, context: AtlasContext, folder: str, condition: Condition) -> str:
    """Return an expression that is true of the tracks that pass; empty, with a comment, where they are too many."""
    table, key = context.table, condition.key
    if key.startswith("column:"):
        name = key.removeprefix("column:")
        if _is_read(name, context, folder):
            text, passes = _column_condition(table[name], f"table[{name!a}]", condition.filter)
            if text and np.array_equal(passes, condition.passes):
                return text
    column = _heard(script, context, key)
    if column:
        return _number_condition(f"{column}.reindex(table.index)", condition.filter)
    if (n := int(condition.passes.sum())) > SELECTED:
        script.lines += ["", f"# {n:,} tracks pass by {condition.title!a}: atlas.filtered has all that are shown."]
        return ""
    # What only the panel knows, such as clusters that have names; a list of paths is labelled by the places in it.
    places = np.flatnonzero(condition.passes)
    labels = table.index.to_numpy()[places] if folder else places
    return f"table.index.isin({labels.tolist()})"


def _is_read(name: str, context: AtlasContext, folder: str) -> bool:
    """Tell whether the collection of the code has a column."""
    if name in _shown_columns(context):
        return True
    return name in context.table.columns and (
        name not in context.assigned if folder else name in TAGS or len(context.table) > LISTED
    )


def _column_condition(values: pd.Series[Any], text: str, given: Mapping[str, Any]) -> tuple[str, Any]:
    """Return what a filter says of a column, as code, and what comes of it; no code where it would be too long."""
    if "values" not in given:
        missing = values.isna() & bool(given.get("unknown"))
        ends = given.get("range")
        passes = missing if ends is None or not is_number(values.dtype) else missing | values.between(*ends)
        return _number_condition(text, given), passes.fillna(value=False).to_numpy(bool)
    chosen = ["" if label == TOP_FOLDER else label for label in given["values"]]
    if len(chosen) > SELECTED:
        return "", None
    parts = [f"{text}.isin({chosen!a})"] * bool(chosen)
    passes = values.isin(chosen)
    if given.get("unknown"):
        parts += [f"{text}.isna()", f"{text}.eq('')"]
        passes = passes | values.isna() | values.eq("").fillna(value=False)
    return _any_of(parts), passes.to_numpy(bool)


def _number_condition(text: str, given: Mapping[str, Any]) -> str:
    ends = given.get("range")
    parts = [] if ends is None else [f"{text}.between({float(ends[0])!r}, {float(ends[1])!r})"]
    return _any_of([*parts, *[f"{text}.isna()"] * bool(given.get("unknown"))])


def _any_of(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({' | '.join(parts)})" if parts else ""


def _shown(context: AtlasContext) -> list[tuple[str, str]]:
    """Return the models and layers of the maps."""
    chosen = context.choices
    return [(one["model"], one["layer"]) for one in (chosen, chosen["second"]) if one]


def _variable(context: AtlasContext, model: str, layer: str) -> str:
    """Return the variable of vectors that were given; empty where a model has that name."""
    given = [which for which in _shown(context) if context.given.find(*which) is not None]
    return f"own_{given.index((model, layer)) + 1}" if (model, layer) in given else ""


def _given(context: AtlasContext) -> list[str]:
    """Return what comes before: vectors that were given cannot be written as code, nor functions."""
    lines = []
    for model, layer in _shown(context):
        name = _variable(context, model, layer)
        if name:
            file = f"{name}.safetensors"
            what = f"The vectors {model!a} / {layer!a} were given and cannot be written here"
            lines += [f"# {what}: save({file!r}) keeps them.", f"{name} = embviz.Vectors.load({file!r})"]
        else:
            lines += function_note(model)
    return lines


def _embed(context: AtlasContext, model: str, layer: str, pooling: str) -> str:
    names = [ascii(model)] if layer == "embedding" else [ascii(model), ascii(layer)]
    if variable := _variable(context, model, layer):
        return _call("collection.embed", [variable], {} if pooling == "mean" else {"pooling": pooling})
    options = {} if pooling == "mean" else {"pooling": pooling}
    return _call("collection.embed", names, options | ({} if context.engine == "auto" else {"engine": context.engine}))


def _color(script: _Script, context: AtlasContext, pooling: str) -> str:
    return _values(script, context, str(context.choices["color"]), pooling)


def _axes(script: _Script, context: AtlasContext, folder: str, groups: str) -> dict[str, str]:
    """Return what the picture is told of axes."""
    drawn = dict[str, str]()
    pooling = "frames" if context.choices["points"] == "frames" else str(context.choices["pooling"])
    if context.choices["layout"] != "axes":
        return drawn
    for way in ("x", "y"):
        key = str(context.choices[way])
        made = axis_of_key(key, context.axes) if key else None
        if made is not None:
            drawn[way] = _layer_axis(script, context, folder, made)
        elif key == "cluster":
            drawn[way] = f"pd.Series({groups}, name='cluster')" if groups else ""
            script.imports.add("import pandas as pd")
        else:
            drawn[way] = _values(script, context, key, pooling)
    return drawn


def _layer_axis(script: _Script, context: AtlasContext, folder: str, made: LayerAxis) -> str:
    """Write how a dimension or a direction is measured; return its values with their name."""
    script.imports |= {"import pandas as pd"}
    own = (made.model, made.layer) == (context.choices["model"], context.choices["layer"])
    source = "vectors"
    if made.vectors is not None:
        source = "own"
        script.lines += ["# The vectors of your own: vectors.save('vectors.safetensors') writes them."]
        script.lines += ["own = embviz.Vectors.load('vectors.safetensors')"]
    elif not own:
        source = "measured"
        where = "frames" if context.choices["points"] == "frames" else "mean"
        script.lines.append(f"measured = {_embed(context, made.model, made.layer, where)}")
    values = f"{source}.values[:, {made.dimension}]"
    if made.direction is not None:
        script.lines += _direction(script, context, folder, made)
        values = f"direction.project({source}.values)"
    if source != "vectors":
        script.imports.add("from embviz.export.axes import values_at_points")
        values = f"values_at_points({values}, {source}, vectors)"
    return f"pd.Series({values}, name={made.title!a})"


def _direction(script: _Script, context: AtlasContext, folder: str, made: LayerAxis) -> list[str]:
    groups = context.contrasts.get(made.key)
    if groups is None:
        script.imports.add("from embviz.analysis.directions import Direction")
        return [
            "# direction.save('direction.safetensors') writes it.",
            "direction = Direction.load('direction.safetensors')",
        ]
    # A collection of a list of paths is labelled by the places in it.
    a_labels, b = (None if one is None else (one if folder else context.places(one)).tolist() for one in groups)
    # The rest is the first group: what is higher in the selection is higher along the direction.
    a = f"collection.drop(tracks={b})" if a_labels is None else a_labels
    names = f"{a}, {b}, {made.model!a}, {made.layer!a}, names=False"
    return [f"direction = collection.contrast({names}).direction"]


def _values(script: _Script, context: AtlasContext, key: str, pooling: str) -> str:
    if key == "trust":
        return "'trust'"
    if key == "outlier":
        script.imports |= {"from embviz.analysis.outliers import find_outliers", "import pandas as pd"}
        chosen = context.choices
        scores = f"find_outliers(vectors, k={chosen['k']}, metric={chosen['metric']!r}).scores"
        return f"pd.Series({scores}, name='outlier score')"
    if key.startswith("column:"):
        return ascii(key.removeprefix("column:"))
    if key.startswith("tag:") and pooling == "frames" and not _is_head(key):
        _, model, tag = key.split(":", 2)
        script.lines.append(f"heard = {_embed(context, model, 'output', 'frames')}")
        script.imports.add("import pandas as pd")
        return f"pd.Series(heard.to_frame()[{tag!a}].to_numpy(), name={tag!a})"
    return _heard(script, context, key)


def _heard(script: _Script, context: AtlasContext, key: str) -> str:
    """Return a column of what a model hears in the tracks; empty where the key is none of one."""
    tempo = tempo_model()
    if key == "tempo" and tempo is not None:
        script.imports.add("from embviz.analysis import tempo_column")
        return f"tempo_column({_embed(context, tempo.name, 'output', 'mean')})"
    if _is_head(key):
        _, name, label = key.split(":", 2)
        head = get_head(name)
        column = next(column for column, place in column_classes(head).items() if head.classes[place] == label)
        return f"collection.hear({name!a})[{column!a}]"
    if key.startswith("tag:"):
        _, model, tag = key.split(":", 2)
        script.imports.add("from embviz.analysis import tag_columns")
        return f"tag_columns({_embed(context, model, 'output', 'mean')})[{tag!a}]"
    return ""


def _is_head(key: str) -> bool:
    return key.startswith("tag:") and key.split(":", 2)[1] in {head.name for head in known_heads()}


def _clusters(
    script: _Script, context: AtlasContext, pooling: str, tagger: str, given: Mapping[int, str]
) -> dict[str, str]:  # fmt: skip
    """Write how clusters are found and named; return what the picture is told of them."""
    chosen = context.choices
    on_map = chosen["clusters"] == "hdbscan"
    options = {"seed": context.seed, **({} if on_map else {"metric": chosen["metric"]}), **chosen["cluster_options"]}
    what = "projection.xy" if on_map else "vectors"
    script.imports.add("from embviz.analysis import cluster")
    script.lines += ["", _call("groups = cluster", [what, repr(chosen["clusters"])], options)]
    drawn = {"clusters": "groups"}
    if tagger:
        script.imports.add("from embviz.analysis import name_clusters")
        script.lines += [f"tags = {_embed(context, tagger, 'output', pooling)}"]
        script.lines += ["names = name_clusters(groups, tags, tags.labels)"]
        if given:
            script.lines.append(f"names |= {dict(given)!a}")
        drawn["names"] = "names"
        drawn["groups"] = f"[names.get(group, {NO_CLUSTER!r}) for group in groups]"
        if chosen["color"] == "cluster":
            drawn["color"] = drawn["groups"]
    else:
        drawn["groups"] = f"[f'group {{group + 1}}' if group >= 0 else {NO_CLUSTER!r} for group in groups]"
        drawn |= {"color": drawn["groups"]} if chosen["color"] == "cluster" else {}
    return drawn


def _call(function: str, arguments: list[str], options: Mapping[str, Any] | None = None) -> str:
    return f"{function}({', '.join([*arguments, *(f'{name}={value!r}' for name, value in (options or {}).items())])})"
