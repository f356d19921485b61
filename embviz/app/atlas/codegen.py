"""A map as Python that computes and draws the same without a panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from embviz.app.atlas.model_outputs import tempo_model

if TYPE_CHECKING:
    from embviz.app.atlas.context import AtlasContext


LISTED = 20  # files


def code(context: AtlasContext, folder: str, tagger: str, given: Mapping[int, str]) -> str:
    """Return Python that gives a map.

    Parameters
    ----------
    context : AtlasContext
        With the choices.
    folder : str
        Where the tracks are; empty where that is not known.
    tagger : str
        Model that names the clusters; empty where there is none.
    given : mapping of int to str
        Names that were given to clusters.
    """
    chosen = context.choices
    pooling = "frames" if chosen["points"] == "frames" else chosen["pooling"]
    script = _Script({"import embviz"}, [*_source(context, folder), _embed("vectors", chosen, pooling)])
    options = {"seed": context.seed, "metric": chosen["metric"], **chosen["options"]}
    script.lines.append(_call("projection = embviz.project", ["vectors", repr(chosen["method"])], options))
    drawn = {"color": _color(script, str(chosen["color"]), pooling), "size": _size(str(chosen["size"]))}
    if chosen["clusters"] != "none":
        drawn |= _clusters(script, context, "frames" if pooling == "frames" else "mean", tagger, given)
    if chosen["second"]:
        script.imports.add("from embviz.analysis import agreement")
        script.lines += ["", _embed("others", chosen["second"], pooling)]
        script.lines += [_call("print", [f"agreement(vectors, others, k={chosen['k']}, metric={chosen['metric']!r})"])]
    arguments = [f"{name}={value}" for name, value in drawn.items() if value]
    picture = _call("embviz.scatter", ["projection", "collection.table", *arguments])
    return "\n".join([*sorted(script.imports), "", *script.lines, "", picture]) + "\n"


class _Script:
    """Imports, and what follows them."""

    def __init__(self, imports: set[str], lines: list[str]) -> None:
        self.imports, self.lines = imports, lines


def _source(context: AtlasContext, folder: str) -> list[str]:
    if folder:
        return [f"collection = embviz.Collection.from_folder({folder!a})"]
    paths = [str(path) for path in context.table["path"]] if "path" in context.table.columns else []
    if len(paths) > LISTED:
        return ["# Put your collection here, or the paths of its files.",
                "collection = embviz.Collection.from_paths(paths)"]  # fmt: skip
    return [f"collection = embviz.Collection.from_paths([{', '.join(map(ascii, paths))}])"]


def _embed(name: str, which: Mapping[str, Any], pooling: str) -> str:
    layer = [] if which["layer"] == "embedding" else [ascii(which["layer"])]
    options = {} if pooling == "mean" else {"pooling": pooling}
    return _call(f"{name} = collection.embed", [ascii(which["model"]), *layer], options)


def _color(script: _Script, key: str, pooling: str) -> str:
    if key == "trust":
        return "'trust'"
    if key.startswith("column:"):
        return ascii(key.removeprefix("column:"))
    tempo = tempo_model()
    if key == "tempo" and tempo is not None:
        script.imports.add("from embviz.analysis import tempo_column")
        return f"tempo_column({_output(tempo.name, 'mean')})"
    if key.startswith("tag:"):
        _, model, tag = key.split(":", 2)
        if pooling == "frames":
            script.lines += [f"heard = {_output(model, 'frames')}"]
            return f"heard.to_frame()[{tag!a}].to_numpy()"
        script.imports.add("from embviz.analysis import tag_columns")
        return f"tag_columns({_output(model, 'mean')})[{tag!a}]"
    return ""


def _size(key: str) -> str:
    return {"duration": "'duration'", "spread": "vectors.spread"}.get(key, "")


def _output(model: str, pooling: str) -> str:
    return _call("collection.embed", [ascii(model), "'output'"], {} if pooling == "mean" else {"pooling": pooling})


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
    told = {"clusters": "groups"}
    if tagger:
        script.imports.add("from embviz.analysis import name_clusters")
        script.lines += [f"tags = {_output(tagger, pooling)}", "names = name_clusters(groups, tags, tags.labels)"]
        if given:
            script.lines.append(f"names |= {dict(given)!a}")
        told["names"] = "names"
        if chosen["color"] == "cluster":
            told["color"] = "[names.get(group, '') for group in groups]"
    elif chosen["color"] == "cluster":
        told["color"] = "[f'group {group + 1}' if group >= 0 else '' for group in groups]"
    return told


def _call(function: str, arguments: list[str], options: Mapping[str, Any] | None = None) -> str:
    return f"{function}({', '.join([*arguments, *(f'{name}={value!r}' for name, value in (options or {}).items())])})"
