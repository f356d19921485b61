"""The picture of a contact sheet of moments for stills; see :mod:`embviz.plotting.picture`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from embviz.plotting.encodings import VIRIDIS
from embviz.plotting.lettering import MARGIN
from embviz.plotting.picture import Drawing, Picture, color_ramp, stretch
from embviz.plotting.still_pictures import LEVELS, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray


COLUMNS, MOST = 4, 20  # tiles beside each other, and in all
TALL, LINE, GAP = 100, 18, 12  # pixels: of a picture, of the text above it, between tiles


def sheet_drawing(tiles: Sequence[tuple[str, NDArray[np.uint8] | None]]) -> Drawing:
    """Return what draws moments below their names, from left to right and from top to bottom.

    Parameters
    ----------
    tiles : sequence of (str, ndarray of uint8 or None)
        What each is, and its picture ``[bands, t]``: 0 is empty, 1 the lowest value and 255 the highest.
    """

    def draw(share: float, theme: str = "light") -> Picture:
        shown = tiles[:MOST]
        columns = min(COLUMNS, len(shown))
        wide, tall = round((WIDTH + GAP) / COLUMNS * share) - GAP, round(TALL * share)
        rows = -(-len(shown) // columns)
        picture = Picture(columns * (wide + GAP) - GAP, rows * (LINE + tall + GAP) - GAP, theme=theme)
        for i, (name, codes) in enumerate(shown):
            row, column = divmod(i, columns)
            x, y = column * (wide + GAP), row * (LINE + tall + GAP)
            picture.text(name, x + MARGIN, y + 13, width=wide - MARGIN)
            if codes is None:
                picture.fill(x, y + LINE, wide, tall, picture.faint, 40)
            else:
                picture.paste(_pixels(codes, wide, tall), x, y + LINE)
        return picture

    return draw


def _pixels(codes: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    pixels = color_ramp(VIRIDIS, LEVELS)[np.maximum(codes.astype(int) - 1, 0) * LEVELS // 255]
    pixels[codes == 0] = 0
    return stretch(pixels[::-1], height, width)
