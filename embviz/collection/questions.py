"""The questions that a collection is asked; each is answered by a function of :mod:`embviz.units`, imported late."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame


class Questions:
    """What every collection can be asked."""

    table: DataFrame

    # Moments of a dimension. -----------------------------------------------------------------------------------------

    # Units of a layer. -----------------------------------------------------------------------------------------------

    # Groups and directions. ------------------------------------------------------------------------------------------

    # Tracks that stand out, twins, exemplars, neighbors. -------------------------------------------------------------
