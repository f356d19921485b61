"""A user's own models: an Essentia graph with its metadata, checked against each other and remembered.

Essentia describes a model in a JSON file beside its graph. Those files are not always right, so each statement is
compared with the graph: the graph is believed, the contradiction kept in the record's note. Records are kept as JSON
in the user's data folder, beside the copied graph.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.core.io import parse_json, write_bytes
from embviz.core.options import check_path
from embviz.errors import GraphError, ModelError, did_you_mean
from embviz.inference.onnx_files import remove_translations
from embviz.models import weight_store
from embviz.models.architectures import token_layers
from embviz.models.baselines import BASELINES
from embviz.models.catalogue import ALIASES, CATALOGUE
from embviz.models.layer import Layer, format_shape
from embviz.models.metadata import get_mapping, get_text, read_metadata
from embviz.models.model import Model, Source
from embviz.models.node_choice import ENDS, check_asked, check_ends, choose_input, listing
from embviz.models.wheels import sha256_of

if TYPE_CHECKING:
    from embviz.inference.graph import Graph


_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


#: Algorithm of Essentia that runs the front-end of a system, by the system that a model of one's own shares it with.
_ALGORITHMS = {
    "musicnn": "TensorflowPredictMusiCNN",
    "vggish": "TensorflowPredictVGGish",
    "effnet": "TensorflowPredictEffnetDiscogs",
    "maest": "TensorflowPredictMAEST",
    "fsd-sinet": "TensorflowPredictFSDSINet",
    "tempocnn": "TensorflowPredictTempoCNN",
    "crepe": "TensorflowPredictCREPE",
}
#: Algorithms that run one of these networks and go on with what it says.
_AROUND = {"PitchCREPE": "crepe", "TempoCNN": "tempocnn"}


def register_model(
    graph: str | Path,
    metadata: str | Path | Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    frontend: str | None = None,
    input: str | None = None,  # noqa: A002  the field's word
    embedding: str | None = None,
    output: str | None = None,
    labels: Sequence[str] | None = None,
) -> Model:
    """Add a model of your own: a frozen graph made for one of Essentia's front-ends.

    The graph is copied into the user's data folder, and later sessions know the model by its name.

    Parameters
    ----------
    graph : path
        The ``.pb`` file.
    metadata : path or mapping, optional
        Essentia's description; by default the ``.json`` file of the same name beside the graph, if there is one.
    name : str, optional
        Name to register it under; by default that of the file.
    frontend : {"musicnn", "vggish", "effnet", "maest", "fsd-sinet", "tempocnn", "crepe"}, optional
        The front-end it was trained with; by default what the metadata say.
    input : str, optional
        Node that takes the patches; by default what the metadata say, or the only one there is.
    embedding, output : str, optional
        Nodes to use as the layers of these names (``"node:1"`` is the second result of a node); by default what the
        metadata say. The only end of a graph is its output where it gives probabilities, else its embedding.
    labels : sequence of str, optional
        Names of the values of `output`; by default the classes of the metadata.

    Returns
    -------
    Model
        Its record. Where the metadata contradict the graph, the graph is believed and ``note`` says so.

    Raises
    ------
    ModelError
        If the two do not make a model that can be run, or the name is taken.
    GraphError
        If the file is not a frozen graph.
    """
    from embviz.inference.graph import Graph

    path = check_path(graph, "A graph is the path of a file").expanduser()
    draft = _ModelDraft(path, Graph.read(path), read_metadata(path, metadata))
    name = check_name(name if name is not None else path.stem)
    nodes = {"input": input, "embedding": embedding, "output": output}
    return _register(draft.model(name, frontend, nodes, labels), path)


def unregister_model(name: str) -> None:
    """Forget a model of your own, with its copied graph.

    Parameters
    ----------
    name : str
        The name it was registered under.

    Raises
    ------
    ModelError
        If no model of that name was registered.
    """
    if not _NAME.fullmatch(name) or not _file(name).is_file():
        users = registered_models()
        if name in users:
            raise ModelError(f"The model {name!r} is shared, and not of your own: it stays where it is.")
        raise ModelError(f"There is no model {name!r} of your own.{did_you_mean(name, users)}")
    # The record goes first: without it the rest is not seen.
    for leaf in (f"{name}.model.json", f"{name}.weights.json", f"{name}.pb", f"{name}.shapes.json"):
        (weight_store.weights_folder() / leaf).unlink(missing_ok=True)
    remove_translations(weight_store.weights_folder(), name)


def registered_models() -> dict[str, Model]:
    """Return the user's own models by name, then those shared; a damaged record is left out, with a warning if own."""
    found: dict[str, Model] = {}
    for path in [path for folder in weight_store.model_folders() for path in sorted(folder.glob("*.model.json"))]:
        name = path.name.removesuffix(".model.json")
        if name in found:
            continue
        try:
            found[name] = _parse_record(parse_json(path.read_bytes()), name)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            remedy = "unregister the model, register it again"
            if path == _file(name):
                warnings.warn(f"The record of your model {name!r} is damaged and left out: {remedy}.", stacklevel=2)
    return found


def _file(name: str) -> Path:
    return weight_store.weights_folder() / f"{name}.model.json"


def _register(model: Model, graph: Path) -> Model:
    try:
        with weight_store.lock(model):
            if _file(model.name).exists() or model.name in registered_models():
                _check_same(model, graph)
            else:
                weight_store.copy_graph(model, graph)
                write_bytes(_file(model.name), json.dumps({"format": _FORMAT, **asdict(model)}, indent=1).encode())
    except OSError as error:
        raise weight_store.disk_error(model, error) from error
    return model


def _check_same(model: Model, graph: Path) -> None:
    """Accept the same model once more, as a notebook that runs again gives it; refuse another of its name."""
    if registered_models().get(model.name) == model:
        here = weight_store.locate(model, verify=False)
        if here is not None and sha256_of(graph) == here.sha256:
            return
    remedy = f", or remove that one with unregister_model({model.name!r})" if _file(model.name).exists() else ""
    raise ModelError(f"A model {model.name!r} is registered already; give this one another name={remedy}.")


def _parse_record(kept: dict[str, Any], name: str) -> Model:
    """Return the record that was written as JSON; raises what the caller expects where it was not."""
    if kept.pop("format") != _FORMAT or kept["name"] != name or not _NAME.fullmatch(name):
        raise ValueError("format or name")
    layers = tuple(_build(Layer, layer) for layer in kept.pop("known_layers"))
    sources = tuple(Source(**source) for source in kept.pop("sources"))
    model: Model = _build(Model, {**kept, "known_layers": layers, "sources": sources})
    if not any(layer.name == "embedding" for layer in layers):
        raise ValueError("embedding")
    return model


def _build(kind: Any, fields: Mapping[str, Any]) -> Any:
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()})


def check_name(name: Any) -> str:
    """Return a name for a model of one's own, checked to be one that is free in the catalogue."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ModelError(
            f"A model's name is expected to be of letters, digits, '.', '_' and '-', {name!r} was found; give one as "
            "name=."
        )
    if name.lower() in {known.lower() for known in (*CATALOGUE, *ALIASES, *BASELINES)}:
        own = f"embviz.pull({name!r}, folder=…) takes the file of that one, or " if name in CATALOGUE else ""
        raise ModelError(f"The name {name!r} is taken by a model of embviz; {own}give this one another name=.")
    return name


@dataclass
class _ModelDraft:
    """A record in the making, with the contradictions met on the way."""

    path: Path
    graph: Graph
    metadata: Mapping[str, Any]
    contradictions: list[str] = field(default_factory=list)

    def model(
        self, name: str, frontend: str | None, nodes: Mapping[str, str | None], labels: Sequence[str] | None
    ) -> Model:
        """Return the record of a model with these nodes as its input and its layers."""
        like = self._like(self._frontend(frontend))
        node = self._input_node(nodes["input"])
        shape, shapes = self._shapes(node, like)
        layers = self._layers(node, shapes, nodes, labels, like)
        vector = next(layer for layer in layers if layer.name == "embedding")
        rate = get_mapping(self.metadata, "inference").get("sample_rate")
        if rate not in (None, like.sample_rate):
            self.contradictions.append(f"the sample rate is {like.sample_rate}, not {rate}")
        frames = shape[1] if like.system == "tempocnn" else shape[0]
        siblings = (one for one in CATALOGUE.values() if one.system == like.system and one.patch_frames == frames)
        like = next(siblings, like)  # MAEST's hop is that of its patch
        note = f"The metadata contradict the graph, which was believed: {'; '.join(self.contradictions)}."
        return replace(
            like,
            name=name,
            title=get_text(self.metadata, "name") or name,
            system="custom",
            task=get_text(self.metadata, "description") or get_text(self.metadata, "type") or "not described",
            parameters=self.graph.parameters,
            dimensions=vector.shape[-1] if vector.shape else 0,
            training_data=get_text(get_mapping(self.metadata, "dataset"), "name") or "not described",
            licence=get_text(self.metadata, "license") or get_text(self.metadata, "licence") or "not stated",
            citation=get_text(self.metadata, "citation"),
            references=(),
            patch_frames=frames,
            patch_samples=frames * like.frame_hop,
            patch_hop=min(like.patch_hop, frames * like.frame_hop),
            input_node=node,
            input_shape=shape,
            known_layers=layers,
            sources=(),
            note=note if self.contradictions else "",
        )

    def _like(self, system: str) -> Model:
        """Return the model of the catalogue that hears alike: that of the file's name, as Essentia tells MAEST's."""
        named = CATALOGUE.get(self.path.stem)
        return named if named and named.system == system else CATALOGUE[ALIASES[system]]

    def _frontend(self, asked: str | None) -> str:
        if asked is not None:
            if asked not in _ALGORITHMS:
                raise ModelError(
                    f"There is no front-end {asked!r} for models of your own.{did_you_mean(asked, _ALGORITHMS)} "
                    f"Expected one of {', '.join(_ALGORITHMS)}."
                )
            return asked
        algorithm = get_text(get_mapping(self.metadata, "inference"), "algorithm")
        if algorithm == "TensorflowPredict2D":
            raise ModelError(
                f"{self.path.name!r} is a classifier that runs on another model's embeddings (TensorflowPredict2D), "
                "not on sound; embviz.register_head() adds it to that model."
            )
        known = {name: frontend for frontend, name in _ALGORITHMS.items()} | _AROUND
        if algorithm in known:
            return known[algorithm]
        found = f"{algorithm!r:.80} was found" if algorithm else "none is named"
        raise ModelError(
            f"The metadata of {self.path.name!r} are expected to name one of the algorithms "
            f"{', '.join(_ALGORITHMS.values())} under inference; {found}. frontend= says which front-end the model "
            "was trained with."
        )

    def _input_node(self, asked: str | None) -> str:
        told = get_text(next(iter(self._described("inputs")), None), "name")
        node = choose_input(self.graph, self.path.name, asked, told)
        if told and self.graph.tensor(told) != node:
            self.contradictions.append(f"the input is {node!r}, not {told!r}")
        return node

    def _shapes(self, node: str, like: Model) -> tuple[tuple[int, ...], dict[str, tuple[int, ...]]]:
        """Return the shape of one patch, and of every node for it, as the graph itself gives them."""
        told = _shape(next(iter(self._described("inputs")), None))
        told = told[1:] if len(told) == 1 + len(like.input_shape) else told  # with the axis of patches
        usual, declared = like.input_shape, self.graph.placeholder_shapes.get(node, ())[1:]
        # A graph may take other numbers of frames than the usual one, but the bands are the front-end's.
        fitting = [shape for shape in (declared, told, usual) if _fits(shape, like, declared)]
        check_ends(self.graph, self.path.name, node)
        reason = ""
        for shape in dict.fromkeys(fitting):
            try:
                shapes = self._run(node, shape)
            except GraphError as error:
                reason = f" {error}"
                continue
            if told and shape != told:
                self.contradictions.append(f"the input takes {format_shape(shape)}, not {format_shape(told)}")
            return shape, shapes
        raise ModelError(
            f"{self.path.name!r} does not run on the patches of its front-end ({format_shape(usual)} values in "
            f"{node!r}); it was trained with another one, or is damaged.{reason}"
        )

    def _run(self, node: str, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        from embviz.inference.shapes import node_shapes

        return node_shapes(self.path, node, shape)

    def _layers(
        self,
        source: str,
        shapes: Mapping[str, tuple[int, ...]],
        asked: Mapping[str, str | None],
        labels: Sequence[str] | None,
        like: Model,
    ) -> tuple[Layer, ...]:
        layers: dict[str, Layer] = {}
        for role in ("embedding", "output"):
            if (name := asked[role]) is not None:
                node = check_asked(self.graph, self.path.name, source, name, shapes)
                layers[role] = _layer(role, node, shapes[node], "as registered")
        self._add_described(layers, shapes)
        _add_tokens(layers, shapes, like)
        self._add_end(layers, [name for name in self.graph.ends(source) if name in shapes], shapes)
        if "embedding" not in layers:
            others = {source, *(node for layer in layers.values() for node in layer.nodes)}
            vectors = [name for name, shape in shapes.items() if _is_vector(shape) and name not in others]
            candidates = [f"{name} ({shapes[name][-1]})" for name in reversed(vectors)]
            raise ModelError(
                f"The metadata of {self.path.name!r} name no output for embeddings that the graph has; embedding= says "
                f"which node it is: {listing(candidates)}."
            )
        if "output" in layers:
            layers["output"] = self._add_labels(layers["output"], labels)
        order = {node: i for i, node in enumerate(shapes)}
        return tuple(sorted(layers.values(), key=lambda layer: order[layer.nodes[0]]))

    def _add_described(self, layers: dict[str, Layer], shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Add what the metadata say of the outputs."""
        for output in self._described("outputs"):
            if not (name := get_text(output, "name")):
                continue
            node = self.graph.tensor(name)
            if node is None or node not in shapes:
                self.contradictions.append(f"there is no node {name!r} to read")
                continue
            role = _role(output, layers)
            layers.setdefault(role, _layer(role, node, shapes[node], get_text(output, "description") or role))
            told = _shape(output)
            if told and told[-1:] != shapes[node][-1:]:
                self.contradictions.append(
                    f"{node!r} has {format_shape(shapes[node])} values, not {format_shape(told)}"
                )

    def _add_end(self, layers: dict[str, Layer], ends: list[str], shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Add the end of the graph where it has but one, and nothing is said of that."""
        used = {layer.nodes[0] for layer in layers.values()}
        if len(ends) == 1 and not used.intersection(ends):
            role = "output" if self.graph.final_operation(ends[0]) in ENDS else "embedding"
            layers.setdefault(role, _layer(role, ends[0], shapes[ends[0]], "the end of the graph"))

    def _described(self, side: str) -> list[Any]:
        """Return what the metadata say of "inputs" or "outputs"."""
        entries = get_mapping(self.metadata, "schema").get(side)
        return entries if isinstance(entries, list) else []

    def _add_labels(self, output: Layer, labels: Sequence[str] | None) -> Layer:
        told = labels if labels is not None else self.metadata.get("classes")
        if not isinstance(told, Sequence) or isinstance(told, str) or not told:
            return output
        values = output.shape[-1] if output.shape else 0
        if len(told) == values:
            return replace(output, labels=tuple(map(str, told)))
        if labels is not None:
            raise ModelError(
                f"One label is expected for each of the {values} values of the output, {len(told)} were given."
            )
        self.contradictions.append(
            f"the output has {values} values, not {len(told)} classes, so it stays without labels"
        )
        return output


def _add_tokens(layers: dict[str, Layer], shapes: Mapping[str, tuple[int, ...]], like: Model) -> None:
    """Make of the block of a transformer that is the embedding, or usually is, the layers that its tokens are."""
    usual = next((layer.nodes[0] for layer in like.known_layers if "k" in layer.axes), "")
    node = layers["embedding"].nodes[0] if "embedding" in layers else usual
    if usual and len(shape := shapes.get(node, ())) == 3:
        layers |= {layer.name: layer for layer in token_layers(node, shape)}


def _layer(name: str, node: str, shape: tuple[int, ...], meaning: str) -> Layer:
    return Layer(name, (node,), "1" * (len(shape) - 1) + "c" if _is_vector(shape) else "", meaning, shape)


def _is_vector(shape: tuple[int, ...]) -> bool:
    return len(shape) > 0 and all(n == 1 for n in shape[:-1])


def _role(output: Mapping[str, Any], taken: Mapping[str, Layer]) -> str:
    """Return the name of a layer: by its purpose, which older files put into the description."""
    purposes = {"embeddings": "embedding", "predictions": "output"}
    description = get_text(output, "description")
    role = purposes.get(get_text(output, "output_purpose")) or purposes.get(description)
    if role is not None and role not in taken:
        return role
    plain = description if re.fullmatch(r"[a-z_0-9]+", description) else ""
    return plain if plain and plain not in taken and plain not in purposes.values() else str(output["name"])


def _shape(told: object) -> tuple[int, ...]:
    shape = told.get("shape") if isinstance(told, Mapping) else None
    if not isinstance(shape, list) or not all(isinstance(n, int) and 0 < n < 1_000_000 for n in shape):
        return ()
    return tuple(shape)


def _fits(shape: tuple[int, ...], like: Model, declared: tuple[int, ...]) -> bool:
    """Whether a shape of one patch has the front-end's bands and is one that the placeholder declares."""
    usual = like.input_shape
    # Those of Tempo-CNN are turned, (bands, frames, 1), and those of CREPE are frames of so many samples.
    bands = 0 if like.system in ("tempocnn", "crepe") else 1
    if len(shape) != len(usual) or min(shape) < 1 or shape[bands] != usual[bands]:
        return False
    return not declared or all(there in (-1, n) for n, there in zip(shape, declared, strict=False))
