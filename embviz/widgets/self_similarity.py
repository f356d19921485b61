"""The self-similarity of an embedding, and the boundaries in it, on the clock of its track.

Conventions: the matrix travels row by row, one byte per cell; both of its axes are time. A byte is a place between
`low` and `high`: ``value = low + (byte - 1) / 254 * (high - low)``, and 0 is an empty cell. Novelty and its times are
float32 ``[t - 1]``, a value for each border between two frames.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import traitlets

from embviz.analysis.boundaries import WINDOWS, Boundaries, boundaries
from embviz.analysis.self_similarity import self_similarity
from embviz.core.text import format_time, plural
from embviz.errors import OptionError
from embviz.plotting.still_pictures import matrix_drawing
from embviz.widgets.base import EmbeddingWidget, is_finite
from embviz.widgets.still import Still

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embviz.core.embedding import Embedding

LIMITS = {"kernel": (0.1, 600.0), "prominence": (0.0, 1.0)}  # of what can be asked for: seconds, and novelty
ABOUT = (
    "F is the harmonic mean of precision (the share of the found boundaries that are known) and recall (the share of "
    "the known ones that were found), as in mir_eval; start and end of the track do not count. Frames that hear 3 s "
    "tell a boundary to about a second."
)


class SelfSimilarity(EmbeddingWidget):
    """How alike any two moments of a track are, as a square of time × time that follows the clock.

    Build one with :meth:`of`. A click seeks to the time below the pointer, with shift to the time beside it. Below
    stands the novelty, and the boundaries at its peaks (:func:`embviz.boundaries`), to which the keys ``,`` and ``.``
    lead; the waveform of a player on the same clock shows them, too.
    """

    script = "self_similarity"

    page_traits = frozenset({"kernel", "prominence"})

    cells = traitlets.Bytes(help="uint8 [n, n], row by row.").tag(sync=True)
    n = traitlets.Int(0, help="Rows and columns.").tag(sync=True)
    low = traitlets.Float(-1.0, help="Value of byte 1.").tag(sync=True)
    high = traitlets.Float(1.0, help="Value of byte 255.").tag(sync=True)
    edges = traitlets.Dict(help="The fields of the FrameGrid of rows and columns, in samples.").tag(sync=True)
    meaning = traitlets.Unicode(
        "cosine similarity of frames, the track's mean removed", help="What is measured, in a few words."
    ).tag(sync=True)
    sections = traitlets.List(traitlets.Dict(), help="Parts of the track: name, and start in seconds.").tag(sync=True)
    kernel = traitlets.Float(20.0, help="Length of the kernel of novelty in seconds.").tag(sync=True)
    prominence = traitlets.Float(0.05, help="How far novelty rises from the valleys beside a peak.").tag(sync=True)
    novelty = traitlets.Bytes(help="float32 [t - 1].").tag(sync=True)
    novelty_times = traitlets.Bytes(help="float32 [t - 1], in seconds.").tag(sync=True)
    boundaries = traitlets.List(traitlets.Float(), help="Peaks of the novelty, in seconds.").tag(sync=True)
    agreement = traitlets.Unicode(help="How well the boundaries are those of the sections, in a sentence.").tag(
        sync=True
    )
    about_agreement = traitlets.Unicode(ABOUT, help="What the figures of that measure.").tag(sync=True)
    adjustable = traitlets.Bool(
        default_value=True, help="Whether there is a kernel that finds other boundaries when they are asked for."
    ).tag(sync=True)
    size = traitlets.Int(0, min=0, help="Largest side in pixels; 0 leaves it to the widget.").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._embedding: Embedding | None = None
        super().__init__(**traits)

    def update(self, embedding: Embedding) -> None:
        """Draw another embedding."""
        self._embedding = embedding
        matrix, grid = self_similarity(embedding)
        with self.hold_sync():
            self.edges = asdict(grid)
            # Cosines of all tracks on one scale, so that pictures can be compared.
            self.low, self.high = -1.0, 1.0
            self.n = len(matrix)
            places = np.clip((matrix - self.low) / (self.high - self.low), 0, 1) * 254 + 1.5
            self.cells = bytes(np.nan_to_num(places, nan=0).astype(np.uint8))
            self.message = ""
            self._find_boundaries()

    def to_static(self) -> Self:
        """Let the widget do without a Python that could find other boundaries; return it."""
        self.adjustable = False
        return self

    @traitlets.validate("kernel", "prominence")
    def _check_number(self, proposal: Any) -> float:
        name, value = proposal["trait"].name, proposal["value"]
        low, high = LIMITS[name]
        if not is_finite(value) or not low <= value <= high:
            raise traitlets.TraitError(f"{name} is a number from {low:g} to {high:g}, {value!r:.80} was found.")
        return float(value)

    @traitlets.observe("kernel", "prominence", "sections")
    def _find_boundaries(self, _change: Any = None) -> None:
        if self._embedding is None:
            return
        found = boundaries(self._embedding, kernel=self.kernel, prominence=self.prominence)
        with self.hold_sync():
            self.novelty = found.novelty.astype("<f4").tobytes()
            self.novelty_times = found.novelty_times.astype("<f4").tobytes()
            self.boundaries = found.times.tolist()
            self.agreement = _agreement(found, [(part["name"], part["start"]) for part in self.sections])

    def still(self) -> Still:
        """Return what the notebook keeps of the widget as it is now."""
        if not self.n:
            return Still("Self-similarity", (self.message or "Nothing has been computed yet.",))
        cells = np.frombuffer(self.cells, np.uint8).reshape(self.n, self.n)
        curve = np.frombuffer(self.novelty_times, "<f4"), np.frombuffer(self.novelty, "<f4")
        duration = self.edges["n_samples"] / self.edges["sample_rate"]
        draw = matrix_drawing(cells, duration, self.low, self.high, boundaries=self.boundaries, curve=curve)
        lines = (self.meaning, self._boundaries_line(), self.agreement)
        key = (self.cells, self.novelty, tuple(self.boundaries))
        return Still(self.title or "Self-similarity", tuple(filter(None, lines)), draw, key)

    def _boundaries_line(self) -> str:
        if not self.novelty:
            return ""
        count = "1 boundary" if len(self.boundaries) == 1 else f"{len(self.boundaries)} boundaries"
        at = ", ".join(format_time(time, 1) for time in self.boundaries[:12])
        more = " …" * (len(self.boundaries) > 12)
        return f"{count}{f' at {at}{more}' if at else ''} (kernel {self.kernel:g} s, prominence {self.prominence:g})"


def _agreement(found: Boundaries, sections: Sequence[tuple[str, float]]) -> str:
    """Return how well boundaries are those of known sections; empty where none are known, or there is one part."""
    if len(sections) < 2 or not len(found.novelty):
        return ""
    try:
        scores = found.score(sections)
    except OptionError:  # of another version of the file
        return "The known sections do not fit this track."
    said = " and ".join(f"{scores[f'F-measure@{window}']:.2f} within {window:g} s" for window in WINDOWS)
    return f"F against {plural(len(sections), 'known section')}: {said} (1: all found, and no others)."
