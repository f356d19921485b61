"""Vectors that a panel is given in place of a model: kept under names, as its choices and its pages know models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embviz.app.model_options import list_model_options
from embviz.core.text import one_line, printable
from embviz.core.vectors import Vectors
from embviz.models import find_model, get_model
from embviz.models.baselines import BASELINES
from embviz.models.weights import has_weights

if TYPE_CHECKING:
    from embviz.widgets.schema import ModelOption


class GivenVectors:
    """The vectors that were given, by the names of their model and layer."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Vectors] = {}

    def keep(self, vectors: Vectors) -> tuple[str, str]:
        """Keep vectors and return their names; where others have these, the layer gets a number."""
        model, layer = (one_line(printable(name)) for name in (vectors.model, vectors.layer))
        name, number = (model, layer), 1
        while (other := self._known.get(name)) is not None and other is not vectors:
            if vectors.key and (other.key, other.failed) == (vectors.key, vectors.failed):
                break
            number += 1
            name = model, f"{layer} {number}"
        self._known.setdefault(name, vectors)
        return name

    def resolve(self, model: Any, layer: str) -> tuple[str, str]:
        """Return the names of a model and of its layer, of what was given before, or of vectors that are kept now.

        ModelError is raised where there is no such model. Of vectors, a layer that is not there means the first.
        """
        if isinstance(model, Vectors):
            return self.keep(model)
        layers = self.layers(model) if isinstance(model, str) else []
        if layers and (layer in layers or find_model(model) is None):
            return model, layer if layer in layers else layers[0]
        return get_model(model).name, layer

    def is_here(self, model: str, layer: str) -> bool:
        """Tell whether something can be computed: vectors that were given, or a model whose weights are here."""
        return self.find(model, layer) is not None or has_weights(model)

    def lacks_model(self, model: str, layer: str) -> bool:
        """Tell whether something was given that no model here makes of a sound."""
        return self.find(model, layer) is not None and find_model(model) is None

    def find(self, model: str, layer: str) -> Vectors | None:
        """Return what was given under these names, or None."""
        return self._known.get((model, layer))

    def layers(self, model: str) -> list[str]:
        """Return the layers that were given of a model."""
        return [layer for name, layer in self._known if name == model]

    def list_models(self) -> list[ModelOption]:
        """Return the models as a panel lists them, with what was given."""
        options = list_model_options()
        for model in dict.fromkeys(name for name, _ in self._known):
            layers = {layer: self._known[model, layer] for layer in self.layers(model)}
            known = next((option for option in options if option["name"] == model), None)
            if known is None:
                known = _describe(model, next(iter(layers.values())))
                options.append(known)
            names = [layer["name"] for layer in known["layers"]]
            for layer, vectors in layers.items():
                if layer not in names:
                    shape, meaning = [vectors.shape[1]], "vectors that were given"
                    known["layers"].append(
                        {
                            "name": layer,
                            "shape": shape,
                            "axes": "c",
                            "meaning": meaning,
                            "receptive_field": "",
                            "nodes": [],
                        }
                    )
        return options


def _describe(model: str, vectors: Vectors) -> ModelOption:
    """Return what nobody knows but the vectors, as a model is listed."""
    return {
        "name": model, "title": model, "system": "vectors", "system_title": "Given vectors",
        "task": "Vectors that were given", "parameters": 0, "dimensions": vectors.shape[1], "licence": "",
        "training_data": "", "note": "", "state": "ready", "bytes": 0, "source": "", "patch": 0.0, "hop": 0.0,
        "finest": 0.0, "finer": [], "longest": 0.0, "fixed_hop": True, "cost": 0.0, "shared_cost": 0.0, "layers": [],
    }  # fmt: skip


def title_of(model: str) -> str:
    """Return what people call a model, or the name that vectors were given under."""
    known = find_model(model)
    return model if known is None else known.title


def function_note(model: str) -> list[str]:
    """Return a comment for code that uses a function of the reader's own; nothing for other models."""
    known = find_model(model)
    if known is None or not known.identity or model in BASELINES:
        return []
    return [f"# {model!a} is a function of your own: embviz.register_function({model!a}, …) comes first."]
