"""How models are compared on a task, as the reader chooses it: checked once, then trusted.

Conventions: ``groups`` is None where it is left to :func:`embviz.evaluate`, False for none, or a column's name;
``folds`` is a number or the name of a column; ``layers`` is a name, ``"all"``, or a list or mapping of names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from embviz.batch.pooling import TITLES as POOLING_TITLES
from embviz.errors import EmbvizError, OptionError, did_you_mean
from embviz.models import get_model

#: What can be chosen, with what the page calls it.
CLASSIFIERS = {"mlp": "MLP, 100 units", "logistic": "logistic regression", "knn": "nearest neighbours"}
POOLINGS = {"mean": "track means", "frames": "frames, then voting"} | {
    name: title for name, title in POOLING_TITLES.items() if name != "mean"
}
KINDS = {"classes": "classes", "quantity": "a quantity", "labels": "several labels"}
LAYERS = {"embedding": "embedding", "output": "output", "all": "all layers"}
MOST_FOLDS = 50

#: What is chosen where nothing was; of the target and the models, what there is decides.
USUAL: dict[str, Any] = {
    "target": "", "models": [], "layers": "embedding", "groups": None, "folds": 5, "classifier": "mlp",
    "pooling": "mean", "kind": "auto",
}  # fmt: skip


def check_option(name: str, value: Any) -> Any:
    """Return what a choice becomes; raises OptionError where it is none."""
    if name not in _CHECKS:
        raise OptionError(f"{name!r:.80} is nothing that can be chosen for a task.")
    return _CHECKS[name](value)


def restore_options(given: Any) -> dict[str, Any]:
    """Return choices that were kept, what cannot be had left out."""
    kept = dict(USUAL)
    for name, value in (given if isinstance(given, Mapping) else {}).items():
        with suppress(EmbvizError):
            kept[name] = check_option(name, value)
    return kept


def options(choices: Mapping[str, Any]) -> dict[str, Any]:
    """Return the choices that differ from what is usual, as :func:`embviz.evaluation.evaluate` takes them."""
    names = ("kind", "layers", "groups", "folds", "classifier", "pooling")
    return {name: choices[name] for name in names if choices[name] != USUAL[name]}


def _target(value: Any) -> str:
    name = value if isinstance(value, str) else getattr(value, "name", None)
    if not isinstance(name, str):
        raise OptionError(f"What is to be predicted is the name of a column, or a task, {value!r:.80} was found.")
    return name


def _models(value: Any) -> list[str]:
    given = value if isinstance(value, list | tuple) else [value]
    return list(dict.fromkeys(get_model(model).name for model in given))


def _layers(value: Any) -> Any:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(one, str) for one in value):
        return list(value)
    if isinstance(value, Mapping):
        return {get_model(model).name: _layers(names) for model, names in value.items()}
    raise OptionError(f"layers is the name of a layer, 'all', or a list of names, {value!r:.80} was found.")


def _groups(value: Any) -> Any:
    if value is None or value is False or (isinstance(value, str) and value):
        return value
    raise OptionError(f"groups is the name of a column, False for none, or None, {value!r:.80} was found.")


def _folds(value: Any) -> Any:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, bool) or not isinstance(value, int) or not 2 <= value <= MOST_FOLDS:
        raise OptionError(f"folds is a number from 2 to {MOST_FOLDS} or the name of a column, {value!r:.80} was found.")
    return value


def _classifier(value: Any) -> Any:
    if isinstance(value, list | tuple) and value:
        return [_one_of("classifier", one, CLASSIFIERS) for one in value]
    return _one_of("classifier", value, CLASSIFIERS)


def _one_of(name: str, value: Any, titles: Mapping[str, str]) -> str:
    known = tuple(titles)
    if value not in known:
        expected = ", ".join(map(repr, known))
        raise OptionError(f"{name} is one of {expected}; {value!r:.80} was found.{did_you_mean(str(value), known)}")
    return str(value)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "target": _target, "models": _models, "layers": _layers, "groups": _groups, "folds": _folds,
    "classifier": _classifier, "pooling": lambda value: _one_of("pooling", value, POOLINGS),
    "kind": lambda value: _one_of("kind", value, {"auto": "", **KINDS}),
}  # fmt: skip
