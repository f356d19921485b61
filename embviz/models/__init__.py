"""The models: what each is, where its weights come from, and how a user adds one."""

from embviz.models.catalogue import ALIASES, CATALOGUE
from embviz.models.custom import register_model, unregister_model
from embviz.models.lookup import get_model, known_models, list_models
from embviz.models.model import Layer, Model, Source
from embviz.models.weights import Pulled, Weights, find, pull, pull_all, state

__all__ = [
    "ALIASES",
    "CATALOGUE",
    "Layer",
    "Model",
    "Pulled",
    "Source",
    "Weights",
    "find",
    "get_model",
    "known_models",
    "list_models",
    "pull",
    "pull_all",
    "register_model",
    "state",
    "unregister_model",
]
