"""Essentia's own heads: which there are, what each takes, and where its file lies.

Names, files, extractors and nodes are those of Essentia's page of models and of the examples beside it, of May 2026.
Only of the files whose checksum is known here has one been opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

#: What an extractor is called in the name of a head, and its model.
EXTRACTORS: Mapping[str, str] = MappingProxyType(
    {
        "discogs-effnet": "discogs-effnet-bs64-1",
        **{
            f"discogs_{kind}_embeddings-effnet": f"discogs_{kind}_embeddings-effnet-bs64-1"
            for kind in ("artist", "label", "multi", "release", "track")
        },
        **{
            f"discogs-maest-{kind}": f"discogs-maest-{kind}-2"
            for kind in ("5s-pw", "10s-pw", "10s-fs", "10s-dw", "20s-pw", "30s-pw", "30s-pw-ts", "30s-pw-519l")
        },
        "msd-musicnn": "msd-musicnn-1",
        "audioset-vggish": "audioset-vggish-3",
        "audioset-yamnet": "audioset-yamnet-1",
        "openl3-music-mel128-emb512": "openl3-music-mel128-emb512-3",
    }
)
_EFFNET = ("discogs-effnet",)
_EFFNETS = tuple(name for name in EXTRACTORS if name.endswith("effnet"))
_MAESTS = tuple(name for name in EXTRACTORS if "-maest-" in name and not name.endswith("519l"))
_FIVE = ("discogs-effnet", "msd-musicnn", "audioset-vggish", "audioset-yamnet", "openl3-music-mel128-emb512")
_TWO = ("msd-musicnn", "audioset-vggish")

#: Group, tasks and the extractors that there is a head on, in the order of preference.
_TASKS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("genre and style", "genre_discogs400", (*_EFFNET, *_MAESTS)),
    ("genre and style", "genre_discogs519", ("discogs-maest-30s-pw-519l",)),
    ("genre and style", "mtg_jamendo_genre", _EFFNETS),
    ("moods and context", "approachability_2c approachability_3c approachability_regression", _EFFNET),
    ("moods and context", "engagement_2c engagement_3c engagement_regression", _EFFNET),
    ("moods and context", "deam emomusic muse", _TWO),
    ("moods and context", "danceability mood_aggressive mood_happy mood_party mood_relaxed mood_sad", _FIVE),
    ("moods and context", "moods_mirex", _TWO),
    ("moods and context", "mtg_jamendo_moodtheme", _EFFNETS),
    ("instruments", "mtg_jamendo_instrument", _EFFNETS),
    ("instruments", "fs_loop_ds", ("msd-musicnn",)),
    ("instruments", "mood_acoustic mood_electronic voice_instrumental gender", _FIVE),
    ("instruments", "timbre nsynth_acoustic_electronic nsynth_bright_dark", _EFFNET),
    ("instruments", "nsynth_instrument nsynth_reverb", _EFFNET),
    ("tonality", "tonal_atonal", _FIVE),
    ("miscellaneous", "mtg_jamendo_top50tags", tuple(name for name in _EFFNETS if "_artist_" not in name)),
    ("miscellaneous", "mtt", _EFFNETS),
    ("miscellaneous", "msd", ("msd-musicnn",)),
)
#: Files that lie in one folder with others; any other task has a folder of its name.
_ENDINGS = ("_2c", "_3c", "_regression")
_SECOND_VERSION = ("deam", "emomusic", "muse")
#: The lowest and the highest value that the annotations have; of approachability and engagement none is stated.
_LIMITS = dict.fromkeys(_SECOND_VERSION, (1.0, 9.0))
#: SHA-256 and bytes of the files that have been opened.
_OPENED = {
    "moods_mirex-msd-musicnn-1": ("d90d3020fab17ad641857a7272c94fd27a0d5c11aa92aa130dcc807c58ee6fab", 95_007),
    "danceability-discogs-effnet-1": ("e1251f02cdc846445e2bc1fb3fe9963e32728c5c000e009188ae47c8963cb4c4", 514_458),
    "genre_discogs400-discogs-effnet-1": (
        "3885ba078a35249af94b8e5e4247689afac40deca4401a4bc888daf5a579c01c",
        2_057_977,
    ),
    "mtg_jamendo_top50tags-discogs-effnet-1": (
        "221b10bbc24c059fb3ed32f3675ca82720b43b84e51c3d0e85f2103e80e7d98a",
        2_727_356,
    ),
}


@dataclass(frozen=True)
class HeadRecord:
    """What is known of one of Essentia's heads before its file is here.

    Parameters
    ----------
    name : str
        Name of its file, such as ``"mood_sad-msd-musicnn-1"``.
    task : str
        What it tells, such as ``"mood_sad"``; several extractors may have a head for it.
    group : str
        Group of tasks.
    model, layer : str
        Extractor and layer that it takes.
    limits : (float, float) or None
        Of a regression on annotations of a stated scale: the lowest and the highest value of that.
    sha256 : str
        Of the file, where that is known.
    size : int
        Bytes of the file, 0 where they are not known.
    note : str
        What has not been checked, or stands in the way.
    """

    name: str
    task: str
    group: str
    model: str
    layer: str = "embedding"
    limits: tuple[float, float] | None = None
    sha256: str = ""
    size: int = 0
    note: str = ""

    @property
    def location(self) -> str:
        """Path of its file below the base of Essentia's model site."""
        folder = self.task
        for ending in _ENDINGS:
            folder = folder.removesuffix(ending)
        return f"classification-heads/{folder}/{self.name}.pb"

    @property
    def unit(self) -> str:
        """Unit of what a regression gives, in words; empty where there is none."""
        return "on {:g}–{:g}".format(*self.limits) if self.limits else ""


_MAEST_NOTE = (
    "It takes the node 'PartitionedCall/Identity_12' of MAEST whole, as in Essentia's example; that these are all "
    "tokens of the last block is inferred from the node's name."
)
_OPENL3_NOTE = "Essentia has no algorithm for OpenL3; how its authors framed the sound is not checked."


def _note(name: str, extractor: str) -> str:
    if name in _OPENED:
        return ""
    own = _MAEST_NOTE if "-maest-" in extractor else _OPENL3_NOTE if extractor.startswith("openl3") else ""
    return f"Not checked with the official file. {own}".rstrip()


def _records() -> Iterable[HeadRecord]:
    for group, tasks, extractors in _TASKS:
        for task in tasks.split():
            for extractor in extractors:
                name = f"{task}-{extractor}-{2 if task in _SECOND_VERSION else 1}"
                layer = "tokens" if "-maest-" in extractor else "embedding"
                known = _OPENED.get(name, ("", 0))
                model, note = EXTRACTORS[extractor], _note(name, extractor)
                yield HeadRecord(name, task, group, model, layer, _LIMITS.get(task), *known, note)


#: Every head of Essentia's page, by name.
CATALOGUE: Mapping[str, HeadRecord] = MappingProxyType({record.name: record for record in _records()})
