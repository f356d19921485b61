"""What a panel can offer: the models with their state, hops, costs and layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from embviz.batch.eta import cost_per_minute
from embviz.extraction.extract import round_hop
from embviz.extraction.frontends import FRONTENDS
from embviz.models import Layer, Model, known_models
from embviz.models.weights import weights_state

if TYPE_CHECKING:
    from embviz.widgets.schema import ModelOption


SYSTEMS = {
    "musicnn": "MusiCNN", "vgg": "VGG-I", "tempocnn": "Tempo-CNN", "openl3": "OpenL3", "vggish": "VGGish",
    "crepe": "CREPE", "yamnet": "YAMNet", "effnet": "Discogs-EffNet", "maest": "MAEST", "fsd-sinet": "FSD-SINet",
    "spleeter": "Spleeter", "custom": "Your own", "function": "Functions",
}  # fmt: skip


def list_model_options() -> list[ModelOption]:
    """Return the models as the panel lists them, ready for JSON."""
    return [_describe_model(model) for model in known_models()]


def _describe_model(model: Model) -> ModelOption:
    frontend = FRONTENDS.get(model.frontend)  # a function has none
    fixed_hop = frontend is None or frontend.channels == 2
    finest = (
        frontend.hop / model.sample_rate
        if frontend is not None and frontend.continuous
        else min(0.1, model.hop_seconds)
    )
    state = weights_state(model)
    source = next((source for source in model.sources if source.size), next(iter(model.sources), None))
    return {
        "name": model.name,
        "title": model.title,
        "system": model.system,
        "task": model.task,
        "parameters": model.parameters,
        "dimensions": model.dimensions,
        "licence": model.licence,
        "training_data": model.training_data,
        "note": model.note,
        "system_title": SYSTEMS.get(model.system, model.system),
        "state": "ready" if state == "ready" else "absent" if state == "missing" else "download",
        "bytes": source.size if source else 0,
        "source": str(source or ""),
        "patch": model.patch_seconds,
        "hop": model.hop_seconds,
        "finest": model.hop_seconds if frontend is None else finest,
        "finer": [] if fixed_hop else [round_hop(model, model.hop_seconds / parts) for parts in (2, 4)],
        "longest": model.patch_seconds,
        "fixed_hop": fixed_hop,
        "cost": cost_per_minute(model, model.patch_hop),
        "shared_cost": cost_per_minute(model, math.inf),
        "layers": [
            {
                "name": layer.name,
                "shape": list(layer.shape),
                "axes": layer.axes,
                "meaning": layer.meaning,
                "receptive_field": describe_receptive_field(model, layer),
                "nodes": list(layer.nodes),
            }
            for layer in model.known_layers
        ],
    }


def describe_receptive_field(model: Model, layer: Layer) -> str:
    """Return how much sound one frame of a layer depends on, such as ``"0.11 s"``."""
    if "s" in layer.axes:
        return "the sound itself"
    if model.identity:
        return f"{model.patch_seconds:.2g} s" if model.patch_samples else "the whole track"
    if layer.receptive_field is None:
        return "the whole patch"
    frontend = FRONTENDS[model.frontend]
    samples = (layer.receptive_field - 1) * frontend.hop + frontend.frame
    level = ", and the level of the whole patch" if frontend.standardised else ""
    return f"{samples / model.sample_rate:.2g} s{level}"
