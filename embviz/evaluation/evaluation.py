"""An evaluation: the scores of all results, their confidence intervals, and comparisons of each two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core import io
from embviz.core.spreadsheet import escape_table
from embviz.core.text import one_line, plural, printable
from embviz.errors import EmbvizError, ModelError, OptionError, did_you_mean
from embviz.evaluation import metrics, plots, summary, table_html, weighted_metrics
from embviz.evaluation.results import Predictions, Result, TaskCollections
from embviz.evaluation.summary import KEYS, result_name
from embviz.evaluation.table_data import table_data
from embviz.models import get_model

if TYPE_CHECKING:
    import os

    import plotly.graph_objects as go
    from numpy.typing import NDArray
    from pandas import DataFrame

    from embviz.evaluation.confusion import ConfusionMatrix
    from embviz.models import Model


LISTED = 20  # results in a message
MOST_BINS = 1000  # of a calibration curve
KIND_TEXTS = {"classes": "one class per track", "quantity": "a quantity", "labels": "several labels per track"}
INSTEAD = {
    "classes": "per_class() and confusion_matrix() say how well each is told.",
    "quantity": "residuals() lists by how much each track was missed.",
    "labels": "per_label() says how well each is told.",
}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of classifiers on embeddings with their intervals, comparisons, and the prediction of each track.

    In a notebook it shows itself as a table: tasks in rows, models in columns (for one task the other way round).

    Parameters
    ----------
    results : sequence of Result
        One for each task, model, layer, classifier and pooling; those of one task have the same classes.
    collections : mapping of str to TaskCollections
        The collections of each task.
    notes : sequence of str
        Sentences for the reader: artists in training and test, tracks left out, classes absent on a side.
    seed : int
        Of what is random; the same gives the same figures.

    References
    ----------
    Intervals: D. B. Rubin, The Bayesian bootstrap, Annals of Statistics 9, 1981. Permutation tests: B. Phipson and
    G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 9, 2010. Correction for the number of
    comparisons: S. Holm, Scandinavian Journal of Statistics 6, 1979.
    """

    results: tuple[Result, ...]
    collections: Mapping[str, TaskCollections] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "results", tuple(self.results))
        object.__setattr__(self, "notes", tuple(self.notes))
        for task in self.tasks:
            classes = {result.classes for result in self.results if result.task == task}
            if len({result.kind for result in self.results if result.task == task}) > 1:
                raise OptionError(f"{task!r} is of several kinds, such as classes and a quantity; use other names.")
            if len(classes) > 1:
                raise OptionError(
                    f"All cells of a task have the same classes, those of {task!r} have "
                    f"{' or '.join(sorted(', '.join(names) for names in classes))}; evaluate them under other names."
                )

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks, in the order in which they came."""
        return list(dict.fromkeys(result.task for result in self.results))

    # Scores. ---------------------------------------------------------------------------------------------------------

    @cached_property
    def table(self) -> DataFrame:
        """All scores, a row per result; fractions, NaN where there is nothing.

        Its columns: what the result is of (task, model, layer, classifier, pooling, dimensions; the baselines have no
        model and no layer), how much was tested (tracks, classes, folds), the ``measure`` of the task and the ``score``
        (the mean over folds) with its standard deviation over folds ``std`` and its 95 % bootstrap interval ``low`` to
        ``high``. For classes the measure is the class-weighted ``accuracy``, beside ``f1`` and ``auc`` (macro); for
        quantities it is R², beside ``mae`` (in the unit of the column) and ``spearman``; for several labels it is
        ROC-AUC (macro), ``auc``, beside ``pr_auc``. Then come the score for the other collection, ``external``, and
        the ``drop`` to it, with their intervals, and the number of its tracks. Where the other collection lacks
        classes, both sides of the drop are without these.
        """
        return summary.score_table(self.results, self.seed)

    @cached_property
    def pairs(self) -> DataFrame:
        """Tests of the difference of each two results of a task, and of each and the majority: a row per pair.

        Its columns: task, a and b (``"model / layer / classifier"``), the number of ``tracks`` that both predicted, the
        ``difference`` of their scores on these, its 95 % bootstrap interval ``low`` to ``high``, ``p`` of a paired
        permutation test that swaps the predictions of the two for a track (or a group), and ``p_adjusted``, corrected
        for the number of pairs of that task by Holm's method. Results without a track in common are not compared, and
        neither is chance, which is luck itself. For quantities and labels, ``p`` is twice the share of bootstrap draws
        on the other side of no difference, and only results for the same tracks in the same folds are compared.
        """
        return summary.pair_table(self.results, self.seed)

    @cached_property
    def learning(self) -> DataFrame:
        """Learning curves: the accuracy with fewer training tracks.

        Its columns: task, model, layer, classifier, pooling, ``share``, ``tracks`` and ``accuracy`` with its 95 %
        bootstrap interval ``low`` to ``high``; the whole training set is the share 1. Results for which no smaller
        set was trained are not in it.
        """
        return summary.learning_table(self.results, self.seed)

    # One result. -----------------------------------------------------------------------------------------------------

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
        named = asked if model is None else {"model": getattr(model, "name", model), **asked}
        description = ", ".join(f"{name} {value!r}" for name, value in named.items())
        names = [result_name(result) for result in fitting or results]
        more = f"; and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
        raise OptionError(
            f"{'Several cells have' if fitting else 'No cell has'} the {description}; say which is meant: "
            f"{'; '.join(names[:LISTED])}{more}."
        )

    def _results_of(self, task: str | None) -> list[Result]:
        if not self.results:
            raise OptionError("There is nothing in this evaluation; one with at least one cell is expected.")
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
            the best F1 in all others. No track decides about itself.

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
        self, k: int = 3, model: str | Model | None = None, *, external: bool = False, **which: str | None
    ) -> float:
        """Return the share of tracks of which a true class, or label, is among the `k` most probable.

        Parameters
        ----------
        k : int
            How many are looked at, from 1.
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
        if label is not None and label not in result.classes:
            known = ", ".join(map(repr, result.classes[:LISTED]))
            hint = did_you_mean(str(label), result.classes)
            raise OptionError(f"There is no label {label!r:.80} in {result.task!r}; there is {known}.{hint}")
        truth = predictions.truth
        if predictions.kind == "classes":
            truth = truth[:, None] == np.arange(len(result.classes))
        places = slice(None) if label is None else [result.classes.index(label)]
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

    # Pictures. -------------------------------------------------------------------------------------------------------

    def plot(self, *, task: str | None = None) -> go.Figure:
        """Return a plot of the accuracies with their intervals, a row for each model, the best on top.

        Parameters
        ----------
        task : str, optional
            The only one to be drawn; by default each task has a plot of its own.

        Returns
        -------
        plotly.graph_objects.Figure
            As :func:`embviz.evaluation.plots.plot` draws it.
        """
        return plots.plot(self, task=task).keep_still(text=repr(self))

    def layers_plot(self, model: str | Model | None = None, *, task: str | None = None) -> go.Figure:
        """Return a plot of accuracy along the depth of a model, from input to output.

        Parameters
        ----------
        model : str or Model, optional
            Whose layers are drawn; by default those of all models, along their relative depth.
        task : str, optional
            The only one to be drawn.

        Returns
        -------
        plotly.graph_objects.Figure
            As :func:`embviz.evaluation.plots.layers_plot` draws it.
        """
        return plots.layers_plot(self, model, task=task).keep_still(text=repr(self))

    def learning_plot(self) -> go.Figure:
        """Return a plot of learning curves: accuracy over the number of training tracks.

        Returns
        -------
        plotly.graph_objects.Figure
            As :func:`embviz.evaluation.plots.learning_plot` draws it.
        """
        return plots.learning_plot(self).keep_still(text=repr(self))

    def confusion(
        self,
        model: str | Model | None = None,
        *,
        label: str | None = None,
        external: bool = False,
        **which: str | None,
    ) -> ConfusionMatrix:
        """Return an interactive confusion matrix, whose cells list and play their tracks.

        Use :meth:`confusion_matrix` for the numbers. A quantity is shown in five ranges, true ones in rows and
        predicted ones in columns: the tracks of a cell are listed with their residuals, the farthest off first.

        Parameters
        ----------
        label : str, optional
            Which of several labels per track is shown; by default the one that most have.
        model, external, **which
            As for :meth:`per_class`.

        Returns
        -------
        ConfusionMatrix
            To be shown in a notebook.

        Raises
        ------
        OptionError
            If there is no such result, or several, or its tracks are not at hand.
        """
        from embviz.evaluation.confusion import ConfusionMatrix

        result, _ = self._select(model, external=external, which=which)
        if result.task not in self.collections:
            raise OptionError(f"The tracks of {result.task!r} are not at hand; use confusion_matrix() for the numbers.")
        return ConfusionMatrix(result, self.collections[result.task], label=label, external=external)

    # As a whole. -----------------------------------------------------------------------------------------------------

    @classmethod
    def concat(cls, evaluations: Iterable[Evaluation]) -> Evaluation:
        """Return one evaluation of several; of results for the same question, the last one stays.

        Parameters
        ----------
        evaluations : iterable of Evaluation
            At least one.

        Returns
        -------
        Evaluation
            With the notes of all, and the seed of the first.

        Raises
        ------
        OptionError
            If a task of the same name was evaluated on other tracks, or has other classes.
        """
        given: Any = evaluations
        several: list[Any] = list(given) if isinstance(given, Iterable) else [given]
        wrong = [type(one).__name__ for one in several if not isinstance(one, Evaluation)]
        if wrong or not several:
            raise OptionError(f"At least one evaluation is expected, in a list; {(wrong or ['none'])[0]} was given.")
        collections: dict[str, TaskCollections] = {}
        for task, source in [item for one in several for item in one.collections.items()]:
            collections[task] = _merge_collections(task, collections[task], source) if task in collections else source
        results = {tuple(getattr(result, name) for name in KEYS): result for one in several for result in one.results}
        notes = dict.fromkeys(note for one in several for note in one.notes)
        return cls(tuple(results.values()), collections, tuple(notes), several[0].seed)

    def table_data(self) -> dict[str, Any]:
        """Return the table as data for JSON: texts, hints, and what is best in each row.

        Returns
        -------
        dict
            ``columns`` (models), ``rows`` (tasks), ``headings``, ``caption``, ``notes`` and ``has_external``.
        """
        return table_data(self)

    def to_csv(self, path: str | os.PathLike[str], *, spreadsheet_safe: bool = False) -> Path:
        """Write :attr:`table` as UTF-8 text, separated by commas.

        Parameters
        ----------
        path : path
            Where to write it.
        spreadsheet_safe : bool
            Whether an apostrophe is put before texts that a spreadsheet would compute, those that begin with ``=``,
            ``+``, ``-`` or ``@`` and are no number.

        Returns
        -------
        Path

        Raises
        ------
        EmbvizError
            If it cannot be written.
        """
        cells = escape_table(self.table, safe=spreadsheet_safe)
        return _write(path, cells.to_csv(index=False, lineterminator="\n"))

    def to_latex(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the table for LaTeX (booktabs, and xcolor with the option "table"), and write it to a file.

        Parameters
        ----------
        path : path, optional
            Where to write it; without, it is only returned.

        Returns
        -------
        str
            Tasks in rows, models in columns.

        Raises
        ------
        EmbvizError
            If it cannot be written.
        """
        text = table_html.as_latex(self.table_data())
        if path is not None:
            _write(path, text)
        return text

    def __repr__(self) -> str:
        trained = [result for result in self.results if not result.is_baseline]
        models = len({result.model for result in trained})
        sizes = f"{plural(len(self.tasks), 'task')} × {plural(models, 'model')}, {plural(len(trained), 'cell')}"
        lines = [f"<Evaluation: {sizes}>"]
        facts = self.table.sort_values("score", ascending=False, kind="stable")
        for task in map(printable, self.tasks):
            best = next(facts[(facts["task"] == task) & (facts["model"] != "")].itertuples(), None)
            if best is not None:
                ends = f"{100 * best.low:.1f} … {100 * best.high:.1f}"
                measure = "" if best.measure == "accuracy" else f"{best.measure} "
                name = f"{best.model} / {best.layer} / {best.classifier}"
                lines.append(f"  {one_line(task)}: {measure}{100 * best.score:.1f} % ({ends}) {one_line(name)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return table_html.as_html(self.table_data())


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


def _merge_collections(task: str, first: TaskCollections, second: TaskCollections) -> TaskCollections:
    """Return the collections of two evaluations of a task, the larger where one has more tracks."""
    larger = []
    for one, other in ((first.table, second.table), (first.external, second.external)):
        there = [table for table in (one, other) if table is not None]
        if len(there) == 2 and not _same_tracks(*there):
            raise OptionError(
                f"Two evaluations ask for {task!r}, each of other tracks; figures of one row would not be comparable. "
                "Give the column another name in one of the collections."
            )
        larger.append(max(there, key=len, default=None))
    return TaskCollections(*larger)


def _same_tracks(one: DataFrame, other: DataFrame) -> bool:
    """Tell whether the tracks with the same labels in two collections are the same files."""
    if one is other:
        return True
    both = one.index.intersection(other.index)
    name = next((name for name in ("path", "name") if name in one and name in other), None)
    return bool(len(both)) and (name is None or bool((one.loc[both, name] == other.loc[both, name]).all()))


def _write(path: str | os.PathLike[str], text: str) -> Path:
    target = Path(path).expanduser()
    try:
        return io.write_bytes(target, text.encode())
    except (OSError, ValueError) as error:  # such as an empty name
        raise EmbvizError(f"{str(target)!r} could not be written: {getattr(error, 'strerror', error)}.") from error
