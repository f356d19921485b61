"""Near-duplicates of a collection, with evidence: candidates by their vectors, pairs by their sound.

Conventions: of a pair, track a is the longer one, or the one that is listed first; seconds, decibels, and shares from 0
to 1.
"""

from __future__ import annotations

import html
import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embviz.analysis.frames import average_runs, pool_grid
from embviz.analysis.near_duplicates import (
    Match,
    Recording,
    candidate_pairs,
    connected_groups,
    frames_by_track,
    is_promising,
    match_tracks,
)
from embviz.audio import Audio
from embviz.core.cache import CacheOption, resolve_cache
from embviz.core.embedding import Embedding, FrameGrid
from embviz.core.notebook import show_or_print
from embviz.core.options import check_number
from embviz.core.progress import Progress, Report, reporter
from embviz.core.text import format_share, is_missing, plural
from embviz.core.vectors import Vectors
from embviz.core.worker import explain
from embviz.errors import LayerError
from embviz.extraction import EngineOption, embed
from embviz.extraction.extract import LayerSpec
from embviz.extraction.frontends import FRONTENDS, band_frequencies
from embviz.models import get_model
from embviz.models.weights import find_weights
from embviz.units.frames import embed_frames

if TYPE_CHECKING:
    from pandas import DataFrame

    from embviz.collection import Collection
    from embviz.core.cache import Cache
    from embviz.models import ModelLike
    from embviz.widgets.pairs import PairList

MODEL, LAYERS = "musicnn", ("timbral", "mel")  # what pairs are compared by
TOGETHER = 12  # frames of 16 ms that are averaged
PADDING = 0.5  # seconds that encoders add, or less: tracks are as long as each other
KIND, FORMAT = "near-duplicates", 2
COLUMNS = (
    "track_a", "track_b", "name_a", "name_b", "similarity", "aligned", "offset", "speed", "level", "pitch",
    "duration_a", "duration_b", "evidence",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class NearDuplicates:
    """Recordings that are in a collection more than once, as :meth:`embviz.Collection.near_duplicates` returns them.

    Parameters
    ----------
    table : DataFrame
        A row per pair, the most similar first: ``track_a`` and ``track_b`` (labels; a is the longer one, or the first
        in the table), ``name_a`` and ``name_b``; ``similarity`` (mean cosine of the frames that overlap), ``aligned``
        (share of the shorter track that is alike); ``offset`` (seconds of a at which b begins), ``speed`` (of b, as a
        multiple of a's), ``level`` (decibels by which b is louder), ``pitch`` (semitones by which b is higher);
        ``duration_a`` and ``duration_b`` in seconds; and ``evidence``, the same in words.
    collection : Collection
        What they were found in.
    threshold : float
        The least similarity.
    notes : tuple of str
        Sentences, such as which tracks could not be compared.
    """

    table: DataFrame
    collection: Collection
    threshold: float
    notes: tuple[str, ...] = ()

    @property
    def groups(self) -> list[list[int]]:
        """Labels of the tracks that pairs join, a list per recording."""
        return connected_groups(list(zip(self.table["track_a"], self.table["track_b"], strict=True)))

    def drop(self) -> Collection:
        """Return the collection with one track of each recording: the first of the longest ones.

        Returns
        -------
        Collection
        """
        lengths = self.collection.table["duration"].astype("float64")
        dropped = []
        for group in self.groups:
            longest = max(lengths[label] for label in group)
            listed = [label for label in self.collection.table.index if label in set(group)]
            kept = next(label for label in listed if not lengths[label] < longest - PADDING)
            dropped += [label for label in group if label != kept]
        return self.collection.drop(tracks=dropped)

    @cached_property
    def widget(self) -> PairList:
        """The pairs as a list, of which each is heard and seen side by side, linked where both are the same."""
        from embviz.units.pair_view import near_duplicates_view

        return near_duplicates_view(self).widget

    def _ipython_display_(self) -> None:
        show_or_print(self, lambda: [self.widget])

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        head = f"<NearDuplicates: {plural(len(self), 'pair')} of {plural(len(self.collection), 'track')}>"
        rows = itertools.islice(self.table.itertuples(index=False), 20)
        lines = [f"  {row.name_a} · {row.name_b}: {row.evidence} ({row.similarity:.2f})" for row in rows]
        return "\n".join([head, *lines, *self.notes])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("track a", "track b", "evidence", "similarity", "aligned"))
        cells = [
            (row.name_a, row.name_b, row.evidence, f"{row.similarity:.2f}", format_share(float(row.aligned)))
            for row in itertools.islice(self.table.itertuples(index=False), 200)
        ]
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>" for row in cells)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        caption = f"{plural(len(self), 'pair')} of {plural(len(self.collection), 'track')}"
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table>{notes}"


def find_near_duplicates(
    collection: Collection,
    threshold: float = 0.65,
    *,
    model: ModelLike | Vectors = "musicnn",
    layer: str = "embedding",
    k: int = 10,
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    progress: Progress = True,
) -> NearDuplicates:
    """Return the near-duplicates of :meth:`embviz.Collection.near_duplicates`."""
    import pandas as pd

    least = check_number(threshold, "threshold is a mean cosine from 0 to 1", least=0, most=1)
    LayerSpec.of(get_model(MODEL), LAYERS[0], None, engine=engine)  # raises where its weights are not here
    store = resolve_cache(collection.cache if cache is None else cache)
    [vectors] = embed_frames(collection, model, [layer], engine=engine, cache=cache, progress=progress)
    with reporter(progress) as report:
        pairs = _promising_pairs(vectors, k, report)
        comparison = _Comparison(collection, store, engine)
        rows = []
        for done, (a, b) in enumerate(pairs):
            report("comparing pairs", done, len(pairs))
            rows += comparison.rows(a, b, least)
        if pairs:
            report("comparing pairs", len(pairs), len(pairs))
    table = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("similarity", ascending=False, kind="stable")
    return NearDuplicates(table.reset_index(drop=True), collection, least, tuple(comparison.notes))


def _promising_pairs(vectors: Vectors, k: int, report: Report) -> list[tuple[int, int]]:
    """Return the pairs of labels whose vectors are near, and whose frames, where these are known, look alike."""
    frames = frames_by_track(vectors)
    means = {label: np.asarray(values.mean(axis=0, dtype=np.float64), np.float32) for label, values in frames.items()}
    labels = [label for label, mean in means.items() if np.isfinite(mean).all()]
    near, ranks = candidate_pairs(np.array([means[label] for label in labels]), k, cache=False, report=report)
    pairs = []
    for done, ((i, j), rank) in enumerate(zip(near.tolist(), ranks.tolist(), strict=True)):
        if not done % 256:
            report("looking for candidates", done, len(near))
        # To look for other speeds takes longer: only of the very nearest.
        if is_promising(frames[labels[i]], frames[labels[j]], any_speed=rank == 0):
            pairs.append((labels[i], labels[j]))
    if len(near):
        report("looking for candidates", len(near), len(near))
    return pairs


class _Comparison:
    """Compares tracks by their sound; each is decoded once while its pairs follow each other."""

    def __init__(self, collection: Collection, store: Cache | None, engine: EngineOption) -> None:
        self._table = collection.table
        self._store, self._engine = store, engine
        self._sounds: dict[int, Recording | None] = {}
        self.notes: list[str] = []

    def rows(self, a: int, b: int, least: float) -> list[dict[str, Any]]:
        """Return the row of a pair, or none where it is not a pair."""
        lengths = self._table["duration"].astype("float64")
        a, b = sorted((a, b), key=self._table.index.get_loc)
        if lengths[b] > lengths[a] + PADDING:
            a, b = b, a
        digests = [self._table["digest"][label] for label in (a, b)]
        match: Match | None = Match(1.0, 1.0, 0.0, 1.0, 0.0, 0.0)
        same = digests[0] == digests[1] and bool(digests[0]) and not is_missing(digests[0])
        if not same:
            sounds = [self._sound(label) for label in (a, b)]
            if sounds[0] is None or sounds[1] is None:
                return []
            match = match_tracks(sounds[0], sounds[1])
        if match is None or match.similarity < least:
            return []
        names = self._table["name"]
        evidence = "the same file" if same else _describe(match, float(lengths[a]), float(lengths[b]))
        facts = (
            match.similarity,
            match.aligned,
            match.offset,
            match.speed,
            match.level,
            match.pitch,
            lengths[a],
            lengths[b],
        )
        return [dict(zip(COLUMNS, (a, b, names[a], names[b], *facts, evidence), strict=True))]

    def _sound(self, label: int) -> Recording | None:
        """Return the frames and levels of a track; None, with a note, where it cannot be read."""
        if label not in self._sounds:
            while len(self._sounds) > 300:  # of half a megabyte each, for songs
                del self._sounds[next(iter(self._sounds))]
            try:
                self._sounds[label] = load_sound(self._table["path"][label], self._store, self._engine)
            except Exception as error:  # noqa: BLE001  whatever one file does, the others are compared
                self.notes.append(f"{self._table['name'][label]} was not compared: {explain(error)[0]}")
                self._sounds[label] = None
        return self._sounds[label]


def load_sound(path: str, store: Cache | None, engine: EngineOption) -> Recording:
    """Return what a track is compared by: MusiCNN's timbral filters five times a second, and the level in decibels."""
    sound, record = Audio.open(path), get_model(MODEL)
    weights = find_weights(record)
    key = {
        "audio": store.digest(sound) if store else "", "weights": weights.sha256 if weights else "", "format": FORMAT,
    }  # fmt: skip
    kept = store.load_arrays(KIND, key) if store else None
    if kept is None:
        frames, mel = embed(sound, record, layer=LAYERS, engine=engine, cache=False)
        pooled = average_runs(frames.values, TOGETHER).astype(np.float32)
        grid = pool_grid(frames.grid, TOGETHER)
        clock = np.array([grid.sample_rate, grid.hop, grid.n_samples])
        kept = {"values": pooled, "grid": clock, **_spectra(mel)}
        if store:
            store.save_arrays(KIND, key, kept)
    rate, hop, n_samples = kept["grid"].tolist()
    steps = FrameGrid(rate, hop, hop, hop, 0, len(kept["values"]), n_samples)
    frames = Embedding(kept["values"], steps, record.name, LAYERS[0], title=sound.title)
    hertz = band_frequencies(FRONTENDS[record.frontend])
    return Recording(frames, kept.get("levels"), kept.get("spectra"), hertz)


def _spectra(mel: Embedding) -> dict[str, NDArray[Any]]:
    """Return levels in decibels and spectra of runs of frames of a mel-spectrogram; nothing where it was not kept."""
    try:
        bands = mel.tensor.reshape(len(mel), -1)
    except LayerError:  # of hours
        return {}
    power = ((10.0 ** bands.astype(np.float64) - 1) / 10_000).sum(axis=1)
    levels = 10 * np.log10(np.maximum(average_runs(power[:, None], TOGETHER)[:, 0], 1e-12))
    return {"levels": levels, "spectra": average_runs(bands, TOGETHER).astype(np.float32)}


def _describe(match: Match, longer: float, shorter: float) -> str:
    """Return the evidence of a pair in words; track b is the one that is faster, higher or louder."""
    parts, cut = [], ""
    if longer - shorter * match.speed > 1:
        stop = match.offset + shorter * match.speed
        cut = f"cut: {max(0.0, match.offset):.1f}–{min(longer, stop):.1f} s of the longer one"
    elif abs(match.offset) > 0.3:
        parts.append(f"starts {abs(match.offset):.1f} s {'later' if match.offset > 0 else 'earlier'}")
    if abs(match.speed - 1) > 0.002:
        parts.append(f"{100 * abs(match.speed - 1):.1f} % {'faster' if match.speed > 1 else 'slower'}")
    if abs(match.pitch) >= 0.5:
        much = f"{abs(match.pitch):g} {'semitone' if abs(match.pitch) == 1 else 'semitones'}"
        parts.append(f"{much} {'higher' if match.pitch > 0 else 'lower'}")
    if abs(match.level) >= 1:
        parts.append(f"{abs(match.level):.1f} dB {'louder' if match.level > 0 else 'quieter'}")
    of_b = f"B {', '.join(parts)}" if parts else ""
    return ", ".join(part for part in (cut, of_b) if part) or "the same sound, encoded or processed in another way"
