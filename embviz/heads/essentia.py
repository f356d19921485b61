"""Essentia's own classifiers: a graph for ``TensorflowPredict2D`` and the JSON beside it.

Essentia's descriptions are not always right: what they say is compared with the graph, which is believed, and with the
model that the head is for. By Essentia's convention a head takes what its model calls its embeddings.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from embviz.errors import GraphError, ModelError, OptionError, did_you_mean
from embviz.heads import tf_graph
from embviz.heads.catalogue import CATALOGUE, HeadRecord
from embviz.heads.head import MOST_CLASSES, Head
from embviz.heads.io import file_size
from embviz.inference.graph import Graph
from embviz.inference.isolation import run_isolated
from embviz.models import ALIASES, Model, get_model, known_models
from embviz.models.lookup import find_model
from embviz.models.metadata import get_mapping, get_text, read_metadata
from embviz.models.node_choice import ENDS, choose_input, choose_output

LARGEST = 64 << 20  # bytes of a graph
ALGORITHM = "TensorflowPredict2D"
ON_TOKENS = "TensorflowPredict"  # of heads that take all tokens of a patch
#: What the outputs of most heads are called, whatever their metadata say.
USUAL_OUTPUTS = ("model/Softmax", "model/Sigmoid")


@dataclass(frozen=True)
class GraphOptions:
    """What a user says of a graph; None where its metadata, or the graph itself, are to tell."""

    model: str | Model | None = None
    layer: str | None = None
    input: str | None = None
    output: str | None = None
    classes: Sequence[str] | None = None


def read_essentia_head(
    path: Path, metadata: str | Path | Mapping[str, Any] | None, name: str, options: GraphOptions
) -> Head:
    """Return the head that a graph and its description make; raises where they make none."""
    try:
        length = file_size(path)
    except (OSError, ValueError) as error:
        raise GraphError(f"The graph {str(path)!r} cannot be read: {getattr(error, 'strerror', error)}.") from error
    if length > LARGEST:
        raise ModelError(f"{str(path)!r} is too large for a head: at most {LARGEST >> 20} MB are expected.")
    data = path.read_bytes()
    return _HeadDraft(path, data, Graph.parse(data, str(path)), read_metadata(path, metadata)).head(name, options)


@dataclass
class _HeadDraft:
    """A head in the making, with the contradictions and what else is to be remarked, met on the way."""

    path: Path
    data: bytes
    graph: Graph
    metadata: Mapping[str, Any]
    contradictions: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def head(self, name: str, options: GraphOptions) -> Head:
        record = CATALOGUE.get(self.path.stem) or CATALOGUE.get(name)
        model = self._model_name(options.model, record)
        layer, shape = resolve_layer(model, options.layer or (record.layer if record else "embedding"))
        tokens = shape[:-1] if shape else ()
        self._check_algorithm((ALGORITHM, ON_TOKENS) if tokens else (ALGORITHM,))
        source, target = nodes = self._nodes(options)
        taken = self._input_length(source, shape[-1] if shape else None, f"the layer {layer!r} of {model!r}")
        given = self._count_outputs(nodes, (*tokens, taken))
        end = self.graph.final_operation(target)
        self._compare_output(target, given, end)
        return Head(
            name=name,
            title=get_text(self.metadata, "name") or name,
            model=model,
            layer=layer,
            classes=self._classes(options.classes, given),
            kind="graph",
            weights={"graph": np.frombuffer(self.data, dtype=np.uint8)},
            exclusive=end == "Softmax",
            facts=self._facts(),
            dimensions=taken,
            nodes=nodes,
            unit="probability" if end in ENDS else record.unit if record else "",
        )

    def _check_algorithm(self, known: Sequence[str]) -> None:
        algorithm = get_text(get_mapping(self.metadata, "inference"), "algorithm")
        if algorithm not in ("", *known):
            raise ModelError(
                f"A head for {ALGORITHM} is expected in {self.path.name!r}, its metadata name {algorithm!r:.80}: that "
                "is a model for sound, which embviz.register_model() adds."
            )

    def _model_name(self, asked: str | Model | None, record: HeadRecord | None) -> str:
        """Return the model that is asked for, or that the head is known for, or that metadata or file name tell of."""
        if asked is not None and not isinstance(asked, str):
            return get_model(asked).name
        models = [model.name for model in known_models()]
        told = get_text(get_mapping(get_mapping(self.metadata, "inference"), "embedding_model"), "model_name")
        if asked is not None and asked != told and find_model(asked) is None and (near := did_you_mean(asked, models)):
            raise ModelError(f"There is no model {asked!r}.{near}")
        if asked is None and record is not None:
            if told not in ("", record.model):
                self.contradictions.append(f"it takes embeddings of {record.model!r}, not {told!r}")
            return record.model
        # Heads are called <task>-<model>-<version of the head>.
        inside = [known for known in models if f"-{re.sub(r'-[0-9]+$', '', known)}-" in f"-{self.path.stem}-"]
        if not (asked or told or inside):
            file = repr(self.path.name)
            raise ModelError(
                f"Neither metadata nor name of {file} say which model it takes embeddings of; model= does."
            )
        name = asked or told or max(inside, key=len)
        return ALIASES.get(name, name)

    def _nodes(self, options: GraphOptions) -> tuple[str, str]:
        file, told = self.path.name, _names(_entries(self.metadata, "inputs"))
        source = choose_input(self.graph, file, options.input, next(iter(told), ""))
        if told and source not in map(self.graph.tensor, told):
            self.contradictions.append(f"the input is {source!r}, not {told[0]!r}")
        outputs = _names(_predictions(self.metadata))
        target = choose_output(self.graph, file, source, options.output, [*outputs, *USUAL_OUTPUTS])
        if outputs and options.output is None and target not in map(self.graph.tensor, outputs):
            self.contradictions.append(f"the output is {target!r}, not {outputs[0]!r}")
        return source, target

    def _input_length(self, source: str, values: int | None, layer: str) -> int:
        """Return how many values the graph takes per frame."""
        shape = self.graph.placeholder_shapes.get(source)
        told = next((length for entry in _entries(self.metadata, "inputs") if (length := _last_length(entry))), None)
        taken = shape[-1] if shape and shape[-1] > 0 else values or told
        file = self.path.name
        if taken is None:
            raise ModelError(f"How many values {file!r} takes can be said by neither its graph nor {layer}.")
        if values is not None and taken != values:
            raise ModelError(
                f"{file!r} takes {taken} values per frame, {layer} has {values}; model= and layer= say what it was "
                "trained on."
            )
        if taken > tf_graph.MOST_VALUES:
            raise ModelError(
                f"{file!r} takes {taken:,} values per frame; at most {tf_graph.MOST_VALUES:,} are expected."
            )
        if told not in (None, taken):
            self.contradictions.append(f"the input takes {taken} values, not {told}")
        return taken

    def _count_outputs(self, nodes: tuple[str, str], frame: tuple[int, ...]) -> int:
        """Return how many numbers it gives for a frame of a shape, by asking it."""
        what = repr(self.path.name)
        shape, finite = run_isolated(tf_graph.measure_output, self.data, nodes, frame, what=what)
        if len(shape) != 2 or shape[0] != tf_graph.TRIAL:
            raise ModelError(
                f"{what} is expected to give one vector for each frame, {nodes[1]!r} gives an array of the shape "
                f"{shape} for {tf_graph.TRIAL} frames."
            )
        if not 0 < shape[1] <= MOST_CLASSES:
            raise ModelError(f"{what} gives {shape[1]:,} values per frame; 1 to {MOST_CLASSES:,} are expected.")
        if not finite:
            raise ModelError(f"{what} is expected to give finite numbers for each frame, others were found.")
        return shape[1]

    def _compare_output(self, target: str, given: int, end: str) -> None:
        """Note where the metadata say something else of the output than the graph does."""
        for entry in _predictions(self.metadata):
            if self.graph.tensor(get_text(entry, "name")) != target:
                continue
            if (told := _last_length(entry)) not in (None, given):
                self.contradictions.append(f"{target!r} gives {given} values, not {told}")
            if (operation := get_text(entry, "op")) in ENDS and end != operation:
                self.contradictions.append(f"{target!r} ends in {end or 'something else'}, not {operation}")

    def _classes(self, asked: Sequence[str] | None, given: int) -> tuple[str, ...]:
        names: Any = self.metadata.get("classes") if asked is None else asked
        numbered = tuple(f"class {i + 1}" for i in range(given))
        if asked is None and not names:
            return numbered
        is_list = isinstance(names, list | tuple) and all(isinstance(name, str) and name for name in names)
        if is_list and len(set(names)) == len(names) == given:
            return tuple(names)
        if asked is None:
            said = f"{len(names)} classes of different names" if isinstance(names, list) else f"{names!r:.80}"
            self.contradictions.append(f"the output has {given} values, not {said}, so its classes are numbered")
            return numbered
        if not is_list or not names:
            raise OptionError(f"classes is a list of texts, {names!r:.80} was found.")
        raise ModelError(
            f"{self.path.name!r} gives {given} values per frame, {len(names)} classes are named; classes= names what "
            "it tells apart, each by a name of its own."
        )

    def _facts(self) -> dict[str, str | float | int]:
        metadata, dataset = self.metadata, get_mapping(self.metadata, "dataset")
        metrics = get_mapping(dataset, "metrics")
        facts: dict[str, str | float | int] = {
            "task": get_text(metadata, "description"),
            "trained_on": get_text(dataset, "name"),
            "tracks": get_text(dataset, "size"),
            **self._figures(metrics),
            "author": get_text(metadata, "author"),
            "licence": get_text(metadata, "license") or get_text(metadata, "licence"),
            "citation": get_text(metadata, "citation"),
            "file": self.path.name,
            "sha256": hashlib.sha256(self.data).hexdigest(),
        }
        notes = list(self.remarks)
        if self.contradictions:
            notes.insert(0, f"The metadata contradict the graph, which was believed: {'; '.join(self.contradictions)}.")
        facts |= {"note": " ".join(notes)}
        return {name: value for name, value in facts.items() if value != ""}

    def _figures(self, metrics: Mapping[str, Any]) -> dict[str, str | float | int]:
        """Return how well it did; an accuracy that is told in per cent becomes the share that all others are."""
        figures = {str(name): value for name, value in metrics.items() if isinstance(value, str | int | float)}
        for name, value in figures.items():
            if "accuracy" in name and not isinstance(value, str) and 1 < value <= 100:
                figures[name] = round(value / 100, 6)
                self.remarks.append(f"{name} is told as {value:g}, which was taken as per cent.")
        return figures


def resolve_layer(model: str, layer: str) -> tuple[str, tuple[int, ...] | None]:
    """Return the name of a layer and the shape of its frames; None where only absent weights could tell.

    That is the length of a vector, behind the number of tokens where a layer keeps them all. Of a model that embviz has
    not got, any layer may be meant.
    """
    from embviz.extraction.extract import LayerSpec
    from embviz.extraction.stitching import vector_length
    from embviz.models.weights import weights_state

    found = find_model(model)
    if found is None:
        return layer, None
    if weights_state(found) == "ready":
        spec = LayerSpec.of(found, layer, None)
        tokens = spec.shapes[0][:-1][-1:] if spec.layer.keeps_tokens else ()
        return spec.layer.name, (*tokens, vector_length(spec.layer, spec.shapes))
    record = found.layer(layer)
    if not record.shape or "c" not in record.axes:
        return record.name, None
    tokens = record.shape[:-1][-1:] if record.keeps_tokens else ()
    return record.name, (*tokens, record.shape[record.axes.index("c")])


def _entries(metadata: Mapping[str, Any], side: str) -> list[Mapping[str, Any]]:
    entries = get_mapping(metadata, "schema").get(side)
    return [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []


def _predictions(metadata: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what is said of the outputs for predictions; older files do not say what an output is for."""
    purposes = ("predictions", None)
    return [entry for entry in _entries(metadata, "outputs") if entry.get("output_purpose") in purposes]


def _names(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    return [name for entry in entries if (name := get_text(entry, "name"))]


def _last_length(entry: Mapping[str, Any]) -> int | None:
    """Return the length of the last axis that is told of an input or output."""
    shape = entry.get("shape")
    last = shape[-1] if isinstance(shape, list) and shape else None
    return last if type(last) is int and last > 0 else None
