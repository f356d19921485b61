"""Tasks: which model's embedding tells best what the tracks are, by a column of their table."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from embviz.app.explorer import cost_estimate, evaluation_options, score_table
from embviz.app.explorer.collection import CollectionLoader
from embviz.app.explorer.context import ExplorerContext
from embviz.app.explorer.heatmap_rows import HeatmapRows
from embviz.app.explorer.track_list import TrackList
from embviz.app.selection import PlayRequest
from embviz.app.uploads import free_path, safe_name
from embviz.app.work import Work
from embviz.collection import Collection
from embviz.core.text import format_duration
from embviz.core.worker import Job, guard
from embviz.errors import OptionError, did_you_mean
from embviz.evaluation import Evaluation, Result, TaskCollections, api, targets
from embviz.evaluation.confusion import ConfusionMatrix
from embviz.evaluation.splits import FEW
from embviz.heads import Head
from embviz.models import find_model
from embviz.models.weights import has_weights
from embviz.widgets.base import model_ref
from embviz.widgets.schema import ConfusionState, EvaluationOptions, Scores, Target

SUFFIXES = {"csv": ".csv", "latex": ".tex"}
TELLING = 2.0  # seconds of a stage after which one can say how long it still takes


class EvaluationTab:
    """The view of tasks: `choices`, as :mod:`.evaluation_options` describes them, and the last `evaluation`."""

    def __init__(
        self, context: ExplorerContext, loader: CollectionLoader, rows: HeatmapRows, tracks: TrackList
    ) -> None:
        self._context, self._loader, self._heatmaps, self._track_list = context, loader, rows, tracks
        self.choices: dict[str, Any] = dict(evaluation_options.USUAL)
        self.evaluation: Evaluation | None = None
        self.work, self._training = Work(), Work()
        self._more: dict[str, Any] = {}  # options that the page does not show
        self._has_own_folds = False
        self._offers: EvaluationOptions = {}
        self._run_next, self._plan = False, ""
        self._matrix: ConfusionMatrix | None = None
        self._seen: ConfusionState = {}
        self._stage: tuple[str, float, int] = ("", 0.0, 0)
        context.selection.on("track", self._mark_open)

    def commands(self) -> dict[str, Callable[..., object]]:
        """Return what answers each command of the page."""
        return {
            "show_evaluation": self.start,
            "set_evaluation_option": self.set,
            "evaluate": self.run,
            "cancel_evaluation": self.stop_all,
            "show_confusion": self.show_matrix,
            "show_answers": self.show_map,
            "train_head": self.keep_head,
            "save_scores": lambda **content: self.save(content["format"]),
        }

    # What is asked. ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Show what there is to predict; nothing is computed yet."""
        if self._loader.collection is not None:
            self._show(self._loader.collection)
        elif not self.work.unfinished:
            with guard(self.work.fail):
                self._loader.load("evaluation", self.work, self._use_table, self.publish_work)
            self.publish_work()

    def restore(self, choices: Mapping[str, Any]) -> None:
        """Choose what was chosen when a state was taken."""
        self.choices = evaluation_options.restore_options(choices)
        self._has_own_folds = self.choices["folds"] != evaluation_options.USUAL["folds"]

    def _use_table(self, collection: Collection) -> None:
        self.work.begin("")
        self._show(collection)

    def _show(self, collection: Collection) -> None:
        table, target = collection.table, self.choices["target"]
        if not self._offers:
            self._offers = {
                "targets": targets.list_targets(table),
                "groups": targets.list_groups(table),
                "folds": targets.list_folds(table),
            }
        if target and target not in table.columns:
            self.choices, self._run_next = {**self.choices, "target": ""}, False
            self.work.fail(f"There is no column {target!r:.80} in the table of these tracks.", "Choose another one.")
        # What was not chosen yet: the column that is meant most often, and the models of the rows.
        if not self.choices["target"]:
            self.choices["target"] = targets.default_target(self._offers["targets"])
        self._fit_kind()
        self._fit_folds()
        if not self.choices["models"]:
            names = dict.fromkeys(row.model for row in self._heatmaps.rows)
            self.choices["models"] = [name for name in names if find_model(name) and has_weights(name)]
        self.publish()
        if self._run_next:
            self._run_next = False
            self.run()

    def set(self, name: str, value: Any) -> None:
        """Change a choice."""
        self.choices = {**self.choices, name: evaluation_options.check_option(name, value)}
        self._has_own_folds |= name == "folds"
        if name == "target":
            self._more = {}
            self.choices["kind"] = "auto"
            self._fit_kind()
        if name in ("target", "kind"):
            self._fit_folds()
        self.publish()

    def _chosen_target(self) -> Target | None:
        """Return what is predicted, as it is taken for."""
        name, kind, collection = self.choices["target"], self.choices["kind"], self._loader.collection
        found = next((one for one in self._offers.get("targets", []) if one["name"] == name), None)
        if found is None or collection is None or kind in ("auto", found.get("ask"), found.get("kind")):
            return found
        return targets.describe_column(name, targets.filled_values(collection.table[name]), kind)

    def _fit_kind(self) -> None:
        """Say what the column is taken for where that which it holds cannot be predicted."""
        chosen = self._chosen_target()
        if chosen is not None and self.choices["kind"] == "auto":
            self.choices["kind"] = chosen.get("ask", "auto")

    def _fit_folds(self) -> None:
        """Ask for the usual number of folds, or as many as the tracks allow, where the reader asks for none.

        Of a class each fold tests a track, of a quantity several, since one number says nothing of a correlation.
        """
        if self._has_own_folds:
            return
        usual = evaluation_options.USUAL["folds"]
        chosen = self._chosen_target()
        most = 0 if chosen is None else chosen["fewest"]
        if chosen is not None and chosen.get("kind") == "quantity":
            most = max(2, most // FEW)
        self.choices["folds"] = most if 2 <= most < usual else usual

    def ask(self, target: str | None, models: Any, given: Mapping[str, Any]) -> None:
        """Choose as :func:`embviz.evaluation.evaluate` takes its options, and compare where a target is named."""
        known = {name: value for name, value in given.items() if name in evaluation_options.USUAL}
        more = {name: value for name, value in given.items() if name not in known}
        taken = inspect.signature(api.evaluate).parameters
        for name in more:
            if name not in taken:
                raise OptionError(f"{name!r:.80} is no option of a comparison.{did_you_mean(name, taken)}")
        known = known if target is None else {"kind": "auto", **known, "target": target}
        known |= {} if models is None else {"models": models}
        self.choices = self.choices | {name: evaluation_options.check_option(name, known[name]) for name in known}
        self._has_own_folds |= "folds" in known
        self._more = more
        self._run_next = target is not None
        self.start()

    # Computing. ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Compare the models; what was finished before is taken from the cache."""
        collection = self._loader.collection
        if collection is None:
            self._run_next = True
            self.start()
            return
        self._context.aside.cancel(lambda key: key in (("evaluation", "run"), ("evaluation", "plan")))
        self.work.begin()
        with guard(self.work.fail):
            self._compute(collection, dict(self.choices))
        self.publish_work()

    def _compute(self, collection: Collection, choices: dict[str, Any]) -> None:
        if not choices["target"]:
            raise OptionError("No column is chosen that can be predicted; choose one.")
        if not choices["models"]:
            raise OptionError("No model is chosen; tick those that are to be compared.")
        self._stage = ("", 0.0, 0)
        usual = {"engine": self._context.engine, "cache": self._context.cache}
        options = usual | self._more | evaluation_options.options(choices)

        def task(job: Job) -> tuple[Evaluation, Scores]:
            job.report("beginning", 0, 0)
            evaluation = api.evaluate(collection, choices["target"], choices["models"], progress=job.report, **options)
            # Intervals take a while, too.
            job.report("intervals", 0, 0)
            return evaluation, score_table.to_dict(evaluation)

        def done(result: tuple[Evaluation, Scores]) -> None:
            self.evaluation, scores = result
            self.close()
            self._context.panel.scores = {**scores, "choices": choices}
            self._context.events.evaluated(self.evaluation)
            self._context.events.tracks_embedded()
            self.publish()

        self._context.run(("evaluation", "run"), self.work, task, done, self.publish_work, title="tasks", aside=True)

    def stop_all(self) -> None:
        """Stop comparing; what is finished is kept."""
        if self.work.unfinished:
            self._context.events.tracks_embedded()
        self._context.aside.cancel(lambda key: key[0] == "evaluation")  # type: ignore[index]
        for work in (self.work, self._training):
            work.cancel("Cancelled; what was finished is kept.")
        self.publish_work()

    # What is made of the answers. ----------------------------------------------------------------------------------

    def _find_result(self, number: Any) -> tuple[Result, TaskCollections]:
        """Return a result by its place, and where its tracks are."""
        evaluation = self.evaluation
        if evaluation is None or type(number) is not int or not 0 <= number < len(evaluation.results):
            raise OptionError(f"There is no result {number!r:.80}; compare models first.")
        result = evaluation.results[number]
        return result, evaluation.collections[result.task]

    def show_matrix(self, cell: int, label: int | None = None) -> None:
        """Show which classes a model takes for which, and the tracks; of several labels per track, those of one."""
        result, source = self._find_result(cell)
        predictions = result.predictions
        if label is not None and not (result.kind == "labels" and 0 <= label < len(result.classes)):
            raise OptionError(f"There is no label {label} in {result.task!r:.80}.")
        name = None if label is None else result.classes[label]
        player, clock = self._context.player, self._context.clock
        matrix = ConfusionMatrix(result, source, label=name, player=player, clock=clock)
        place = result.classes.index(matrix.label) if matrix.label else -1
        self.close()
        self._matrix = matrix
        matrix.widget.title = ""  # it stands above
        matrix.on_choose(lambda label: self._play(matrix, source, label))
        matrix.on_cell(lambda labels: self._mark_on_map(matrix, labels))
        self._seen = {
            "cell": cell, "title": score_table.title_of(result), "task": result.task,
            "tracks": len(predictions), "wrong": matrix.wrong, "kind": result.kind,
            "error": score_table.mean_error(result),
            "labels": score_table.label_rows(result), "label": place,
            "can_train_head": _can_train(result),
            "view": model_ref(matrix.widget),
        }  # fmt: skip
        self._mark_open(self._context.selection.track)
        self.publish_matrix()

    def _play(self, matrix: ConfusionMatrix, source: TaskCollections, label: int) -> None:
        """Play a track that was chosen in the matrix; those of the other collection are files beside the list."""
        if matrix.widget.test_set == "cv":
            track = self._track_list.find_or_add(self._loader.numbers.get(label, ""))
        elif source.external is not None:
            track = self._track_list.find_or_add(str(source.external.loc[label, "path"]))
        else:
            return
        self._context.selection.request = PlayRequest(track.id)

    def _mark_on_map(self, matrix: ConfusionMatrix, labels: Sequence[int]) -> None:
        """Select the tracks of a cell on the map, where they are on it."""
        if matrix.widget.test_set == "cv":
            self._context.events.tracks_marked(labels, None, None)

    def _mark_open(self, track: int | None) -> None:
        """Mark the open track in the matrix."""
        label = None if track is None else self._loader.labels.get(track)
        if self._matrix is not None and label is not None and self._matrix.widget.test_set == "cv":
            self._matrix.mark_open(label)

    def show_map(self, cell: int) -> None:
        """Show on the map which tracks a model took for another class."""
        columns, color, wrong = score_table.answer_columns(*self._find_result(cell))
        self._context.events.tracks_marked(wrong, columns, color)

    def keep_head(self, cell: int) -> None:
        """Train on all tracks, and add what comes of it to the rows of its model."""
        (result, _), collection = self._find_result(cell), self._loader.collection
        options: dict[str, Any] = {name: getattr(result, name) for name in ("layer", "classifier", "pooling")}
        name = "-".join([result.task, result.model, *([] if result.layer == "embedding" else [result.layer])])
        options |= {"name": name, "kind": result.kind, "engine": self._context.engine, "cache": self._context.cache}
        folder, work = Path.cwd(), self._training

        def task(job: Job) -> tuple[Head, Path]:
            job.report("training on all tracks", 0, 0)
            head = api.train(collection, result.task, result.model, progress=job.report, **options)
            return head, head.save(free_path(folder / f"{Path(safe_name(head.name)).name or 'head'}.safetensors"))

        def done(trained: tuple[Head, Path]) -> None:
            head, path = trained
            work.message = f"Written to {str(path)!r}; on the poster, its curves stand below the rows it fits."
            self._context.events.head_trained(head)

        work.begin()
        self._context.run(("evaluation", "head"), work, task, done, self.publish_matrix, title="tasks", aside=True)
        self.publish_matrix()

    def save(self, kind: str) -> None:
        """Have the table written into the working folder, under a name that is free."""
        evaluation = self.evaluation
        if evaluation is None:
            raise OptionError("There is no table to write yet; compare models first.")
        if kind not in SUFFIXES:
            raise OptionError(f"A table is written as {' or '.join(SUFFIXES)}, {kind!r:.80} was asked for.")
        stem = safe_name(f"{'-'.join(evaluation.collections)}-tasks")
        path = free_path(Path.cwd() / f"{stem}{SUFFIXES[kind]}")

        def task(_job: Job) -> Path:
            evaluation.to_csv(path, spreadsheet_safe=True) if kind == "csv" else evaluation.to_latex(path)
            return path

        context = self._context
        context.aside.submit(("evaluation", "save"), task, on_done=context.notice_written, on_failed=context.show_error)

    # Showing. ------------------------------------------------------------------------------------------------------

    def publish(self) -> None:
        """Show what can be chosen, and begin to find out what it costs."""
        collection = self._loader.collection
        if collection is None or not self._offers:
            return
        self._context.panel.evaluation = {
            **self._offers,
            "classifiers": evaluation_options.CLASSIFIERS,
            "poolings": evaluation_options.POOLINGS,
            "layers": evaluation_options.LAYERS,
            "kinds": evaluation_options.KINDS,
            "tracks": len(collection),
            "from_collection": self._loader.given,
            "choices": dict(self.choices),
            "extra_options": sorted(self._more),
        }
        self._estimate(collection)
        self.publish_work()

    def _estimate(self, collection: Collection) -> None:
        """Find out, behind the page, how much there is to compute."""
        choices, store, engine = dict(self.choices), self._context.store, self._more.get("engine", self._context.engine)
        if self.work.unfinished or not choices["target"] or not choices["models"]:
            return

        def task(job: Job) -> str:
            return cost_estimate.sentence(collection.table, choices, store, engine, job.report)

        def done(plan: str) -> None:
            self._plan = plan
            self.publish_work()

        self._context.aside.submit(("evaluation", "plan"), task, on_done=done, on_failed=lambda *_: done(""))

    def publish_work(self) -> None:
        """Show how far the work is."""
        stage = self._format_stage()
        self._context.panel.evaluation_status = {**self.work.to_dict(), "stage": stage, "plan": self._plan}

    def _format_stage(self) -> str:
        """Return what is done, and how long that still takes, once that can be told."""
        work, now = self.work, time.monotonic()
        name = re.sub(r"[\d,]+", "", work.stage.partition(" · ")[0])  # what it counts is no part of a stage's name
        if self._stage[0] != name:
            self._stage = (name, now, work.done)
        _, begun, first = self._stage
        if "left" in work.stage or not work.total or work.done <= first or now - begun < TELLING:
            return work.stage
        left = (now - begun) / (work.done - first) * (work.total - work.done)
        return f"{work.stage} · {format_duration(left)} left"

    def publish_matrix(self) -> None:
        """Show the matrix, and how far a head is."""
        training: ConfusionState = {"training": self._training.to_dict()}
        self._context.panel.confusion = {**self._seen, **training} if self._seen else {}

    def code(self) -> str:
        """Return Python that compares the models without a panel."""
        return cost_estimate.code(self.choices, self._more, self._loader, self._context.tracks, self._context.engine)

    def use_weights(self, model: str) -> None:
        """Take notice of weights that have come."""
        if self._offers and not self.choices["models"]:
            self.choices = {**self.choices, "models": [model]}
        self.publish()

    def close(self) -> None:
        """Take the matrix off the page."""
        if self._matrix is not None:
            self._matrix.close()
        self._matrix, self._seen = None, {}
        self._training.begin("")
        self.publish_matrix()


def _can_train(result: Result) -> bool:
    """Tell whether what was trained can be kept as a head."""
    return result.classifier in ("mlp", "logistic", "ridge") and result.pooling != "mean+std"
