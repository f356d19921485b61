"""Classifiers that run on the embeddings of a model: applied frame by frame, kept in files, and Essentia's own.

``Head.load("mood")("song.mp3")`` says how sure a classifier is of each class, over time.
"""

from embviz.heads.head import Head
from embviz.heads.lookup import get_head, list_heads
from embviz.heads.registry import heads_for, known_heads, register_head, unregister_head
from embviz.heads.weights import pull

__all__ = ["Head", "get_head", "heads_for", "known_heads", "list_heads", "pull", "register_head", "unregister_head"]
