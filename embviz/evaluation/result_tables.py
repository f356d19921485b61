"""What single results of an evaluation say: tables of classes, labels, tracks, thresholds and probabilities.

Conventions: each is asked by model, task, layer, classifier and pooling, as :meth:`ResultTables.result` is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import printable
from embviz.errors import ModelError, OptionError, did_you_mean
from embviz.evaluation import metrics, summary, weighted_metrics
from embviz.evaluation.outcomes import find_label
from embviz.evaluation.results import Predictions, Result, TaskCollections
from embviz.evaluation.summary import result_name
from embviz.models import get_model

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

    from embviz.models import Model


LISTED = 20  # results in a message
MOST_BINS = 1000  # of a calibration curve
KIND_TEXTS = {"classes": "one class per track", "quantity": "a quantity", "labels": "several labels per track"}
INSTEAD = {
    "classes": "per_class() and confusion_matrix() say how well each is told.",
    "quantity": "residuals() lists by how much each track was missed.",
    "labels": "per_label() says how well each is told.",
}


class ResultTables:
    """The methods of :class:`embviz.evaluation.Evaluation` that ask one of its results."""

    results: tuple[Result, ...]
    collections: Mapping[str, TaskCollections]
    seed: int

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks, in the order in which they came."""
        return list(dict.fromkeys(result.task for result in self.results))

    def result(
        self,
        model: str | Model | None = None,
        *,
        task: str | None = None,
        layer: str | None = None,
        classifier: str | None = None,
        pooling: str | None = None,
    ) -> Result:
        """Return one result: the one that is named, or where nothing but the task is said, the best.

        Parameters
        ----------
        model : str or Model, optional
            Name of the model, or of its system (``"musicnn"``); ``"majority"`` and ``"chance"`` are the baselines.
        task, layer, classifier, pooling : str, optional
            What else tells it from others. The task is needed where there are several.

        Returns
        -------
        Result
            Without a model, layer, classifier or pooling, the one with the highest class-weighted accuracy in
            cross-validation.

        Raises
        ------
        OptionError
            If there is none, or several; it lists them.
        """
        results = self._results_of(task)
        options = {"layer": layer, "classifier": classifier, "pooling": pooling}
        asked = {name: value for name, value in options.items() if value is not None}
        if model is None and not asked:
            trained = [result for result in results if not result.is_baseline]
            return max(trained or results, key=lambda result: summary.main_score(result.predictions))
        fitting = [result for result in results if model is None or _matches(result, model)]
        fitting = [result for result in fitting if all(getattr(result, name) == asked[name] for name in asked)]
        if len(fitting) == 1:
            return fitting[0]
        named = asked if model is None else {"model": model, **asked}
        raise OptionError(_describe_several(fitting, named) if fitting else _describe_missing(results, named))

    def _results_of(self, task: str | None) -> list[Result]:
        if not self.results:
            raise OptionError("There is nothing in this evaluation; one with at least one result is expected.")
        known = self.tasks
        if task is None and len(known) > 1:
            raise OptionError(f"There are several tasks; say task=, one of {', '.join(map(repr, known))}.")
        task = known[0] if task is None else task
        if task not in known:
            hint = did_you_mean(str(task), known)
            raise OptionError(f"There is no task {task!r} here.{hint} There is {', '.join(map(repr, known))}.")
        return [result for result in self.results if result.task == task]

    def per_class(self, model: str | Model | None = None, *, external: bool = False, **which: str | None) -> DataFrame:
        """Return the scores of each class over all tracks.

        Parameters
        ----------
        model : str or Model, optional
            As for :meth:`result`.
        external : bool
            Whether the predictions are those for the other collection.
        **which : str, optional
            ``task``, ``layer``, ``classifier`` and ``pooling``, as for :meth:`result`.

        Returns
        -------
        pandas.DataFrame
            A row per class: ``class``, ``tracks``, ``precision``, ``recall`` and ``f1``, 0 … 1; NaN where there is
            nothing to divide.

        Raises
        ------
        OptionError
            If there is no such result, or several, or no other collection was tested.
        """
        import pandas as pd

        result, predictions = self._select(model, external=external, which=which, kind="classes")
        facts = metrics.per_class(predictions, len(result.classes))
        return pd.DataFrame({"class": _classes(result), **facts}).astype({"tracks": int})

    def confusion_matrix(
        self, model: str | Model | None = None, *, external: bool = False, **which: str | None
    ) -> DataFrame:
        """Return how many tracks of each class were taken for which.

        Parameters
        ----------
        model, external, **which
            As for :meth:`per_class`.

        Returns
        -------
        pandas.DataFrame, shape [c, c]
            Counts; true classes in rows, predicted ones in columns.

        Raises
        ------
        OptionError
            If there is no such result, or several, or no other collection was tested.
        """
        import pandas as pd

        result, predictions = self._select(model, external=external, which=which, kind="classes")
        counts = metrics.confusion(predictions, len(result.classes))
        truth, predicted = (pd.Index(_classes(result), name=name) for name in ("truth", "predicted"))
        return pd.DataFrame(counts, index=truth, columns=predicted)

    def predictions(
        self, model: str | Model | None = None, *, external: bool = False, **which: str | None
    ) -> DataFrame:
        """Return what was predicted for each track.

        Parameters
        ----------
        model, external, **which
            As for :meth:`per_class`.

        Returns
        -------
        pandas.DataFrame
            A row per track, by its label: ``name``, ``truth``, ``predicted``, ``right``, ``probability`` of the
            predicted class, 0 … 1, and ``fold``. Of a quantity, ``residual`` (predicted - truth) in place of ``right``
            and ``probability``. Of several labels, ``truth`` and ``predicted`` are tuples of names, given by thresholds
            as for :meth:`per_label`, with the numbers of those ``missing`` and ``added``.

        Raises
        ------
        OptionError
            If there is no such result, or several, or no other collection was tested.
        """
        import pandas as pd

        result, predictions = self._select(model, external=external, which=which)
        source = self.collections.get(result.task)
        tracks = None if source is None else source.external if external else source.table
        names = [""] * len(predictions)
        if tracks is not None and "name" in tracks:
            names = tracks["name"].reindex(predictions.tracks, fill_value="")
        facts = {
            "name": [printable(str(name)) for name in names],
            **_answers(predictions, _classes(result)),
            "fold": predictions.folds,
        }
        return pd.DataFrame(facts, index=pd.Index(predictions.tracks, name="track"))

    def mistakes(self, model: str | Model | None = None, *, external: bool = False, **which: str | None) -> DataFrame:
        """Return the predictions that are wrong, the most certain first.

        Of a quantity, these are all, as :meth:`residuals` returns them; of several labels, those with a label missing
        or added, the most first.

        Parameters
        ----------
        model, external, **which
            As for :meth:`per_class`.

        Returns
        -------
        pandas.DataFrame
            With the columns of :meth:`predictions`.

        Raises
        ------
        OptionError
            If there is no such result, or several, or no other collection was tested.
        """
        answered = self.predictions(model, external=external, **which)
        if "residual" in answered:
            return answered.sort_values("residual", key=abs, ascending=False, kind="stable")
        if "missing" in answered:
            wrong = answered["missing"] + answered["added"]
            return answered[wrong > 0].loc[wrong.sort_values(ascending=False, kind="stable").index[: (wrong > 0).sum()]]
        return answered[~answered["right"]].sort_values("probability", ascending=False, kind="stable")

    def residuals(self, model: str | Model | None = None, *, external: bool = False, **which: str | None) -> DataFrame:
        """Return by how much each track's quantity was missed, the farthest first.

        Parameters
        ----------
        model, external, **which
            As for :meth:`per_class`.

        Returns
        -------
        pandas.DataFrame
            A row per track, by its label: ``name``, ``truth``, ``predicted``, ``residual`` (predicted - truth) and
            ``fold``. :meth:`confusion` plays the tracks.

        Raises
        ------
        OptionError
            If it is no quantity that was predicted, or there is no such result, or several.

        Examples
        --------
        >>> embviz.evaluate(collection, "tempo", "tempocnn").residuals().head()  # doctest: +SKIP
        """
        self._select(model, external=external, which=which, kind="quantity")
        return self.mistakes(model, external=external, **which)

    def per_label(self, model: str | Model | None = None, *, external: bool = False, **which: str | None) -> DataFrame:
        """Return the scores of each of several labels per track.

        Parameters
        ----------
        model, external, **which
            As for :meth:`per_class`.

        Returns
        -------
        pandas.DataFrame
            A row per label: ``label``, the number of ``tracks`` that have it, ``auc`` (ROC-AUC) and ``pr_auc`` with
            their 95 % bootstrap intervals (``auc_low`` …), means over the folds that test tracks with and without it;
            then ``precision``, ``recall`` and ``f1`` where it is given from a threshold on: in each fold the one with
            the best F1 in all others. No track decides about itself. Intervals of a label that fewer than ten tracks
            have are somewhat too narrow, see :mod:`embviz.evaluation.label_areas`.

        Raises
        ------
        OptionError
            If there are no several labels per track, or no such result, or several.

        Examples
        --------
        >>> embviz.evaluate(collection, "tags", "musicnn").per_label()  # doctest: +SKIP
        """
        import pandas as pd

        result, predictions = self._select(model, external=external, which=which, kind="labels")
        facts = summary.label_scores(predictions, [self.seed, summary.HERE])
        return pd.DataFrame({"label": _classes(result), **facts}).astype({"tracks": int})

    def thresholds(
        self,
        label: str,
        model: str | Model | None = None,
        *,
        miss: float = 1.0,
        alarm: float = 1.0,
        external: bool = False,
        **which: str | None,
    ) -> DataFrame:
        """Return what each threshold on the probability of a class or label costs.

        Parameters
        ----------
        label : str
            The class, or label.
        model, external, **which
            As for :meth:`per_class`.
        miss, alarm : float
            What it costs to miss a track that has the label, and to give it to one that has it not.

        Returns
        -------
        pandas.DataFrame
            A row per threshold, falling: ``threshold``, ``precision``, ``recall``, ``f1``, numbers of ``misses`` and
            ``alarms``, and the ``cost``, the mean per track. The first row gives the label to no track.

        Raises
        ------
        OptionError
            If there is no such label, or its tracks are a quantity, or a cost is below zero.

        Examples
        --------
        >>> costs = evaluation.thresholds("rock", "musicnn", miss=3, alarm=1)  # doctest: +SKIP
        >>> costs.loc[costs["cost"].idxmin(), "threshold"]  # doctest: +SKIP
        """
        import pandas as pd

        costs: tuple[Any, ...] = miss, alarm
        if not all(isinstance(cost, int | float) and cost >= 0 for cost in costs):
            raise OptionError(f"Costs are numbers of at least 0, {miss!r:.40} and {alarm!r:.40} were found.")
        truth, proba = self._binary(label, model, external=external, which=which)
        return pd.DataFrame(weighted_metrics.threshold_costs(truth, proba, miss, alarm))

    def top_k(
        self, k: int | None = None, model: str | Model | None = None, *, external: bool = False, **which: str | None
    ) -> float:
        """Return the share of tracks of which a true class, or label, is among the `k` most probable.

        Parameters
        ----------
        k : int, optional
            How many are looked at, from 1; by default three, or all but one where there are fewer classes.
        model, external, **which
            As for :meth:`per_class`.

        Returns
        -------
        float
            0 … 1, the mean over folds. Each track counts once, so that large classes count more than small ones, other
            than in the class-weighted accuracy.

        Raises
        ------
        OptionError
            If it is a quantity that was predicted, or `k` is out of range, or there is no such result, or several.

        Examples
        --------
        >>> evaluation.top_k(3, "musicnn")  # doctest: +SKIP
        """
        result, predictions = self._select(model, external=external, which=which, kind="classes or labels")
        k = min(3, len(result.classes) - 1) if k is None else k
        if type(k) is not int or not 1 <= k <= len(result.classes):
            raise OptionError(f"k is a whole number from 1 to {len(result.classes)}, {k!r:.40} was found.")
        return weighted_metrics.top_k(predictions, k)

    def calibration(
        self,
        label: str | None = None,
        model: str | Model | None = None,
        *,
        bins: int = 10,
        external: bool = False,
        **which: str | None,
    ) -> DataFrame:
        """Return how often a label is there, against how probable it was said to be.

        Parameters
        ----------
        label : str, optional
            The class, or label; by default all of them together.
        model, external, **which
            As for :meth:`per_class`.
        bins : int
            Number of equal ranges of the probability; empty ones are left out.

        Returns
        -------
        pandas.DataFrame
            A row per range: the mean ``probability``, the ``share`` that is there, 0 … 1, and the ``number`` of tracks
            (without a label, of tracks and labels). In a calibrated classifier the two are the same.

        Raises
        ------
        OptionError
            If it is a quantity that was predicted, or there is no such label, or `bins` is out of range.

        Examples
        --------
        >>> evaluation.calibration("rock", "musicnn")  # doctest: +SKIP
        """
        import pandas as pd

        if type(bins) is not int or not 1 <= bins <= MOST_BINS:
            raise OptionError(f"bins is a whole number from 1 to {MOST_BINS}, {bins!r:.40} was found.")
        truth, proba = self._binary(label, model, external=external, which=which)
        return pd.DataFrame(weighted_metrics.calibration(truth, proba, bins)).astype({"number": int})

    def _binary(
        self, label: str | None, model: str | Model | None, *, external: bool, which: Mapping[str, str | None]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return which tracks have a label, and how probable it was said to be; of all labels, one after the other."""
        result, predictions = self._select(model, external=external, which=which, kind="classes or labels")
        truth = predictions.truth
        if predictions.kind == "classes":
            truth = truth[:, None] == np.arange(len(result.classes))
        places = slice(None) if label is None else [find_label(result, label)]
        return truth[:, places].ravel(), predictions.proba[:, places].ravel()

    def _select(
        self, model: str | Model | None, *, external: bool, which: Mapping[str, str | None], kind: str = ""
    ) -> tuple[Result, Predictions]:
        result = self.result(model, **which)
        if kind and result.kind not in kind:
            raise OptionError(f"{result.task!r} is {KIND_TEXTS[result.kind]}: {INSTEAD[result.kind]}")
        predictions = result.external if external else result.predictions
        if predictions is None:
            raise OptionError(f"{result_name(result)} was not asked about another collection; give one as external=.")
        return result, predictions


def _describe_several(results: Sequence[Result], named: Mapping[str, Any]) -> str:
    """Return which results have all that was asked for."""
    description = ", ".join(f"{name} {getattr(value, 'name', value)!r}" for name, value in named.items())
    names = [result_name(result) for result in results]
    more = f"; and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return f"Several results have the {description}; say which is meant: {'; '.join(names[:LISTED])}{more}."


def _describe_missing(results: Sequence[Result], named: Mapping[str, Any]) -> str:
    """Return the first of what was asked for that no result has, and what there is in its place."""
    left = list(results)
    for name, value in named.items():
        before = left
        left = [one for one in left if (_matches(one, value) if name == "model" else getattr(one, name) == value)]
        if not left:
            break
    others = [one.classifier if name == "model" and one.is_baseline else getattr(one, name) for one in before]
    known = list(dict.fromkeys(filter(None, others)))
    there = f"there is {', '.join(map(repr, known))}" if known else "a baseline has none"
    of = f" of {getattr(named['model'], 'name', named['model'])!r:.80}" if name != "model" and "model" in named else ""
    wanted = getattr(value, "name", value)
    return f"There is no {name} {wanted!r:.80}{of} here; {there}.{did_you_mean(str(wanted), known)}"


def _matches(result: Result, model: str | Model) -> bool:
    if result.is_baseline:
        return model == result.classifier
    if result.model == model:
        return True
    try:
        return result.model == get_model(model).name
    except ModelError:  # own vectors have whatever name their maker gave them
        return False


def _answers(predictions: Predictions, names: Sequence[str]) -> dict[str, Any]:
    """Return the columns of what was predicted."""
    if predictions.kind == "quantity":
        truth, predicted = predictions.truth, predictions.predicted
        return {"truth": truth, "predicted": predicted, "residual": predicted - truth}
    if predictions.kind == "labels":
        given, truth = weighted_metrics.decide(predictions), predictions.truth
        named = [
            [tuple(name for name, there in zip(names, row, strict=True) if there) for row in rows]
            for rows in (truth, given)
        ]
        missing, added = (truth & ~given).sum(axis=1), (given & ~truth).sum(axis=1)
        return {"truth": named[0], "predicted": named[1], "missing": missing, "added": added}
    classes = np.array(names, dtype=object)
    return {
        "truth": classes[predictions.truth],
        "predicted": classes[predictions.predicted],
        "right": predictions.predicted == predictions.truth,
        "probability": predictions.proba.max(axis=1, initial=0),
    }


def _classes(result: Result) -> list[str]:
    return [printable(name) for name in result.classes]
