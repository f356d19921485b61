"""The Atlas: the map of a collection."""

from embviz.app.atlas.atlas import Atlas

__all__ = ["Atlas"]
