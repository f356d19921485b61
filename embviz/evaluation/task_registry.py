"""The 16 downstream tasks: data, and how to find them.

Conventions: those of :mod:`embviz.evaluation.task`. What could not be confirmed is left open: a size is None, a licence
"not stated", the sizes of two classes are not given where it is not certain which is which.

For the tasks on music, a second collection with the same classes is public: the Music Classification Annotations of the
MTG-Jamendo dataset (mtg.github.io/mtg-jamendo-dataset). :meth:`Task.class_of` understands its labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from embviz.errors import OptionError, did_you_mean
from embviz.evaluation import dataset_loaders
from embviz.evaluation.dataset_loaders import normalize_name
from embviz.evaluation.task import NOT_STATED, PublishedScore, Task

if TYPE_CHECKING:
    from pandas import DataFrame


_POST = "Essentia Labs, announcement of the TensorFlow models of Essentia, January 2020, figures as of July 2020"
_DOCS = "Essentia's documentation of its classifiers"
_IN_HOUSE = f"in-house collection of the Music Technology Group, Universitat Pompeu Fabra ({_DOCS})"
_LAURIER = (
    f"{_IN_HOUSE}; C. Laurier, O. Meyers, J. Serrà, M. Blech and P. Herrera, Music mood annotator design and "
    "integration, CBMI 2009"
)
_NOT_SHARED = "The collection is not distributed; your own one with the same classes takes its place."
_MODELS = ("msd-musicnn-1", "mtt-musicnn-1", "audioset-vggish-3")
_Classes: TypeAlias = Mapping[str, int] | tuple[str, ...]  # with their numbers of tracks, where these are known

# Class-weighted accuracies in 5-fold cross-validation, as printed in the announcement: a column for each of _MODELS.
# Neither the poster's own table (5F, JA, AD) nor that of the ICASSP 2020 paper could be had: nothing of them is here.
_PRINTED: Mapping[str, tuple[float, float, float]] = {
    "dortmund": (0.51, 0.44, 0.52),
    "gtzan": (0.83, 0.80, 0.86),
    "rosamerica": (0.92, 0.92, 0.94),
    "acoustic": (0.90, 0.93, 0.94),
    "aggressive": (0.95, 0.96, 0.98),
    "electronic": (0.95, 0.91, 0.93),
    "happy": (0.81, 0.79, 0.86),
    "party": (0.89, 0.92, 0.91),
    "relaxed": (0.90, 0.88, 0.89),
    "sad": (0.86, 0.85, 0.89),
    "voice_instrumental": (0.98, 0.98, 0.98),
    "tonal_atonal": (0.60, 0.91, 0.97),
    "gender": (0.88, 0.87, 0.84),
    "danceability": (0.93, 0.91, 0.94),
}
_DOUBTFUL = {
    ("tonal_atonal", "msd-musicnn-1"): "printed as 0.60, little better than guessing, where the others reach 0.91 and "
    "0.97: it looks as if training had failed in some folds."
}


def _scores(task: str) -> tuple[PublishedScore, ...]:
    figures = zip(_MODELS, _PRINTED[task], strict=True)
    return tuple(PublishedScore(model, score, _POST, _DOUBTFUL.get((task, model), "")) for model, score in figures)


# --- Genres ----------------------------------------------------------------------------------------------------------


def _genre_spellings(genres: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return other names of genres: their first three letters, and what some are also called."""
    others = {"classical": ("classic", "cla"), "rnb": ("rhythm and blues", "rhythm & blues", "r'n'b", "rhy")}
    return {name: others.get(name, (name[:3],)) for name in genres if len(name) > 3 or name in others}


def _genres() -> Iterator[Task]:
    yield Task(
        "dortmund",
        "Genre (Dortmund)",
        "genre",
        ("alternative", "blues", "electronic", "folkcountry", "funksoulrnb", "jazz", "pop", "raphiphop", "rock"),
        1820,
        "10 s excerpts",
        "H. Homburg, I. Mierswa, B. Möller, K. Morik and M. Wurst, A benchmark dataset for audio classification and "
        "clustering, ISMIR 2005; www-ai.cs.tu-dortmund.de/audio.html",
        published=_scores("dortmund"),
        spellings={"raphiphop": ("hiphop", "rap")},
        note="Distributed as an archive for each genre: unpack each into a folder of its name. The paper counts 1,886 "
        "excerpts, of which the published scores use 1,820.",
    )
    genres = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
    yield Task(
        "gtzan",
        "Genre (GTZAN)",
        "genre",
        genres,
        1000,
        "30 s excerpts, mono, 22,050 Hz",
        "G. Tzanetakis and P. Cook, Musical genre classification of audio signals, IEEE Transactions on Speech and "
        "Audio Processing 10 (2002); faults: B. L. Sturm, The GTZAN dataset: its contents, its faults, their effects "
        "on evaluation, and its future use, arXiv:1306.1461 (2013)",
        class_sizes=dict.fromkeys(genres, 100),
        mirdata="gtzan_genre",
        published=_scores("gtzan"),
        spellings=_genre_spellings(genres),
        note="GTZAN holds exact copies, several excerpts of one recording, wrong labels and many excerpts of the same "
        "few artists (Sturm 2013), but does not name them: without an artist column of your own, scores are too high. "
        "In the copies that go round, jazz.00054.wav is damaged.",
    )
    others = ("classical", "dance", "hiphop", "jazz", "pop", "rnb", "rock", "speech")
    yield Task(
        "rosamerica",
        "Genre (Rosamerica)",
        "genre",
        others,
        400,
        NOT_STATED,
        _IN_HOUSE,
        published=_scores("rosamerica"),
        spellings=_genre_spellings(others),
        note=_NOT_SHARED,
    )


# --- Moods -----------------------------------------------------------------------------------------------------------

_WHICH = "One class has {} tracks and the other {}; which is which is not certain."
_BOTH = "full tracks and excerpts"


def _moods() -> Iterator[Task]:
    yield _mood("acoustic", ("acoustic", "non_acoustic"), 321, NOT_STATED, source=_IN_HOUSE)
    yield _mood("aggressive", {"aggressive": 133, "not_aggressive": 147}, 280)
    yield _mood("electronic", ("electronic", "non_electronic"), 332, NOT_STATED, source=_IN_HOUSE)
    yield _mood("happy", {"happy": 139, "non_happy": 163}, 302)
    yield _mood("party", ("party", "non_party"), 349, note=_WHICH.format(198, 151))
    yield _mood("relaxed", ("relaxed", "non_relaxed"), 446, note=_WHICH.format(145, 301))
    yield _mood("sad", ("sad", "non_sad"), 230, note=_WHICH.format(96, 134))


def _mood(
    name: str, classes: _Classes, size: int, audio: str = _BOTH, *, source: str = _LAURIER, note: str = ""
) -> Task:
    title, note = f"Mood: {name} or not", f"{_NOT_SHARED} {note}".strip()
    return _in_house(name, title, classes, size, audio, kind="mood", source=source, note=note)


# --- Others ----------------------------------------------------------------------------------------------------------

_URBAN_SOUNDS = {
    "air_conditioner": 1000,
    "car_horn": 429,
    "children_playing": 1000,
    "dog_bark": 1000,
    "drilling": 1000,
    "engine_idling": 1000,
    "gun_shot": 374,
    "jackhammer": 1000,
    "siren": 929,
    "street_music": 1000,
}


def _others() -> Iterator[Task]:
    yield _in_house(
        "voice_instrumental", "Voice or instrumental", {"instrumental": 500, "voice": 500}, 1000, "excerpts"
    )
    yield _in_house("tonal_atonal", "Tonal or atonal", ("atonal", "tonal"), 345, NOT_STATED)
    yield _in_house("gender", "Gender of the singing voice", {"female": 1508, "male": 1803}, 3311, NOT_STATED)
    yield _in_house("danceability", "Danceability", {"danceable": 124, "not_danceable": 182}, 306, "full tracks")
    yield Task(
        "fs_loop_ds",
        "Role of a loop (Freesound Loop Dataset)",
        "other",
        ("bass", "chords", "fx", "melody", "percussion"),
        None,
        "loops",
        "A. Ramires et al., The Freesound Loop Dataset and annotation tool, ISMIR 2020; zenodo.org/record/3967852; "
        f"classes: {_DOCS}",
        "CC BY 4.0 (the record); each loop has a Creative Commons licence of its own, some non-commercial",
        layout=dataset_loaders.FSL10K,
        groups="uploader",
        note="A loop has a class here if all of its annotators name one and the same role for it, and no other; "
        "singing is a role, too. How Essentia chose loops for its own classifier is not said. Loops of one uploader, "
        "whose number is in the file's name, belong together.",
    )
    yield Task(
        "urbansound8k",
        "Urban sounds (UrbanSound8K)",
        "other",
        tuple(_URBAN_SOUNDS),
        8732,
        "short sounds of up to 4 s",
        "J. Salamon, C. Jacoby and J. P. Bello, A dataset and taxonomy for urban sound research, ACM Multimedia 2014; "
        "urbansounddataset.weebly.com/urbansound8k.html",
        "CC BY-NC 3.0",
        layout=dataset_loaders.URBANSOUND8K,
        class_sizes=_URBAN_SOUNDS,
        folds="fold",
        groups="fsID",
        note="Its ten folds keep the sounds cut from one recording together; results over other folds are not "
        "comparable, and are too high.",
    )


def _in_house(
    name: str,
    title: str,
    classes: _Classes,
    size: int,
    audio: str,
    *,
    kind: str = "other",
    source: str = _IN_HOUSE,
    note: str = _NOT_SHARED,
) -> Task:
    sizes, scores = dict(classes) if isinstance(classes, Mapping) else {}, _scores(name)
    return Task(name, title, kind, tuple(classes), size, audio, source, class_sizes=sizes, published=scores, note=note)


#: The tasks, by name, in the order of the poster: genres, moods, others.
TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in (*_genres(), *_moods(), *_others())})

#: Other names for them, among which are those of Essentia's classifiers.
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "tzanetakis": "gtzan",
        "fsld": "fs_loop_ds",
        "fsl10k": "fs_loop_ds",
        "freesound_loops": "fs_loop_ds",
        "urbansound": "urbansound8k",
        "us8k": "urbansound8k",
        "voice": "voice_instrumental",
        "tonality": "tonal_atonal",
        "danceable": "danceability",
        "genre_tzanetakis": "gtzan",
        "gtzan_genre": "gtzan",
        "genre_dortmund": "dortmund",
        "genre_rosamerica": "rosamerica",
        **{f"mood_{name}": name for name, task in TASKS.items() if task.kind == "mood"},
    }
)
_NAMES = {normalize_name(name): name for name in TASKS} | {
    normalize_name(alias): name for alias, name in ALIASES.items()
}


def get_task(name: str | Task) -> Task:
    """Return a published task by its name.

    Parameters
    ----------
    name : str or Task
        Name (``"gtzan"``) or another name for it (``"genre_tzanetakis"``, ``"fs-loop-ds"``). A task is returned as it
        is.

    Returns
    -------
    Task
        Its classes, dataset and published scores; ``load(folder)`` lists the dataset.

    Raises
    ------
    OptionError
        If there is no such task.

    Examples
    --------
    >>> get_task("mood_happy").classes
    ('happy', 'non_happy')
    """
    if isinstance(name, Task):
        return name
    if not isinstance(name, str):
        raise OptionError(f"A task is expected as its name or its record, {type(name).__name__} was found.")
    if normalize_name(name) == "genreelectronic":
        raise OptionError(
            "The five genres of electronic music are none of the 16 tasks; 'electronic' is the mood of this name, and "
            "'dortmund', 'gtzan' and 'rosamerica' are genres."
        )
    if normalize_name(name) not in _NAMES:
        near = did_you_mean(name, [*TASKS, *ALIASES])
        raise OptionError(f"There is no task {name!r:.80}.{near} list_tasks() shows them all.")
    return TASKS[_NAMES[normalize_name(name)]]


def list_tasks(*, kind: Literal["genre", "mood", "other"] | None = None) -> DataFrame:
    """Return a table of the published tasks.

    Parameters
    ----------
    kind : {"genre", "mood", "other"}, optional
        Only those of this kind.

    Returns
    -------
    pandas.DataFrame
        A row per task, by ``name``: ``title``, ``kind``, number of ``classes``, number of ``tracks``, kind of
        ``audio``, ``licence``, and the best ``published`` accuracy (0 … 1) with the ``model`` it is of.

    Raises
    ------
    OptionError
        If there is no such kind.

    Examples
    --------
    >>> list_tasks(kind="genre").index.tolist()
    ['dortmund', 'gtzan', 'rosamerica']
    """
    import pandas as pd

    kinds = list(dict.fromkeys(task.kind for task in TASKS.values()))
    if kind is not None and kind not in kinds:
        near = did_you_mean(str(kind), kinds)
        raise OptionError(f"There is no kind {kind!r:.40} of tasks; {', '.join(kinds)} are expected.{near}")
    tasks = [task for task in TASKS.values() if kind in (None, task.kind)]
    table = pd.DataFrame(
        [vars(task) for task in tasks], columns=["name", "title", "kind", "classes", "size", "audio", "licence"]
    )
    table = table.rename(columns={"size": "tracks"}).assign(
        classes=[len(task.classes) for task in tasks],
        published=[task.best.accuracy if task.best else None for task in tasks],
        model=[task.best.model if task.best else "" for task in tasks],
    )
    return table.astype({"tracks": "Int64", "published": "float64"}).set_index("name")


def published_scores() -> DataFrame:
    """Return a table of the published scores.

    They are of Essentia's own classifiers on three embeddings. The table of the poster, with scores on a second
    collection, and that of the ICASSP 2020 paper are not among them: they could not be had, and nothing was made up.

    Returns
    -------
    pandas.DataFrame
        A row per task and model: ``task``, ``model``, ``accuracy`` (class-weighted, mean of five folds, 0 … 1),
        ``source`` and ``note``.
    """
    import pandas as pd

    rows = [{"task": task.name, **vars(score)} for task in TASKS.values() for score in task.published]
    return pd.DataFrame(rows)
