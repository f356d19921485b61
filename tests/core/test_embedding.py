"""Embeddings and their clock."""

import json

import numpy as np
import pytest

from embviz import Embedding, FrameGrid
from embviz.core.embedding import PatchSteps
from embviz.errors import EmbvizError, LayerError, OptionError

# MusiCNN's numbers: 187 frames of 256 samples every 93 frames, the first frame centred on sample 0.
MUSICNN = FrameGrid(
    16_000, hop=93 * 256, patch=187 * 256, receptive_field=48_128, start=-128, n_frames=81, n_samples=1_958_400
)


@pytest.fixture
def embedding() -> Embedding:
    values = np.arange(20 * 30, dtype=np.float32).reshape(20, 30)
    grid = FrameGrid(1000, hop=100, patch=300, receptive_field=400, start=-100, n_frames=20, n_samples=2000)
    return Embedding(
        values, grid, "m", "embedding", labels=tuple(f"tag {i}" for i in range(30)), title="a.ogg", source="here"
    )


def test_times_are_the_centers_of_the_patches():
    assert MUSICNN.times[0] == (-128 + 187 * 128) / 16_000
    assert MUSICNN.frame_to_time(80) == pytest.approx(MUSICNN.times[80], abs=0)
    assert MUSICNN.period == 1.488


def test_time_of_a_frame_gives_that_frame_back():
    frames = np.arange(MUSICNN.n_frames)
    assert np.array_equal(MUSICNN.time_to_frame(MUSICNN.frame_to_time(frames)), frames)


@pytest.mark.parametrize("hop", [1, 242, 93 * 256, 48_000])
@pytest.mark.parametrize("rate", [11_025, 16_000, 44_100, 48_000])
def test_cells_are_half_open_at_every_border(rate, hop):
    grid = FrameGrid(
        rate, hop=hop, patch=3 * hop, receptive_field=3 * hop, start=-hop, n_frames=500, n_samples=501 * hop
    )
    frames = np.arange(500)
    assert np.array_equal(grid.time_to_frame(grid.edges[:-1]), frames)
    assert np.array_equal(grid.time_to_frame(np.nextafter(grid.edges[1:], -np.inf)), frames)


def test_times_outside_belong_to_the_first_and_last_frame():
    assert MUSICNN.time_to_frame(-5) == 0
    assert MUSICNN.time_to_frame([0, np.inf]).tolist() == [0, 80]


def test_nothing_drifts_in_an_hour():
    grid = FrameGrid(
        11_025, hop=512, patch=512, receptive_field=1024, start=-256, n_frames=77_520, n_samples=39_690_000
    )
    assert grid.frame_to_time(77_519) == 77_519 * 512 / 11_025


def test_spans_stay_inside_the_track():
    assert MUSICNN.frame_span(0) == (0.0, (187 * 256 - 128) / 16_000)
    assert MUSICNN.receptive_span(0) == (0.0, (48_128 - 256) / 16_000)
    assert MUSICNN.frame_span(80)[1] <= MUSICNN.duration


@pytest.mark.parametrize("receptive_field", [2_000, 90_000])
@pytest.mark.parametrize("patches", [None, PatchSteps(-128, 23_808, 47_872, 20, -128, 187)])
def test_the_spans_of_many_frames_are_those_of_each(receptive_field, patches):
    n = 80 if patches is None else 2_000
    grid = FrameGrid(16_000, 256, 256, receptive_field, -128, n, 520_000, patches)
    spans = grid.receptive_span(np.arange(n))
    assert spans.shape == (n, 2)
    assert [grid.receptive_span(i) for i in range(n)] == list(map(tuple, spans.tolist()))
    centers = grid.frame_to_time(np.arange(n))
    assert ((spans[:, 0] <= centers) & (centers <= spans[:, 1]) & (spans[:, 0] >= 0)).all()
    assert (np.diff(spans, axis=1) <= receptive_field / 16_000 + 1e-9).all()


def test_a_time_that_is_no_number_is_refused():
    with pytest.raises(OptionError, match="NaN"):
        MUSICNN.time_to_frame(np.nan)


def test_seconds_give_a_vector_or_a_range(embedding):
    assert np.array_equal(embedding[0.05], embedding.values[0])
    part = embedding[0.5:1.0]
    assert part.times.tolist() == [t for t in embedding.times if 0.5 <= t < 1.0]
    assert np.array_equal(part.values, embedding.values[np.isin(embedding.times, part.times)])
    assert embedding[5:3].shape == (0, 30)
    with pytest.raises(OptionError, match="step"):
        embedding[0:1:2]


def test_to_frame_has_time_index_and_labels(embedding):
    frame = embedding.to_frame()
    assert frame.shape == (20, 30)
    assert frame.index.name == "time"
    assert frame.index.tolist() == embedding.times.tolist()
    assert frame["tag 7"].tolist() == embedding.values[:, 7].tolist()


def test_mean_and_numpy(embedding):
    assert np.array_equal(embedding.mean(), embedding.values.mean(axis=0))
    assert np.asarray(embedding).shape == (20, 30)


def test_saved_embedding_comes_back_whole(embedding, tmp_path):
    path = embedding.save(tmp_path / "e.safetensors")
    loaded = Embedding.load(path)
    assert isinstance(loaded.values, np.memmap)
    assert np.array_equal(loaded.values, embedding.values)
    assert (loaded.grid, loaded.labels, loaded.title) == (embedding.grid, embedding.labels, "a.ogg")
    assert [p.name for p in tmp_path.iterdir()] == ["e.safetensors"]


def test_tensor_comes_back_too(tmp_path):
    tensor = np.random.default_rng(0).random((4, 5, 6), dtype=np.float32)
    grid = FrameGrid(100, 10, 10, 10, 0, 4, 40)
    whole = Embedding(tensor.mean(axis=1), grid, "m", "pool1", _tensor=tensor)
    assert np.array_equal(Embedding.load(whole.save(tmp_path / "t")).tensor, tensor)


def test_a_tensor_that_was_not_kept_says_so(embedding):
    large = Embedding(embedding.values, embedding.grid, "m", "conv1", info={"tensor_bytes": 400 * 2**20})
    with pytest.raises(LayerError, match=r"400 MB .* shorter excerpt"):
        _ = large.tensor
    assert embedding.tensor is embedding.values


@pytest.mark.parametrize("at", [0, 7, 8, 40, -1, -2000])
def test_every_damage_is_noticed(embedding, tmp_path, at):
    path = embedding.save(tmp_path / "e.safetensors")
    data = bytearray(path.read_bytes())
    data[at] ^= 0x55
    path.write_bytes(data)
    with pytest.raises(EmbvizError, match=r"damaged|not an embedding"):
        Embedding.load(path)


@pytest.mark.parametrize("keep", [0, 5, 8, 100, -1])
def test_truncation_is_noticed(embedding, tmp_path, keep):
    path = embedding.save(tmp_path / "e.safetensors")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(EmbvizError, match="damaged"):
        Embedding.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"grid": {"hop": "10"}}, {"grid": {"sample_rate": 0}}, {"grid": {"start": float("nan")}}, {"info": [1]},
        {"title": None}, {"labels": [1]}, {"more": ""}, {"values": {"data_offsets": []}},
        {"values": {"shape": "x"}}, {"values": {"shape": [2**70, 0]}},
    ],
)  # fmt: skip
def test_what_a_header_says_is_not_believed(embedding, tmp_path, change):
    path = embedding.save(tmp_path / "e.safetensors")
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    fields = json.loads(header["__metadata__"]["embviz"])
    for name, value in change.items():
        if name == "values":
            header["values"] |= value
        else:
            fields[name] = fields[name] | value if name == "grid" else value
    header["__metadata__"]["embviz"] = json.dumps(fields)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[end:])
    with pytest.raises(EmbvizError, match=r"damaged|not an embedding"):
        Embedding.load(path)


def test_the_same_embedding_gives_the_same_file(embedding, tmp_path):
    files = [embedding.save(tmp_path / f"{i}.safetensors", extra={"key": "a", "note": "b"}) for i in range(8)]
    assert len({path.read_bytes() for path in files}) == 1


def test_a_foreign_safetensors_file_is_refused(tmp_path):
    header = json.dumps({"__metadata__": {"format": "pt"}}).encode()
    (tmp_path / "f").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(EmbvizError, match="not an embedding"):
        Embedding.load(tmp_path / "f")


def test_missing_file(tmp_path):
    with pytest.raises(EmbvizError, match="no file"):
        Embedding.load(tmp_path / "none")


def test_values_must_fit_the_grid():
    with pytest.raises(OptionError, match="81 frames"):
        Embedding(np.zeros((3, 2), np.float32), MUSICNN, "m", "l")


def test_html_is_escaped(embedding):
    hostile = Embedding(embedding.values, embedding.grid, "m", "l", title="<img src=x onerror=alert(1)>")
    assert "<img" not in hostile._repr_html_()
    assert "&lt;img" in hostile._repr_html_()
    assert "20 frames × 30 dimensions" in repr(embedding)
