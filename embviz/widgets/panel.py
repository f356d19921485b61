"""The panel around everything: tracks, player, and the pages that look into a track.

It holds what is shown and passes on what is asked for; it knows nothing of sounds or models. What each trait holds is
said beside it; names and sentences in them are shown as text, whatever they contain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import traitlets

from embviz.widgets._sources import script, style

__all__ = ["COMMANDS", "LARGEST_FILE", "Panel"]

#: What the panel can ask for.
COMMANDS = frozenset(
    {
        "open", "add", "change", "remove", "undo", "move", "collapse", "retry", "cancel", "pull", "stop_pull", "upload",
        "hears", "tagger", "stems", "walk", "maps", "structure", "export", "dismiss",
    }
)  # fmt: skip

#: The largest file that can be handed in, in bytes.
LARGEST_FILE = 200_000_000

Handler = Callable[[str, dict[str, Any], list[Any]], None]


class Panel(anywidget.AnyWidget):
    """What the Explorer looks like, and the commands that come from it.

    Every trait is what is shown now: a list or a dictionary is replaced, never changed in place. ``view`` in any of
    them is a reference ``"IPY_MODEL_…"`` to a widget, or empty where there is nothing to see yet.
    """

    _esm = script("panel")
    _css = style("panel")

    clock = traitlets.Unicode(help="name of the clock that all views share").tag(sync=True)
    player = traitlets.Unicode(help="reference to the player").tag(sync=True)
    folder = traitlets.Unicode(help="where the tracks are").tag(sync=True)
    tracks: traitlets.List[Any] = traitlets.List(help="facts of each track").tag(sync=True)
    cached = traitlets.Dict(help="track id (text) to names of the models that are computed").tag(sync=True)
    track = traitlets.Int(-1, help="id of the open track; -1: none").tag(sync=True)
    models: traitlets.List[Any] = traitlets.List(help="each model with its layers and the state of its weights").tag(
        sync=True
    )
    pulling = traitlets.Dict(help="model to done, total, stage of its download, or to its error").tag(sync=True)
    rows: traitlets.List[Any] = traitlets.List(help="rows of the poster, from top to bottom").tag(sync=True)
    tab = traitlets.Enum(["poster", "hears", "layers", "structure"], "poster", help="page in front").tag(sync=True)
    hears = traitlets.Dict(help="taggers, tempo and stems").tag(sync=True)
    walk = traitlets.Dict(help="model, and its layers from input to output").tag(sync=True)
    structure = traitlets.Dict(help="model, layer and its self-similarity").tag(sync=True)
    busy = traitlets.Dict(help="text, done, total of the work that runs; empty: none").tag(sync=True)
    notice = traitlets.Dict(help="level, text, remedy, seq of a message; empty: none").tag(sync=True)
    code = traitlets.Unicode(help="Python that gives this view").tag(sync=True)
    can_undo = traitlets.Bool(help="whether a change of the rows can be taken back").tag(sync=True)
    collapsed_list = traitlets.Bool(help="whether the list of tracks is hidden").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._handlers: list[Handler] = []
        self._parts: dict[str, list[bytes]] = {}
        self.on_msg(self._heard)

    def on_command(self, handler: Handler) -> None:
        """Call ``handler(kind, content, buffers)`` for each command that comes from the page.

        Parameters
        ----------
        handler : callable
            Gets one of :data:`COMMANDS`, a dictionary of what belongs to it, and a list of bytes: of ``"upload"`` the
            whole file, of all others nothing. The page has been answered before.
        """
        self._handlers.append(handler)

    def _heard(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        if not isinstance(content, dict):
            return
        # The page waits for this to know that the kernel lives; the work itself may take its time.
        if isinstance(content.get("seq"), int):
            self.send({"kind": "ack", "seq": content["seq"]})
        kind = content.get("kind")
        if not isinstance(kind, str) or kind not in COMMANDS:
            return
        rest = {name: value for name, value in content.items() if name not in {"kind", "seq"}}
        whole: list[Any] | None = list(buffers or [])
        if kind == "upload":
            whole = self._collected(rest, whole or [])
        if whole is None:
            return
        for handler in self._handlers:
            handler(kind, rest, whole)

    def _collected(self, content: dict[str, Any], buffers: list[Any]) -> list[Any] | None:
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
        if part + 1 < parts:
            return None
        return [b"".join(self._parts.pop(name))]
