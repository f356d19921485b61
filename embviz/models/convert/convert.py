"""Turn published checkpoints into frozen graphs, without TensorFlow.

The authors of MusiCNN, Tempo-CNN and Spleeter publish their weights as TensorFlow checkpoints or Keras files inside
Python packages. Essentia runs frozen graphs. :func:`convert` makes the latter from the former; nodes carry the names
that they have in Essentia's own files, as far as those are documented, so that either serves.

==========  ==========================================  =========================
recipe      source                                      outputs
==========  ==========================================  =========================
musicnn     folder with the checkpoint of a MusiCNN     ``model/Sigmoid``
vgg         folder with the checkpoint of a VGG-I       ``model/Sigmoid``
tempocnn    ``.h5`` file of a DeepTemp or DeepSquare    ``output``
spleeter    folder with the checkpoint of 2 stems       ``waveform_<stem>``
==========  ==========================================  =========================
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from embviz.errors import ConversionError
from embviz.models.convert import nodes
from embviz.models.convert.checkpoint import find_index
from embviz.models.convert.freeze import freeze_checkpoint
from embviz.models.convert.keras import freeze_keras

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tensorboard.compat.proto.graph_pb2 import GraphDef


#: Names that nodes have when a network is built for inference in the first place, where a training graph has
#: conditionals around them.
_INFERENCE_NAMES = (
    (r"/cond/FusedBatchNorm_1\b", "/FusedBatchNorm"),
    (r"/cond/ReadVariableOp_2$", "/ReadVariableOp"),
    (r"/cond/ReadVariableOp_3$", "/ReadVariableOp_1"),
    (r"/cond/Identity$", "/Identity"),
    (r"/Flatten/flatten/", "/flatten/"),
)
#: The flag in the graphs of the musicnn package that says whether they are being trained.
_TRAINING = "model/Placeholder_2"


def convert(recipe: str, source: Path) -> bytes:
    """Return the frozen graph of a published checkpoint, serialised: the same source gives the same bytes each time.

    Parameters
    ----------
    recipe
        One of :data:`RECIPES`.
    source
        Folder of the checkpoint, or the ``.h5`` file.

    Raises
    ------
    ConversionError
        If the recipe is unknown, or the source is damaged or not what it should be.
    """
    if recipe not in RECIPES:
        raise ConversionError(f"Expected one of the recipes {', '.join(RECIPES)}, found {recipe!r}.")
    return nodes.serialise(RECIPES[recipe](Path(source)))


def _musicnn(folder: Path) -> GraphDef:
    front_end = ["model/Squeeze", *(f"model/Squeeze_{n}" for n in range(1, 5))]
    graph = _freeze(folder, _TRAINING, "model/Sigmoid", *front_end, "model/moments/Squeeze", "model/Max")
    # Features that musicnn's feature extractor reads beside the tags.
    _append_concat(graph, "model/concat_3", front_end[:2])
    _append_concat(graph, "model/concat_4", front_end[2:])
    _append(graph, "model/Squeeze_5", "Squeeze", "model/moments/Squeeze", squeeze_dims=(2,))
    _append(graph, "model/Squeeze_6", "Squeeze", "model/Max", squeeze_dims=(2,))
    return graph


def _vgg(folder: Path) -> GraphDef:
    return _freeze(folder, _TRAINING, "model/Sigmoid", "model/5CNN/Relu")


def _spleeter(folder: Path) -> GraphDef:
    # Each stem ends in the slice that cuts its inverse STFT to the input's length; the order of the stems is that of
    # the masks `<stem>_spectrogram/mul`.
    stems = {"vocals": "strided_slice_13", "accompaniment": "strided_slice_23"}
    graph = _freeze(folder, "keras_learning_phase", *stems.values())
    for stem, tensor in stems.items():
        _append(graph, f"waveform_{stem}", "Identity", tensor)
    return graph


def _freeze(folder: Path, training: str, *outputs: str) -> GraphDef:
    return freeze_checkpoint(find_index(folder), outputs=outputs, training=[training], rename=_INFERENCE_NAMES)


def _append(graph: GraphDef, name: str, op: str, *inputs: str, **attributes: nodes.Attribute) -> None:
    graph.node.append(nodes.make(name, op, inputs, T=nodes.FLOAT, **attributes))


def _append_concat(graph: GraphDef, name: str, tensors: list[str]) -> None:
    graph.node.append(nodes.constant(f"{name}/axis", np.array(2, np.int32)))
    _append(graph, name, "ConcatV2", *tensors, f"{name}/axis", N=len(tensors), Tidx=nodes.INT32)


#: What :func:`convert` can convert: name of the recipe -> graph of a source.
RECIPES: Mapping[str, Callable[[Path], GraphDef]] = MappingProxyType(
    {"musicnn": _musicnn, "vgg": _vgg, "tempocnn": freeze_keras, "spleeter": _spleeter}
)
