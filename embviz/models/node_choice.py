"""Which nodes of a user's graph are meant: those that are asked for, those that are described, or the only ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from embviz.core.text import shorten
from embviz.errors import ModelError, did_you_mean

if TYPE_CHECKING:
    from embviz.inference.graph import Graph


#: What turns a network's last numbers into probabilities.
ENDS = ("Softmax", "Sigmoid")
_MOST_LISTED = 8


def choose_input(graph: Graph, file: str, asked: str | None, described: str) -> str:
    """Return the placeholder that takes the input.

    Parameters
    ----------
    graph : Graph
        The graph.
    file : str
        Its name, for the sentence that refuses.
    asked : str, optional
        The user's choice.
    described : str
        What the metadata say; it counts where the graph has it.

    Raises
    ------
    ModelError
        If the graph has not got what is asked for, or leaves several to choose from.
    """
    floats = [name for name in graph.placeholders if graph.nodes[name].is_float]
    named = graph.tensor(described if asked is None else str(asked))
    if named in floats:
        return named
    if asked is not None:
        raise ModelError(
            f"{file!r} has no input {asked!r:.100}.{did_you_mean(str(asked), floats)} Its inputs: {listing(floats)}."
        )
    # Of several, those that nothing is computed from alone are left-overs.
    live = [name for name in floats if graph.ends(name)] or floats
    if len(live) != 1:
        told = f"; the metadata name {described!r:.100}" if described else ""
        raise ModelError(
            f"One input is expected in {file!r}, {len(live)} were found ({listing(live)}){told}. input= says which it "
            "is."
        )
    return live[0]


def choose_output(graph: Graph, file: str, source: str, asked: str | None, described: Sequence[str]) -> str:
    """Return the tensor that is the output; parameters and errors are those of :func:`choose_input`.

    Parameters
    ----------
    graph, file, asked, described
        As there; several may be described, the likeliest first.
    source : str
        The input; the output is to be computed from it alone.
    """
    readable = dict.fromkeys(graph.readable(source))
    if asked is not None:
        return check_asked(graph, file, source, asked, readable)
    found = next((name for told in described if (name := graph.tensor(told)) in readable and name), None)
    if found is not None:
        return found
    ends = graph.ends(source)
    if not ends:
        raise ModelError(_describe_waiting(graph, file, source))
    for choice in (ends, [name for name in ends if graph.final_operation(name) in ENDS]):
        if len(choice) == 1:
            return choice[0]
    raise ModelError(
        f"One output is expected in {file!r}, {len(ends)} were found ({listing(ends)}). output= says which."
    )


def check_asked(graph: Graph, file: str, source: str, asked: str, readable: Iterable[str]) -> str:
    """Return the usual name of a tensor that is asked for; raises where it is none that can be read."""
    known = list(readable)
    named = graph.tensor(str(asked))
    if named in known:
        return named
    if named is not None and (others := _other_inputs(graph, source, named)):
        raise ModelError(
            f"{asked!r:.100} of {file!r} is computed from {listing(others)} too, which embviz does not feed."
        )
    near, ends = did_you_mean(str(asked), known), listing(graph.ends(source))
    raise ModelError(f"{file!r} has no node {asked!r:.100} that can be read.{near} It ends in {ends}.")


def check_ends(graph: Graph, file: str, source: str) -> None:
    """Raise where nothing can be computed from an input alone."""
    if not graph.ends(source):
        raise ModelError(_describe_waiting(graph, file, source))


def listing(names: Sequence[str]) -> str:
    """Return names as text, the first ones of many."""
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return f"{', '.join(shorten(name, 60) for name in names[:_MOST_LISTED])}{more}" if names else "none"


def _describe_waiting(graph: Graph, file: str, source: str) -> str:
    others = _other_inputs(graph, source, *graph.downstream(source))
    if not others:
        return f"{file!r} computes nothing from its input {source!r:.100}."
    return (
        f"{file!r} waits for {listing(others)} beside its input {source!r:.100} (a training switch); embviz feeds one "
        "input."
    )


def _other_inputs(graph: Graph, source: str, *tensors: str) -> list[str]:
    needed = graph.upstream(*tensors)
    return [name for name in graph.placeholders if name in needed and name != source]
