"""Conversion of published checkpoints to frozen graphs, without TensorFlow."""

from embviz.models.convert.convert import RECIPES, Checkpoint, convert, freeze_checkpoint, freeze_keras

__all__ = ["RECIPES", "Checkpoint", "convert", "freeze_checkpoint", "freeze_keras"]
