"""The options of each projection method, as data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embviz.errors import OptionError, did_you_mean

METHODS = ("umap", "pca", "tsne", "pacmap")


@dataclass(frozen=True)
class ProjectionOption:
    """One option of a projection method.

    Parameters
    ----------
    name : str
        The name that the method's own library gives it.
    title : str
        Label of its control.
    kind : {"int", "float", "choice"}
        Type of its values.
    default : int, float or str
        Value where none is given.
    min, max, step : float or None
        Lowest and highest value of a number, both allowed, and the step of its control.
    choices : tuple of str
        Values of a choice.
    help : str
        One sentence.
    """

    name: str
    title: str
    kind: str
    default: int | float | str
    min: float | None
    max: float | None
    step: float | None
    help: str
    choices: tuple[str, ...] = ()

    def check(self, value: object) -> Any:
        """Return a value in the type of the option.

        Parameters
        ----------
        value : object
            A number, or one of `choices`.

        Returns
        -------
        int, float or str
            By the option's `kind`.

        Raises
        ------
        OptionError
            If it is of another type or out of range.
        """
        if self.kind == "choice":
            if value in self.choices:
                return value
            known, near = ", ".join(map(repr, self.choices)), did_you_mean(str(value), self.choices)
            raise OptionError(f"{self.name} is one of {known}, {value!r:.80} was found.{near}")
        try:
            number = math.nan if isinstance(value, bool | str) else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        low, high = self.min or 0, math.inf if self.max is None else self.max
        if not low <= number <= high or (self.kind == "int" and number != int(number)):
            what = "a whole number" if self.kind == "int" else "a number"
            raise OptionError(f"{self.name} is {what} from {low:g} to {high:g}, {value!r:.80} was found.")
        return int(number) if self.kind == "int" else number


_OPTIONS: dict[str, tuple[ProjectionOption, ...]] = {
    "umap": (
        ProjectionOption("n_neighbors", "Neighbours", "int", 15, 2, 500, 1,
            "How many vectors, itself among them, each is held together with: few show detail, many the whole."),
        ProjectionOption("min_dist", "Least distance", "float", 0.1, 0.0, 5.0, 0.05,
            "How close points may lie: small values pack clusters tightly."),
        ProjectionOption("spread", "Spread", "float", 1.0, 0.5, 5.0, 0.1,
            "The scale of the map; min_dist is a part of it."),
        ProjectionOption("n_epochs", "Rounds", "int", 0, 0, 10_000, 50,
            "Rounds of moving points; 0 stands for 500 up to 10,000 vectors and 200 beyond."),
        ProjectionOption("init", "Start from", "choice", "pca", None, None, None,
            "Where points are before the first round; umap-learn's own default, spectral, takes longer.",
            ("pca", "spectral", "random")),
        ProjectionOption("negative_sample_rate", "Pushes per pull", "int", 5, 1, 50, 1,
            "How many points at random push a point away each time that a neighbour pulls it."),
        ProjectionOption("repulsion_strength", "Repulsion", "float", 1.0, 0.0, 10.0, 0.1, "How hard these pushes are."),
        ProjectionOption("local_connectivity", "Sure neighbours", "int", 1, 1, 50, 1,
            "How many of the nearest neighbours count as fully connected, however far they are."),
    ),
    "pca": (),
    "tsne": (
        ProjectionOption("perplexity", "Perplexity", "float", 30.0, 1.0, 500.0, 1.0,
            "About how many neighbours each point attends to: few show detail, many the whole."),
        ProjectionOption("early_exaggeration", "Early exaggeration", "float", 12.0, 1.0, 100.0, 1.0,
            "How tightly neighbours are drawn together in the first rounds."),
        ProjectionOption("learning_rate", "Learning rate", "float", 0.0, 0.0, 10_000.0, 10.0,
            "How far points move in a round; 0 suits it to the number of vectors."),
        ProjectionOption("max_iter", "Rounds", "int", 1000, 250, 10_000, 50, "Rounds of moving points."),
    ),
    "pacmap": (
        ProjectionOption("n_neighbors", "Neighbours", "int", 10, 2, 500, 1,
            "How many neighbours each point is held together with."),
        ProjectionOption("MN_ratio", "Mid-near pairs", "float", 0.5, 0.0, 10.0, 0.1,
            "Pairs at middle distance per neighbour: they give the map its overall form."),
        ProjectionOption("FP_ratio", "Further pairs", "float", 2.0, 0.1, 20.0, 0.5,
            "Pairs at any distance per neighbour: they keep points apart."),
    ),
}  # fmt: skip


def method_options(method: str) -> tuple[ProjectionOption, ...]:
    """Return the options of a projection method.

    Parameters
    ----------
    method : {"umap", "pca", "tsne", "pacmap"}
        Name of the method.

    Returns
    -------
    tuple of ProjectionOption
        Empty for PCA, which has none.

    Raises
    ------
    OptionError
        If there is no such method.

    Examples
    --------
    >>> [option.name for option in method_options("pacmap")]
    ['n_neighbors', 'MN_ratio', 'FP_ratio']
    """
    return _OPTIONS[check_method(method)]


def resolve_options(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of each option of a method; OptionError where a given one is unknown or out of range."""
    table = {option.name: option for option in method_options(method)}
    for name in given:
        if name not in table:
            known = f"its options are {', '.join(table)}" if table else "it has none"
            raise OptionError(f"{method!r} has no option {name!r}; {known}.{did_you_mean(name, table)}")
    values = {name: option.check(given.get(name, option.default)) for name, option in table.items()}
    if method == "umap" and values["min_dist"] > values["spread"]:
        raise OptionError(
            f"min_dist is at most spread, {values['min_dist']:g} and {values['spread']:g} were found; lower min_dist."
        )
    return values


def check_method(method: Any) -> str:
    """Return the name of the method; OptionError if there is none of this name."""
    if not isinstance(method, str) or method not in METHODS:
        known = ", ".join(map(repr, METHODS))
        raise OptionError(f"method is one of {known}, {method!r:.80} was found.{did_you_mean(str(method), METHODS)}")
    return str(method)
