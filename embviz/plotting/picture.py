"""Pictures of pixels, drawn by numpy and written as PNG: for stills of a view, which must cost neither a browser nor
the time of one.

Conventions: a picture is uint8 ``[height, width, 4]``, red, green, blue and opacity; x runs to the right, y downwards.
Text and lines have the colours of a theme, whose paper :meth:`Picture.on_paper` puts below.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from embviz.plotting.lettering import ASCENT, DESCENT, MARGIN, shorten_to, text_mask, text_width
from embviz.plotting.save import COLORS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


STEPS = 8  # of opacity at the rims of letters: few colours make small files
#: Bytes of a PNG, so that it stays below 300 kB as the text that a notebook holds.
LARGEST = 215_000
SHRINKING = (1.0, 0.8, 0.6, 0.45, 0.3)


class Picture:
    """A picture that can be drawn on, in the colours of a theme, ``"light"`` or ``"dark"``."""

    def __init__(self, width: int, height: int, theme: str = "light") -> None:
        self.theme = theme
        self.paper, self.ink, self.faint = (COLORS[theme][name] for name in ("paper", "ink", "faint"))
        self.pixels: NDArray[np.uint8] = np.zeros((height, width, 4), dtype=np.uint8)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def paste(self, pixels: NDArray[np.uint8], x: int, y: int) -> None:
        """Put a smaller picture at a place where there is room for it."""
        h, w = pixels.shape[:2]
        self.pixels[y : y + h, x : x + w] = pixels

    def fill(self, x: int, y: int, width: int, height: int, color: str, opacity: int = 255) -> None:
        """Fill a box; what lies beyond the picture is left out."""
        self.pixels[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = (*rgb(color), opacity)

    def text(
        self, text: str, x: int, y: int, color: str = "", *, bold: bool = False, anchor: float = 0.0,
        width: int | None = None,
    ) -> int:  # fmt: skip
        """Write a line of text with its baseline at y, and return where it ends.

        Its color is the theme's, unless one is given. `anchor` is the share of it that lies left of x: 0.5 centers it;
        a `width` shortens it.
        """
        text = text if width is None else shorten_to(text, width)
        x = round(x - anchor * text_width(text))
        mask = np.round(text_mask(text, bold=bold) * STEPS) / STEPS
        left, top = x - MARGIN, y - ASCENT
        cut = mask[max(0, -top) :, max(0, -left) :]
        there = self.pixels[max(0, top) : top + ASCENT + DESCENT, max(0, left) : max(0, left) + cut.shape[1]]
        cut = cut[: there.shape[0], : there.shape[1], None]
        under = there[..., 3:] / 255 * (1 - cut)
        opacity = cut + under
        mixed = (np.array(rgb(color or self.ink)) * cut + there[..., :3] * under) / np.maximum(opacity, 1e-9)
        drawn = cut[..., 0] > 0
        there[drawn, :3] = np.round(mixed[drawn])
        there[drawn, 3] = np.round(255 * opacity[drawn, 0])
        return x + text_width(text)

    def on_paper(self) -> Picture:
        """Return the picture on the paper of its theme: whatever page it stands on, text can be read."""
        solid = Picture(*self.size, theme=self.theme)
        opacity = self.pixels[..., 3:] / 255
        solid.pixels[..., :3] = np.round(self.pixels[..., :3] * opacity + np.array(rgb(self.paper)) * (1 - opacity))
        solid.pixels[..., 3] = 255
        return solid

    def to_png(self) -> bytes:
        """Return the picture as a PNG; of few colours, as one of a palette."""
        width, height = self.size
        words = np.ascontiguousarray(self.pixels).view("<u4")[..., 0]
        words = np.where(words >> 24, words, 0)
        palette, places = np.unique(words, return_inverse=True)
        if len(palette) <= 256:
            colors = palette.astype("<u4").view(np.uint8).reshape(-1, 4)
            rows = places.reshape(height, width).astype(np.uint8)
            parts = [(b"PLTE", colors[:, :3].tobytes()), (b"tRNS", colors[:, 3].tobytes())]
            kind = 3
        else:
            rows, parts, kind = words.astype("<u4").view(np.uint8).reshape(height, -1), [], 6
        lines = np.hstack([np.zeros((height, 1), np.uint8), rows]).tobytes()
        head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
        chunks = [(b"IHDR", head), *parts, (b"IDAT", zlib.compress(lines, 7)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


class Drawing(Protocol):
    """What draws a picture for the paper of a theme, its pictures of pixels at a share of their full size."""

    def __call__(self, share: float, /, theme: str = "light") -> Picture:
        """Return the picture."""


def small_png(draw: Drawing, largest: int = LARGEST, theme: str = "light") -> bytes:
    """Return a picture on its paper as a PNG of so many bytes at most: drawn smaller, where that is needed.

    The last and smallest is taken in any case.
    """
    data = b""
    for share in SHRINKING:
        data = draw(share, theme).on_paper().to_png()
        if len(data) <= largest:
            break
    return data


def rgb(color: str) -> tuple[int, int, int]:
    """Return red, green and blue of ``#rrggbb``."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def color_ramp(stops: Sequence[str], steps: int) -> NDArray[np.uint8]:
    """Return colours that lead evenly through some stops, opaque, uint8 ``[steps, 4]``."""
    ends = np.array([rgb(color) for color in stops], dtype=np.float64)
    places = np.linspace(0, len(ends) - 1, steps)
    mixed = [np.interp(places, range(len(ends)), ends[:, channel]) for channel in range(3)]
    return np.column_stack([np.round(np.stack(mixed, axis=1)), np.full(steps, 255)]).astype(np.uint8)


def stretch(values: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return cells ``[rows, columns, ...]`` as pixels of a size, each as its nearest cell."""
    rows, columns = values.shape[:2]
    drawn: NDArray[np.uint8] = values[np.arange(height) * rows // height][:, np.arange(width) * columns // width]
    return drawn


def discs(picture: Picture, xy: ArrayLike, colors: NDArray[np.uint8], radius: float) -> None:
    """Draw discs, the last on top: centers ``[n, 2]`` in pixels, colours ``[n, 4]``, with a rim half as opaque."""
    width, height = picture.size
    center = np.round(np.asarray(xy, dtype=np.float64)).astype(np.int64)
    reach = int(np.ceil(radius))
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance = np.hypot(dx, dy)
    rims = np.argwhere((distance > radius) & (distance <= radius + 0.75)) - reach
    flat = picture.pixels.reshape(-1, 4)
    for offsets, core in ((rims, False), (np.argwhere(distance <= radius) - reach, True)):
        for oy, ox in offsets:
            x, y = center[:, 0] + ox, center[:, 1] + oy
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            place, drawn = (y * width + x)[inside], colors[inside]
            if not core:  # nothing that is drawn already is covered by a rim
                free = flat[place, 3] == 0
                place, drawn = place[free], drawn[free] // np.array([1, 1, 1, 2], dtype=np.uint8)
            flat[place] = drawn


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
