"""Many tracks: embeddings computed on all cores, pooled and kept."""

from embviz.batch.api import embed_table

__all__ = ["embed_table"]
