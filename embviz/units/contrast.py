"""Contrasts: which dimensions of a layer separate two groups of tracks, and the direction from one to the other.

Conventions: group a is the first, b the second; an effect above 0 is a dimension that is higher in b.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from embviz.analysis.directions import Direction
    from embviz.collection import Collection
    from embviz.core.cache import CacheOption
    from embviz.core.progress import Progress
    from embviz.core.vectors import Vectors
    from embviz.extraction import EngineOption
    from embviz.models import ModelLike
    from embviz.units.moments import Moments


@dataclass(frozen=True, eq=False)
class Contrast:
    """What separates two groups of tracks in a layer, as :meth:`embviz.Collection.contrast` returns it.

    Parameters
    ----------
    collection, a, b : Collection
        All tracks, and those of each group.
    vectors : Vectors
        The layer, a point per track.
    table : DataFrame
        A row per dimension, its number as the index, the largest effect first: ``label``; ``name`` (a tag, or empty);
        ``effect`` (Cohen's d: means of b and a apart, in standard deviations; above 0 where b is higher), ``low``,
        ``high`` (95 %, by bootstrap over tracks); ``p_corrected`` (for all dimensions); ``auc`` (0.5 … 1: area under
        the ROC curve on tracks held back).
    direction : Direction
        From a (0) to b (1).
    auc : float
        How well the direction tells the groups apart on tracks held back, 0.5 … 1; NaN where nothing can be held back.
    notes : tuple of str
        Sentences: what was found, what was left out, and what so few tracks cannot show.
    """

    collection: Collection
    a: Collection
    b: Collection
    vectors: Vectors
    table: pd.DataFrame
    direction: Direction
    auc: float
    notes: tuple[str, ...] = ()

    def moments(self, dimension: int | str, *, k: int = 10, group: str = "b") -> Moments:
        """Return where a dimension is highest in a group.

        Parameters
        ----------
        dimension : int or str
            Its number, or its label.
        k : int
            Number of moments.
        group : {"a", "b"}
            In which group.

        Returns
        -------
        Moments
        """
        raise NotImplementedError


def find_contrast(  # noqa: PLR0913  options are given by name
    collection: Collection,
    a: Any,
    b: Any,
    model: ModelLike | Vectors,
    layer: str,
    *,
    names: bool,
    engine: EngineOption,
    cache: CacheOption,
    progress: Progress,
) -> Contrast:
    """Return what separates two groups; see :meth:`embviz.Collection.contrast`."""
    raise NotImplementedError
