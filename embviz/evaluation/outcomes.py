"""Outcomes: quantities and labels as classes, so that a confusion matrix can show them, and their tracks be heard.

Conventions: a quantity is cut into ranges that hold equally many of the true values; of several labels per track, one
is looked at: a track has it or not, and was given it or not, by the threshold of the other folds.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.errors import OptionError, did_you_mean
from embviz.evaluation import weighted_metrics
from embviz.evaluation.results import Predictions, Result

if TYPE_CHECKING:
    from numpy.typing import NDArray


RANGES = 5
LISTED = 20  # labels in a message


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What became of tracks, as classes."""

    predictions: Predictions  # of classes
    facts: dict[str, NDArray[Any]]  # columns for each track: what was true and predicted
    rank: NDArray[np.float64]  # [n], the largest are listed first
    said: list[str]  # for each track, where a probability says too little


def outcomes(result: Result, label: str | None = None) -> tuple[Result, dict[str, Outcomes]]:
    """Return a result as one of classes, and the outcomes in cross-validation (``"cv"``) and for another collection."""
    if label is not None and result.kind != "labels":
        raise OptionError(f"{result.task!r} has no several labels per track, of which label= would name one.")
    classes = result.classes
    make: Callable[[Predictions], Outcomes] = functools.partial(_of_classes, classes=classes)
    if result.kind == "quantity":
        cuts = np.unique(np.quantile(result.predictions.truth, np.linspace(0, 1, RANGES + 1)[1:-1]))
        classes, make = range_names(cuts), functools.partial(_of_quantity, cuts=cuts)
    elif result.kind == "labels":
        place = _place(result, label)
        name = result.classes[place]
        classes, make = (f"not {name}", name), functools.partial(_of_label, place=place)
    found = {"cv": make(result.predictions)}
    if result.external is not None:
        found["external"] = make(result.external)
    outside = found["external"].predictions if "external" in found else None
    return replace(result, classes=classes, predictions=found["cv"].predictions, external=outside, learning=()), found


def range_names(cuts: NDArray[np.float64]) -> tuple[str, ...]:
    """Return the names of the ranges between numbers, the open ones at both ends included."""
    digits = next((n for n in range(3, 12) if len({f"{cut:.{n}g}" for cut in cuts}) == len(cuts)), 12)
    texts = [f"{cut:.{digits}g}" for cut in cuts]
    between = [f"{low} to {high}" for low, high in pairwise(texts)]
    return f"below {texts[0]}", *between, f"{texts[-1]} or more"


def _place(result: Result, label: str | None) -> int:
    return int(result.predictions.truth.sum(axis=0).argmax()) if label is None else find_label(result, label)


def find_label(result: Result, label: str) -> int:
    """Return the place of a class, or label, of a result; raise OptionError where there is none."""
    if label not in result.classes:
        known = ", ".join(map(repr, result.classes[:LISTED]))
        hint = did_you_mean(str(label), result.classes)
        raise OptionError(f"There is no label {label!r:.80} in {result.task!r}; there is {known}.{hint}")
    return result.classes.index(label)


def _of_classes(one: Predictions, classes: tuple[str, ...]) -> Outcomes:
    names, probability = np.array(classes, dtype=object), one.proba.max(axis=1, initial=0)
    facts = {"truth": names[one.truth], "predicted": names[one.predicted], "probability": probability}
    return Outcomes(one, facts, probability.astype(np.float64), [])


def _of_quantity(one: Predictions, cuts: NDArray[np.float64]) -> Outcomes:
    truth, predicted = one.truth, one.predicted
    facts = {"truth": truth, "predicted": predicted, "residual": predicted - truth}
    said = [f"{a:.4g} → {b:.4g}" for a, b in zip(truth, predicted, strict=True)]
    true, other = (np.searchsorted(cuts, values, side="right") for values in (truth, predicted))
    return Outcomes(_as_classes(one, true, other, len(cuts) + 1), facts, np.abs(predicted - truth), said)


def _of_label(one: Predictions, place: int) -> Outcomes:
    truth, given, probability = one.truth[:, place], weighted_metrics.decide(one)[:, place], one.proba[:, place]
    facts = {"truth": truth, "predicted": given, "probability": probability}
    said = [f"{100 * share:.0f} %" for share in probability]
    sure = np.where(given, probability, 1 - probability).astype(np.float64)
    return Outcomes(_as_classes(one, truth.astype(np.int64), given.astype(np.int64), 2), facts, sure, said)


def _as_classes(one: Predictions, truth: NDArray[Any], predicted: NDArray[Any], classes: int) -> Predictions:
    proba = np.zeros((len(one), classes), np.float32)
    proba[np.arange(len(one)), predicted] = 1
    return replace(one, truth=truth.astype(np.int64), proba=proba)
