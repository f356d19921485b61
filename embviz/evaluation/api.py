"""Downstream tasks: how well small classifiers predict classes, quantities or labels from the embeddings of models.

Conventions: a task is a column of a collection that says what each track is. Every classifier is tested only on tracks
that it was not trained on. Scores are computed from its predictions, in :mod:`embviz.evaluation.metrics`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from embviz.batch.executors import check_executor, check_workers
from embviz.collection.column_facts import column_unit
from embviz.core.cache import CacheOption, resolve_cache
from embviz.core.progress import Progress, reporter
from embviz.core.vectors import Vectors
from embviz.errors import OptionError, did_you_mean
from embviz.evaluation import classifiers
from embviz.evaluation import labels as labelling
from embviz.evaluation import splits as splitting
from embviz.evaluation.experiments import WHOLE, baseline_results, build_experiments, derive_seed
from embviz.evaluation.features import LayerFeatures, build_feature_matrix, load_features, missing_tracks
from embviz.evaluation.result_tables import KIND_TEXTS
from embviz.evaluation.results import TaskCollections
from embviz.evaluation.training import TrainingScheduler
from embviz.extraction.extract import as_list
from embviz.models import Model, get_model

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pandas as pd
    from numpy.typing import NDArray

    from embviz.collection import Collection
    from embviz.evaluation.evaluation import Evaluation
    from embviz.evaluation.splits import Split, TaskSpec
    from embviz.evaluation.task import Label, Task
    from embviz.extraction import EngineOption
    from embviz.heads import Head


Tracks: TypeAlias = "Collection | pd.DataFrame"
Target: TypeAlias = "str | Task | Mapping[str, Sequence[str]]"
Features: TypeAlias = str | Model | Vectors
VectorPair: TypeAlias = tuple[Vectors, Vectors]


def evaluate(  # noqa: PLR0913  options are given by name
    collection: Tracks,
    target: Target | Sequence[Target],
    models: Features | VectorPair | Sequence[Features | VectorPair],
    *,
    layers: str | Sequence[str] | Mapping[str, str] | Mapping[str, Sequence[str]] = "embedding",
    external: Tracks | None = None,
    folds: int | str = 5,
    groups: str | Literal[False] | None = None,
    kind: str = "auto",
    classifier: str | Sequence[str] = "mlp",
    pooling: str = "mean",
    classes: Mapping[str, Label | None] | Mapping[int, Label | None] | None = None,
    learning: Sequence[float] = (),
    seed: int = 0,
    executor: Executor | None = None,
    workers: int | None = None,
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    progress: Progress = True,
) -> Evaluation:
    """Return the scores of small classifiers that are trained on embeddings of tracks and tested on other tracks.

    All models, layers and classifiers are tested on the same tracks in the same folds. Standardisation, weights of
    classes and everything else that is fitted is fitted to the training tracks of a fold alone. What was trained is
    kept in the cache: a run that ended in any way is taken up by the next one where it stopped.

    Parameters
    ----------
    collection : Collection or DataFrame
        The tracks.
    target : str, Task, mapping, or sequence of them
        The column that says what each track is, or a task (:func:`embviz.list_tasks`), or its name. What the column
        holds decides what is predicted, and a note says it: texts, and whole numbers of a few values, are classes;
        other numbers (tempo, year, valence) a quantity; lists of texts several labels per track. Labels with a column
        each, of 0 and 1, are named by a mapping: ``{"tags": ["rock", "jazz"]}``.
    models : str, Model, Vectors, or sequence of them
        What is compared. Vectors of your own are taken as they are; where there is another collection, a pair.
    layers : str, sequence of str or mapping
        A layer's name, several, ``"all"`` known ones, or a mapping from models to these.
    external : Collection or DataFrame, optional
        Another collection with the same classes, tested after training on all of the first.
    folds : int or str
        Number of folds, stratified by class; or the column that says in which fold each track is. A task with folds of
        its own uses these.
    groups : str, False or None
        The column of what may not stand in training and test: artist, album, the track of an excerpt. None takes the
        column ``artist`` where it is filled and leaves each class artists enough for all folds; False takes none.
        Artists who share a track (``"A/B"``, ``"A feat. B"``) are one group with all their tracks, see
        :mod:`embviz.collection.artists`. Copies of equal content always stay together.
    kind : {"auto", "classes", "quantity", "labels"}
        What a column is taken for where what it holds should not decide, such as ratings from 1 to 9. For labels,
        texts such as ``"rock;jazz"`` or ``"rock|jazz"`` are split.
    classifier : {"mlp", "logistic", "knn"} or sequence of them
        What is trained: a multilayer perceptron, logistic regression (for quantities ridge regression) or nearest
        neighbors, see :mod:`embviz.evaluation.classifiers`. The baselines "majority" and "chance", for quantities
        "mean" and "median", are always there.
    pooling : {"mean", "frames", "mean+std", "max", "median"}
        What is trained on: a vector for each track, or its frames, whose probabilities are averaged. Frames take
        several times as long and were no better on the whole (``python -m benchmarks pooling`` measures both).
    classes : mapping, optional
        From labels of the other collection to classes of the first, None to leave one out. Labels that are not in it
        stand for the class of their own name.
    learning : sequence of float
        Shares of the training tracks, 0 … 1, to train on, too: learning curves.
    seed : int
        For folds and training.
    executor : concurrent.futures.Executor, optional
        What computes and trains; by default processes on this machine, where it takes long.
    workers : int, optional
        Number of processes, by default one for each core; 1 works in this process. Results do not depend on it.
    engine : {"auto", "essentia", "onnx"}
        What runs the networks, as for :func:`embviz.embed`.
    cache : Cache, False or None
        Where results are kept; None is the user's cache, False keeps nothing.
    progress : bool or callable
        True shows a progress bar; a callable is given ``(stage, done, total)`` and may raise to cancel. What was done
        until then is kept.

    Returns
    -------
    Evaluation
        Scores with their intervals, figures, confusion matrices, and the prediction of each track.

    Raises
    ------
    CollectionError
        If the labels are no classes, or too few, or all equal, or nothing is left to test on.
    OptionError, ModelError, LayerError, WeightsError
        If an option is out of range, or there is no such model, layer, or weights.

    References
    ----------
    The multilayer perceptron, its five folds and the class-weighted accuracy are those of Essentia's transfer-learning
    classifiers: P. Alonso-Jiménez, D. Bogdanov, J. Pons and X. Serra, TensorFlow audio models in Essentia, ICASSP 2020.
    It is trained by scikit-learn: F. Pedregosa et al., Journal of Machine Learning Research 12, 2011.

    Examples
    --------
    >>> import embviz
    >>> collection = embviz.Collection.from_folder(embviz.sample_audio())  # doctest: +SKIP
    >>> evaluate(collection, "family", ["musicnn", "vggish"], folds=3).table  # doctest: +SKIP

    Vectors of your own are evaluated in the same way:

    >>> import numpy as np
    >>> import pandas as pd
    >>> import embviz
    >>> table = pd.DataFrame({"genre": ["jazz", "rock"] * 20})
    >>> values = np.random.default_rng(0).normal(size=(40, 3)) + 5 * (table[["genre"]] == "rock").to_numpy()
    >>> vectors = embviz.Vectors.from_array(values, table.index)
    >>> scores = evaluate(table, "genre", vectors, cache=False, workers=1, progress=False).table
    >>> scores[["classifier", "accuracy"]].head(2).values.tolist()
    [['mlp', 1.0], ['majority', 0.5]]

    A quantity is predicted by regression:

    >>> tempo = table.assign(tempo=90 + 10 * values[:, 0])
    >>> evaluation = evaluate(tempo, "tempo", vectors, classifier="logistic", cache=False, workers=1, progress=False)
    >>> evaluation.table[["classifier", "measure"]].values.tolist()
    [['ridge', 'R²'], ['mean', 'R²'], ['median', 'R²']]
    >>> bool(evaluation.table["score"][0] > 0.9)
    True
    """
    from embviz.evaluation.evaluation import Evaluation

    table = labelling.check_table(collection)
    other = None if external is None else labelling.check_table(external)
    kinds, shares = classifiers.check_classifiers(classifier), _check_learning(learning)
    executor, workers = check_executor(executor), check_workers(workers)
    store = resolve_cache(cache)
    where = splitting.check_folds(folds), splitting.check_groups(groups), splitting.check_kind(kind)
    specs = _resolve_targets(target, table, *where)
    options: dict[str, Any] = {"external": other, "classes": classes, "seed": _check_seed(seed)}
    # What is wrong is said before anything is computed.
    before = [splitting.make_split(spec, table, **options) for spec in specs]
    with reporter(progress) as report:
        found = load_features(
            _labelled_rows(table, [one.labels for one in before]),
            None if other is None else _labelled_rows(other, [one.external for one in before if one.external]),
            models,
            layers,
            pooling,
            engine=engine,
            cache=cache,
            executor=executor,
            workers=workers,
            progress=report,
        )
        splits = [_drop_failed(one, spec, found, table, options) for one, spec in zip(before, specs, strict=True)]
        experiments = [each for one in splits for each in build_experiments(one, found, kinds, shares, seed)]
        jobs = [experiment.jobs for experiment in experiments]
        training = TrainingScheduler(list(chain(*jobs)), store, report, executor, workers)
        proba = iter(training.run())
        results = [one.result(list(islice(proba, len(some)))) for one, some in zip(experiments, jobs, strict=True)]
    ordered = [
        result
        for one in splits
        for result in (*(each for each in results if each.task == one.name), *baseline_results(one, seed))
    ]
    notes = [f"{one.name}: {note}" if len(splits) > 1 else note for one in splits for note in one.notes]
    collections = {one.name: TaskCollections(table, other, one.grouped_by) for one in splits}
    return Evaluation(tuple(ordered), collections, tuple(notes), seed)


def _resolve_targets(target: Any, table: pd.DataFrame, folds: int | str, groups: Any, kind: str) -> list[TaskSpec]:
    """Return the tasks of the targets, checked to be different."""
    given = list(target) if isinstance(target, list | tuple) else [target]
    specs = [spec for one in given for spec in splitting.resolve_target(one, table, folds, groups, kind)]
    names = [one.name for one in specs]
    if not names or len(set(names)) < len(names):
        found = "nothing" if not names else f"{next(name for name in names if names.count(name) > 1)!r} twice"
        raise OptionError(f"One target is expected, or several different ones, {found} was found.")
    return specs


def _check_learning(learning: Any) -> tuple[float, ...]:
    given = list(learning) if isinstance(learning, Iterable) else [learning]
    if any(isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1 for share in given):
        raise OptionError(f"learning is a list of shares above 0 and up to 1, {learning!r:.80} was found.")
    return tuple(sorted({float(share) for share in given if share < 1}))


def _check_seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise OptionError(f"seed is a whole number of at least 0, {seed!r:.80} was found.")
    return int(seed)


def _labelled_rows(table: pd.DataFrame, labels: Sequence[labelling.Labels]) -> pd.DataFrame:
    """Return the rows of all tracks of the tasks."""
    return table[table.index.isin(np.concatenate([one.tracks for one in labels]))]


def _drop_failed(
    before: Split, spec: TaskSpec, found: Sequence[LayerFeatures], table: pd.DataFrame, options: Mapping[str, Any]
) -> Split:
    """Return a split without the tracks that have no vector of some layer."""
    failed = {label for features in found for label in missing_tracks(features.vectors, before.labels.tracks)}
    there = before.external.tracks if before.external else np.zeros(0, np.int64)
    outside = [features.external for features in found if features.external is not None]
    failed_there = {label for vectors in outside for label in missing_tracks(vectors, there)}
    if not failed and not failed_there:
        return before
    return splitting.make_split(spec, table, **options, failed=failed, failed_there=failed_there)


def _fit_all_tracks(kind: str, vectors: Vectors, labels: labelling.Labels, seed: int) -> dict[str, NDArray[np.float32]]:
    """Return the weights of a network trained on all tracks: the same that is tested on another collection."""
    x, track = build_feature_matrix(vectors, labels.tracks).select(np.arange(len(labels)))
    truth = labels.truth[track]
    with classifiers.single_threaded():
        weights = classifiers.sample_weights(truth, track)
        return classifiers.fit(kind, x, truth, weights, labels.outputs, derive_seed(seed, WHOLE))


def train(  # noqa: PLR0913  options are given by name
    collection: Tracks,
    target: Target,
    model: Features,
    *,
    layer: str = "embedding",
    kind: str = "auto",
    classifier: str = "mlp",
    pooling: str = "mean",
    name: str | None = None,
    unit: str | None = None,
    seed: int = 0,
    executor: Executor | None = None,
    workers: int | None = None,
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    progress: Progress = True,
) -> Head:
    """Return a head that is trained on all tracks of a collection, to be applied to others.

    Parameters
    ----------
    collection, target, kind, pooling, seed, executor, workers, engine, cache, progress
        As for :func:`evaluate`, which measures how good such a classifier is: this one has seen all tracks. Of several
        labels per track, each has a probability of its own; a quantity is given in its unit.
    model : str, Model or Vectors
        The model, or vectors of your own.
    layer : str
        Its layer.
    classifier : {"mlp", "logistic", "ridge"}
        What is trained; of a quantity, logistic regression stands for ridge regression.
    name : str, optional
        What the head is called; by default the target and the model.
    unit : str, optional
        The unit of a quantity, such as ``"BPM"``; by default the one that is known of the column.

    Returns
    -------
    Head
        Its ``apply(embedding)`` returns probabilities, ``[t, c]``, or a quantity, ``[t, 1]``: one row per frame.

    Raises
    ------
    CollectionError
        If the labels are no classes, or too few.
    OptionError
        If the classifier is no network, several layers are named, the pooling has a standard deviation, or a unit is
        given for what is no quantity.
    ModelError, LayerError, WeightsError
        If there is no such model, layer, or weights.

    Examples
    --------
    >>> head = train(collection, "family", "musicnn")  # doctest: +SKIP
    >>> head.apply(embviz.embed("track.mp3", "musicnn")).shape  # doctest: +SKIP

    >>> import numpy as np
    >>> import pandas as pd
    >>> import embviz
    >>> table = pd.DataFrame({"genre": ["jazz", "rock"] * 20})
    >>> values = np.random.default_rng(0).normal(size=(40, 3)) + 5 * (table[["genre"]] == "rock").to_numpy()
    >>> vectors = embviz.Vectors.from_array(values, table.index)
    >>> head = train(table, "genre", vectors, cache=False, progress=False)
    >>> head.name, head.classes
    ('genre-own', ('jazz', 'rock'))

    >>> tempo = table.assign(tempo=90 + 10 * values[:, 0])
    >>> head = train(tempo, "tempo", vectors, unit="BPM", cache=False, progress=False)
    >>> head.classes, head.unit
    (('tempo',), 'BPM')
    """
    from embviz import __version__
    from embviz.heads import Head

    if classifier not in (*classifiers.NETWORKS, classifiers.RIDGE):
        known = ", ".join((*classifiers.NETWORKS, classifiers.RIDGE))
        near = did_you_mean(str(classifier), (*classifiers.NETWORKS, classifiers.RIDGE))
        raise OptionError(f"A head is one of {known}, {classifier!r:.80} was found.{near}")
    if "+" in str(model.pooling if isinstance(model, Vectors) else pooling):
        raise OptionError("A head is applied to frames, which have no standard deviation: ask for pooling='mean'.")
    if layer == "all" or as_list(layer, str, "layer") != [layer]:
        raise OptionError(f"A head is applied to one layer, {layer!r:.80} was found; name it.")
    table = labelling.check_table(collection)
    seed = _check_seed(seed)
    specs = splitting.resolve_target(target, table, 2, groups=False, kind=splitting.check_kind(kind))
    if len(specs) != 1:
        raise OptionError(f"A head is trained for one target, {len(specs)} were named.")
    spec = specs[0]
    labels, _ = labelling.read_labels(table, spec.target, kind=spec.kind, columns=spec.columns)
    classifier, unit = _trained_form(classifier, unit, labels, table)
    with reporter(progress) as report:
        rows = _labelled_rows(table, [labels])
        options = {"engine": engine, "cache": cache, "executor": executor, "workers": workers, "progress": report}
        (features,) = load_features(rows, None, [model], layer, pooling, **options)
        report("training the classifier", 0, 1)
        vectors = features.vectors
        labels = splitting.drop_failed(labels, missing_tracks(vectors, labels.tracks), [], "")
        splitting.check_classes(labels)
        weights = _fit_all_tracks(classifier, vectors, labels, seed)
        report("training the classifier", 1, 1)
    title = model.model if isinstance(model, Vectors) else get_model(model).title
    facts: dict[str, str | float | int] = {
        "task": spec.name,
        "classifier": classifier,
        "tracks": len(labels),
        "pooling": vectors.pooling,
        "seed": seed,
        "embviz": __version__,
        "scikit-learn": version("scikit-learn"),
    }
    return Head(
        name=name or f"{spec.name}-{vectors.model}",
        title=f"{spec.name} from {title}",
        model=vectors.model,
        layer=vectors.layer,
        classes=labels.classes or (spec.name,),
        kind=classifier,
        weights=weights,
        exclusive=labels.kind == "classes",
        facts=facts,
        unit=unit,
    )


def _trained_form(classifier: str, unit: Any, labels: labelling.Labels, table: pd.DataFrame) -> tuple[str, str]:
    """Return what is trained, and the unit of what the head gives; raise where these do not fit what is predicted."""
    from embviz.heads.head import PROBABILITY

    if labels.kind == "quantity":
        if unit is None:
            unit = column_unit(table, labels.column).replace(PROBABILITY, "")  # a mean of these may lie outside 0 … 1
        if not isinstance(unit, str) or unit == PROBABILITY:
            raise OptionError(f"unit is the unit of a quantity as text, such as 'BPM'; {unit!r:.80} was found.")
        return classifiers.trained_name(classifier, labels.kind), unit
    what = f"{labels.column!r} is {KIND_TEXTS[labels.kind]}"
    if unit is not None:
        raise OptionError(f"A unit is one of a quantity, and {what}: leave unit= out, or say kind='quantity'.")
    if classifier == classifiers.RIDGE:
        raise OptionError(f"Ridge regression is for quantities, and {what}: take 'logistic'.")
    return classifier, PROBABILITY
