"""The record that describes one layer of a model.

Conventions: the axes of a layer are those of one patch, without the leading patch axis: ``t`` time, ``f`` frequency,
``c`` channel, ``s`` samples of sound, ``k`` the tokens of a transformer, ``1`` an axis of length one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embviz.inference.graph import Graph
    from embviz.models.receptive_field import ReceptiveField


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
        hears furthest needs. None means the whole patch. It is that of the network: what standardises each patch
        before it (Tempo-CNN) makes every step depend on the level of the whole patch besides.
    step : int or None
        Frames of the front-end from one step in time to the next; None where there is no time axis in the patch.
    center : float
        Frame of the patch that the first step in time is centred on; between two frames where it ends in .5.
    labels : tuple of str
        A name for each of the `d` values of the ``[t, d]`` view, where they have one.
    unit : str
        Unit of the values, such as ``"probability"``; empty where they have none.
    bands : ReceptiveField or None
        The bands of the front-end that one position on the frequency axis can have heard, the distance of such
        positions and the band that the first is centred on; None where there is no such axis, or nobody has described
        it.
    frequency : {"mean", "max", "argmax"}
        What becomes of the frequency axis in the ``[t, d]`` view: the mean or the largest value of each channel, or the
        position of that value on the axis.
    tokens : tuple of int or None
        First token that is taken, and the one behind the last; None is the end. What is shown is their mean; where all
        are taken, each is kept beside it.
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
    bands: ReceptiveField | None = None
    frequency: str = "mean"
    tokens: tuple[int, int | None] = (0, None)

    @property
    def keeps_tokens(self) -> bool:
        """Whether every token of a patch is kept beside their mean."""
        return "k" in self.axes and self.tokens == (0, None)

    def __repr__(self) -> str:
        size = format_shape(self.shape) if self.shape else "shape not known"
        return f"<Layer {self.name!r}: {size}{f' ({self.axes})' if self.axes else ''}, {self.meaning}>"

    def find_in(self, graph: Graph) -> Layer | None:
        """Return this layer with the nodes that a graph has, or None where these are not found.

        Parameters
        ----------
        graph : Graph
            Graph of a model.

        Returns
        -------
        Layer or None
            With the input of the node `feeds` where `nodes` are missing; None where that does not help.
        """
        if all(graph.tensor(node) for node in self.nodes):
            return self
        if self.feeds in graph.nodes and len(inputs := graph.nodes[self.feeds].inputs) == 1:
            return replace(self, nodes=inputs)
        return None

    @classmethod
    def of_node(cls, node: str, graph: Graph) -> Layer:
        """Return a layer for a node that no record describes.

        Parameters
        ----------
        node : str
            Name of a node of the graph.
        graph : Graph
            Graph of a model.

        Returns
        -------
        Layer
            Named as the node; its axes and shape are empty.
        """
        return cls(node, (node,), "", f"{graph.operation(node)} of the graph")

    def joined_shape(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
        """Return the shape of the nodes joined along the channel axis; empty where it is not known.

        Parameters
        ----------
        shapes : mapping of str to tuple of int
            Shape of one patch, by name of the node.

        Returns
        -------
        tuple of int
            Empty where the shape of a node is not known.
        """
        if any(node not in shapes for node in self.nodes):
            return ()
        shape = list(shapes[self.nodes[0]])
        if len(self.nodes) > 1:
            channel = self.axes.index("c")
            shape[channel] = sum(shapes[node][channel] for node in self.nodes)
        return tuple(shape)


def format_shape(shape: tuple[int, ...]) -> str:
    """Return a shape as text: ``"187 × 96"``."""
    return " × ".join(map(str, shape))
