"""An evaluation: the scores of all results, their confidence intervals, and comparisons of each two."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.core import io
from embviz.core.options import check_type
from embviz.core.spreadsheet import escape_table
from embviz.core.text import clean_line, one_line, plural, printable
from embviz.errors import EmbvizError, OptionError
from embviz.evaluation import plots, probability_plots, summary, table_html
from embviz.evaluation.result_tables import ResultTables
from embviz.evaluation.results import Result, TaskCollections
from embviz.evaluation.summary import KEYS, result_name
from embviz.evaluation.table_data import table_data

if TYPE_CHECKING:
    import os

    import plotly.graph_objects as go
    from pandas import DataFrame

    from embviz.evaluation.confusion import ConfusionMatrix
    from embviz.models import Model


WIDTH = 110  # letters of a line of notes


@dataclass(frozen=True, eq=False)
class Evaluation(ResultTables):
    """Scores of classifiers on embeddings with their intervals, comparisons, and the prediction of each track.

    In a notebook it shows itself as a table: tasks in rows, models in columns (for one task the other way round). The
    best of a task is shaded where :attr:`pairs` says that it is better than the baseline. Printed, it names the best
    result of each task, the baselines, and the notes.

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
        results: Any = self.results
        given = tuple(results) if isinstance(results, Iterable) else (results,)
        for result in given:
            check_type(result, Result, "An evaluation is made of results", "embviz.evaluate returns one.")
        object.__setattr__(self, "results", given)
        object.__setattr__(self, "notes", tuple(self.notes))
        for task in self.tasks:
            classes = {result.classes for result in self.results if result.task == task}
            if len({result.kind for result in self.results if result.task == task}) > 1:
                raise OptionError(f"{task!r} is of several kinds, such as classes and a quantity; use other names.")
            if len(classes) > 1:
                raise OptionError(
                    f"All results of a task have the same classes, those of {task!r} have "
                    f"{' or '.join(sorted(', '.join(names) for names in classes))}; evaluate them under other names."
                )

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

        The bootstrap draws tracks or, where tracks were kept together (``groups``), whole groups; to these it adds one
        more, half of it predicted rightly. With few groups the interval is therefore wide even for the majority, whose
        answers hardly vary: whether a result is better than a baseline is told by :attr:`pairs`.
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
    def external_pairs(self) -> DataFrame:
        """As :attr:`pairs`, for the tracks of the other collection; empty where there is none."""
        elsewhere = [replace(one, predictions=one.external, external=None) for one in self.results if one.external]
        return summary.pair_table(elsewhere, self.seed)

    @cached_property
    def learning(self) -> DataFrame:
        """Learning curves: the score with fewer training tracks.

        Its columns: task, model, layer, classifier, pooling, ``share``, ``tracks``, the ``measure`` of the task and
        the ``score`` with its 95 % bootstrap interval ``low`` to ``high``; for classes the score is the ``accuracy``,
        too. The whole training set is the share 1. Results for which no smaller set was trained are not in it.
        """
        return summary.learning_table(self.results, self.seed)

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
            Scores in cross-validation and, where there is another collection, for that, with their 95 % bootstrap
            intervals, above lines for the baselines.
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
            A curve per model, with 95 % bootstrap intervals as a band.
        """
        return plots.layers_plot(self, model, task=task).keep_still(text=repr(self))

    def learning_plot(self) -> go.Figure:
        """Return a plot of learning curves: the score of each task over the number of training tracks.

        Returns
        -------
        plotly.graph_objects.Figure
            A curve per result, with 95 % bootstrap intervals as a band.
        """
        return plots.learning_plot(self).keep_still(text=repr(self))

    def calibration_plot(
        self, label: str | None = None, model: str | Model | None = None, *, bins: int = 10, **which: Any
    ) -> go.Figure:
        """Draw how often a label is there, against how probable it was said to be.

        Parameters
        ----------
        label, model, bins, **which
            As for :meth:`calibration`.

        Returns
        -------
        plotly.graph_objects.Figure

        Raises
        ------
        OptionError
            As :meth:`calibration` does.
        """
        table = self.calibration(label, model, bins=bins, **which)
        return probability_plots.calibration_plot(table, self._title("Calibration", label, model, which))

    def thresholds_plot(
        self, label: str, model: str | Model | None = None, *, miss: float = 1.0, alarm: float = 1.0, **which: Any
    ) -> go.Figure:
        """Draw precision, recall and F1 of a label against the threshold, and mark the threshold of least cost.

        Parameters
        ----------
        label, model, miss, alarm, **which
            As for :meth:`thresholds`.

        Returns
        -------
        plotly.graph_objects.Figure

        Raises
        ------
        OptionError
            As :meth:`thresholds` does.
        """
        table = self.thresholds(label, model, miss=miss, alarm=alarm, **which)
        return probability_plots.threshold_plot(table, self._title("Thresholds", label, model, which))

    def top_k_plot(self, model: str | Model | None = None, *, most: int = 10, **which: Any) -> go.Figure:
        """Draw the share of tracks of which a true class, or label, is among the k most probable, against k.

        Parameters
        ----------
        model, **which
            As for :meth:`top_k`.
        most : int
            The largest k; where there are fewer classes, their number.

        Returns
        -------
        plotly.graph_objects.Figure

        Raises
        ------
        OptionError
            As :meth:`top_k` does.

        Examples
        --------
        >>> evaluation.top_k_plot("musicnn")  # doctest: +SKIP
        """
        if type(most) is not int or most < 1:
            raise OptionError(f"most is a whole number of at least 1, {most!r:.40} was found.")
        first = self.top_k(1, model, **which)
        count = len(self.result(model, **{name: value for name, value in which.items() if name != "external"}).classes)
        shares = [first, *(self.top_k(k, model, **which) for k in range(2, min(most, count) + 1))]
        return probability_plots.top_k_plot(shares, count, self._title("Top-k", None, model, which))

    def _title(self, what: str, label: str | None, model: str | Model | None, which: Mapping[str, Any]) -> str:
        result = self.result(model, **{name: value for name, value in which.items() if name != "external"})
        return f"{what} of {label or 'all labels'} · {result_name(result)}"

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

    def to_latex(self, path: str | os.PathLike[str] | None = None, *, intervals: bool = True) -> str:
        """Return the table for LaTeX (booktabs, and xcolor with the option "table"), and write it to a file.

        Parameters
        ----------
        path : path, optional
            Where to write it; without, it is only returned.
        intervals : bool
            Whether each score is followed by its 95 % bootstrap interval, in small print.

        Returns
        -------
        str
            Tasks in rows, models in columns. Remarks above it say what the figures are, and hold the notes.

        Raises
        ------
        EmbvizError
            If it cannot be written.

        Examples
        --------
        >>> evaluation.to_latex("table.tex", intervals=False)  # doctest: +SKIP
        """
        text = table_html.as_latex(table_data(self, intervals=intervals))
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
            there = facts[(facts["task"] == task) & (facts["model"] == "")].itertuples()
            baselines = [f"{fact.classifier} {100 * fact.score:.1f} %" for fact in there]
            lines += [f"    baselines: {', '.join(baselines)}"] if baselines else []
        for note in self.notes:
            lines += textwrap.wrap(f"  Note: {clean_line(note)}", WIDTH, subsequent_indent=" " * 4)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return table_html.as_html(self.table_data())


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
    groups = first.groups if first.groups == second.groups else ""
    return TaskCollections(larger[0], larger[1], groups)


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
