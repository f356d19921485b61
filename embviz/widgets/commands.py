"""What comes from the page: commands, answered at once, and files in parts.

Panel, atlas and confusion matrix share it. Of what a command asks for, of sounds and of models, it knows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import anywidget
import traitlets

from embviz.core.worker import guard
from embviz.widgets import schema

#: The largest file that can be handed in, in bytes.
LARGEST_FILE = 200_000_000

Handler = Callable[[str, dict[str, Any], list[Any]], None]


class CommandWidget(anywidget.AnyWidget):
    """A widget that holds what its page shows, and passes on the commands that come from it.

    A command is a message ``{"kind", "seq", …}``; the page gets ``{"kind": "ack", "seq"}`` before anything is done.

    Every trait is what is shown now, of a type of :mod:`embviz.widgets.schema`: a list or a dictionary is replaced,
    never changed in place. Names and sentences are shown as text, whatever they contain.
    """

    #: What the page can ask for; anything else is left unheard.
    commands: ClassVar[frozenset[str]] = frozenset()

    clock = traitlets.Unicode(help="name of the clock that all views share").tag(sync=True)
    player = traitlets.Unicode(help="reference to the player; empty: it is somewhere else").tag(sync=True)
    notice = schema.dict_trait(schema.Notice, "message above the page")

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._handlers: list[Handler] = []
        self._parts: dict[str, list[bytes]] = {}
        self.on_msg(self._receive)

    def on_command(self, handler: Handler) -> None:
        """Call ``handler(kind, content, buffers)`` for each command that comes from the page.

        Parameters
        ----------
        handler : callable
            Gets one of :attr:`commands`, a dictionary of what belongs to it, and a list of bytes: of ``"upload"`` the
            whole file, of all others nothing.
        """
        self._handlers.append(handler)

    def answer(self, table: Mapping[str, Callable[..., object]], failed: Callable[[str, str], object]) -> None:
        """Call a function for each command that comes from the page.

        Parameters
        ----------
        table : mapping of str to callable
            For each of :attr:`commands`, what takes its contents by name; of ``"upload"``, the file is ``data``.
        failed : callable
            Given a sentence and a remedy where one of them fails.
        """

        def handle(kind: str, content: dict[str, Any], buffers: list[Any]) -> None:
            with guard(failed):
                table[kind](**content, **({"data": bytes(buffers[0])} if kind == "upload" else {}))

        self.on_command(handle)

    def _receive(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        if not isinstance(content, dict):
            return
        # The page waits for this to know that the kernel lives; the work itself may take its time.
        if isinstance(content.get("seq"), int):
            self.send({"kind": "ack", "seq": content["seq"]})
        kind = content.get("kind")
        if not isinstance(kind, str) or kind not in self.commands:
            return
        rest = {name: value for name, value in content.items() if name not in {"kind", "seq"}}
        files = self._collect_parts(rest, buffers or []) if kind == "upload" else list(buffers or [])
        if files is not None:
            for handler in self._handlers:
                handler(kind, rest, files)

    def _collect_parts(self, content: dict[str, Any], buffers: Sequence[Any]) -> list[Any] | None:
        """Return the file that a part completes, or None: one message must not hold more than Jupyter's line takes."""
        name, part, parts = str(content.get("name", "")), content.pop("part", 0), content.pop("parts", 1)
        if len(buffers) != 1 or not isinstance(part, int) or not isinstance(parts, int):
            return None
        if part == 0:
            self._parts[name] = []
        got = self._parts.get(name)
        # A file whose beginning went to a kernel that is no more.
        if got is None or part != len(got):
            self._parts.pop(name, None)
            return None
        got.append(bytes(buffers[0]))
        if sum(map(len, got)) > LARGEST_FILE:
            del self._parts[name]
            return None
        return None if part + 1 < parts else [b"".join(self._parts.pop(name))]


class ModelsWidget(CommandWidget):
    """A widget whose page offers models, and shows what is computed with them."""

    models = schema.list_trait(schema.ModelOption, "models to choose from")
    downloads: traitlets.TraitType[dict[str, schema.Download], dict[str, schema.Download]] = traitlets.Dict(
        help="downloads by model; see Download"
    ).tag(sync=True)
    progress = schema.dict_trait(schema.Progress, "work that runs")
    code = traitlets.Unicode(help="Python that gives this view").tag(sync=True)
