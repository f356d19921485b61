"""What is to be cited for what was computed, as BibTeX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from embviz.analysis.projection import METHOD_NAMES, Projection
from embviz.core.embedding import Embedding
from embviz.core.vectors import Vectors
from embviz.errors import OptionError
from embviz.evaluation import Evaluation
from embviz.heads import Head
from embviz.heads.lookup import find_record
from embviz.heads.registry import known_heads
from embviz.models import Model, get_model
from embviz.models.lookup import find_model
from embviz.models.references import REFERENCES, Reference, references_in

#: Of whatever a network of Essentia, or one that takes its front-ends, has computed.
_ESSENTIA = (REFERENCES["alonso2020tensorflow"], REFERENCES["alonso2020deep"])
#: Of the methods of a map; PCA needs none.
_METHODS = {"umap": "mcinnes2018umap", "tsne": "maaten2008visualizing", "pacmap": "wang2021understanding"}

#: Of scores: what trains, the intervals, the tests, and the correction for their number.
_EVALUATION = ("pedregosa2011scikit", "rubin1981bayesian", "phipson2010permutation", "holm1979simple")


@runtime_checkable
class View(Protocol):
    """A panel that says what it shows."""

    def cited(self) -> Iterable[Any]:
        """Return what :func:`cite` is to be asked about."""


class Bibliography(list[Reference]):
    """What is to be cited, in order; printed and shown as BibTeX."""

    def __repr__(self) -> str:
        return "\n\n".join(reference.bibtex() for reference in self)

    __str__ = __repr__


def cite(*used: Any) -> Bibliography:
    """Return what is to be cited for results of embviz: embviz, Essentia, the poster, and the papers of what was used.

    Parameters
    ----------
    *used : str, Model, Head, Embedding, Vectors, Projection, Evaluation, Explorer, Atlas, or a sequence of these
        The name of a model, of a head or its task, or of a method of projection; or what was computed. A view stands
        for the models, heads and methods that it shows. Without any, what every result of embviz rests on.

    Returns
    -------
    Bibliography
        A list of :class:`embviz.models.references.Reference`, each once; ``print`` writes it as BibTeX. Papers that a
        model of your own names are taken from its description, with everything escaped that LaTeX would interpret.
        Vectors of your own add nothing.

    Raises
    ------
    ModelError
        If a name is that of nothing.
    OptionError
        If something is given for which nothing can be said, such as a Collection: give what was computed of it.

    Examples
    --------
    >>> import embviz
    >>> [reference.key for reference in embviz.cite("musicnn", "umap")]
    ['embviz', 'alonso2020tensorflow', 'alonso2020deep', 'pons2019musicnn', 'mcinnes2018umap']
    >>> print(embviz.cite("umap")[-1].bibtex())
    @article{mcinnes2018umap,
      title = {{UMAP: Uniform Manifold Approximation and Projection}},
      author = {McInnes, Leland and Healy, John and Saul, Nathaniel and Grossberger, Lukas},
      journal = {Journal of Open Source Software},
      year = {2018},
      volume = {3},
      number = {29},
      pages = {861},
    }
    """
    parts = [part for one in used for part in _parts_of(one)]
    if not used or any(isinstance(part, Head) or _is_network(part) for part in parts):
        parts = [*_ESSENTIA, *parts]
    found: dict[str, Reference] = {"embviz": REFERENCES["embviz"]}
    for reference in (reference for part in parts for reference in _references_of(part)):
        key, number = reference.key, 2
        while key in found and replace(reference, key=key) != found[key]:
            key, number = f"{reference.key}-{number}", number + 1
        found[key] = reference if key == reference.key else replace(reference, key=key)
    return Bibliography(found.values())


def _is_network(part: Any) -> bool:
    return isinstance(part, Model) and part.system != "function"


def _parts_of(one: Any) -> Iterator[Model | Head | Reference]:
    """Yield the models, heads and papers that something given stands for."""
    if isinstance(one, Model | Head):
        yield one
        if isinstance(one, Head):
            yield from _known(one.model)
    elif isinstance(one, str):
        yield from _named(one)
    elif isinstance(one, Embedding):
        heads = {head.name: head for head in known_heads()} if "head" in one.info else {}
        yield from filter(None, [heads.get(str(one.info.get("head")))])
        yield from _known(one.model)
    elif isinstance(one, Vectors):
        yield from _known(one.model)
    elif isinstance(one, Projection):
        yield from _method(one.method)
    elif isinstance(one, Evaluation):
        yield from (part for result in one.results for part in _known(result.model))
        yield from (REFERENCES[key] for key in _EVALUATION)
    elif isinstance(one, View):
        yield from (part for shown in one.cited() for part in _parts_of(shown))
    elif isinstance(one, list | tuple | set | frozenset):
        yield from (part for each in one for part in _parts_of(each))
    else:
        raise OptionError(
            f"A model, head, embedding, vectors, evaluation, projection or view is expected, or the name of a model, "
            f"{type(one).__name__} was found."
        )


def _named(name: str) -> Iterator[Model | Head | Reference]:
    if name in METHOD_NAMES:
        yield from _method(name)
        return
    head = next((head for head in known_heads() if head.name == name), None)
    record = None if head or find_model(name) else find_record(name)
    if head:
        yield from _parts_of(head)
    else:
        yield from _known(record.model) if record else [get_model(name)]


def _method(name: str) -> Iterator[Reference]:
    if name in _METHODS:
        yield REFERENCES[_METHODS[name]]


def _known(name: str) -> Iterator[Model]:
    """Yield the record of a model, if it has any: vectors of one's own have not."""
    model = find_model(name)
    if model is not None:
        yield model


def _references_of(part: Model | Head | Reference) -> list[Reference]:
    if isinstance(part, Reference):
        return [part]
    if isinstance(part, Model) and part.references:
        return [REFERENCES[key] for key in part.references]
    text = part.citation if isinstance(part, Model) else str(part.facts.get("citation", ""))
    return references_in(text, part.name, part.title)
