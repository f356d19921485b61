"""Units: what each dimension of a layer goes with, in a collection.

Conventions: r is Pearson's correlation over the frames of all tracks; its interval is one of 95 %, by bootstrap over
tracks. A dimension is named by a tag only where the two go together on tracks that had no part in choosing the tag.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.collection import Collection
    from embviz.core.cache import CacheOption
    from embviz.core.progress import Progress
    from embviz.core.vectors import Vectors
    from embviz.extraction import EngineOption
    from embviz.models import ModelLike
    from embviz.units.moments import Moments


@dataclass(frozen=True, eq=False)
class UnitCard:
    """All that is known of one dimension of a layer, as :meth:`Units.card` returns it.

    Parameters
    ----------
    dimension : int
        Its number.
    label : str
        Its own name, such as a tag, or ``"embedding_37"``.
    histogram : (ndarray, ndarray)
        Edges ``[bins + 1]`` and counts of frames ``[bins]`` of its values in the collection.
    highest, lowest : Moments
        Where it is highest and lowest.
    tags : DataFrame
        The tags, the one that it goes with best first: ``name``, ``r``, ``low``, ``high``, ``r_held_back`` (on the
        tracks held back), ``n_tracks``.
    named : bool
        Whether a tag goes with it on the tracks held back.
    name : str
        That tag, or empty.
    not_with : str
        The tag that it is lowest with on the tracks held back, or empty.
    columns : DataFrame
        Columns of the table that it separates: ``column``, ``effect`` (0 … 1: share of the ranks' variance; of numbers,
        Spearman's correlation), ``p`` (corrected for all dimensions and columns), ``highest``, ``lowest`` (values of
        the column), ``n_tracks``.
    alike : DataFrame
        The dimensions that behave alike: ``dimension``, ``label``, ``r``.
    zeros, saturated : float
        Share of the frames at zero, and at its maximum.
    selectivity : float
        0 (the same everywhere) … 1 (all of it in a single frame).
    notes : tuple of str
        Sentences: what it goes with, or that it means nothing, and why.
    """

    dimension: int
    label: str
    histogram: tuple[NDArray[Any], NDArray[Any]]
    highest: Moments
    lowest: Moments
    tags: pd.DataFrame
    named: bool
    name: str
    not_with: str
    columns: pd.DataFrame
    alike: pd.DataFrame
    zeros: float
    saturated: float
    selectivity: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Units:
    """The dimensions of a layer and what they go with, as :meth:`embviz.Collection.units` returns them.

    Parameters
    ----------
    collection : Collection
        The tracks.
    vectors : Vectors
        The frames of the layer.
    table : DataFrame
        A row per dimension, its number as the index: ``label``; ``name`` (a tag, or empty), ``r``, ``low``, ``high``,
        ``r_held_back``, ``p``; ``not_with``; ``selectivity``, ``zeros``, ``saturated``; ``separates`` (a column).
    tagger : str
        Name of the model whose tags are the names, or empty.
    notes : tuple of str
        Sentences about the whole.
    """

    collection: Collection
    vectors: Vectors
    table: pd.DataFrame
    tagger: str = ""
    notes: tuple[str, ...] = ()
    _parts: dict[str, Any] = field(default_factory=dict, repr=False)

    def card(self, dimension: int | str, *, k: int = 10) -> UnitCard:
        """Return all that is known of a dimension.

        Parameters
        ----------
        dimension : int or str
            Its number, or its label.
        k : int
            Number of its highest and of its lowest moments.

        Returns
        -------
        UnitCard
        """
        raise NotImplementedError

    def search(self, text: str) -> Units:
        """Return the dimensions that go with what is asked for, best first.

        Parameters
        ----------
        text : str
            Part of a tag, of a dimension's label, or of the name of a column that it separates.

        Returns
        -------
        Units
            With a table of these dimensions only, perhaps of none.
        """
        raise NotImplementedError

    def sort(self, by: str = "r", *, ascending: bool = False, selection: Any = None) -> Units:  # noqa: ARG002
        """Return the units in another order.

        Parameters
        ----------
        by : str
            A column of the table.
        ascending : bool
            Whether the lowest come first.
        selection : query, labels or Collection, optional
            The dimensions come in the order of how far they separate these tracks from the rest; the table gets the
            columns ``effect`` and ``effect_p``.

        Returns
        -------
        Units
        """
        return replace(self, table=self.table.sort_values(by, ascending=ascending, kind="stable"))


def find_units(
    collection: Collection,
    model: ModelLike | Vectors,
    layer: str,
    *,
    tagger: ModelLike | Vectors | None,
    engine: EngineOption,
    cache: CacheOption,
    progress: Progress,
) -> Units:
    """Return the units of a layer; see :meth:`embviz.Collection.units`."""
    raise NotImplementedError
