"""What is known of the dimensions of a layer: the table of units, and what stands on the card of one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.associations import ColumnAssociation, TagAssociations, correct_p
from embviz.core.text import format_interval, format_number, format_share, plural

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.analysis.unit_index import UnitIndex
    from embviz.core.vectors import Vectors

LEAST_R = 0.3  # for a name: what is less is too little to be told by, however sure
ALIKE = 8  # dimensions
MOST_P = 0.05
LEAST_GROUPS = 16  # for names: halves of fewer say nothing
OFTEN = 0.05  # share of frames at the maximum that is worth a sentence


@dataclass(frozen=True, eq=False)
class UnitFacts:
    """What is known of the dimensions of a layer, ``[d]``.

    Parameters
    ----------
    index : UnitIndex
        The frames.
    means : Vectors
        The mean of each track.
    tags : TagAssociations or None
        How the dimensions go with the tags; None without a tagger.
    tag_names : tuple of str
        Names of the tags.
    columns : tuple of ColumnAssociation
        How the dimensions go with columns of the table.
    correlations : ndarray, shape [d, d]
        Of the dimensions with each other.
    """

    index: UnitIndex
    means: Vectors
    tags: TagAssociations | None
    tag_names: tuple[str, ...]
    columns: tuple[ColumnAssociation, ...]
    correlations: NDArray[np.float32]

    # Names. ----------------------------------------------------------------------------------------------------------

    @cached_property
    def named(self) -> NDArray[np.bool_]:
        """Which dimensions have a name: the tag that was chosen in one half of the tracks holds."""
        return self._chosen_hold(1)

    @cached_property
    def opposed(self) -> NDArray[np.bool_]:
        """Which dimensions are low where a tag is high."""
        return self._chosen_hold(-1)

    def _chosen_hold(self, sign: int) -> NDArray[np.bool_]:
        tags = self.tags
        if tags is None:
            return np.zeros(len(self.index), bool)
        chosen, p = (tags.best, tags.p_best) if sign > 0 else (tags.worst, tags.p_worst)
        strong = np.nan_to_num(sign * self._at(tags.held_back, chosen)) >= LEAST_R
        return np.asarray(strong & (p <= MOST_P) & self.are_enough)

    @cached_property
    def holds(self) -> NDArray[np.bool_]:
        """Which pairs of a dimension and a tag go together, whoever asks for the tag, ``[d, k]``.

        They do in all tracks and in those held back, and not by chance; the names are among them.
        """
        tags = self.tags
        if tags is None:
            return np.zeros((len(self.index), 0), bool)
        strong = [np.nan_to_num(r) >= LEAST_R for r in (tags.r, tags.held_back)]
        pairs = strong[0] & strong[1] & (tags.p <= MOST_P) & self.are_enough
        np.put_along_axis(pairs, tags.best[:, None], self.named[:, None] | self._at(pairs, tags.best)[:, None], axis=1)
        return np.asarray(pairs)

    @property
    def are_enough(self) -> bool:
        """Whether there are enough groups of tracks for names."""
        return self.tags is not None and int(self.tags.counts[2]) >= LEAST_GROUPS

    @staticmethod
    def _at(values: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[Any]:
        return np.asarray(np.take_along_axis(values, chosen[:, None], axis=1)[:, 0])

    # The table. ------------------------------------------------------------------------------------------------------

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per dimension; see :class:`embviz.units.units.Units`."""
        import pandas as pd

        d, statistics = len(self.index), self.index.statistics
        columns: dict[str, Any] = {"label": self.index.vectors.columns} | self._name_columns()
        columns["selectivity"] = selectivity(statistics)
        columns |= {name: np.asarray(statistics[name], np.float64) for name in ("zeros", "saturated")}
        columns["separates"] = [self._separates(dimension) for dimension in range(d)]
        return pd.DataFrame(columns, index=pd.RangeIndex(d, name="dimension"))

    def _name_columns(self) -> dict[str, Any]:
        d, tags = len(self.index), self.tags
        if tags is None:
            nothing = {name: np.full(d, np.nan) for name in ("r", "low", "high", "r_held_back", "p")}
            return {"name": [""] * d, **nothing, "not_with": [""] * d}
        figures = {"r": tags.r, "low": tags.low, "high": tags.high, "r_held_back": tags.held_back}
        of_best = {name: self._at(values, tags.best).astype(np.float64) for name, values in figures.items()}
        return {
            "name": self._words(tags.best, self.named),
            **{name: np.where(self.named, values, np.nan) for name, values in of_best.items()},
            "p": np.where(self.named, tags.p_best, np.nan),
            "not_with": self._words(tags.worst, self.opposed),
        }

    def _words(self, chosen: NDArray[np.int64], given: NDArray[np.bool_]) -> list[str]:
        return [self.tag_names[tag] if yes else "" for tag, yes in zip(chosen, given, strict=True)]

    def _separates(self, dimension: int) -> str:
        """Return the column that a dimension separates best, and how; empty where there is none."""
        sure = [i for i in range(len(self.columns)) if self._corrected[i, dimension] <= MOST_P]
        if not sure:
            return ""
        best = self.columns[max(sure, key=lambda i: abs(self.columns[i].effect[dimension]))]
        if best.highest is None:
            return f"{best.column} ({best.effect[dimension]:+.2f})"
        return f"{best.column} ({best.categories[best.highest[dimension]]} highest)"

    @cached_property
    def _corrected(self) -> NDArray[np.float64]:
        """The p-values of the columns, corrected for all columns and dimensions, ``[columns, d]``."""
        return correct_p(np.stack([column.p for column in self.columns])) if self.columns else np.empty((0, 0))

    # The card. -------------------------------------------------------------------------------------------------------

    def tags_of(self, dimension: int) -> pd.DataFrame:
        """Return the tags, the one that a dimension goes with best first."""
        import pandas as pd

        names = ["name", "r", "low", "high", "r_held_back", "n_tracks"]
        if self.tags is None:
            return pd.DataFrame({name: [] for name in names})
        figures = (self.tags.r, self.tags.low, self.tags.high, self.tags.held_back)
        columns = [self.tag_names, *(values[dimension].astype(np.float64) for values in figures)]
        table = pd.DataFrame(dict(zip(names, columns, strict=False))).assign(n_tracks=int(self.tags.counts[0]))
        return table.sort_values("r", ascending=False, kind="stable", ignore_index=True)

    def columns_of(self, dimension: int) -> pd.DataFrame:
        """Return the columns of the table that a dimension separates, the largest effect first."""
        import pandas as pd

        rows = []
        for column, p in zip(self.columns, self._corrected, strict=True):
            if p[dimension] > MOST_P:
                continue
            ends = [
                "" if place is None else column.categories[place[dimension]]
                for place in (column.highest, column.lowest)
            ]
            rows.append((column.column, float(column.effect[dimension]), float(p[dimension]), *ends, column.n))
        table = pd.DataFrame(rows, columns=["column", "effect", "p", "highest", "lowest", "n_tracks"])
        return table.sort_values("effect", ascending=False, kind="stable", ignore_index=True, key=np.abs)

    def alike_to(self, dimension: int) -> pd.DataFrame:
        """Return the other dimensions that go with a dimension, the one that does so best first."""
        import pandas as pd

        r = self.correlations[dimension].astype(np.float64)
        order = np.argsort(-np.where(np.arange(len(r)) == dimension, -np.inf, r), kind="stable")[: len(r) - 1]
        order = order[r[order] > 0][:ALIKE]
        names = self.index.vectors.columns
        return pd.DataFrame({"dimension": order, "label": [names[i] for i in order], "r": r[order]})

    def sentences(self, dimension: int) -> list[str]:
        """Return what is to be said of a dimension."""
        statistics = self.index.statistics
        if self.index.is_constant(dimension):
            value = statistics["minimum"][dimension]
            told = "is never a finite number" if np.isnan(value) else f"is {value:g} in every frame"
            return [f"It {told}: it says nothing of this collection."]
        notes = [self._name_sentence(dimension)]
        if statistics["saturated"][dimension] >= OFTEN and len(self.index.vectors) > 1 / OFTEN:
            notes.append(
                f"It is at its maximum in {format_share(float(statistics['saturated'][dimension]))} of the frames."
            )
        if not self.named[dimension] and self.tags is not None:
            r = self.tags.r[dimension]
            others = sorted(np.flatnonzero(self.holds[dimension]), key=lambda tag: -r[tag])[:3]
            listed = ", ".join(f"{self.tag_names[tag]} ({r[tag]:.2f})" for tag in others)
            if others:
                notes.append(f"All tracks together, and each half of them, show that it goes with {listed}.")
            elif self.are_enough and not len(self.columns_of(dimension)):
                notes.append("As far as these tracks show, it stands for nothing that has a name here.")
        return [note for note in notes if note]

    def _name_sentence(self, dimension: int) -> str:
        tags = self.tags
        if tags is None:
            return ""
        tracks, held = map(int, tags.counts[:2])
        best, worst = int(tags.best[dimension]), int(tags.worst[dimension])
        r, there = tags.r[dimension], tags.held_back[dimension]
        opposed = f", not with {self.tag_names[worst]} ({format_number(r[worst])})" if self.opposed[dimension] else ""
        if not self.are_enough:
            return f"No name can be given: {self.describe_too_few()}."
        if not self.named[dimension]:
            p = float(tags.p_best[dimension])
            by = f"by r = {format_number(there[best])}" if np.isfinite(there[best]) else "not at all"
            doubt = f"as it may by chance (p = {p:.2g} for all dimensions together)" if p > MOST_P else "only"
            return (
                f"No name: {self.tag_names[best]}, which it goes with best in one half of the tracks, goes with it in "
                f"the other {by}, {doubt}{opposed}."
            )
        low, high = tags.low[dimension][best], tags.high[dimension][best]
        return (
            f"Goes with {self.tag_names[best]}: r = {format_interval(r[best], low, high)} in "
            f"{plural(tracks, 'track')}, {there[best]:.2f} in the {held:,} held back{opposed}."
        )

    def describe_too_few(self) -> str:
        """Return why no dimension of few tracks, or of few artists, has a name; there is no full stop."""
        tracks, groups = (0, 0) if self.tags is None else (int(self.tags.counts[0]), int(self.tags.counts[2]))
        who = plural(tracks, "track") + (f" of {plural(groups, 'artist')}" if groups < tracks else "")
        few = "is too little" if tracks == 1 else "are too few"
        needed = "artists" if groups < tracks else "tracks"
        return (
            f"{who} {few} to decide, as a tag may go with a dimension in both halves of them by chance; about thirty "
            f"{needed} are enough"
        )

    def notes(self) -> list[str]:
        """Return what is to be said of all dimensions together."""
        tags = self.tags
        if tags is None:
            return []
        tracks = int(tags.counts[0])
        if self.named.any():
            named = f"{int(self.named.sum()):,} of {plural(len(self.named), 'dimension')} are named"
            how = f"the tag was chosen in one half of {plural(tracks, 'track')} and holds in the other"
            return [f"{named}: {how} (r ≥ {LEAST_R}; of all names, one in {1 / MOST_P:.0f} may be false)."]
        why = "no tag that was chosen in one half of the tracks holds in the other, but as it may by chance"
        if not self.are_enough:
            why = self.describe_too_few()
        return [f"No dimension is named: {why}."]


def selectivity(statistics: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return how selective dimensions are, ``[d]``: 0 where a dimension is the same everywhere, near 1 in few frames.

    The sparseness of W. E. Vinje and J. L. Gallant (Science 287, 2000), of what is above the lowest value:
    the share of its mean square that is not the square of its mean.
    """
    height = np.asarray(statistics["mean"], np.float64) - np.minimum(statistics["minimum"], statistics["mean"])
    variance = np.asarray(statistics["std"], np.float64) ** 2
    power = variance + height**2
    return np.asarray(np.divide(variance, power, where=power > 0, out=np.zeros_like(power)))
