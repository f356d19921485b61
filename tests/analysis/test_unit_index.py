"""The index of dimensions: every answer is that of looking at all frames, whatever is kept, damaged or cancelled."""

import itertools

import numpy as np
import pytest

from embviz.analysis import unit_index
from embviz.analysis.unit_index import UnitIndex, find_dimension
from embviz.core.vectors import Vectors
from embviz.errors import OptionError

TRACKS, DIMENSIONS = 12, 7


@pytest.fixture
def frames():
    """Overlapping frames, 3 s long every 1.5 s, of tracks of many lengths; some values are not finite."""
    rng = np.random.default_rng(5)
    lengths = rng.integers(1, 40, TRACKS)
    values = rng.normal(size=(lengths.sum(), DIMENSIONS)).astype(np.float32).round(2)
    values[rng.random(values.shape) < 0.1] = 0
    values[rng.random(values.shape) < 0.05] = np.nan
    values[3, 1], values[5, 1] = np.inf, -np.inf
    values[:, 5], values[:, 6] = 2.5, np.nan
    times = np.concatenate([1.5 * np.arange(length) + 1.5 for length in lengths])
    spans = np.stack([times - 1.5, times + 1.5], axis=1)
    tracks = np.repeat(rng.permutation(100)[:TRACKS], lengths)
    return Vectors(values, tracks, times, "a-model", "a-layer", "frames", key="made up", spans=spans)


def look_at_all(frames, dimension, k, per_track, *, lowest, tracks):
    """Return the extreme frames by walking down all of them, and leaving out what overlaps."""
    values = frames.values[:, dimension]
    order = sorted(
        (row for row in range(len(frames)) if np.isfinite(values[row]) and frames.tracks[row] in tracks),
        key=lambda row: (values[row] if lowest else -values[row], row),
    )
    chosen = []
    for row in order:
        same = [other for other in chosen if frames.tracks[other] == frames.tracks[row]]
        apart = all(
            frames.spans[row, 0] >= frames.spans[other, 1] or frames.spans[row, 1] <= frames.spans[other, 0]
            for other in same
        )
        if len(same) < (per_track or len(order)) and apart:
            chosen.append(row)
    return chosen[:k]


@pytest.mark.parametrize(
    ("k", "per_track", "lowest"), list(itertools.product([1, 5, 30, 500], [1, 2, 5, None], [False, True]))
)
def test_extremes_are_those_of_looking_at_all_frames(frames, k, per_track, lowest):
    index = UnitIndex.of(frames, cache=False)
    labels = list(dict.fromkeys(frames.tracks.tolist()))
    for dimension, tracks in itertools.product(range(5), [labels, labels[2:6], labels[:1]]):
        found = index.extremes(dimension, k, per_track=per_track, lowest=lowest, tracks=tracks)
        assert found.tolist() == look_at_all(frames, dimension, k, per_track, lowest=lowest, tracks=tracks)
        if tracks is labels:
            assert index.extremes(dimension, k, per_track=per_track, lowest=lowest).tolist() == found.tolist()
    assert not len(index.extremes(0, k, tracks=[]))
    assert not len(index.extremes(6, k))


def test_statistics_and_places_are_those_of_the_finite_frames(frames):
    index = UnitIndex.of(frames, cache=False)
    for i in range(5):
        column = frames.values[:, i]
        known = column[np.isfinite(column)].astype(np.float64)
        facts = {name: float(index.statistics[name][i]) for name in ("mean", "std", "minimum", "maximum")}
        assert facts == pytest.approx(
            {"mean": known.mean(), "std": known.std(), "minimum": known.min(), "maximum": known.max()}
        )
        assert index.statistics["zeros"][i] == (known == 0).mean() > 0
        assert index.statistics["saturated"][i] == (known == known.max()).mean()
        assert index.statistics["finite"][i] == len(known) / len(frames)
        counts, edges = np.histogram(known, 64)
        assert index.statistics["counts"][i].tolist() == counts.tolist()
        assert index.statistics["edges"][i] == pytest.approx(edges)
        places = index.places(i, [known.min(), known.max(), np.nan])
        assert places[:2].tolist() == [0.0, (known < known.max()).mean()]
        assert np.isnan(places[2])
        assert np.array_equal(index.column(i), column, equal_nan=True)
        assert not index.is_constant(i)
    assert index.is_constant(5)
    assert index.statistics["counts"][5].sum() == len(frames)
    assert index.is_constant(6)
    assert np.isnan(index.statistics["mean"][6])
    assert (len(index), index.spans([0]).tolist()) == (DIMENSIONS, frames.spans[:1].tolist())


def test_what_is_kept_is_what_was_built_in_blocks_of_any_size(frames, cache, monkeypatch):
    whole = UnitIndex.of(frames, cache=False)
    monkeypatch.setattr(unit_index, "BLOCK", 4 * DIMENSIONS * 10)
    stages = []
    built = UnitIndex.of(frames, cache=cache, report=lambda *report: stages.append(report))
    assert len(stages) > 10
    assert [done for _, done, _ in stages] == sorted(done for _, done, _ in stages)
    assert stages[-1] == ("indexing the dimensions", len(frames), len(frames))
    stages.clear()
    kept = UnitIndex.of(frames, cache=cache, report=lambda *report: stages.append(report))
    assert not stages
    for other in (built, kept):
        assert isinstance(other.columns, np.memmap)
        assert np.array_equal(other.columns, whole.columns, equal_nan=True)
        for name, expected in whole.statistics.items():
            assert np.array_equal(other.statistics[name], expected, equal_nan=True), name


def test_a_damaged_index_is_built_again(frames, cache):
    columns = np.array(UnitIndex.of(frames, cache=cache).columns)
    [path] = cache.folder.glob("derived/units/*/*.npy")
    for damage in (lambda data: data[:-4], lambda data: data[:-8] + b"\x01" * 8, lambda _data: b"nothing"):
        path.write_bytes(damage(path.read_bytes()))
        assert np.array_equal(UnitIndex.of(frames, cache=cache).columns, columns, equal_nan=True)
        assert np.array_equal(np.load(path), columns, equal_nan=True)


def test_cancelling_leaves_nothing_half_built(frames, cache, monkeypatch):
    monkeypatch.setattr(unit_index, "BLOCK", 4 * DIMENSIONS * 10)

    def cancel(_stage, done, total):
        if done > total // 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        UnitIndex.of(frames, cache=cache, report=cancel)
    assert not [path for path in cache.folder.rglob("*") if path.is_file()]
    assert len(UnitIndex.of(frames, cache=cache).extremes(0, 5)) == 5


def test_dimensions_are_found_by_number_and_name(frames):
    tags = Vectors(
        frames.values[:, :3], frames.tracks, None, "a-tagger", "output", "mean", labels=("sad", "Rock", "pop")
    )
    assert [find_dimension(tags, name) for name in (2, np.int64(1), "sad", "rock", "POP")] == [2, 1, 0, 1, 2]
    assert find_dimension(frames, "a-layer_4") == 4
    for vectors, wrong, message in [
        (tags, "rocks", r"a-tagger / output has no dimension 'rocks'\. Did you mean 'Rock'\?"),
        (frames, "sad", "The dimensions of a-model / a-layer have no names, 'sad' was found; give a number, 0 to 6"),
        (frames, 7, "a-model / a-layer has the dimensions 0 to 6; 7 was found"),
        (frames, -1, "has the dimensions 0 to 6; -1 was found"),
        (frames, True, "A dimension is a number, 0 to 6, or a name; True was found"),
        (frames, 1.5, "A dimension is a number, 0 to 6, or a name; 1.5 was found"),
    ]:
        with pytest.raises(OptionError, match=message):
            find_dimension(vectors, wrong)


def test_no_frames_are_told(frames):
    empty = Vectors(frames.values[:0], frames.tracks[:0], None, "a-model", "a-layer", "mean")
    with pytest.raises(OptionError, match="There are no frames of a-model / a-layer to look at"):
        UnitIndex.of(empty, cache=False)
