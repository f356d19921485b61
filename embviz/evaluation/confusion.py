"""A confusion matrix to look into: choose a cell, see which tracks are in it, and hear them.

Wiring only: :mod:`embviz.widgets.confusion` draws, a worker's thread opens the files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from embviz.audio import Audio
from embviz.core.text import format_cell, plural
from embviz.core.worker import Worker
from embviz.errors import AudioError, OptionError, did_you_mean
from embviz.evaluation import metrics
from embviz.evaluation.outcomes import outcomes
from embviz.models import model_title
from embviz.widgets import browser_audio
from embviz.widgets.base import close_widget, model_ref, new_clock_name
from embviz.widgets.still import Still, StillOutputs

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.core.worker import Job
    from embviz.evaluation.results import Result, TaskCollections
    from embviz.widgets.confusion import Confusion
    from embviz.widgets.player import Player


MOST_LISTED = 200  # tracks of a cell that the page is given
SIDES = {"cv": "Cross-validation", "external": "External"}


class ConfusionMatrix:
    """What a classifier took the tracks of each class for, and these tracks.

    A quantity is shown in five ranges, with the tracks that were missed farthest first; of several labels per track,
    one is shown.

    Parameters
    ----------
    result : Result
        Whose predictions are counted.
    collections : TaskCollections
        Where the tracks are.
    label : str, optional
        Which of several labels per track is shown; by default the one that most have.
    external : bool
        Whether the other collection is shown first, where there is one; the page can switch.
    player : bool or Player
        Whether it has a player of its own; or the one that is to be followed, while :meth:`on_choose` tells what to
        open and :meth:`mark_open` is told.
    clock : str, optional
        Name of the clock in the page; a new one by default.

    Raises
    ------
    OptionError
        If `external` is asked for where nothing was answered for another collection, or there is no such label.

    Examples
    --------
    >>> matrix = evaluation.confusion("musicnn")  # doctest: +SKIP
    >>> matrix.choose("rock", "metal").selection  # doctest: +SKIP
    """

    def __init__(
        self,
        result: Result,
        collections: TaskCollections,
        *,
        label: str | None = None,
        external: bool = False,
        player: Any = True,
        clock: str | None = None,
    ) -> None:
        from embviz.widgets.confusion import Confusion
        from embviz.widgets.player import Player

        if external and result.external is None:
            raise OptionError(
                "There are no answers for another collection; pass external= to evaluate, or leave it out here."
            )
        several = result.kind == "labels"
        result, self._outcomes = outcomes(result, label)
        self._label = result.classes[-1] if several else ""
        self._result, self._collections = result, collections
        self._predictions = {side: one.predictions for side, one in self._outcomes.items()}
        self._chosen: tuple[int, int] | None = None
        self._on_choose: list[Callable[[int], None]] = []
        self._on_cell: list[Callable[[list[int]], None]] = []
        self._closed = False
        self._seq = 0
        self._opener = Worker(computes=False)
        name = clock or (player.clock if isinstance(player, Player) else new_clock_name())
        self._player: Player | None = Player(clock=name) if player is True else None
        counts = {side: metrics.confusion(one, len(result.classes)) for side, one in self._predictions.items()}
        self.widget: Confusion = Confusion(
            clock=name,
            player=model_ref(self._player),
            title=_title(result),
            classes=[format_cell(each) for each in result.classes],
            test_sets=[{"name": side, "title": SIDES[side], "counts": counts[side].tolist()} for side in counts],
            test_set="external" if external else "cv",
        )
        commands: dict[str, Callable[..., object]] = {
            "show_cell": self._choose,
            "show_test_set": self._show_test_set,
            "play": self._play,
            "dismiss_notice": self._dismiss_notice,
        }
        self.widget.answer(commands, self._say)
        self._outputs = StillOutputs(self._view, self.still)
        self.widget.observe(lambda _change: self._outputs.touch(), ["chosen", "test_set"])

    # For the next cell. --------------------------------------------------------------------------------------------

    @property
    def selection(self) -> pd.DataFrame:
        """The tracks of the chosen cell, most certain first: their rows of the table.

        Columns ``truth``, ``predicted`` and ``probability`` (of what was predicted; of a label, that the track has it;
        of a quantity, in its place the ``residual``) come first. Without a chosen cell
        there are no rows.
        """
        import pandas as pd

        side, places = self.widget.test_set, self._places()
        facts = {name: values[places] for name, values in self._outcomes[side].facts.items()}
        said = pd.DataFrame(facts, index=pd.Index(self._predictions[side].tracks[places], name="track"))
        table = self._table()
        if table is None:
            return said
        return said.join(table.reindex(said.index).drop(columns=list(said.columns), errors="ignore"))

    @property
    def wrong(self) -> int:
        """How many tracks of the cross-validation were taken for another class, or range."""
        predictions = self._predictions["cv"]
        return int((predictions.predicted != predictions.truth).sum())

    @property
    def label(self) -> str:
        """Which of several labels per track is shown; empty where each track has one class, or a quantity."""
        return self._label

    @property
    def counts(self) -> pd.DataFrame:
        """The matrix that is shown: truth as rows, answers as columns."""
        return self._count_table(list(self._result.classes))

    def choose(self, truth: str, answer: str) -> Self:
        """Choose a cell; its tracks are listed below the matrix, and are the :attr:`selection`.

        Parameters
        ----------
        truth, answer : str
            Names of the true class (the row) and the predicted one (the column); OptionError if there is none.

        Returns
        -------
        ConfusionMatrix
        """
        classes = self._result.classes
        for name in (truth, answer):
            if name not in classes:
                known = ", ".join(map(repr, classes))
                raise OptionError(f"There is no class {name!r}; there is {known}.{did_you_mean(str(name), classes)}")
        self._choose(classes.index(truth), classes.index(answer))
        return self

    def on_choose(self, call: Callable[[int], None]) -> None:
        """Have a function called each time the reader chooses a track to listen to.

        Parameters
        ----------
        call : callable
            Given the label of the track, in the collection whose matrix is shown.
        """
        self._on_choose.append(call)

    def on_cell(self, call: Callable[[list[int]], None]) -> None:
        """Have a function called each time a cell is chosen, on the page or by :meth:`choose`.

        Parameters
        ----------
        call : callable
            Given the labels of the cell's tracks in the collection whose matrix is shown, most certain first.
        """
        self._on_cell.append(call)

    def mark_open(self, label: int) -> None:
        """Mark, in the list, a track that was opened in a player elsewhere.

        Parameters
        ----------
        label : int
            Label of the track, in the collection whose matrix is shown.
        """
        self.widget.current = {"test_set": self.widget.test_set, "track": int(label)}

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until the track that is being opened is open.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; by default as long as it takes.

        Returns
        -------
        ConfusionMatrix
        """
        self._opener.wait(timeout)
        return self

    def close(self) -> None:
        """Stop all work, and take everything off the page."""
        if self._closed:
            return
        self._outputs.close()
        self._closed = True
        self._opener.close()
        close_widget(self.widget)
        if self._player is not None:
            close_widget(self._player)

    # What the page asks for. ---------------------------------------------------------------------------------------

    def _choose(self, truth: Any, answer: Any) -> None:
        n = len(self._result.classes)
        if not all(isinstance(number, int) and 0 <= number < n for number in (truth, answer)):
            raise OptionError(f"Classes are numbered from 0 to {n - 1}; {truth!r} and {answer!r} were found.")
        self._chosen = truth, answer
        self._list()
        labels = [int(label) for label in self._predictions[self.widget.test_set].tracks[self._places()]]
        for call in self._on_cell:
            call(labels)

    def _show_test_set(self, name: str) -> None:
        if name not in self._predictions:
            raise OptionError(f"There is no side {name!r}; there is {' and '.join(self._predictions)}.")
        with self.widget.hold_sync():
            self.widget.test_set = name
            self._list()

    def _play(self, track: int) -> None:
        side = self.widget.test_set
        if track not in self._predictions[side].tracks:
            raise OptionError(f"There is no track {track!r} among the answers.")
        for call in self._on_choose:
            call(track)
        if self._player is not None:
            self._open(self._player, side, track)

    def _open(self, player: Player, side: str, label: int) -> None:
        current = {"test_set": side, "track": label}
        if self.widget.current == current and player.duration and not player.problem:
            player.play()
            return
        facts = self._facts([label])[0]
        path = self._path(label)
        player.clear(loading=f"opening {facts['title']}")
        self.widget.current = current

        def task(_job: Job) -> tuple[browser_audio.Summary, browser_audio.Playable]:
            if not path:
                raise AudioError(f"The table names no file for {facts['title']!r}.")
            audio = Audio.open(path)
            return browser_audio.summary(audio), browser_audio.playable(audio)

        def done(found: tuple[browser_audio.Summary, browser_audio.Playable]) -> None:
            outline, playable = found
            player.set_track(title=facts["title"], duration=outline.duration, peaks=outline.peaks, playable=playable)
            player.play()

        def fail(sentence: str, remedy: str) -> None:
            player.clear(problem=f"{sentence} {remedy}".strip())

        self._opener.submit("open", task, on_done=done, on_failed=fail)

    # What is shown. ------------------------------------------------------------------------------------------------

    def _places(self) -> NDArray[np.int64]:
        """Return the places of the chosen cell's tracks among the answers, most certain, or farthest off, first."""
        if self._chosen is None:
            return np.zeros(0, np.int64)
        predictions, (truth, answer) = self._predictions[self.widget.test_set], self._chosen
        places = np.flatnonzero((predictions.truth == truth) & (predictions.predicted == answer))
        return places[np.argsort(-self._outcomes[self.widget.test_set].rank[places], kind="stable")]

    def _list(self) -> None:
        if self._chosen is None:
            return
        truth, answer = self._chosen
        predictions, places = self._predictions[self.widget.test_set], self._places()
        shown = places[:MOST_LISTED]
        rows = self._facts([int(label) for label in predictions.tracks[shown]])
        for row, proba in zip(rows, np.nan_to_num(predictions.proba[shown]), strict=True):
            row["probability"], row["own"] = round(float(proba[answer]), 4), round(float(proba[truth]), 4)
        said = self._outcomes[self.widget.test_set].said
        for row, place in zip(rows, shown if said else [], strict=False):
            row["said"] = said[place]
        self.widget.chosen = {"truth": truth, "answer": answer, "rows": rows, "more": len(places) - len(shown)}

    def _table(self) -> pd.DataFrame | None:
        return self._collections.external if self.widget.test_set == "external" else self._collections.table

    def _facts(self, labels: list[int]) -> list[dict[str, Any]]:
        """Return what a list shows of tracks."""
        table = self._table()
        rows = {} if table is None else table.reindex(labels)
        columns = [
            [format_cell(value) for value in rows[name]] if name in rows else [""] * len(labels)
            for name in ("title", "name", "artist")
        ]
        return [
            {"track": label, "title": title or name or f"track {label}", "artist": artist}
            for label, title, name, artist in zip(labels, *columns, strict=True)
        ]

    def _path(self, label: int) -> str:
        table = self._table()
        if table is None or label not in table.index or "path" not in table.columns:
            return ""
        path = table.loc[label, "path"]
        return path if isinstance(path, str) else ""

    def _dismiss_notice(self) -> None:
        self.widget.notice = {}

    def _say(self, sentence: str, remedy: str) -> None:
        self._seq += 1
        self.widget.notice = {"level": "error", "text": sentence, "remedy": remedy, "seq": self._seq}

    def still(self) -> Still:
        """Return what the notebook keeps of the matrix as it is now."""
        return self.widget.still()

    def _view(self) -> dict[str, Any]:
        if self._closed:
            return {"text/plain": "This confusion matrix was closed; make another one."}
        return {**self.widget.view_bundle(), "text/plain": repr(self)}

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        return self._outputs.bundle()

    def _ipython_display_(self) -> None:
        self._outputs.display()

    def _count_table(self, names: list[str]) -> pd.DataFrame:
        import pandas as pd

        counts = metrics.confusion(self._predictions[self.widget.test_set], len(names))
        return pd.DataFrame(counts, index=pd.Index(names, name="truth"), columns=pd.Index(names, name="answer"))

    def __repr__(self) -> str:
        tracks, classes = len(self._predictions[self.widget.test_set]), len(self._result.classes)
        return f"<ConfusionMatrix {_title(self._result)}: {plural(tracks, 'track')}, {classes} classes>"


def _title(result: Result) -> str:
    layer = () if result.is_baseline else (model_title(result.model), result.layer)
    return " · ".join(map(format_cell, (result.task, *layer, result.classifier)))
