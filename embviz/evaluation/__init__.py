"""Downstream tasks: labels, cross-validation, classifiers, metrics and their figures."""

from embviz.evaluation.api import evaluate, train
from embviz.evaluation.evaluation import Evaluation
from embviz.evaluation.task import Task
from embviz.evaluation.task_registry import get_task, list_tasks

__all__ = ["Evaluation", "Task", "evaluate", "get_task", "list_tasks", "train"]
