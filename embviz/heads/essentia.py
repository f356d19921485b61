"""Essentia's own classifiers: a graph for ``TensorflowPredict2D`` and the JSON beside it.

Essentia's descriptions are not always right: what they say is compared with the graph and with the model that the head
is for, and what cannot be is refused. By Essentia's convention a head takes what its model calls its embeddings.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.errors import GraphError, ModelError, OptionError, did_you_mean
from embviz.heads import tf_graph
from embviz.heads.head import MOST_CLASSES, Head
from embviz.heads.io import file_size
from embviz.inference.graph import Graph
from embviz.models import Model, get_model, known_models
from embviz.models.metadata import get_mapping, get_text, read_metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray


LARGEST = 64 << 20  # bytes of a graph
ALGORITHM = "TensorflowPredict2D"
#: What turns a head's last numbers into probabilities.
ENDS = ("Softmax", "Sigmoid")
#: Operations that hand on what they get.
PASSING = ("Identity", "PartitionedCall", "StatefulPartitionedCall")


def read_essentia_head(
    path: Path,
    metadata: str | Path | Mapping[str, Any] | None,
    name: str,
    *,
    model: str | Model | None,
    layer: str | None,
    classes: Sequence[str] | None,
) -> Head:
    """Return the head that a graph and its description make; raises where they make none."""
    try:
        length = file_size(path)
    except (OSError, ValueError) as error:
        raise GraphError(f"The graph {str(path)!r} cannot be read: {getattr(error, 'strerror', error)}.") from error
    if length > LARGEST:
        raise ModelError(f"{str(path)!r} is too large for a head: at most {LARGEST >> 20} MB are expected.")
    draft = _HeadDraft(path, Graph.read(path), read_metadata(path, metadata))
    return draft.head(name, get_model(model) if model is not None else draft.model(), layer or "embedding", classes)


@dataclass
class _HeadDraft:
    """A head in the making."""

    path: Path
    graph: Graph
    metadata: Mapping[str, Any]

    def head(self, name: str, model: Model, layer: str, classes: Sequence[str] | None) -> Head:
        self._check_algorithm()
        layer, values = resolve_layer(model, layer)
        nodes = self._source, self._target
        shape = self.graph.placeholder_shapes.get(nodes[0])
        taken = shape[-1] if shape and shape[-1] > 0 else values
        if values is not None and taken != values:
            raise ModelError(
                f"{self.path.name!r} takes {taken} values per frame, the layer {layer!r} of {model.name!r} has "
                f"{values}; model= and layer= say what it was trained on."
            )
        if taken is None:
            file = repr(self.path.name)
            raise ModelError(f"How many values {file} takes can be said by neither its graph nor {layer!r}.")
        weights = np.frombuffer(self.path.read_bytes(), dtype=np.uint8)
        return Head(
            name=name,
            title=get_text(self.metadata, "name") or name,
            model=model.name,
            layer=layer,
            classes=self._classes(classes, self._count_outputs(weights, nodes, taken)),
            kind="graph",
            weights={"graph": weights},
            exclusive=self._end == "Softmax",
            facts=self._facts(),
            dimensions=taken,
            nodes=nodes,
            unit="probability" if self._end else "",
        )

    def _check_algorithm(self) -> None:
        algorithm = get_text(get_mapping(self.metadata, "inference"), "algorithm")
        if algorithm not in ("", ALGORITHM):
            raise ModelError(
                f"A head for {ALGORITHM} is expected in {self.path.name!r}, its metadata name {algorithm!r}: that is a "
                "model for sound, which embviz.register_model() adds."
            )

    def model(self) -> Model:
        """Return the model that the metadata name, or else the name of the file."""
        file, models = repr(self.path.name), {model.name: model for model in known_models()}
        name = get_text(get_mapping(get_mapping(self.metadata, "inference"), "embedding_model"), "model_name")
        # Heads are called <task>-<model>-<version of the head>.
        inside = [known for known in models if f"-{re.sub(r'-[0-9]+$', '', known)}-" in f"-{self.path.stem}-"]
        if name and name not in models:
            raise ModelError(
                f"{file} takes embeddings of {name!r}, which embviz does not know."
                f"{did_you_mean(name, models)} register_model() adds a model, model= names another one."
            )
        if not name and not inside:
            raise ModelError(
                f"Neither metadata nor name of {file} say which model it takes embeddings of; model= does."
            )
        return models[name or max(inside, key=len)]

    @property
    def _source(self) -> str:
        named = _names(self.metadata, "inputs")
        floats = [name for name in self.graph.placeholders if self.graph.nodes[name].is_float]
        # Converted files have lost the name that the metadata have, or the other way round.
        source = next((name for name in named if name in floats), floats[0] if len(floats) == 1 else None)
        if source is None:
            raise ModelError(
                f"One input is expected in {self.path.name!r}, {len(floats)} were found "
                f"({', '.join(floats) or 'none'}), and the metadata name {', '.join(named) or 'none'}."
            )
        return source

    @cached_property
    def _target(self) -> str:
        nodes = self.graph.nodes
        used = {name for node in nodes.values() for name in node.inputs}
        last = [name for name, node in nodes.items() if name not in used and node.op in (*ENDS, *PASSING)]
        likely = [*_names(self.metadata, "outputs", "predictions"), "model/Softmax", "model/Sigmoid"]
        target = next((name for name in likely if name in nodes), last[0] if len(last) == 1 else None)
        if target is None:
            raise ModelError(
                f"{self.path.name!r} has no output that could be told from the rest: 'model/Softmax' or "
                "'model/Sigmoid' is expected, or a name in its metadata."
            )
        return target

    @property
    def _end(self) -> str:
        """What makes probabilities of the last numbers; empty where nothing does."""
        node = self.graph.nodes[self._target]
        while node.op == "Identity":
            node = self.graph.nodes[node.inputs[0]]
        outputs = [output for output in _entries(self.metadata, "outputs") if output.get("name") == self._target]
        # What is inside a function the metadata have to tell.
        end = get_text(next(iter(outputs), {}), "op") if node.op in PASSING else node.op
        return end if end in ENDS else ""

    def _count_outputs(self, weights: NDArray[np.uint8], nodes: tuple[str, str], values: int) -> int:
        """Return how many numbers it gives for a vector, by asking it."""
        frames = np.random.default_rng(0).standard_normal((3, values), dtype=np.float32)
        given = tf_graph.run_graph(tf_graph.load_session(weights.tobytes(), nodes), nodes, frames)
        if given.ndim != 2 or len(given) != len(frames) or not np.isfinite(given).all():
            file = repr(self.path.name)
            raise ModelError(f"{file} is expected to give finite numbers for each frame, others were found.")
        return int(given.shape[1])

    def _classes(self, asked: Sequence[str] | None, given: int) -> tuple[str, ...]:
        names = self.metadata.get("classes") if asked is None else asked
        if asked is None and not names:
            return tuple(f"class {i + 1}" for i in range(given))
        if not isinstance(names, list | tuple) or not names:
            raise OptionError(f"classes is a list of texts, {names!r:.80} was found.")
        if len(names) != given or given > MOST_CLASSES:
            raise ModelError(
                f"{self.path.name!r} gives {given} values per frame, {len(names)} classes are named; classes= names "
                "what it tells apart."
            )
        return tuple(map(str, names))

    def _facts(self) -> dict[str, str | float | int]:
        metadata, dataset = self.metadata, get_mapping(self.metadata, "dataset")
        metrics = get_mapping(dataset, "metrics")
        facts: dict[str, str | float | int] = {
            "task": get_text(metadata, "description"),
            "trained_on": get_text(dataset, "name"),
            "tracks": get_text(dataset, "size"),
            **{str(name): value for name, value in metrics.items() if isinstance(value, str | int | float)},
            "author": get_text(metadata, "author"),
            "licence": get_text(metadata, "license") or get_text(metadata, "licence"),
            "citation": get_text(metadata, "citation"),
            "file": self.path.name,
            "sha256": hashlib.sha256(self.path.read_bytes()).hexdigest(),
        }
        return {name: value for name, value in facts.items() if value != ""}


def resolve_layer(model: Model, layer: str) -> tuple[str, int | None]:
    """Return the name of a layer and the length of its vectors, None where only absent weights could tell."""
    from embviz.extraction.extract import LayerSpec
    from embviz.extraction.stitching import vector_length
    from embviz.models.weights import weights_state

    if weights_state(model) == "ready":
        spec = LayerSpec.of(model, layer, None)
        return spec.layer.name, vector_length(spec.layer, spec.shapes)
    record = model.layer(layer)
    return record.name, record.shape[record.axes.index("c")] if record.shape and "c" in record.axes else None


def _entries(metadata: Mapping[str, Any], side: str) -> list[Mapping[str, Any]]:
    entries = get_mapping(metadata, "schema").get(side)
    return [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []


def _names(metadata: Mapping[str, Any], side: str, purpose: str = "") -> list[str]:
    """Return the names of the inputs or outputs that metadata tell, those of a purpose first."""
    entries = sorted(_entries(metadata, side), key=lambda entry: get_text(entry, "output_purpose") != purpose)
    return [get_text(entry, "name") for entry in entries if get_text(entry, "name")]
