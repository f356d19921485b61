"""The models: what each is, where its weights come from, and how a user adds one."""

from embviz.models.catalogue import ALIASES, CATALOGUE
from embviz.models.custom import register_model, unregister_model
from embviz.models.function_model import FunctionModel
from embviz.models.functions import register_function, unregister_function
from embviz.models.layer import Layer
from embviz.models.lookup import find_model, get_model, known_models, list_models, model_title
from embviz.models.model import LayerList, Model, ModelLike, ModelList, Source, VectorSource, VectorSources
from embviz.models.weight_store import Weights
from embviz.models.weights import PullResult, find_weights, has_weights, pull, pull_all, weights_state

__all__ = [
    "ALIASES",
    "CATALOGUE",
    "FunctionModel",
    "Layer",
    "LayerList",
    "Model",
    "ModelLike",
    "ModelList",
    "PullResult",
    "Source",
    "VectorSource",
    "VectorSources",
    "Weights",
    "find_model",
    "find_weights",
    "get_model",
    "has_weights",
    "known_models",
    "list_models",
    "model_title",
    "pull",
    "pull_all",
    "register_function",
    "register_model",
    "unregister_function",
    "unregister_model",
    "weights_state",
]
