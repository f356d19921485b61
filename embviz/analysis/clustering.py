"""Clusters of points, and names for them from the tags that a model hears.

Conventions: a cluster is a number from 0, the largest cluster first; -1 is none. *Lift* says how much more of a tag a
model hears inside a cluster than in the rest of the collection, in standard deviations.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embviz.core.options import check_rows
from embviz.errors import OptionError, did_you_mean

METHODS = ("hdbscan", "kmeans")
#: What points in no cluster are called: in tables, legends and files.
NO_CLUSTER = "no cluster"

MAX_HDBSCAN = 10_000  # points; HDBSCAN takes time with their square, and Python stands still meanwhile
MINIBATCH_FROM = 100_000  # points beyond which k-means looks at batches of them
N_INIT = 4  # beginnings of k-means, of which the best result is taken
MIN_LIFT = 0.1  # lift of a tag, at least, that names a group


def cluster(
    values: ArrayLike, method: str = "hdbscan", *, metric: str = "euclidean", seed: int = 0, **options: Any
) -> NDArray[np.int64]:
    """Return the cluster of each point.

    Parameters
    ----------
    values : array, shape [n, d]
        Vectors, or points of a map.
    method : {"hdbscan", "kmeans"}
        HDBSCAN [1]_ finds dense clusters of any shape and leaves the rest in none; it is meant for maps, since in
        hundreds of dimensions hardly any place is dense. K-means puts every point into one of so many clusters.
    metric : {"euclidean", "cosine"}
        Distance; ``"cosine"`` scales each vector to length 1 first.
    seed : int
        Start of the random numbers of k-means, and of the sample that HDBSCAN takes of more than 10,000 points, where
        the others go where their nearest point of the sample is.
    **options
        For HDBSCAN ``min_cluster_size`` and ``min_samples``; for k-means ``n_clusters``: whole numbers, which follow
        from the number of points where none are given.

    Returns
    -------
    ndarray of int64, shape [n]
        Clusters from 0, the largest first; -1 for none, and for rows that are not finite.

    Raises
    ------
    OptionError
        If there is no such method or option, or an option is out of range.

    References
    ----------
    .. [1] R. Campello, D. Moulavi and J. Sander, "Density-based clustering based on hierarchical density estimates",
       PAKDD 2013.

    Examples
    --------
    >>> cluster([[0, 0], [0, 1], [9, 9], [9, 8], [8, 9]], "kmeans", n_clusters=2).tolist()
    [1, 1, 0, 0, 0]
    """
    array = check_rows(values, np.float32, "values are one row per point, [n, d]")
    if metric not in ("euclidean", "cosine"):
        raise OptionError(f"metric is 'euclidean' or 'cosine', {metric!r} was found.")
    usable = np.isfinite(array).all(axis=1)
    resolved = resolve_options(method, options, int(usable.sum()))
    points = array[usable]
    if metric == "cosine":
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
        points /= np.where(lengths > 0, lengths, 1)
    groups = np.full(len(array), -1, np.int64)
    groups[usable] = (_hdbscan if method == "hdbscan" else _kmeans)(points, seed, **resolved)
    return _number_by_size(groups)


def default_options(method: str, n: int) -> dict[str, int]:
    """Return the options that :func:`cluster` uses for `n` points where none are given."""
    if method == "kmeans":
        return {"n_clusters": int(np.clip(round(np.sqrt(n / 2)), 2, 10))}
    if method != "hdbscan":
        raise OptionError(f"method is one of {', '.join(map(repr, METHODS))}, {method!r} was found.")
    size = max(3, round(np.sqrt(n) / 2))
    return {"min_cluster_size": size, "min_samples": min(size, 5)}


def resolve_options(method: str, options: Mapping[str, Any], n: int) -> dict[str, int]:
    """Return all options of a method for `n` points; raises OptionError where one is not the method's, or no number."""
    usual = default_options(method, n)
    for name, value in options.items():
        if name not in usual:
            near = did_you_mean(str(name), usual)
            raise OptionError(f"The options of {method!r} are {', '.join(usual)}; {name!r:.80} was found.{near}")
        low = 1 if name == "min_samples" else 2
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
            raise OptionError(f"{name} is a whole number from {low}, {value!r:.80} was found.")
    if "min_cluster_size" in options:
        usual["min_samples"] = min(usual["min_samples"], options["min_cluster_size"])
    return {**usual, **{name: int(value) for name, value in options.items()}}


def _hdbscan(points: NDArray[np.float32], seed: int, *, min_cluster_size: int, min_samples: int) -> NDArray[np.int64]:
    from sklearn.cluster import HDBSCAN

    if len(points) > MAX_HDBSCAN:
        return _hdbscan_of_sample(points, seed, min_cluster_size, min_samples)
    # A single point cannot be told from noise, nor a group from all there is.
    if len(points) <= min_cluster_size or not np.ptp(points, axis=0).any():
        return np.full(len(points), -1, np.int64)
    finder = HDBSCAN(min_cluster_size=min_cluster_size, min_samples=min(min_samples, len(points)), copy=True)
    return np.asarray(finder.fit_predict(points), dtype=np.int64)


def _hdbscan_of_sample(points: NDArray[np.float32], seed: int, size: int, samples: int) -> NDArray[np.int64]:
    """Return the clusters of a sample, extended to all points by their nearest point of the sample."""
    from sklearn.neighbors import NearestNeighbors

    chosen = np.random.default_rng(seed).choice(len(points), MAX_HDBSCAN, replace=False)
    smaller = max(2, round(size * MAX_HDBSCAN / len(points)))
    groups = _hdbscan(points[chosen], seed, min_cluster_size=smaller, min_samples=min(samples, smaller))
    nearest = NearestNeighbors(n_neighbors=1).fit(points[chosen]).kneighbors(points, return_distance=False)
    return np.asarray(groups[nearest[:, 0]])


def _kmeans(points: NDArray[np.float32], seed: int, *, n_clusters: int) -> NDArray[np.int64]:
    from sklearn.cluster import KMeans, MiniBatchKMeans

    different = len(np.unique(points, axis=0)) if len(points) <= MINIBATCH_FROM else len(points)
    if different < 2:
        return np.zeros(len(points), np.int64)
    kind = KMeans if len(points) <= MINIBATCH_FROM else MiniBatchKMeans
    finder = kind(min(n_clusters, different), n_init=N_INIT, random_state=seed)
    return np.asarray(finder.fit_predict(points), dtype=np.int64)


def _number_by_size(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the clusters numbered by size; equal ones by their first point."""
    found, first, counts = np.unique(groups[groups >= 0], return_index=True, return_counts=True)
    places = np.full(int(found.max(initial=-1)) + 2, -1, np.int64)  # the last one is for -1
    places[found[np.lexsort((first, -counts))]] = np.arange(len(found))
    return np.asarray(places[groups])


# Names. ------------------------------------------------------------------------------------------------------------


def tag_lift(clusters: ArrayLike, scores: ArrayLike) -> dict[int, NDArray[np.float64]]:
    """Return how much more of each tag a model hears in each cluster than in the rest.

    The difference between the means inside and outside a cluster, divided by the tag's standard deviation over all
    points plus the median of these deviations over all tags: that keeps tags that are hardly ever heard, and so hardly
    vary, from naming a cluster.

    Parameters
    ----------
    clusters : array of int, shape [n]
        As :func:`cluster` returns them.
    scores : array, shape [n, tags]
        Activations; rows that are not finite do not count.

    Returns
    -------
    dict
        Cluster to an array ``[tags]``, in deviations; zeros where a cluster is all there is, or has no finite rows.

    Raises
    ------
    OptionError
        If there is not a row of scores for each point.

    Examples
    --------
    >>> tag_lift([0, 0, 1, 1], [[1, 0], [1, 0], [0, 1], [0, 1]])[0].tolist()
    [1.0, -1.0]
    """
    members = np.asarray(clusters)
    heard = check_rows(scores, np.float64, "scores are one row per point, [n, tags]")
    if members.shape != heard.shape[:1]:
        raise OptionError(f"scores are one row for each of {members.size} points, shape {heard.shape} was found.")
    usable = np.isfinite(heard).all(axis=1)
    spread = heard[usable].std(axis=0) if usable.any() else np.zeros(heard.shape[1])
    scale = spread + np.median(spread) if len(spread) else spread
    scale = np.where(scale > 0, scale, 1)
    found = {}
    for group in np.unique(members[members >= 0]):
        inside, outside = heard[usable & (members == group)], heard[usable & (members != group)]
        apart = inside.mean(axis=0) - outside.mean(axis=0) if len(inside) and len(outside) else 0 * scale
        found[int(group)] = apart / scale
    return found


def name_clusters(clusters: ArrayLike, scores: ArrayLike, tags: Sequence[str], words: int = 2) -> dict[int, str]:
    """Return names of clusters: the tags that a model hears more in them than in the rest of the collection.

    Parameters
    ----------
    clusters : array of int, shape [n]
        As :func:`cluster` returns them.
    scores : array, shape [n, tags]
        Activations of a tagger at each point.
    tags : sequence of str
        Their names.
    words : int
        Number of tags in a name, those of the highest :func:`tag_lift`; a name that another cluster has is given one
        more, or a number.

    Returns
    -------
    dict
        Cluster to name; "group 3" where no tag stands out.

    Raises
    ------
    OptionError
        If there is not a column of scores for each tag.

    Examples
    --------
    >>> name_clusters([0, 0, 1, 1], [[1, 0], [1, 0], [0, 1], [0, 1]], ["rock", "folk"])
    {0: 'rock', 1: 'folk'}
    """
    if np.asarray(scores).ndim != 2 or np.asarray(scores).shape[1] != len(tags):
        raise OptionError(f"There is a column of scores for each of {len(tags)} tags, {np.shape(scores)} was found.")
    names: dict[int, str] = {}
    for group, lift in tag_lift(clusters, scores).items():
        ranked = [tags[i] for i in np.argsort(-lift, kind="stable") if lift[i] > MIN_LIFT]
        names[group] = _unique_name(group, ranked, words, set(names.values()))
    return names


def _unique_name(group: int, ranked: list[str], words: int, taken: set[str]) -> str:
    usual = ", ".join(ranked[:words]) or f"group {group + 1}"
    longer = ", ".join(ranked[: words + 1]) or usual
    numbered = (f"{usual} ({number})" for number in itertools.count(2))
    return next(name for name in itertools.chain([usual, longer], numbered) if name not in taken)
