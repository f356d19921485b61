"""The Explorer: one track, its sound and its embeddings on one clock."""

from embviz.app.explorer.explorer import Explorer

__all__ = ["Explorer"]
