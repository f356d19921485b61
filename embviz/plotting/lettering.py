"""Letters of a few strokes, for pictures that are drawn without a font or a browser.

Conventions: a glyph is drawn on a grid, x to the right from 0, y downwards: 0 is the top of capitals, 2 that of small
letters, 6 the baseline, 8 what reaches below it. A stroke is a list of such pairs of digits; a dot is a stroke whose
two ends are one.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


UNIT = 1.5  # pixels of a step of the grid
GAP = 1.7  # steps between letters
SPACE = 2.2  # steps
WEIGHTS = {False: 1.5, True: 2.0}  # width of a stroke in pixels, by whether it is bold
ASCENT, DESCENT = 11, 4  # pixels above and below the baseline
MARGIN = 2  # pixels around a glyph, for the width of its strokes

GLYPHS = {
    "A": "06 20 46|14 34", "B": "03 23 34 35 26 06 00 20 31 32 23", "C": "41 30 10 01 05 16 36 45",
    "D": "00 06 26 45 41 20 00", "E": "30 00 06 36|03 23", "F": "30 00 06|03 23", "G": "41 30 10 01 05 16 36 45 43 23",
    "H": "00 06|40 46|03 43", "I": "00 06", "J": "30 35 26 16 05", "K": "00 06|40 03 46", "L": "00 06 36",
    "M": "06 00 24 40 46", "N": "06 00 46 40", "O": "10 01 05 16 36 45 41 30 10", "P": "06 00 30 41 42 33 03",
    "Q": "10 01 05 16 36 45 41 30 10|34 46", "R": "06 00 30 41 42 33 03|23 46",
    "S": "41 30 10 01 02 13 33 44 45 36 16 05", "T": "00 40|20 26", "U": "00 05 16 36 45 40", "V": "00 26 40",
    "W": "00 26 31 46 60", "X": "00 46|40 06", "Y": "00 23 40|23 26", "Z": "00 40 06 46",
    "a": "12 22 33 36|34 14 05 16 26 35", "b": "00 06|03 12 22 33 35 26 16 05", "c": "33 22 12 03 05 16 26 35",
    "d": "30 36|33 22 12 03 05 16 26 35", "e": "04 34 33 22 12 03 05 16 26 35", "f": "20 11 16|02 22",
    "g": "32 37 28 18 07|33 22 12 03 05 16 26 35", "h": "00 06|03 12 22 33 36", "i": "02 06|00 00",
    "j": "12 17 08|10 10", "k": "00 06|32 04 36", "l": "00 05 16", "m": "02 06|03 12 23 26|23 32 43 46",
    "n": "02 06|03 12 22 33 36", "o": "12 03 05 16 26 35 33 22 12", "p": "02 08|03 12 22 33 35 26 16 05",
    "q": "32 38|33 22 12 03 05 16 26 35", "r": "02 06|03 12 22", "s": "32 12 03 14 24 35 26 06", "t": "10 15 26|02 22",
    "u": "02 05 16 26 35|32 36", "v": "02 26 42", "w": "02 16 23 36 42", "x": "02 36|32 06", "y": "02 26|42 18",
    "z": "02 32 06 36", "0": "10 01 05 16 26 35 31 20 10", "1": "01 10 16", "2": "01 10 20 31 32 06 36",
    "3": "01 10 20 31 32 23 13|23 34 35 26 16 05", "4": "26 20 04 34", "5": "30 00 02 22 33 35 26 06",
    "6": "31 20 10 01 05 16 26 35 34 23 03", "7": "00 30 16", "8": "13 02 01 10 20 31 32 23 13 04 05 16 26 35 34 23",
    "9": "05 16 26 35 31 20 10 01 02 13 33", ".": "06 06", ",": "06 07", ":": "03 03|06 06", ";": "03 03|06 07",
    "-": "04 24", "–": "04 34", "−": "04 34", "_": "07 47", "/": "30 07", "\\": "00 37", "(": "10 01 06 17",
    ")": "00 11 16 07", "[": "10 00 07 17", "]": "00 10 17 07", "+": "04 44|22 26", "=": "03 33|05 35",
    "%": "40 06|10 00 01 11 10|35 45 46 36 35", "'": "00 02", '"': "00 02|10 12", "!": "00 04|06 06",
    "?": "01 10 20 31 32 23 24|26 26", "*": "02 24|22 04|11 15", "<": "32 04 36", ">": "02 34 06", "·": "04 04",
    "×": "03 36|33 06", "…": "06 06|26 26|46 46", "|": "00 07", "~": "04 13 24 33", "#": "10 06|30 26|02 42|04 34",
    "&": "46 11 10 20 21 03 05 16 26 44", "→": "04 44|22 44 26",
}  # fmt: skip
UNKNOWN = "00 06 36 30 00"  # an empty box


def text_width(text: str) -> int:
    """Return how wide a line of text is, in pixels."""
    return round(sum(_advance(letter) for letter in _readable(text)))


def text_mask(text: str, *, bold: bool = False) -> NDArray[np.float64]:
    """Return how far each pixel of a line of text is covered, from 0 to 1, ``[ASCENT + DESCENT, width]``."""
    letters = _readable(text)
    starts = np.round(np.cumsum([0.0, *map(_advance, letters)])).astype(int)
    mask = np.zeros((ASCENT + DESCENT, starts[-1] + 4 * MARGIN))
    for letter, start in zip(letters, starts, strict=False):
        if letter != " ":
            glyph = _glyph(letter, bold)
            there = mask[:, start : start + glyph.shape[1]]
            np.maximum(there, glyph[:, : there.shape[1]], out=there)
    return mask


def shorten_to(text: str, width: int) -> str:
    """Return as much of a text as a width in pixels holds."""
    if text_width(text) <= width:
        return text
    while text and text_width(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…" if text else ""


def _readable(text: str) -> str:
    """Return text in letters that there are: accents are left out, and what cannot be written becomes a box."""
    letters = []
    for letter in text:
        known = letter == " " or letter in GLYPHS
        letters.append(letter if known else unicodedata.normalize("NFKD", letter)[0])
    return "".join(letters)


def _strokes(letter: str) -> list[NDArray[np.float64]]:
    lines = GLYPHS.get(letter, UNKNOWN).split("|")
    return [np.array([[int(digit) for digit in pair] for pair in line.split()], dtype=np.float64) for line in lines]


@cache
def _advance(letter: str) -> float:
    """Return the pixels from the beginning of a letter to that of the next."""
    if letter == " ":
        return UNIT * (SPACE + GAP - 1)
    return UNIT * (max(float(stroke[:, 0].max()) for stroke in _strokes(letter)) + GAP)


@cache
def _glyph(letter: str, bold: bool) -> NDArray[np.float64]:
    width = round(_advance(letter) + 2 * MARGIN)
    y, x = np.mgrid[: ASCENT + DESCENT, :width] + 0.5
    cover = np.zeros(x.shape)
    for stroke in _strokes(letter):
        points = stroke * UNIT + [MARGIN, ASCENT - 6 * UNIT]
        for (x0, y0), (x1, y1) in pairwise(points):
            length = (x1 - x0) ** 2 + (y1 - y0) ** 2
            along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1) if length else 0.0
            distance = np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))
            dot = 0.0 if length else 0.35  # a dot is a little larger than a stroke is wide
            np.maximum(cover, np.clip(WEIGHTS[bold] / 2 + dot + 0.5 - distance, 0, 1), out=cover)
    return cover
