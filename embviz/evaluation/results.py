"""Results of an evaluation: the predictions that every score, table and figure is made from.

Conventions: a *result* is that of one classifier on one layer of one model, for one task. Predictions are of tracks,
never of frames. Probabilities are tracks-first, ``[n, c]``, and classes are numbered as in ``Result.classes``. What the
truth is says what kind of a task it is: whole numbers are one class for each track, fractions a quantity, and a matrix
of yes and no several labels for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    import pandas as pd
    from numpy.typing import NDArray

Kind: TypeAlias = Literal["classes", "quantity", "labels"]


def kind_of(truth: NDArray[Any]) -> Kind:
    """Return what kind of a task a truth is of."""
    if truth.ndim == 2:
        return "labels"
    return "quantity" if truth.dtype.kind == "f" else "classes"


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions for tracks that the classifier was not trained on.

    Parameters
    ----------
    tracks : ndarray, shape [n], int64
        Labels of the tracks in the table of their collection.
    truth : ndarray, shape [n], int64 or float64, or [n, c], bool
        Number of each track's class; or the value of its quantity; or which labels it has.
    proba : ndarray, shape [n, c], float32
        Probability of each class, rows add up to one; or the predicted value, ``[n, 1]``; or the probability of each
        label, independent of the others.
    folds : ndarray, shape [n], int64
        Fold in which each track was tested; all zero for another collection.
    groups : ndarray, shape [n], int64, or None
        What belongs together (artist, album, track of an excerpt), by number.
    """

    tracks: NDArray[np.int64]
    truth: NDArray[Any]
    proba: NDArray[np.float32]
    folds: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None

    @property
    def kind(self) -> Kind:
        """Whether it is ``"classes"``, a ``"quantity"`` or several ``"labels"`` that was predicted."""
        return kind_of(self.truth)

    @property
    def predicted(self) -> NDArray[Any]:
        """Number of the class that each track was given, ``[n]``; or its value; or its labels, ``[n, c]``.

        Labels are given from a probability of one half on.
        """
        if self.kind == "quantity":
            return self.proba[:, 0].astype(np.float64)
        if self.kind == "labels":
            return np.asarray(self.proba >= 0.5)
        return np.asarray(np.argmax(self.proba, axis=1), np.int64)

    def __len__(self) -> int:
        return len(self.tracks)


@dataclass(frozen=True, eq=False)
class LearningPoint:
    """A point of a learning curve: the predictions after training on a share of the training tracks.

    Parameters
    ----------
    share : float
        Share of the training tracks of each fold, 0 … 1.
    tracks : float
        Their number, the mean over folds.
    predictions : Predictions
        For all tracks, as in cross-validation on everything.
    """

    share: float
    tracks: float
    predictions: Predictions


@dataclass(frozen=True, eq=False)
class Result:
    """One classifier on one layer of one model, for one task.

    Parameters
    ----------
    task : str
        What was predicted: the name of the column, or of the task.
    model, layer : str
        Names of the model and of its layer; both empty for the baselines, which look at nothing.
    classifier : {"mlp", "logistic", "ridge", "knn", "majority", "chance", "mean", "median"}
        What was trained: for quantities, ridge regression is what logistic regression is for classes.
    pooling : str
        As for :meth:`embviz.Collection.embed`; ``"frames"``: trained on frames, probabilities averaged over a track.
    depth : int
        Place of the layer among those of the model that were evaluated, from input to output.
    dimensions : int
        Length of the vectors.
    classes : tuple of str
        Names of the classes, or labels; none of a quantity.
    predictions : Predictions
        Of the cross-validation: each track once.
    external : Predictions or None
        For the tracks of another collection, after training on all of this one.
    learning : tuple of LearningPoint
        Smaller training sets, smallest first; without the whole one.
    """

    task: str
    model: str
    layer: str
    classifier: str
    pooling: str
    depth: int
    dimensions: int
    classes: tuple[str, ...]
    predictions: Predictions
    external: Predictions | None = None
    learning: tuple[LearningPoint, ...] = ()

    @property
    def kind(self) -> Kind:
        """Whether ``"classes"``, a ``"quantity"`` or several ``"labels"`` per track are predicted."""
        return self.predictions.kind

    @property
    def is_baseline(self) -> bool:
        """Whether it looks at no sound."""
        return not self.model


@dataclass(frozen=True, eq=False)
class TaskCollections:
    """The collections that a task was evaluated on, for the names and files of their tracks.

    Parameters
    ----------
    table : DataFrame
        The collection, as :class:`embviz.Collection` makes it.
    external : DataFrame or None
        The other collection.
    groups : str
        The column whose groups were kept in one fold; empty where none was used.
    """

    table: pd.DataFrame
    external: pd.DataFrame | None = None
    groups: str = ""
