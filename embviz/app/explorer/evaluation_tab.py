"""Tasks: which model's embedding tells best what the tracks are, by a column of their table."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.app.explorer import cost_estimate, evaluation_options, score_table
from embviz.app.explorer.collection import CollectionLoader
from embviz.app.explorer.context import ExplorerContext, Work
from embviz.app.uploads import free_path, safe_name
from embviz.core.text import format_duration
from embviz.core.worker import explain
from embviz.errors import EmbvizError, OptionError
from embviz.evaluation import targets
from embviz.models.weights import has_weights
from embviz.widgets.base import model_ref

if TYPE_CHECKING:
    import pandas as pd

    from embviz.collection import Collection
    from embviz.core.worker import Job
    from embviz.evaluation import Evaluation
    from embviz.evaluation.confusion import ConfusionMatrix
    from embviz.evaluation.results import Result, TaskCollections
    from embviz.heads import Head
    from embviz.widgets.schema import ConfusionState, EvaluationOptions, EvaluationStatus, Scores

__all__ = ["EvaluationTab"]

SUFFIXES = {"csv": ".csv", "latex": ".tex"}
TELLING = 2.0  # seconds of a stage after which one can say how long it still takes

Mark = Callable[[Sequence[int], Mapping[str, Any] | None, str | None], None]


class EvaluationTab:
    """The view of tasks.

    Attributes
    ----------
    choices : dict
        As :mod:`embviz.app.explorer.evaluation_options` describes them.
    evaluation : Evaluation or None
        What was found last.
    """

    def __init__(self, context: ExplorerContext, loader: CollectionLoader) -> None:
        self._context, self._loader = context, loader
        self.choices: dict[str, Any] = dict(evaluation_options.USUAL)
        self.evaluation: Evaluation | None = None
        self.work = Work("tasks")
        self._training = Work("tasks")
        self._more: dict[str, Any] = {}  # options that the page does not show
        self._offers: EvaluationOptions = {}
        self._wanted = False
        self._plan = ""
        self._matrix: ConfusionMatrix | None = None
        self._seen: ConfusionState = {}
        self._stage: tuple[str, float, int] = ("", 0.0, 0)
        self.rows: Callable[[], list[str]] = list
        self.on_found: Callable[[Evaluation], None] = lambda _evaluation: None
        self.on_choose: Callable[[int | str], None] = lambda _track: None
        self.on_mark: Mark = lambda _labels, _columns, _color: None
        self.on_head: Callable[[Head], None] = lambda _head: None

    def commands(self, content: Mapping[str, Any]) -> dict[str, Callable[[], None]]:
        """Return what the page can ask for."""
        return {
            "show_evaluation": self.start,
            "set_evaluation_option": lambda: self.set(content["name"], content["value"]),
            "evaluate": self.run,
            "cancel_evaluation": self.stop_all,
            "show_confusion": lambda: self.show_matrix(content["cell"]),
            "show_answers": lambda: self.show_map(content["cell"]),
            "train_head": lambda: self.keep_head(content["cell"]),
            "save_scores": lambda: self.save(content["format"]),
        }

    # What is asked. ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Show what there is to predict; nothing is computed yet."""
        if self._loader.collection is not None:
            self._show(self._loader.collection)
        elif not self.work.unfinished:
            self._guarded(lambda: self._loader.want("tasks", self.work, self._read, self.publish_work))

    def _read(self, collection: Collection) -> None:
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
            self.choices, self._wanted = {**self.choices, "target": ""}, False
            self.work.fail(f"There is no column {target!r:.80} in the table of these tracks.", "Choose another one.")
        self._choose_usual()
        self.publish()
        if self._wanted:
            self._wanted = False
            self.run()

    def _choose_usual(self) -> None:
        """Choose what was not chosen yet: the column that is meant most often, and the models of the rows."""
        chosen = self.choices
        if not chosen["target"]:
            chosen["target"] = targets.default_target(self._offers["targets"])
        if not chosen["models"]:
            chosen["models"] = [name for name in dict.fromkeys(self.rows()) if has_weights(name)]

    def set(self, name: str, value: Any) -> None:
        """Change a choice."""
        self.choices = {**self.choices, name: evaluation_options.checked(name, value)}
        if name == "target":
            self._more = {}
        self.publish()

    def ask(self, target: str | None, models: Any, given: Mapping[str, Any]) -> None:
        """Choose as :func:`embviz.evaluation.evaluate` takes its options, and compare where a target is named."""
        known = {name: value for name, value in given.items() if name in evaluation_options.USUAL}
        known |= {} if target is None else {"target": target}
        known |= {} if models is None else {"models": models}
        self.choices = {
            **self.choices,
            **{name: evaluation_options.checked(name, value) for name, value in known.items()},
        }
        self._more = {name: value for name, value in given.items() if name not in known}
        self._wanted = target is not None
        self.start()

    def restore(self, kept: Any) -> None:
        """Choose what was chosen when a view was kept."""
        self.choices = evaluation_options.restored(kept)

    # Computing. ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Compare the models; what was finished before is taken from the cache."""
        collection = self._loader.collection
        if collection is None:
            self._wanted = True
            self.start()
            return
        self._context.aside.cancel(lambda key: key in (("tasks", "run"), ("tasks", "plan")))
        self.work.begin()
        try:
            self._check()
        except EmbvizError as error:
            self.work.fail(*explain(error))
            self.publish_work()
            return
        self._stage = ("", 0.0, 0)
        asked = dict(self.choices)
        options = {"cache": False if self._context.store is None else self._context.store, **self._more}
        options |= evaluation_options.options(asked)

        def task(job: Job) -> tuple[Evaluation, Scores]:
            from embviz.evaluation import api

            job.report("beginning", 0, 0)
            found = api.evaluate(collection, asked["target"], asked["models"], progress=job.report, **options)
            # Intervals take a while, too.
            job.report("intervals", 0, 0)
            return found, score_table.shown(found)

        self._context.run(
            ("tasks", "run"), self.work, task, lambda result: self._found(asked, *result), self.publish_work,
            what="tasks", aside=True,
        )  # fmt: skip
        self.publish_work()

    def _check(self) -> None:
        if not self.choices["target"]:
            raise OptionError("No column is chosen that can be predicted; choose one.")
        if not self.choices["models"]:
            raise OptionError("No model is chosen; tick those that are to be compared.")

    def _found(self, asked: dict[str, Any], evaluation: Evaluation, told: Scores) -> None:
        self.evaluation = evaluation
        self._close_matrix()
        self.work.drawn = True
        self._context.panel.scores = {**told, "choices": asked}
        self.on_found(evaluation)
        self.publish()

    def stop_all(self) -> None:
        """Stop comparing; what is finished is kept."""
        self._context.aside.cancel(lambda key: key[0] == "tasks")  # type: ignore[index]
        for work in (self.work, self._training):
            if work.unfinished:
                work.status, work.message = "cancelled", "Cancelled; what was finished is kept."
        self.publish_work()

    def _guarded(self, call: Callable[[], None]) -> None:
        """Say in its place what goes wrong: the page stays usable."""
        try:
            call()
        except Exception as error:  # noqa: BLE001  whatever it is, the reader is told
            self.work.fail(*explain(error))
        self.publish_work()

    # What is made of the answers. ----------------------------------------------------------------------------------

    def _result(self, number: Any) -> tuple[Result, TaskCollections]:
        """Return a result by its place, and where its tracks are."""
        evaluation = self.evaluation
        n = 0 if evaluation is None else len(evaluation.results)
        if evaluation is None or isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < n:
            raise OptionError(f"There is no result {number!r:.80}; compare models first.")
        result = evaluation.results[number]
        return result, evaluation.collections[result.task]

    def show_matrix(self, number: int) -> None:
        """Show which classes a model takes for which, and the tracks."""
        from embviz.evaluation.confusion import ConfusionMatrix

        result, source = self._result(number)
        predictions = result.predictions
        self._close_matrix()
        self._matrix = matrix = ConfusionMatrix(result, source, player=self._context.player, clock=self._context.clock)
        matrix.widget.title = ""  # it stands above
        matrix.on_choose(lambda label: self._chosen(matrix, source, label))
        matrix.on_cell(lambda labels: self._picked(matrix, labels))
        self._seen = {
            "cell": number, "title": score_table.title_of(result), "task": result.task,
            "tracks": len(predictions), "wrong": int((predictions.predicted != predictions.truth).sum()),
            "can_train_head": result.classifier in ("mlp", "logistic") and result.pooling != "mean+std",
            "view": model_ref(matrix.widget),
        }  # fmt: skip
        if self._context.sound is not None:
            self.opened(self._context.sound.track.id)
        self.publish_matrix()

    def _chosen(self, matrix: ConfusionMatrix, source: TaskCollections, label: int) -> None:
        """Play a track that was chosen in the matrix; those of the other collection are files beside the list."""
        if matrix.widget.test_set == "cv":
            self.on_choose(self._loader.numbers.get(label, ""))
        elif source.external is not None:
            self.on_choose(str(source.external.loc[label, "path"]))

    def _picked(self, matrix: ConfusionMatrix, labels: Sequence[int]) -> None:
        """Select the tracks of a cell on the map, where they are on it."""
        if matrix.widget.test_set == "cv":
            self.on_mark(labels, None, None)

    def rows_of(self, labels: Sequence[int]) -> pd.DataFrame:
        """Return rows of the table by the labels of the tracks."""
        collection = self._loader.collection
        if collection is None:
            raise OptionError("The table of the tracks is not read yet; wait until it is.")
        return collection.table.loc[list(labels)]

    def opened(self, number: int) -> None:
        """Tell which track of the list is open: it is marked in the matrix."""
        label = next((label for label, own in self._loader.numbers.items() if own == number), None)
        if self._matrix is not None and label is not None and self._matrix.widget.test_set == "cv":
            self._matrix.mark_open(label)

    def show_map(self, number: int) -> None:
        """Show on the map which tracks a model took for another class."""
        columns, color, wrong = score_table.answers(*self._result(number))
        self.on_mark(wrong, columns, color)

    def keep_head(self, number: int) -> None:
        """Train on all tracks, and add what comes of it to the rows of its model."""
        (result, _), collection = self._result(number), self._loader.collection
        options: dict[str, Any] = {name: getattr(result, name) for name in ("layer", "classifier", "pooling")}
        options["name"] = "-".join(
            [result.task, result.model, *([] if result.layer == "embedding" else [result.layer])]
        )
        options["cache"] = False if self._context.store is None else self._context.store
        folder = Path.cwd()

        def task(job: Job) -> tuple[Head, Path]:
            from embviz.evaluation import api

            job.report("training on all tracks", 0, 0)
            head = api.train(collection, result.task, result.model, progress=job.report, **options)
            return head, head.save(free_path(folder / f"{Path(safe_name(head.name)).name or 'head'}.safetensors"))

        self._training.begin()
        self._context.run(
            ("tasks", "head"), self._training, task, self._kept, self.publish_matrix, what="tasks", aside=True
        )
        self.publish_matrix()

    def _kept(self, result: tuple[Head, Path]) -> None:
        head, path = result
        self._training.message = f"Written to {str(path)!r}; on the poster, its curves stand below the rows it fits."
        self.on_head(head)

    def save(self, kind: str) -> None:
        """Have the table written into the working folder, under a name that is free."""
        evaluation = self.evaluation
        if evaluation is None:
            raise OptionError("There is no table to write yet; compare models first.")
        if kind not in SUFFIXES:
            raise OptionError(f"A table is written as {' or '.join(SUFFIXES)}, {kind!r:.80} was asked for.")
        stem = safe_name(f"{'-'.join(evaluation.collections)}-tasks") or "tasks"
        path = free_path(Path.cwd() / f"{Path(stem).name}{SUFFIXES[kind]}")

        def task(_job: Job) -> Path:
            evaluation.to_csv(path) if kind == "csv" else evaluation.to_latex(path)
            return path

        self._context.aside.submit(
            ("tasks", "save"), task,
            done=lambda written: self._context.notice("done", f"Written to {str(written)!r}."),
            failed=lambda sentence, remedy: self._context.notice("error", sentence, remedy),
        )  # fmt: skip

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
            "tracks": len(collection),
            "from_collection": self._loader.given,
            "choices": dict(self.choices),
            "extra_options": sorted(self._more),
            "code": self.code(),
        }
        self._estimate(collection.table)
        self.publish_work()

    def _estimate(self, table: pd.DataFrame) -> None:
        """Find out, behind the page, how much there is to compute."""
        chosen, store = dict(self.choices), self._context.store
        if self.work.unfinished or not chosen["target"] or not chosen["models"]:
            return

        def told(sentence: str) -> None:
            self._plan = sentence
            self.publish_work()

        self._context.aside.submit(
            ("tasks", "plan"), lambda job: cost_estimate.sentence(table, chosen, store, job.report),
            done=told, failed=lambda *_: told(""),
        )  # fmt: skip

    def publish_work(self) -> None:
        """Show how far the work is."""
        shown: EvaluationStatus = {**self.work.shown(), "plan": self._plan, "stage": self._told_stage()}
        del shown["view"]
        self._context.panel.evaluation_status = shown

    def _told_stage(self) -> str:
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
        self._context.panel.confusion = {**self._seen, "training": self._training.shown()} if self._seen else {}

    def code(self) -> str:
        """Return Python that compares the models without a panel."""
        return cost_estimate.code(self.choices, self._more, self._loader, self._context.tracks)

    def arrived(self, model: str) -> None:
        """Take notice of weights that have come."""
        if self._offers and not self.choices["models"]:
            self.choices = {**self.choices, "models": [model]}
        self.publish()

    def _close_matrix(self) -> None:
        if self._matrix is not None:
            self._matrix.close()
        self._matrix, self._seen = None, {}
        self._training.begin("")
        self.publish_matrix()

    def close(self) -> None:
        """Take everything off the page."""
        if self._matrix is not None:
            self._matrix.close()
        self._matrix = None
