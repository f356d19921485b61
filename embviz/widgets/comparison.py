"""Two tracks side by side, each on a clock of its own, and which of their moments belong together.

Conventions: the path of an alignment is float32 ``[k, 2]``, seconds of the first and of the second track, in order; the
same row, the same moment of the music. Where it is empty, or the tracks are not the same piece, their clocks go their
own ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import traitlets as t

from embviz.core.text import clean_line, format_time
from embviz.plotting.still_pictures import comparison_drawing
from embviz.widgets.base import PageWidget, close_widget, model_ref
from embviz.widgets.heatmap import Heatmap
from embviz.widgets.player import Player
from embviz.widgets.still import Still

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from embviz.audio import Audio
    from embviz.core.embedding import Embedding


HEATMAP = 96  # pixels: both are to be seen together


class Comparison(PageWidget):
    """Players and heatmaps of two tracks, and between their waveforms the moments that belong together.

    Build one with :func:`embviz.compare`. Of the same piece, seeking in one track seeks in the other, and *A* and *B*
    (buttons and keys) change the one that sounds at the same moment of the music.
    """

    script = "comparison"

    clocks = t.List(t.Unicode(), help="Names of both clocks in the page.").tag(sync=True)
    players = t.List(t.Unicode(), help="References to both players.").tag(sync=True)
    heatmaps = t.List(t.Unicode(), help="References to both heatmaps.").tag(sync=True)
    names = t.List(t.Unicode(), help="What both tracks are called.").tag(sync=True)
    path = t.Bytes(b"", help="float32 [k, 2]: moments of both tracks, in seconds.").tag(sync=True)
    same_piece = t.Bool(help="Whether the clocks can be linked along the path.").tag(sync=True)
    message = t.Unicode(help="What the alignment has found, in a sentence.").tag(sync=True)
    about = t.Unicode(help="What the figure in the message measures.").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._parts: list[Player | Heatmap] = []

    @classmethod
    def of(
        cls, sounds: Sequence[Audio], embeddings: Sequence[Embedding], path: ArrayLike, *, same_piece: bool,
        message: str = "", about: str = "", titles: Sequence[str] = (),
    ) -> Self:  # fmt: skip
        """Return the comparison of two tracks whose alignment is known.

        Parameters
        ----------
        sounds, embeddings : two of each
            The tracks, and what the heatmaps show of them.
        path : array_like, shape [k, 2]
            Seconds of both tracks, in order.
        same_piece : bool
            Whether the alignment means anything; if not, the clocks are not linked.
        message, about : str
            What the alignment has found, and what the figure in it measures.
        titles : sequence of str
            What both are called; the names of their files by default.

        Raises
        ------
        AudioError
            If a sound cannot be read.
        """
        named = titles or [sound.title for sound in sounds]
        players = [Player.of(sound, title=clean_line(title)) for sound, title in zip(sounds, named, strict=True)]
        heatmaps = [
            Heatmap.of(embedding, clock=player.clock, title="", height=HEATMAP)
            for embedding, player in zip(embeddings, players, strict=True)
        ]
        widget = cls(
            clocks=[player.clock for player in players],
            players=[model_ref(player) for player in players],
            heatmaps=[model_ref(heatmap) for heatmap in heatmaps],
            names=[player.title for player in players],
            path=np.asarray(path, np.float32).reshape(-1, 2).tobytes(),
            same_piece=bool(same_piece),
            message=message,
            about=about,
        )
        widget._parts = [*players, *heatmaps]
        return widget

    def close(self) -> None:
        """Take the comparison off the page, and what is inside of it."""
        super().close()
        parts, self._parts = self._parts, []
        for part in parts:
            close_widget(part)

    def still(self) -> Still:
        """Return what the notebook keeps of the comparison; no sound."""
        players = [part for part in self._parts if isinstance(part, Player)]
        if not players:
            return Still("Comparison", ("It was closed.",))
        waves = [(np.frombuffer(player.peaks, np.int8).reshape(-1, 2), player.duration) for player in players]
        path = np.frombuffer(self.path, np.float32).reshape(-1, 2) if self.same_piece else np.zeros((0, 2), np.float32)
        lines = [f"{letter}: {clean_line(player.title)} · {format_time(player.duration, 1)}"
                 for letter, player in zip("AB", players, strict=True)]  # fmt: skip
        return Still("Comparison", (*lines, self.message), comparison_drawing(waves, path), self.path)
