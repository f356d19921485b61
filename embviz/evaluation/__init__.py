"""Downstream tasks: labels, cross-validation, classifiers, metrics and their figures."""

from typing import TYPE_CHECKING

from embviz.evaluation.api import evaluate, train
from embviz.evaluation.evaluation import Evaluation
from embviz.evaluation.results import LearningPoint, Predictions, Result, TaskCollections
from embviz.evaluation.tagging_datasets import load_magnatagatune, load_mtg_jamendo
from embviz.evaluation.task import PublishedScore, Task
from embviz.evaluation.task_registry import get_task, list_tasks, published_scores

if TYPE_CHECKING:
    from embviz.evaluation.confusion import ConfusionMatrix

__all__ = [
    "ConfusionMatrix",
    "Evaluation",
    "LearningPoint",
    "Predictions",
    "PublishedScore",
    "Result",
    "Task",
    "TaskCollections",
    "evaluate",
    "get_task",
    "list_tasks",
    "load_magnatagatune",
    "load_mtg_jamendo",
    "published_scores",
    "train",
]


def __getattr__(name: str) -> object:
    if name != "ConfusionMatrix":  # the only one that needs widgets
        raise AttributeError(f"module 'embviz.evaluation' has no attribute {name!r}")
    from embviz.evaluation.confusion import ConfusionMatrix

    return ConfusionMatrix


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
