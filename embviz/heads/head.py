"""A classifier on the embeddings of one layer.

Conventions: weights are frames-first as everywhere, ``[d, h]`` from `d` values to `h`; a value is standardised before
anything else, ``(x - mean) / scale``. Numbers are computed in float64 and handed over in float32.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from embviz.core.embedding import Embedding
from embviz.core.text import one_line, plural
from embviz.errors import ModelError, OptionError, WeightsError
from embviz.heads import io, tf_graph
from embviz.models import ALIASES
from embviz.models.lookup import find_model
from embviz.models.weights import has_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.audio import AudioSource
    from embviz.core.cache import CacheOption
    from embviz.core.progress import Progress
    from embviz.extraction import EngineOption, PatchHop
    from embviz.extraction.extract import EmbedOptions
    from embviz.inference.session import Session


#: What a head of each kind is made of, with its axes: d values, h hidden units, c classes, b bytes.
ARRAYS = {
    "mlp": {"mean": "d", "scale": "d", "hidden": "dh", "hidden_bias": "h", "output": "hc", "output_bias": "c"},
    "logistic": {"mean": "d", "scale": "d", "output": "dc", "output_bias": "c"},
    "ridge": {"mean": "d", "scale": "d", "output": "dc", "output_bias": "c"},
    "graph": {"graph": "b"},
}
PROBABILITY = "probability"  # the unit of what is no quantity
MOST_CLASSES = 4096
BLOCK = 4096  # frames at a time: what is computed of them is larger than they are


@dataclass(frozen=True, eq=False, repr=False)
class Head:
    """A trained classifier: what it listens to, what it tells apart, and its numbers.

    Parameters
    ----------
    name : str
        Short name, such as ``"mood_happy-msd-musicnn-1"``.
    title : str
        Name for people.
    model, layer : str
        Model and layer whose embeddings it takes.
    classes : tuple of str
        Names of what it tells apart, in the order of its outputs.
    kind : {"mlp", "logistic", "ridge", "graph"}
        One hidden layer of ReLU units; none; none, for quantities; or one of Essentia's own graphs.
    weights : mapping of str to ndarray
        ``mean`` and ``scale`` ``[d]``, ``hidden`` ``[d, h]`` and ``hidden_bias`` ``[h]`` (only ``"mlp"``), ``output``
        ``[h, c]`` or ``[d, c]``, and ``output_bias`` ``[c]``; of ``"graph"`` the bytes of its file, ``graph``.
    exclusive : bool
        Whether a frame belongs to one class (softmax), or to each class or not (sigmoid).
    facts : mapping
        What is known of it: text and numbers, such as what it was trained on and how well it did.
    dimensions : int
        Length of the vectors it takes; needed for ``"graph"`` only.
    nodes : (str, str)
        Input and output of a graph.
    unit : str
        Unit of what it gives. Where it is not ``"probability"``, the outputs are quantities: neither softmax nor
        sigmoid is applied to them.

    Raises
    ------
    OptionError
        If these do not make a classifier.

    Examples
    --------
    >>> head = Head.load("mood")  # doctest: +SKIP
    >>> embviz.heatmap(head("song.mp3"))  # doctest: +SKIP
    """

    name: str
    title: str
    model: str
    layer: str
    classes: tuple[str, ...]
    kind: str
    weights: Mapping[str, NDArray[Any]]
    exclusive: bool = True
    facts: Mapping[str, str | float | int] = field(default_factory=dict)
    dimensions: int = 0
    nodes: tuple[str, str] = ("", "")
    unit: str = PROBABILITY

    def __post_init__(self) -> None:
        _check_fields(self)
        sizes = _check_sizes(self.kind, self.weights)
        if self.kind != "graph":
            _check_numbers(self.weights)
            object.__setattr__(self, "dimensions", sizes["d"])
        if type(self.dimensions) is not int or self.dimensions < 1:
            raise OptionError(f"A head takes vectors of at least one value, {self.dimensions!r} was found.")
        if sizes.get("c", len(self.classes)) != len(self.classes):
            raise OptionError(f"A head has one output per class, {sizes['c']} for {len(self.classes)} were found.")
        object.__setattr__(self, "model", ALIASES.get(self.model, self.model))
        object.__setattr__(self, "classes", tuple(self.classes))

    # Using it. -----------------------------------------------------------------------------------------------------

    @overload
    def apply(self, embedding: Embedding) -> Embedding: ...

    @overload
    def apply(self, embedding: NDArray[Any]) -> NDArray[np.float32]: ...

    def apply(self, embedding: Embedding | NDArray[Any]) -> Embedding | NDArray[np.float32]:
        """Return how sure the classifier is of each class, frame by frame.

        Parameters
        ----------
        embedding : Embedding or ndarray
            Of this head's model and layer, ``[t, d]``. Vectors that were computed elsewhere are an array: that is the
            way of a head whose model embviz has not got. Heads on MAEST take all tokens of a patch, ``[t, k, d]``,
            which an Embedding of its layer ``"tokens"`` keeps as its tensor.

        Returns
        -------
        Embedding or ndarray
            As what was given: ``[t, c]`` on the same grid, its labels are the classes; or an array ``[t, c]``. Frames
            that are not finite stay without values.

        Raises
        ------
        OptionError
            If the embedding is another model's, another layer's, or of another length.
        """
        if not isinstance(embedding, Embedding):
            return self._classify(self._check_vectors(embedding))
        self._check_embedding(embedding)
        info = {**embedding.info, "head": self.name, "head_kind": self.kind, "head_layer": embedding.layer}
        info.pop("tensor_bytes", None)
        return replace(
            embedding,
            values=self._classify(embedding.tensor if self.takes_tokens else embedding.values),
            layer=self.title,
            labels=self.classes,
            unit=self.unit,
            info=info,
            _tensor=None,
        )

    def _classify(self, vectors: NDArray[Any]) -> NDArray[np.float32]:
        values = np.full((len(vectors), len(self.classes)), np.nan, dtype=np.float32)
        for start in range(0, len(values), BLOCK):
            frames = np.asarray(vectors[start : start + BLOCK])
            whole = np.isfinite(frames).all(axis=tuple(range(1, frames.ndim)))
            if whole.any():
                values[start : start + BLOCK][whole] = self._probabilities(frames[whole])
        return values

    def __call__(
        self,
        audio: AudioSource,
        *,
        cache: CacheOption = None,
        progress: Progress = None,
        patch_hop: PatchHop = None,
        engine: EngineOption = "auto",
    ) -> Embedding:
        """Embed a track with this head's model and layer, and apply the head.

        Parameters
        ----------
        audio : path, (ndarray, int) or Audio
            The track.
        cache, progress, patch_hop, engine
            As for :func:`embviz.embed`.

        Returns
        -------
        Embedding
            As of :meth:`apply`.

        Raises
        ------
        EmbvizError
            As of :func:`embviz.embed` and of :meth:`apply`.
        """
        from embviz.extraction import embed

        self.check_extractor()
        options: EmbedOptions = {"patch_hop": patch_hop, "engine": engine, "cache": cache, "progress": progress}
        embedding = embed(audio, self.model, layer=self.layer, **options)
        return self.apply(embedding)

    def check_extractor(self) -> None:
        """Raise in one sentence where there is no model, or none with weights, to take embeddings of."""
        model = find_model(self.model)
        if model is None:
            raise ModelError(
                f"The head {self.name!r} takes embeddings of {self.model!r}, an extractor that embviz does not have; "
                f"compute them elsewhere and give apply() the array {self._expected}."
            )
        if not has_weights(model):
            raise WeightsError(
                f"The head {self.name!r} takes embeddings of {self.model!r}, whose weights are not on this machine; "
                f"get them with embviz.pull({self.model!r}) or `embviz pull {self.model}`, or give apply() the array "
                f"{self._expected}."
            )

    @property
    def takes_tokens(self) -> bool:
        """Whether it takes all tokens of a patch, as heads on MAEST do, rather than one vector per frame."""
        model = find_model(self.model)
        layers = model.known_layers if model else ()
        return any(layer.name == self.layer and layer.keeps_tokens for layer in layers)

    @property
    def _expected(self) -> str:
        """Shape of the arrays that it takes."""
        return f"[t, tokens, {self.dimensions}]" if self.takes_tokens else f"[t, {self.dimensions}]"

    def with_facts(self, **facts: str | float) -> Head:
        """Return the head with more to read about it."""
        return replace(self, facts={**self.facts, **facts})

    def _check_vectors(self, vectors: Any) -> NDArray[Any]:
        is_array = isinstance(vectors, np.ndarray)
        found = f"an array of the shape {vectors.shape}" if is_array else f"a {type(vectors).__name__}"
        ndim = 3 if self.takes_tokens else 2
        if (
            not is_array
            or vectors.ndim != ndim
            or vectors.shape[-1] != self.dimensions
            or vectors.dtype.kind not in "fiu"
        ):
            raise OptionError(
                f"The head {self.name!r} is applied to an Embedding of {self.model!r} / {self.layer!r}, or to numbers "
                f"{self._expected}, {found} was found; call the head itself with a track."
            )
        return np.asarray(vectors)

    def _check_embedding(self, embedding: Embedding) -> None:
        if not self.fits(embedding.model, embedding.layer):
            raise OptionError(
                f"The head {self.name!r} takes embeddings of {self.model!r} / {self.layer!r}, one of "
                f"{embedding.model!r} / {embedding.layer!r} was found; embed with that model and layer."
            )
        if embedding.shape[1] != self.dimensions:
            raise OptionError(
                f"The head {self.name!r} takes {plural(self.dimensions, 'value')} per frame, {embedding.shape[1]:,} "
                f"were found: the {self.model!r} here is another one than it was trained on."
            )

    def fits(self, model: str, layer: str) -> bool:
        """Tell whether the head takes the embeddings of a layer of a model.

        Parameters
        ----------
        model, layer : str
            Name or alias of the model, and name of the layer.

        Returns
        -------
        bool
        """
        return (self.model, self.layer) == (ALIASES.get(model, model), layer)

    def _probabilities(self, frames: NDArray[Any]) -> NDArray[Any]:
        if self.kind == "graph":
            return tf_graph.classify(self._session, self.nodes[0], frames, len(self.classes))
        weights = {name: np.asarray(array, dtype=np.float64) for name, array in self.weights.items()}
        # Numbers out of a file may be so large that nothing comes of them.
        with np.errstate(over="ignore", invalid="ignore"):
            values = (frames - weights["mean"]) / weights["scale"]
            if self.kind == "mlp":
                values = np.maximum(values @ weights["hidden"] + weights["hidden_bias"], 0)
            values = values @ weights["output"] + weights["output_bias"]
            if self.unit != PROBABILITY:
                return values
            return _softmax(values) if self.exclusive else _sigmoid(values)

    @cached_property
    def _session(self) -> Session:
        data, rank = np.asarray(self.weights["graph"]).tobytes(), 3 if self.takes_tokens else 2
        return tf_graph.load_session(data, self.nodes, len(self.classes), rank)

    # Keeping it. ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write the head to ``PATH.safetensors`` and what there is to read about it to ``PATH.json``.

        Parameters
        ----------
        path : path
            Without an ending, or with that of either file.

        Returns
        -------
        Path
            The first of the two; both are needed.
        """
        return io.save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Head:
        """Read a head written by :meth:`save`.

        Parameters
        ----------
        path : path
            The one given there, or that of either file.

        Returns
        -------
        Head

        Raises
        ------
        ModelError
            If a file is missing, is damaged or belongs to another one.
        """
        try:
            return cls(**io.read_fields(path))
        except OptionError as error:
            raise ModelError(f"{str(path)!r} holds no head that can be used. {error}") from error

    # Describing itself. --------------------------------------------------------------------------------------------

    def _facts(self) -> list[tuple[str, str]]:
        kinds = {
            "mlp": "one hidden layer of {} units", "logistic": "logistic regression", "ridge": "ridge regression",
            "graph": "Essentia's graph",
        }  # fmt: skip
        hidden = np.shape(self.weights["hidden"])[1] if self.kind == "mlp" else 0
        facts = [
            ("on", f"{self.model} / {self.layer} ({plural(self.dimensions, 'value')})"),
            ("classes", ", ".join(self.classes[:20]) + (", …" if len(self.classes) > 20 else "")),
            ("made of", kinds[self.kind].format(hidden)),
            *((name.replace("_", " "), str(value)) for name, value in self.facts.items()),
        ]
        return [(one_line(label), one_line(text)) for label, text in facts]

    def __repr__(self) -> str:
        names = ", ".join(map(repr, self.classes[:6])) + (", …" if len(self.classes) > 6 else "")
        return f"<Head {self.name!r}: {names} from {self.model} / {self.layer}>"

    def _repr_html_(self) -> str:
        cell = "text-align:left;vertical-align:top;padding:.1em .8em .1em 0;background:transparent;color:inherit"
        rows = "".join(
            f'<tr style="background:transparent"><th style="{cell}">{html.escape(label)}</th>'
            f'<td style="{cell}">{html.escape(text)}</td></tr>'
            for label, text in self._facts()
        )
        return (
            f'<div style="color:inherit"><strong>{html.escape(one_line(self.title))}</strong> '
            f"{html.escape(one_line(self.name))}"
            f'<table style="color:inherit;border-collapse:collapse">{rows}</table></div>'
        )


def _softmax(values: NDArray[Any]) -> NDArray[Any]:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _sigmoid(values: NDArray[Any]) -> NDArray[Any]:
    # Either form overflows on its own side of zero.
    small = np.exp(-np.abs(values))
    return np.asarray(np.where(values >= 0, 1, small) / (1 + small))


# Checking. -----------------------------------------------------------------------------------------------------------


def _require(fits: bool, expected: str, value: object) -> None:
    if not fits:
        raise OptionError(f"{expected}, {value!r:.80} was found.")


def _check_fields(head: Any) -> None:
    nodes, classes, facts = head.nodes, head.classes, head.facts
    _require(isinstance(nodes, list | tuple) and len(nodes) == 2, "The nodes of a head are two texts", nodes)
    named = {name: getattr(head, name) for name in ("name", "title", "model", "layer")}
    words = {"kind": head.kind, "unit": head.unit, "input node": nodes[0], "output node": nodes[1]}
    for name, value in (named | words).items():
        fits = isinstance(value, str) and (value != "" or name in words) and len(value) <= 1000
        _require(fits, f"The {name} of a head is a text", value)
    _require(head.kind in ARRAYS, f"The kind of a head is one of {', '.join(ARRAYS)}", head.kind)
    _require(isinstance(head.exclusive, bool), "exclusive is True or False", head.exclusive)
    fits = isinstance(classes, list | tuple) and all(isinstance(name, str) and name for name in classes)
    _require(fits, "The classes of a head are texts", classes)
    fits = 1 <= len(classes) <= MOST_CLASSES and len(set(classes)) == len(classes)
    _require(fits, f"A head tells apart 1 to {MOST_CLASSES:,} classes of different names", classes)
    fits = isinstance(facts, Mapping) and all(isinstance(name, str) for name in facts)
    fits = fits and all(isinstance(value, str | float | int) for value in facts.values())
    _require(fits, "The facts of a head are texts and numbers by name", facts)


def _check_sizes(kind: str, weights: Mapping[str, NDArray[Any]]) -> dict[str, int]:
    """Return the length of each axis by its letter; raises where arrays are missing or do not fit together."""
    expected = ARRAYS[kind]
    _require(isinstance(weights, Mapping), "The weights of a head are arrays by name", weights)
    if set(weights) != set(expected):
        raise OptionError(
            f"A head of kind {kind!r} is made of {', '.join(expected)}; {', '.join(map(str, weights)) or 'nothing'} "
            "was found."
        )
    sizes: dict[str, int] = {}
    for name, axes in expected.items():
        shape = np.shape(weights[name])
        fits = len(shape) == len(axes) and all(shape)
        if not fits or any(sizes.setdefault(axis, n) != n for axis, n in zip(axes, shape, strict=True)):
            raise OptionError(
                f"The array {name!r} of a {kind!r} head is expected as [{', '.join(axes)}] with the same lengths as in "
                f"its other arrays, the shape {shape} was found."
            )
    return sizes


def _check_numbers(weights: Mapping[str, NDArray[Any]]) -> None:
    for name, array in weights.items():
        numbers = np.asarray(array)
        if not np.issubdtype(numbers.dtype, np.floating) or not np.isfinite(numbers).all():
            raise OptionError(f"The array {name!r} of a head holds finite floating-point numbers, others were found.")
    if not np.asarray(weights["scale"]).all():
        raise OptionError("The scale of a head is never 0, it was for some value.")
