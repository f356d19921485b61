"""Artists of tracks: the names in a cell, and the tracks that belong together through a name that they share.

Conventions: a cell holds a list of names, or text. Text is always taken apart at a semicolon, a slash and at "feat.":
``"A/B"`` is by A and by B. A comma, "&", "and", "x", "+" and "with" may be part of a name ("Earth, Wind & Fire",
"Bach, Johann"): what stands between them counts only where it is a whole name elsewhere in the column, so that
``"A & B"`` belongs with ``"A"``. To take too much apart does no harm, as it only keeps more tracks together; but names
that stand for nobody ("Various Artists", "Unknown") keep nothing together, for they would join all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import is_missing

if TYPE_CHECKING:
    from numpy.typing import NDArray


ARTIST = "artist"  # the column
NOBODY = frozenset(
    {
        "", "-", "?", "va", "v.a", "v/a", "n/a", "various", "various artists", "unknown", "unknown artist",
        "unknown artists", "no artist", "anonymous", "traditional", "trad",
    }
)  # fmt: skip
LONGEST = 2000  # letters of a cell

_CERTAIN = re.compile(r"\s*[;/\0]\s*|[\s(\[]+(?:feat|ft|featuring|vs)\b\.?\s+", re.IGNORECASE)
_UNCERTAIN = (re.compile(r",\s"), re.compile(r"\s+(?:&|\+|x|×|and|with)\s+", re.IGNORECASE))
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")


def artist_names(cells: Iterable[Any]) -> list[set[str]]:
    """Return the names in each cell, without capitals; none where nobody is named."""
    whole = [
        {_normalize(name) for entry in _entries(cell) for name in _CERTAIN.split(entry)} - NOBODY for cell in cells
    ]
    known = set().union(*whole)
    # Cells with the same name have the same parts, so that these can stand for it.
    return [{part for name in names for part in (_parts(name) - {name}) & known or {name}} for names in whole]


def _entries(cell: Any) -> list[str]:
    """Return the entries of a cell: of a list, of the text of one, or of plain text; none where nobody is meant."""
    if isinstance(cell, list | tuple | set | frozenset | np.ndarray):
        entries = [str(value)[:LONGEST] for value in cell if not is_missing(value)]
    else:
        text = "" if is_missing(cell) else str(cell)[:LONGEST].strip()
        is_list = text.startswith(("['", '["')) and text.endswith("]")
        entries = ["".join(groups) for groups in _QUOTED.findall(text)] if is_list else [text]
    return [entry for entry in entries if _normalize(entry) not in NOBODY]


def _normalize(name: str) -> str:
    plain = name if name.isascii() else unicodedata.normalize("NFKC", name)
    return plain.casefold().strip(" \t\n.()[]<>")


def _parts(name: str) -> set[str]:
    """Return what stands between separators that may be part of a name."""
    parts = {name}
    for separator in _UNCERTAIN:
        parts |= {_normalize(part) for whole in parts if " " in whole for part in separator.split(whole)}
    return parts


def join_names(names: list[set[str]]) -> NDArray[np.int64]:
    """Return the group of each track, ``[n]``: the same number where a chain of shared names leads from one to another.

    A track without a name is a group of its own.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    number: dict[str, int] = {}
    pairs = [(track, number.setdefault(name, len(number))) for track, own in enumerate(names) for name in sorted(own)]
    tracks, shared = np.array(pairs, np.int64).reshape(-1, 2).T
    nodes = len(names) + len(number)
    edges = coo_array((np.ones(len(pairs)), (tracks, shared + len(names))), shape=(nodes, nodes))
    found: NDArray[np.int64] = connected_components(edges, directed=False)[1][: len(names)].astype(np.int64)
    return found
