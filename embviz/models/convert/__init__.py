"""Conversion of published checkpoints to frozen graphs, without TensorFlow."""

from embviz.models.convert.checkpoint import Checkpoint
from embviz.models.convert.convert import RECIPES, convert
from embviz.models.convert.freeze import freeze_checkpoint
from embviz.models.convert.keras import freeze_keras

__all__ = ["RECIPES", "Checkpoint", "convert", "freeze_checkpoint", "freeze_keras"]
