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
``ridge``
    For quantities in place of logistic regression: a linear model with a penalty on its weights.
``majority``, ``chance``
    Look at nothing: the share of each class in the training tracks, and a draw in which all classes are as likely.
``mean``, ``median``
    The same for quantities: the mean, or the median, of the training tracks.

A quantity is learnt standardised. Of several labels per track, each has a probability of its own: a sigmoid, not a
softmax, and no weights by class.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.errors import OptionError, did_you_mean
from embviz.evaluation.results import Kind, kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


NETWORKS = ("mlp", "logistic")
RIDGE = "ridge"  # takes the place of logistic regression for quantities
KINDS = (*NETWORKS, "knn")
BASELINES = ("majority", "chance")
QUANTITY_BASELINES = ("mean", "median")

UNITS = 100
SETTINGS: dict[str, dict[str, Any]] = {
    # Fewer epochs than 200 cost accuracy where there are many tracks; a stronger penalty than scikit-learn's 1e-4 costs
    # none and makes the probabilities truer: both were measured, on the sample audio and on made-up vectors.
    "mlp": {"alpha": 1.0, "learning_rate_init": 1e-3, "batch_size": 200, "max_iter": 200, "tol": 1e-4},
    "logistic": {"C": 1.0, "max_iter": 1000, "tol": 1e-4},
    "ridge": {"alpha": 1.0},
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
        names = given if isinstance(given, list | tuple) else []
        near = next((did_you_mean(str(one), known) for one in names if one not in known), "")
        raise OptionError(
            f"classifier is one of {', '.join(known)}, or a list of them, {classifier!r:.80} was found.{near}"
        )
    return [one for one in dict.fromkeys(given) if one in KINDS]


def trained_name(classifier: str, kind: Kind) -> str:
    """Return what is trained where a classifier was asked for."""
    return RIDGE if kind == "quantity" and classifier == "logistic" else classifier


def baselines(kind: Kind) -> tuple[str, ...]:
    """Return the names of what looks at nothing."""
    return QUANTITY_BASELINES if kind == "quantity" else BASELINES


def sample_weights(truth: NDArray[Any], track: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a weight for each point, ``[n]``, of mean 1, from its class (where it has one) and its track."""
    _, first, place, frames = np.unique(track, return_index=True, return_inverse=True, return_counts=True)
    if kind_of(truth) != "classes":
        return np.asarray(len(truth) / (len(frames) * frames[place]), np.float64)
    tracks = np.bincount(truth[first])  # of each class
    present = int((tracks > 0).sum())
    found: NDArray[np.float64] = len(truth) / (present * tracks[truth] * frames[place])
    return found


def fit(
    kind: str, x: NDArray[np.float32], truth: NDArray[Any], weights: NDArray[np.float64], classes: int, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Return the weights of a network trained on points, standardisation included.

    The points ``[n, d]`` have the classes `truth` (those that none has are never predicted), or its quantities or
    labels, and the `weights` of :func:`sample_weights`. The seed is for the start of training, and the order of points
    in it.
    """
    mean, scale = _standardization(x, weights)
    z = _standardize(x, mean, scale)
    learn = {"classes": _fit_classes, "quantity": _fit_quantity, "labels": _fit_labels}[kind_of(truth)]
    found = {"mean": mean, "scale": scale, **learn(kind, z, truth, weights, classes, seed)}
    return {name: np.ascontiguousarray(array, np.float32) for name, array in found.items()}


def _fit_classes(
    kind: str, z: NDArray[np.float32], truth: NDArray[Any], weights: NDArray[np.float64], classes: int, seed: int
) -> dict[str, NDArray[Any]]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    hidden: dict[str, NDArray[Any]] = {}
    if kind == "mlp":
        fitted: Any = MLPClassifier((UNITS,), random_state=seed, **_mlp_settings(z))
        fitted.fit(z, truth, sample_weight=weights)
        hidden, output, bias = _layers(fitted)
    else:
        fitted = LogisticRegression(random_state=seed, **SETTINGS[kind]).fit(z, truth, sample_weight=weights)
        output, bias = fitted.coef_.T, fitted.intercept_
    output, bias = _expand_classes(output, bias, fitted.classes_, classes)
    return {"output": output, "output_bias": bias, **hidden}


def _fit_quantity(
    kind: str, z: NDArray[np.float32], truth: NDArray[Any], weights: NDArray[np.float64], _classes: int, seed: int
) -> dict[str, NDArray[Any]]:
    from sklearn.linear_model import Ridge
    from sklearn.neural_network import MLPRegressor

    mean = float(np.average(truth, weights=weights))
    spread = float(np.sqrt(np.average((truth - mean) ** 2, weights=weights))) or 1.0
    y = (truth - mean) / spread
    hidden: dict[str, NDArray[Any]] = {}
    if kind == "mlp":
        fitted: Any = MLPRegressor(hidden_layer_sizes=(UNITS,), random_state=seed, **_mlp_settings(z)).fit(
            z, y, sample_weight=weights
        )
        hidden, output, bias = _layers(fitted)
    else:
        fitted = Ridge(**SETTINGS[kind]).fit(z, y, sample_weight=weights)
        output, bias = fitted.coef_.reshape(-1, 1), np.array([fitted.intercept_])
    return {"output": output * spread, "output_bias": bias * spread + mean, **hidden}


def _fit_labels(
    kind: str, z: NDArray[np.float32], truth: NDArray[Any], weights: NDArray[np.float64], _classes: int, seed: int
) -> dict[str, NDArray[Any]]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    if kind == "mlp":
        fitted: Any = MLPClassifier((UNITS,), random_state=seed, **_mlp_settings(z))
        hidden, output, bias = _layers(fitted.fit(z, truth.astype(np.int64), sample_weight=weights))
        return {"output": output, "output_bias": bias, **hidden}
    output, bias = np.zeros((z.shape[1], truth.shape[1])), np.where(truth.any(axis=0), 20.0, -20.0)
    for i in np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0)):  # of the others there is nothing to learn
        fitted = LogisticRegression(random_state=seed, **SETTINGS[kind]).fit(z, truth[:, i], sample_weight=weights)
        output[:, i], bias[i] = fitted.coef_[0], fitted.intercept_[0]
    return {"output": output, "output_bias": bias}


def _mlp_settings(z: NDArray[np.float32]) -> dict[str, Any]:
    settings = SETTINGS["mlp"]
    return settings | {"batch_size": min(settings["batch_size"], len(z))}


def _layers(fitted: Any) -> tuple[dict[str, NDArray[Any]], NDArray[Any], NDArray[Any]]:
    """Return the hidden layer of a perceptron, and the weights and bias of its output."""
    (first, output), (first_bias, bias) = fitted.coefs_, fitted.intercepts_
    return {"hidden": first, "hidden_bias": first_bias}, output, bias


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


def forward(
    learnt: dict[str, NDArray[np.float32]], x: NDArray[np.float32], kind: Kind = "classes"
) -> NDArray[np.float32]:
    """Return the probabilities of the classes or labels for points, ``[n, c]``, or the quantity, ``[n, 1]``."""
    parts = []
    for start in range(0, max(1, len(x)), BLOCK):
        z = _standardize(x[start : start + BLOCK], learnt["mean"], learnt["scale"])
        if "hidden" in learnt:
            z = np.maximum(z @ learnt["hidden"] + learnt["hidden_bias"], 0)
        logits = z @ learnt["output"] + learnt["output_bias"]
        parts.append(_END[kind](logits))
    return np.concatenate(parts).astype(np.float32, copy=False)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    raised: NDArray[np.float32] = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), np.float32)


_END: dict[Kind, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "classes": _softmax, "labels": _sigmoid, "quantity": lambda values: values,
}  # fmt: skip


def fit_predict(
    kind: str,
    x: NDArray[np.float32],
    truth: NDArray[Any],
    weights: NDArray[np.float64],
    test: NDArray[np.float32],
    classes: int,
    seed: int,
) -> NDArray[np.float32]:
    """Train on some points and return the probabilities for others, ``[m, c]``; parameters as for :func:`fit`."""
    if kind != "knn":
        return forward(fit(kind, x, truth, weights, classes, seed), test, kind_of(truth))
    from sklearn.neighbors import NearestNeighbors

    mean, scale = _standardization(x, weights)
    nearest = NearestNeighbors(n_neighbors=min(SETTINGS["knn"]["neighbours"], len(x)), algorithm="brute")
    distances, places = nearest.fit(_standardize(x, mean, scale)).kneighbors(_standardize(test, mean, scale))
    votes = weights[places] / np.maximum(distances, 1e-6)
    if kind_of(truth) != "classes":
        of_points = truth.reshape(len(truth), -1).astype(np.float64)[places]  # [m, k, c]
        mean_of = np.einsum("mk,mkc->mc", votes / votes.sum(axis=1, keepdims=True), of_points)
        return np.asarray(mean_of, np.float32)
    found = np.zeros((len(test), classes))
    np.add.at(found, (np.arange(len(test))[:, None], truth[places]), votes)
    proba: NDArray[np.float32] = (found / found.sum(axis=1, keepdims=True)).astype(np.float32)
    return proba


def baseline_proba(
    kind: str, truth: NDArray[Any], tests: int, classes: int, seed: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the probabilities of a baseline for some tracks, from the truth of others, ``[tests, c]``."""
    if kind == "chance":
        rng = np.random.default_rng(seed)
        drawn = rng.random((tests, classes)) if truth.ndim == 2 else rng.dirichlet(np.ones(classes), tests)
        return drawn.astype(np.float32)
    if kind in QUANTITY_BASELINES:
        return np.full((tests, 1), np.mean(truth) if kind == "mean" else np.median(truth), np.float32)
    counts = truth.sum(axis=0) if truth.ndim == 2 else np.bincount(truth, minlength=classes)
    return np.tile(counts / len(truth), (tests, 1)).astype(np.float32)


def estimate_seconds(kind: str, points: int, tests: int, dimensions: int, classes: int) -> float:
    """Return about how many seconds training and testing take on one core."""
    if kind == "knn":
        return 0.01 + points * tests * (dimensions + 20) / 1.6e10
    if kind in ("logistic", "ridge"):
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
