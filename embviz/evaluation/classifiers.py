"""Classifiers on embeddings: small ones, the same for all, so that differences are those of the embeddings.

Conventions: points first, ``[n, d]``, float32; a point is a track, or a frame of one. Every classifier is given a
weight for each point, such that all classes weigh the same, and all tracks of a class, however many frames they have.
The weights of a network are a mapping of arrays, in the form of :class:`embviz.heads.Head`: ``mean`` and ``scale``
``[d]`` of the standardisation, ``hidden`` ``[d, 100]`` and ``hidden_bias`` (not for ``"logistic"``), ``output``
``[…, c]`` and ``output_bias``; a softmax makes probabilities of what comes out.

``mlp``
    The recipe of Essentia's transfer-learning classifiers: the input standardised, one hidden layer of 100 ReLU units,
    a softmax (P. Alonso-Jiménez, D. Bogdanov, J. Pons and X. Serra, TensorFlow audio models in Essentia, ICASSP 2020).
``logistic``
    The same without the hidden layer.
``knn``
    The nearest training points after standardisation vote, the nearer the more, and each with its weight.
``majority``, ``chance``
    Look at nothing: the share of each class in the training tracks, and a draw in which all classes are as likely.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray


NETWORKS = ("mlp", "logistic")
KINDS = (*NETWORKS, "knn")
BASELINES = ("majority", "chance")

UNITS = 100
SETTINGS: dict[str, dict[str, Any]] = {
    # Fewer epochs than 200 cost accuracy where there are many tracks; a stronger penalty than scikit-learn's 1e-4 costs
    # none and makes the probabilities truer: both were measured, on the sample audio and on made-up vectors.
    "mlp": {"alpha": 1.0, "learning_rate_init": 1e-3, "batch_size": 200, "max_iter": 200, "tol": 1e-4},
    "logistic": {"C": 1.0, "max_iter": 1000, "tol": 1e-4},
    "knn": {"neighbours": 10},
}
BLOCK = 1 << 13  # points computed at a time
FLAT = 1e-6  # of the mean; what varies less is rounding
FARTHEST = 1e6  # standard deviations


def check_classifiers(classifier: Any) -> list[str]:
    """Return the names of classifiers, checked to be some, without the baselines."""
    given = [classifier] if isinstance(classifier, str) else classifier
    known = (*KINDS, *BASELINES)
    if not isinstance(given, list | tuple) or not given or any(one not in known for one in given):
        raise OptionError(f"classifier is one of {', '.join(known)}, or a list of them, {classifier!r:.80} was found.")
    return [one for one in dict.fromkeys(given) if one in KINDS]


def sample_weights(truth: NDArray[np.int64], track: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a weight for each point, ``[n]``, of mean 1, from its class and its track."""
    _, first, place, frames = np.unique(track, return_index=True, return_inverse=True, return_counts=True)
    tracks = np.bincount(truth[first])  # of each class
    present = int((tracks > 0).sum())
    found: NDArray[np.float64] = len(truth) / (present * tracks[truth] * frames[place])
    return found


def fit(
    kind: str, x: NDArray[np.float32], truth: NDArray[np.int64], weights: NDArray[np.float64], classes: int, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Return the weights of a network trained on points, standardisation included.

    The points ``[n, d]`` have the classes `truth` (those that none has are never predicted) and the `weights` of
    :func:`sample_weights`. The seed is for the start of training, and the order of points in it.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    mean, scale = _standardization(x, weights)
    z, settings, hidden = _standardize(x, mean, scale), SETTINGS[kind], {}
    if kind == "mlp":
        settings = settings | {"batch_size": min(settings["batch_size"], len(z))}
        fitted: Any = MLPClassifier((UNITS,), random_state=seed, **settings).fit(z, truth, sample_weight=weights)
        (first, output), (first_bias, bias) = fitted.coefs_, fitted.intercepts_
        hidden = {"hidden": first, "hidden_bias": first_bias}
    else:
        fitted = LogisticRegression(random_state=seed, **settings).fit(z, truth, sample_weight=weights)
        output, bias = fitted.coef_.T, fitted.intercept_
    output, bias = _expand_classes(output, bias, fitted.classes_, classes)
    found = {"mean": mean, "scale": scale, "output": output, "output_bias": bias, **hidden}
    return {name: np.ascontiguousarray(array, np.float32) for name, array in found.items()}


def _expand_classes(
    output: NDArray[Any], bias: NDArray[Any], known: NDArray[np.int64], classes: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the last layer with a column for every class.

    scikit-learn gives two classes one column and a sigmoid, which is a softmax whose first column is zero; classes that
    were never seen get none.
    """
    if len(known) == 2 and output.shape[1] == 1:
        output, bias = np.column_stack([0 * output[:, 0], output[:, 0]]), np.array([0.0, bias[0]])
    wide, low = np.zeros((len(output), classes), output.dtype), np.full(classes, -1e4, output.dtype)
    wide[:, known], low[known] = output, bias
    return wide, low


def _standardization(
    x: NDArray[np.float32], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and scale of each dimension; the scale of one that does not vary is 1."""
    share = weights / weights.sum()
    mean, square = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for start in range(0, len(x), BLOCK):
        mean += share[start : start + BLOCK] @ x[start : start + BLOCK].astype(np.float64)
    for start in range(0, len(x), BLOCK):
        square += share[start : start + BLOCK] @ np.square(x[start : start + BLOCK] - mean)
    scale = np.sqrt(square).astype(np.float32)
    scale[scale <= FLAT * np.abs(mean)] = 1.0
    return mean.astype(np.float32), scale


def _standardize(x: NDArray[np.float32], mean: NDArray[np.float32], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        found: NDArray[np.float32] = (x - mean) / scale
    # What lies that far off says nothing more, and products of it would not be finite.
    return np.clip(found, -FARTHEST, FARTHEST, out=found)


def forward(learnt: dict[str, NDArray[np.float32]], x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probabilities of the classes for points, ``[n, c]``."""
    parts = []
    for start in range(0, max(1, len(x)), BLOCK):
        z = _standardize(x[start : start + BLOCK], learnt["mean"], learnt["scale"])
        if "hidden" in learnt:
            z = np.maximum(z @ learnt["hidden"] + learnt["hidden_bias"], 0)
        logits = z @ learnt["output"] + learnt["output_bias"]
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        parts.append(raised / raised.sum(axis=1, keepdims=True))
    return np.concatenate(parts).astype(np.float32, copy=False)


def fit_predict(
    kind: str,
    x: NDArray[np.float32],
    truth: NDArray[np.int64],
    weights: NDArray[np.float64],
    test: NDArray[np.float32],
    classes: int,
    seed: int,
) -> NDArray[np.float32]:
    """Train on some points and return the probabilities for others, ``[m, c]``; parameters as for :func:`fit`."""
    if kind != "knn":
        return forward(fit(kind, x, truth, weights, classes, seed), test)
    from sklearn.neighbors import NearestNeighbors

    mean, scale = _standardization(x, weights)
    nearest = NearestNeighbors(n_neighbors=min(SETTINGS["knn"]["neighbours"], len(x)), algorithm="brute")
    distances, places = nearest.fit(_standardize(x, mean, scale)).kneighbors(_standardize(test, mean, scale))
    votes = weights[places] / np.maximum(distances, 1e-6)
    found = np.zeros((len(test), classes))
    np.add.at(found, (np.arange(len(test))[:, None], truth[places]), votes)
    proba: NDArray[np.float32] = (found / found.sum(axis=1, keepdims=True)).astype(np.float32)
    return proba


def baseline_proba(
    kind: str, truth: NDArray[np.int64], tests: int, classes: int, seed: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the probabilities of a baseline for some tracks, from the classes of others, ``[tests, c]``."""
    if kind == "majority":
        return np.tile(np.bincount(truth, minlength=classes) / len(truth), (tests, 1)).astype(np.float32)
    return np.random.default_rng(seed).dirichlet(np.ones(classes), tests).astype(np.float32)


def estimate_seconds(kind: str, points: int, tests: int, dimensions: int, classes: int) -> float:
    """Return about how many seconds training and testing take on one core."""
    if kind == "knn":
        return 0.01 + points * tests * (dimensions + 20) / 1.6e10
    if kind == "logistic":
        return 0.02 + points * dimensions * classes / 1.6e8
    epochs: int = SETTINGS["mlp"]["max_iter"]
    steps: int = epochs * -(-points // SETTINGS["mlp"]["batch_size"])
    return 4e-4 * steps + 8e-9 * epochs * points * (dimensions + classes)


# One thread, and no warnings. ----------------------------------------------------------------------------------------

_lock = threading.Lock()
_users = 0
_process_settings = contextlib.ExitStack()


@functools.cache
def _threads() -> Any:
    """Return what limits threads, after everything is loaded that starts some: it looks once."""
    import sklearn.linear_model
    import sklearn.neighbors
    import sklearn.neural_network  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextlib.contextmanager
def single_threaded() -> Iterator[None]:
    """Compute with one thread, and let no warning about convergence through.

    How many threads add up a product decides the last bits of it: with one, results are the same wherever and however
    they are computed. Both settings are the process's, not the thread's; the last one to leave restores them.
    """
    from sklearn.exceptions import ConvergenceWarning

    global _users  # noqa: PLW0603
    with _lock:
        if not _users:
            _process_settings.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%", UserWarning)
            _process_settings.enter_context(_threads().limit(limits=1))
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                _process_settings.close()
