"""Collections of tracks as one table to filter, join and export."""

from embviz.collection.collection import Collection

__all__ = ["Collection"]
