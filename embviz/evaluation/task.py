"""Downstream tasks: the classes to predict, the dataset to learn them from, and published scores.

Conventions: a task's own name is the column that holds its classes, so that one collection can have several tasks.
Accuracies are the mean over folds of the class-weighted accuracy, 0 … 1.
"""

from __future__ import annotations

import html
import os
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from embviz.collection import Collection
from embviz.core.text import plural
from embviz.evaluation import dataset_loaders

if TYPE_CHECKING:
    from embviz.core.cache import CacheOption
    from embviz.core.progress import Progress


NOT_STATED = "not stated"
_WIDTH = 110

Label: TypeAlias = str | int | float | bool


@dataclass(frozen=True)
class PublishedScore:
    """A score of a model, as it was published.

    Parameters
    ----------
    model : str
        Name of the model in embviz's catalogue.
    accuracy : float
        Class-weighted accuracy in 5-fold cross-validation, 0 … 1.
    source : str
        Where it is printed.
    note : str
        What to think of when it is compared.
    """

    model: str
    accuracy: float
    source: str
    note: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Task:
    """A downstream task: classes to be told apart, and the dataset to learn them from.

    Parameters
    ----------
    name : str
        Short name, such as ``"gtzan"``; also the column of :meth:`load` that holds the classes.
    title : str
        Name for people.
    kind : {"genre", "mood", "other"}
        What sort of thing is told apart.
    classes : tuple of str
        Names of the classes.
    size : int or None
        Tracks that the published scores are of; None where that is not known.
    audio : str
        Kind of audio.
    source : str
        Where the dataset is described, and where its figures come from.
    licence : str
        Licence of the audio; ``"not stated"`` where none could be found.
    layout : {"class folders", "urbansound8k", "fsl10k"}
        How it lies on the disk.
    class_sizes : mapping
        Tracks per class, for the classes for which they are known.
    mirdata : str
        Name of mirdata's loader, where there is one.
    folds : str
        Column of fixed folds, where the dataset has such.
    groups : str
        Column of what belongs together, where the dataset tells.
    published : tuple of PublishedScore
        Scores of models.
    spellings : mapping
        From a class to other names for it.
    note : str
        What to know before results are believed.
    """

    name: str
    title: str
    kind: str
    classes: tuple[str, ...]
    size: int | None
    audio: str
    source: str
    licence: str = NOT_STATED
    layout: str = dataset_loaders.CLASS_FOLDERS
    class_sizes: Mapping[str, int] = field(default_factory=dict)
    mirdata: str = ""
    folds: str = ""
    groups: str = ""
    published: tuple[PublishedScore, ...] = ()
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    note: str = ""

    @property
    def target(self) -> str:
        """The column that holds the classes: the name of the task."""
        return self.name

    @property
    def expected(self) -> str:
        """What :meth:`load` expects in a folder, as the end of a sentence."""
        return dataset_loaders.EXPECTED[self.layout].format(classes=", ".join(self.classes))

    @property
    def best(self) -> PublishedScore | None:
        """The best published score; the first of several equal ones, None where there is none."""
        return max(self.published, key=lambda score: score.accuracy, default=None)

    def class_of(self, label: Label) -> str:
        """Return the class that a label means, however it is spelt.

        Parameters
        ----------
        label : str, int, float or bool
            As a table has it.

        Returns
        -------
        str
            The name of the class; empty where it is none of the task.

        Examples
        --------
        >>> from embviz.evaluation import get_task
        >>> get_task("gtzan").class_of("Hip-Hop"), get_task("happy").class_of("not happy")
        ('hiphop', 'non_happy')
        """
        return self._class_of_spelling().get(dataset_loaders.normalize_name(label), "")

    def load(
        self,
        folder: str | os.PathLike[str],
        *,
        follow_links: bool = False,
        cache: CacheOption = None,
        progress: Progress = True,
    ) -> Collection:
        """Return the dataset in a folder as a collection.

        The collection's column :attr:`target` holds the classes, :attr:`folds` and :attr:`groups` fixed folds and
        groups where the dataset has them; its notes say what was left out, and which classes are missing. Files that
        a table names and that are not there stay, with their problem.

        Parameters
        ----------
        folder : path
            Where the dataset was unpacked.
        follow_links : bool
            Whether folders that are links are entered.
        cache, progress
            As for :meth:`embviz.Collection.from_folder`.

        Returns
        -------
        Collection
            A row per sound.

        Raises
        ------
        CollectionError
            If the folder does not hold the dataset in its layout; the message says what is expected.
        """
        import pandas as pd

        found = dataset_loaders.read_dataset(
            self.layout, self.title, self._class_of_spelling(), folder, follow_links=follow_links
        )
        table = pd.DataFrame(found.rows).rename(columns={"class": self.target})
        collection = Collection.from_table(table, cache=cache, progress=progress)
        collection.notes = (*self._collection_notes(collection), *found.notes, *collection.notes)
        return collection

    def _class_of_spelling(self) -> dict[str, str]:
        """Return the keys of all spellings -> class."""
        spelt: dict[str, str] = {}
        for name in self.classes:
            swapped = name.replace("non_", "not_"), name.replace("not_", "non_")
            spellings = (name, *swapped, *self.spellings.get(name, ()))
            spelt |= {dataset_loaders.normalize_name(spelling): name for spelling in spellings}
        return spelt

    def _collection_notes(self, collection: Collection) -> Iterator[str]:
        """Yield what is to be known of the collection as a whole."""
        if self.note:
            yield self.note
        there = set(collection.table[self.target])
        missing = [name for name in self.classes if name not in there]
        if missing:
            yield f"There is no track of {', '.join(missing)}."
        if self.size is not None and len(collection) != self.size and self.published:
            yield f"Published scores are of {plural(self.size, 'track')}; here are {len(collection):,}."

    def _facts(self) -> Iterator[tuple[str, str]]:
        sizes = self.class_sizes
        yield "classes", ", ".join(f"{name} ({sizes[name]:,})" if name in sizes else name for name in self.classes)
        yield "tracks", NOT_STATED if self.size is None else f"{self.size:,}"
        yield "audio", self.audio
        yield "licence", self.licence
        yield "source", self.source
        yield "folder", self.expected
        columns = {"target": self.target, "folds": self.folds, "groups": self.groups}
        yield "columns", ", ".join(f"{name} ({what})" for what, name in columns.items() if name)
        if self.mirdata:
            yield "mirdata", self.mirdata
        scores = ", ".join(f"{score.model} {score.accuracy:.2f}" for score in self.published)
        yield "published", scores or "no scores that are known here"
        notes = " ".join([self.note, *(f"{score.model}: {score.note}" for score in self.published if score.note)])
        if notes.strip():
            yield "note", notes.strip()

    def __repr__(self) -> str:
        lines = [f"<Task {self.name!r}: {self.title}>"]
        for what, said in self._facts():
            lines += textwrap.wrap(f"  {what:<10} {said}", _WIDTH, subsequent_indent=" " * 13)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left;vertical-align:top'>{html.escape(what)}</th>"
            f"<td style='text-align:left'>{html.escape(said)}</td></tr>"
            for what, said in self._facts()
        )
        head = f"<strong>{html.escape(self.title)}</strong> <code>{html.escape(self.name)}</code>"
        return f"<div>{head}<table>{rows}</table></div>"
