"""The self-similarity of an embedding, on the clock of its track.

Conventions: the matrix travels row by row, one byte per cell; both of its axes are time. A byte is a place between
`low` and `high`: ``value = low + (byte - 1) / 254 * (high - low)``, and 0 is an empty cell.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import traitlets

from embviz.analysis.self_similarity import self_similarity
from embviz.plotting.still_pictures import matrix_drawing
from embviz.widgets.base import EmbeddingWidget
from embviz.widgets.still import Still

if TYPE_CHECKING:
    from embviz.core.embedding import Embedding


class SelfSimilarity(EmbeddingWidget):
    """How alike any two moments of a track are, as a square of time × time that follows the clock.

    Build one with :meth:`of`. A click seeks to the time below the pointer, with shift to the time beside it.
    """

    script = "self_similarity"

    cells = traitlets.Bytes(help="uint8 [n, n], row by row.").tag(sync=True)
    n = traitlets.Int(0, help="Rows and columns.").tag(sync=True)
    low = traitlets.Float(-1.0, help="Value of byte 1.").tag(sync=True)
    high = traitlets.Float(1.0, help="Value of byte 255.").tag(sync=True)
    edges = traitlets.Dict(help="The fields of the FrameGrid of rows and columns, in samples.").tag(sync=True)
    meaning = traitlets.Unicode(
        "cosine similarity of frames, the track's mean removed", help="What is measured, in a few words."
    ).tag(sync=True)
    sections = traitlets.List(traitlets.Dict(), help="Parts of the track: name, and start in seconds.").tag(sync=True)
    size = traitlets.Int(0, min=0, help="Largest side in pixels; 0 leaves it to the widget.").tag(sync=True)

    def update(self, embedding: Embedding) -> None:
        """Draw another embedding."""
        matrix, grid = self_similarity(embedding)
        with self.hold_sync():
            self.edges = asdict(grid)
            # Cosines of all tracks on one scale, so that pictures can be compared.
            self.low, self.high = -1.0, 1.0
            self.n = len(matrix)
            places = np.clip((matrix - self.low) / (self.high - self.low), 0, 1) * 254 + 1.5
            self.cells = bytes(np.nan_to_num(places, nan=0).astype(np.uint8))
            self.message = ""

    def still(self) -> Still:
        """Return what the notebook keeps of the widget as it is now."""
        if not self.n:
            return Still("Self-similarity", (self.message or "Nothing has been computed yet.",))
        cells = np.frombuffer(self.cells, np.uint8).reshape(self.n, self.n)
        draw = matrix_drawing(cells, self.edges["n_samples"] / self.edges["sample_rate"], self.low, self.high)
        return Still(self.title or "Self-similarity", (self.meaning,), draw, self.cells)
