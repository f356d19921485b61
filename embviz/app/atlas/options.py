"""What a map shows, as the reader chooses it: checked once, then trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis import clustering
from embviz.analysis.clustering import default_options
from embviz.analysis.neighbors import METRIC_TITLES, METRICS
from embviz.analysis.projection import METHOD_NAMES, METHODS, method_options, unavailable_reason
from embviz.analysis.projection.options import resolve_options
from embviz.app.given import GivenVectors, title_of
from embviz.batch.pooling import TITLES as POOLING_TITLES
from embviz.errors import OptionError, did_you_mean

if TYPE_CHECKING:
    from embviz.widgets.schema import Method, MethodOption


POINTS = ("tracks", "frames")
MOST_NEIGHBORS = 100

#: The choices on which the places of the points depend.
MAP = ("model", "layer", "points", "pooling", "method", "options", "metric", "second")

KNOWN: dict[str, tuple[str, ...]] = {
    "points": POINTS,
    "pooling": tuple(POOLING_TITLES),
    "method": METHODS,
    "metric": METRICS,
    "clusters": ("none", "hdbscan", "kmeans"),
    "size": ("none", "duration", "spread"),
    "layout": ("projection", "axes"),
}


def check_option(name: Any, value: Any, given: GivenVectors | None = None) -> dict[str, Any]:
    """Return what a choice changes; raises OptionError where it is none. `given` keeps what stands for a model."""
    if name == "model":
        return _model(value, given)
    if name == "second":
        nothing = value is None or (isinstance(value, str | Mapping | tuple | list) and not value)
        nothing = nothing or (isinstance(value, Mapping) and not value.get("model"))
        return {"second": {} if nothing else _model(value, given)}
    check = _CHECKS.get(name) if isinstance(name, str) else None
    if check is None:
        raise OptionError(f"{name!r:.80} is nothing that a map lets one choose.")
    return check(name, value)


def _model(value: Any, given: GivenVectors | None) -> dict[str, Any]:
    model, layer = model_and_layer(value, given=given)
    return {"model": model, "layer": layer}


def _one_of(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, str) or value not in KNOWN[name]:
        known = ", ".join(map(repr, KNOWN[name]))
        raise OptionError(f"{name} is one of {known}; {value!r:.80} was found.{did_you_mean(str(value), KNOWN[name])}")
    # What is set beside a method belongs to that one.
    return {name: str(value)} | {"method": {"options": {}}, "clusters": {"cluster_options": {}}}.get(name, {})


def _k(_name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_NEIGHBORS:
        raise OptionError(f"k is a number of neighbours from 1 to {MOST_NEIGHBORS}, {value!r:.80} was found.")
    return {"k": value}


def _options(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise OptionError(f"{name} are names with values, {value!r:.80} was found.")
    # Numbers of numpy become Python's, which JSON knows.
    plain = {str(key): given.item() if hasattr(given, "item") else given for key, given in value.items()}
    return {name: {key: given for key, given in plain.items() if given is not None}}


_CHECKS = {
    "k": _k,
    "options": _options,
    "cluster_options": _options,
    **dict.fromkeys(KNOWN, _one_of),
}


def check_options(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return choices with options that the methods that are chosen have, in their types; raises OptionError else."""
    method, clusters = chosen["method"], chosen["clusters"]
    known, given = [option.name for option in method_options(method)], chosen["options"]
    for name in given:
        if name not in known:
            names = ", ".join(known) or "none"
            near = did_you_mean(name, known)
            raise OptionError(f"The options of {METHOD_NAMES[method]} are {names}; {name!r:.80} was found.{near}")
    if chosen["second"] == {name: chosen[name] for name in ("model", "layer")}:
        same = f"{title_of(chosen['model'])} · {chosen['layer']}"
        raise OptionError(f"Both maps would show {same}; choose another model or layer to compare with.")
    resolved = resolve_options(method, given)
    grouping = chosen["cluster_options"]
    if clusters == "none" and grouping:
        raise OptionError(f"There are options of clusters, {grouping!r:.80}, but no clusters; choose how to find them.")
    found = {} if clusters == "none" else clustering.resolve_options(clusters, grouping, MOST_NEIGHBORS)
    return {
        **chosen, "options": {name: resolved[name] for name in given},
        "cluster_options": {name: found[name] for name in grouping},
    }  # fmt: skip


def check_seed(seed: Any) -> int:
    """Return a seed of random numbers, checked to be one."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise OptionError(f"seed is a whole number from 0 to {2**32 - 1}, {seed!r:.80} was found.")
    return int(seed)


def model_and_layer(value: Any, layer: str = "embedding", given: GivenVectors | None = None) -> tuple[str, str]:
    """Return the names of a model and of its layer out of a name, a Model, Vectors, a tuple or what the page sends."""
    if isinstance(value, Mapping):
        value = (value.get("model"), value.get("layer") or layer)
    if not isinstance(value, tuple | list):
        value = (value, layer)
    if len(value) != 2 or not isinstance(value[1], str):
        raise OptionError(
            f"A model and its layer are expected, such as ('musicnn', 'embedding'); {value!r:.80} was found."
        )
    return (GivenVectors() if given is None else given).resolve(value[0], str(value[1]))


# What is offered. --------------------------------------------------------------------------------------------------


def vocabulary() -> dict[str, dict[str, str]]:
    """Return the names that a map lets one choose from, with their titles."""
    return {"points": {name: name for name in POINTS}, "poolings": POOLING_TITLES, "metrics": METRIC_TITLES}


def methods() -> list[Method]:
    """Return the methods of a map as the page offers them, with what is recommended."""
    return [_method(name) for name in METHODS]


def _method(name: str) -> Method:
    why = unavailable_reason(name)
    options: list[MethodOption] = [
        {
            "name": option.name, "title": option.title, "kind": option.kind, "value": option.default,
            "min": option.min, "max": option.max, "step": option.step, "choices": list(option.choices),
            "help": option.help,
        }
        for option in method_options(name)
    ]  # fmt: skip
    return {"name": name, "title": METHOD_NAMES[name], "available": not why, "why": why, "options": options}


def clusterers(n: int) -> list[Method]:
    """Return the ways to find groups among so many points as the page offers them."""
    usual, most = default_options("hdbscan", n) | default_options("kmeans", n), max(2, n)

    def whole(name: str, title: str, low: int, high: int, explanation: str) -> MethodOption:
        return {
            "name": name, "title": title, "kind": "int", "value": min(max(usual[name], low), high), "choices": [],
            "min": low, "max": high, "step": 1, "help": explanation,
        }  # fmt: skip

    density = [
        whole("min_cluster_size", "Smallest group", 2, most, "Points that make a group, at least."),
        whole("min_samples", "Caution", 1, most, "More leaves more points in no group."),
    ]
    count = [whole("n_clusters", "Groups", 2, min(most, 50), "How many.")]
    return [
        {"name": "hdbscan", "title": "HDBSCAN", "available": True, "why": "", "options": density},
        {"name": "kmeans", "title": "k-means", "available": True, "why": "", "options": count},
    ]
