"""What comes from the page: commands, answered at once, and files in parts.

Panel, atlas and confusion matrix share it. Names, types and ranges of what comes with a command are checked here; of
what it asks for, of sounds and of models, nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import traitlets

from embviz.core.text import printable, shorten
from embviz.core.worker import guard
from embviz.errors import OptionError
from embviz.widgets import schema
from embviz.widgets.base import PageWidget

#: The largest file that can be handed in, in bytes; also of all together that are not finished.
LARGEST_FILE = 200_000_000
MOST_UNFINISHED = 8  # files
LARGEST_NUMBER = 2**53  # that JavaScript tells from the next one
LONGEST_TEXT = 4096  # letters; a path may be as long
MOST_ITEMS = 1000  # of an option
MOST_LISTED = 5000  # tracks

Handler = Callable[[str, dict[str, Any], list[Any]], None]


@dataclass(frozen=True)
class Field:
    """What a command comes with under one name: which values there can be, in words and as a test."""

    what: str
    fits: Callable[[Any], bool]
    optional: bool = False

    def or_none(self) -> Field:
        """Return the same for something that may be left out, or be None."""
        return Field(f"nothing or {self.what}", lambda value: value is None or self.fits(value), optional=True)


def _is_whole(value: Any, low: int = 0) -> bool:
    return type(value) is int and low <= value <= LARGEST_NUMBER


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT and printable(value) == value


def _is_seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= LARGEST_NUMBER


def _is_plain(value: Any, depth: int = 4) -> bool:
    """Tell whether a value is one that an option of a view can have: JSON, neither deep nor long."""
    if isinstance(value, dict | list) and depth:
        items = [*value, *value.values()] if isinstance(value, dict) else value
        return len(items) <= MOST_ITEMS and all(_is_plain(item, depth - 1) for item in items)
    if type(value) in (int, float):
        return bool(abs(value) <= LARGEST_NUMBER)
    return value is None or isinstance(value, bool) or _is_text(value)


def one_of(*names: str) -> Field:
    """Return a field that holds one of some values."""
    return Field(f"one of {', '.join(map(repr, names))}", lambda value: any(value == name for name in names))


def list_of(field: Field, most: int) -> Field:
    """Return a field that holds a list of values of another field, up to a number of them."""
    what = f"a list of up to {most:,} items, each {field.what},"
    return Field(what, lambda value: isinstance(value, list) and len(value) <= most and all(map(field.fits, value)))


WHOLE = Field("a whole number from 0", _is_whole)
LABEL = Field("the label of a track", lambda value: _is_whole(value, -LARGEST_NUMBER))
TEXT = Field("a text", _is_text)
SECONDS = Field("a number of seconds", _is_seconds)
FLAG = Field("true or false", lambda value: isinstance(value, bool))
PLAIN = Field("a value of an option", _is_plain)
HOP = Field('a number of seconds or "dense"', lambda value: _is_seconds(value) or value == "dense")

Fields = Mapping[str, Field]

#: What comes with a part of a file.
UPLOAD: Fields = {"name": TEXT, "part": WHOLE.or_none(), "parts": WHOLE.or_none()}


def check_command(kind: str, content: Mapping[str, Any], fields: Fields) -> None:
    """Raise OptionError where a command comes with something else than its fields."""
    for name, value in content.items():
        if name not in fields:
            raise OptionError(f"The page asked for {kind!r} with {name!r:.80}, which is nothing that belongs to it.")
        if not fields[name].fits(value):
            raise OptionError(
                f"The page asked for {kind!r} with {shorten(repr(value)[:200], 80)} as {name!r}; "
                f"{fields[name].what} is expected."
            )
    for name, field in fields.items():
        if name not in content and not field.optional:
            raise OptionError(f"The page asked for {kind!r} without {name!r}; {field.what} is expected.")


class CommandWidget(PageWidget):
    """A widget that holds what its page shows, and passes on the commands that come from it.

    A command is a message ``{"kind", "seq", …}``; the page gets ``{"kind": "ack", "seq"}`` before anything is done.

    Every trait is what is shown now, of a type of :mod:`embviz.widgets.schema`: a list or a dictionary is replaced,
    never changed in place. Names and sentences are shown as text, whatever they contain.
    """

    #: What the page can ask for, and what comes with it; anything else is refused with a sentence.
    commands: ClassVar[Mapping[str, Fields]] = {}

    clock = traitlets.Unicode(help="name of the clock that all views share").tag(sync=True)
    player = traitlets.Unicode(help="reference to the player; empty: it is somewhere else").tag(sync=True)
    notice = schema.dict_trait(schema.Notice, "message above the page")

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._handlers: list[Handler] = []
        self._failed: Callable[[str, str], object] | None = None
        self._parts: dict[str, list[bytes]] = {}
        self.on_msg(self._receive)

    def on_command(self, handler: Handler) -> None:
        """Call ``handler(kind, content, buffers)`` for each command that comes from the page.

        Parameters
        ----------
        handler : callable
            Gets one of :attr:`commands`, a dictionary of what belongs to it, checked, and a list of bytes: of
            ``"upload"`` the whole file, of all others nothing.
        """
        self._handlers.append(handler)

    def answer(self, table: Mapping[str, Callable[..., object]], failed: Callable[[str, str], object]) -> None:
        """Call a function for each command that comes from the page.

        Parameters
        ----------
        table : mapping of str to callable
            For each of :attr:`commands`, what takes its contents by name; of ``"upload"``, the file is ``data``.
        failed : callable
            Given a sentence and a remedy where one of them fails, or what came from the page is refused.
        """

        def handle(kind: str, content: dict[str, Any], buffers: list[Any]) -> None:
            with guard(failed):
                table[kind](**content, **({"data": bytes(buffers[0])} if kind == "upload" else {}))

        self._failed = failed
        self.on_command(handle)

    def refuse(self, sentence: str) -> None:
        """Say on the page why what came from it is not taken."""
        if self._failed is None:
            super().refuse(sentence)
        else:
            self._failed(sentence, "")

    def _receive(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        if not isinstance(content, dict):
            return
        # The page waits for this to know that the kernel lives; the work itself may take its time.
        if _is_whole(content.get("seq")):
            self.send({"kind": "ack", "seq": content["seq"]})
        with guard(lambda sentence, _remedy: self.refuse(sentence)):
            kind = content.get("kind")
            if not isinstance(kind, str) or kind not in self.commands:
                raise OptionError(f"The page asked for {shorten(repr(kind)[:200], 80)}, which is no command of it.")
            rest = {name: value for name, value in content.items() if name not in {"kind", "seq"}}
            check_command(kind, rest, self.commands[kind])
            files = self._collect_parts(rest, buffers or []) if kind == "upload" else []
            if files is not None:
                for handler in self._handlers:
                    handler(kind, rest, files)

    def _collect_parts(self, content: dict[str, Any], buffers: Sequence[Any]) -> list[bytes] | None:
        """Return the file that a part completes, or None: one message must not hold more than Jupyter's line takes."""
        name, part, parts = content["name"], content.pop("part", None) or 0, content.pop("parts", None) or 1
        if len(buffers) != 1 or part >= parts or (parts > 1 and not len(buffers[0])):
            raise OptionError(f"Of {shorten(name, 80)!r}, part {part + 1} of {parts} did not arrive; hand it in again.")
        if part == 0:
            self._parts.pop(name, None)
            self._parts[name] = []
        got = self._parts.get(name)
        # A file whose beginning went to a kernel that is no more, or that others have displaced.
        if got is None or part != len(got):
            self._parts.pop(name, None)
            raise OptionError(f"The beginning of {shorten(name, 80)!r} is not here; hand it in again.")
        got.append(bytes(buffers[0]))
        if sum(map(len, got)) > LARGEST_FILE:
            del self._parts[name]
            raise OptionError(
                f"{shorten(name, 80)!r} is larger than {LARGEST_FILE // 10**6} MB; put it into the folder instead."
            )
        if part + 1 == parts:
            return [b"".join(self._parts.pop(name))]
        self._parts[name] = self._parts.pop(name)  # the one that has grown last stands last
        while len(self._parts) > MOST_UNFINISHED or sum(map(len, chain(*self._parts.values()))) > LARGEST_FILE:
            del self._parts[next(iter(self._parts))]
        return None


class ModelsWidget(CommandWidget):
    """A widget whose page offers models, and shows what is computed with them."""

    models = schema.list_trait(schema.ModelOption, "models to choose from")
    downloads: traitlets.TraitType[dict[str, schema.Download], dict[str, schema.Download]] = traitlets.Dict(
        help="downloads by model; see Download"
    ).tag(sync=True)
    progress = schema.dict_trait(schema.Progress, "work that runs")
    code = traitlets.Unicode(help="Python that gives this view").tag(sync=True)
