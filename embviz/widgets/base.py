"""What widgets have in common: references and names in the page, and how those that draw an embedding are made."""

from __future__ import annotations

import logging
import sys
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

import anywidget
import ipywidgets
import traitlets

from embviz.core.notebook import running_cell
from embviz.core.text import shorten
from embviz.errors import OptionError, did_you_mean
from embviz.models import model_title
from embviz.widgets import bundle
from embviz.widgets.still import Still, StillOutputs

if TYPE_CHECKING:
    from embviz.core.embedding import Embedding


log = logging.getLogger("embviz")


def model_ref(widget: anywidget.AnyWidget | None) -> str:
    """Return how the page refers to a widget; empty where there is none."""
    return f"IPY_MODEL_{widget.model_id}" if widget is not None else ""


def close_widget(widget: anywidget.AnyWidget) -> None:
    """Close a widget, and its layout, which ipywidgets would keep."""
    layout = widget.layout
    widget.close()
    layout.close()


def new_clock_name() -> str:
    """Return a name that no other clock has."""
    return f"embviz-{uuid.uuid4().hex}"


def check_traits(kind: type[anywidget.AnyWidget], given: Iterable[str]) -> None:
    """Raise OptionError where a widget has no trait of a name."""
    known = [name for name in kind.class_trait_names(sync=True) if not name.startswith("_")]
    for name in given:
        if name not in known:
            raise OptionError(f"{kind.__name__} has no option {name!r}.{did_you_mean(name, known)}")


class PageWidget(anywidget.AnyWidget):
    """Base of widgets: of their traits, the page sets those that are its own, with values that they can have."""

    #: The script in ``src/widgets.js`` that draws the widget.
    script: ClassVar[str]
    #: The traits that follow what the reader does; all others are set by Python alone.
    page_traits: ClassVar[frozenset[str]] = frozenset()
    _outputs: StillOutputs | None = None

    _esm = traitlets.Unicode(help="What anywidget runs.").tag(sync=True)
    # Not by its name alone: a page that is written from some widgets gets those that they refer to.
    _bundle = traitlets.Instance(bundle.Bundle, help="The code that all widgets share.").tag(
        sync=True, **ipywidgets.widget_serialization
    )

    @traitlets.default("_esm")
    def _module(self) -> str:
        return bundle.module(self.script)

    @traitlets.default("_bundle")
    def _shared_bundle(self) -> bundle.Bundle:
        return bundle.shared_bundle()

    def __init__(self, *args: Any, **traits: Any) -> None:
        self._cell = running_cell()
        super().__init__(*args, **traits)

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        with self._cell():
            super()._handle_msg(msg)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the page has set, or refuse all of it and tell the page how things are."""
        foreign = [name for name in sync_data if name not in self.page_traits]
        try:
            if foreign:
                raise traitlets.TraitError(f"The page cannot set {foreign[0]!r:.80}.")
            super().set_state(sync_data)
        except (traitlets.TraitError, TypeError, ValueError, OverflowError) as error:
            self.refuse(f"What the page has set is not taken: {shorten(error, 200).rstrip('.…')}.")
            self.send_state([name for name in sync_data if name in self.keys])

    def refuse(self, sentence: str) -> None:
        """Say why what came from the page is not taken."""
        log.warning(sentence)

    def still(self) -> Still:
        """Return what the notebook keeps of the widget as it is now."""
        return Still(type(self).__name__)

    def to_static(self) -> Self:
        """Give the widget all that a kernel could send it later, to do without one; return it."""
        return self

    def view_bundle(self) -> dict[str, Any]:
        """Return the widget by media types, without a still."""
        return {**(super()._repr_mimebundle_() or ({},))[0], "text/plain": repr(self)}

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return StillOutputs(self.view_bundle, self.still).bundle(), {}

    def _ipython_display_(self) -> None:
        if self._outputs is None:
            self._outputs = outputs = StillOutputs(self.view_bundle, self.still)
            self.observe(lambda _change: outputs.touch())
        self._outputs.display()

    def close(self) -> None:
        """Take the widget off the page; its still stays."""
        if self._outputs is not None:
            self._outputs.close()
        super().close()


def is_finite(*values: Any) -> bool:
    """Tell whether all values are numbers that are finite."""
    return all(isinstance(value, int | float) and abs(value) <= sys.float_info.max for value in values)


def embedding_title(embedding: Embedding) -> str:
    """Return what a picture of an embedding is called where nothing around it says so: track, model and layer."""
    return " · ".join(filter(None, [embedding.title, model_title(embedding.model), embedding.layer]))


class EmbeddingWidget(PageWidget):
    """Base of the widgets that draw an embedding over time; build one with :meth:`of`."""

    clock = traitlets.Unicode(help="Widgets with a clock of one name share playhead, zoom and range.").tag(sync=True)
    title = traitlets.Unicode(help="Shown above; empty where the surroundings say it.").tag(sync=True)
    message = traitlets.Unicode(help="A sentence shown in place of the picture.").tag(sync=True)

    @traitlets.default("clock")
    def _own_clock(self) -> str:
        return new_clock_name()

    @classmethod
    def of(cls, embedding: Embedding, **traits: Any) -> Self:
        """Return a widget that draws an embedding.

        Parameters
        ----------
        embedding : Embedding
            What is drawn.
        **traits
            Values of traits, such as ``clock=player.clock``.

        Raises
        ------
        OptionError
            If there is no such trait.
        LayerError
            If this widget cannot draw a layer of that kind.
        """
        check_traits(cls, traits)
        widget = cls(**{"title": embedding_title(embedding)} | traits)
        widget.update(embedding)
        return widget

    def update(self, embedding: Embedding) -> None:
        """Draw another embedding."""
        raise NotImplementedError
