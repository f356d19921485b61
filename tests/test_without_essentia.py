"""embviz where Essentia is not installed, on a system that lacks what POSIX alone has."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import embviz

ROOT = Path(__file__).resolve().parent.parent

SCRIPT = """
import json, sys
import numpy as np
import embviz
from embviz.cli.entry_point import run

def reason(model, **options):
    try:
        embviz.embed(track, model, **options)
    except embviz.errors.EmbvizError as error:
        return str(error)

track, folder = sys.argv[1:]
models, layers = ["musicnn", "vgg", "tempocnn"], ["embedding", "output"]
found = embviz.embed(track, models, layer=layers)
found.append([embviz.embed(track, "spleeter")])
np.savez(f"{folder}/found.npz", **{f"{e.model} {e.layer}": e.values for row in found for e in row})
nodes = [row["name"] for row in embviz.get_model("tempocnn").layers(all_nodes=True).to_dict("records")]
told = {
    "info": found[0][0].info, "nodes": nodes, "facts": vars(embviz.Audio.open(track).facts),
    "essentia": reason("musicnn", engine="essentia"),
    "heatmap": len(embviz.heatmap(found[0][0]).data),
    "poster": run(["poster", track, "-o", f"{folder}/page.html"]),
    "csv": run(["embed", track, "--model", "vgg", "-o", f"{folder}/vgg.csv"]),
    "loaded": sorted({"essentia", "resource", "pwd", "fcntl"} & sys.modules.keys()),
}
json.dump(told, open(f"{folder}/told.json", "w"))
sys.exit(run(["doctor"]))
"""


@pytest.fixture(scope="module")
def track(tmp_path_factory):
    """Some seconds of a sample track in a format that libsndfile does not read."""
    path = tmp_path_factory.mktemp("track") / "rock: a track.m4a"
    command = ["ffmpeg", "-loglevel", "error", "-y", "-ss", "30", "-t", "14", "-i", ROOT / "sample_audio" / "rock.ogg"]
    subprocess.run([*command, path], check=True)
    return path


def test_embviz_works_without_essentia_and_posix(home, track, tmp_path):
    absent = os.pathsep.join([str(ROOT / "tests" / "without_essentia"), str(ROOT)])
    environment = os.environ | {"PYTHONPATH": absent, "EMBVIZ_TEST_WINDOWS": "1"}
    command = [sys.executable, "-c", SCRIPT, track, tmp_path]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["loaded"] == []
    assert told["facts"]["decoder"] == "ffmpeg"
    assert "av" in told["info"]["decoding"]
    assert told["info"]["engine"] == "onnx"
    assert told["nodes"] == list(embviz.get_model("tempocnn").layers(all_nodes=True)["name"])
    assert (told["heatmap"], told["poster"], told["csv"]) == (1, 0, 0)
    assert told["essentia"].startswith("engine='essentia' needs Essentia, which is not installed: ")
    assert "missing  Essentia: not installed: no engine='essentia'" in ran.stdout
    assert "works    Resampling without Essentia: samplerate" in ran.stdout
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "not installed" not in page
    with np.load(tmp_path / "found.npz") as found:
        for model in ("musicnn", "vgg", "tempocnn"):
            for embedding in embviz.embed(track, model, layer=["embedding", "output"], engine="essentia"):
                values = found[f"{embedding.model} {embedding.layer}"]
                assert values.shape == embedding.shape
                assert np.abs(values - embedding.values).max() <= 5e-5 * embedding.values.std()
        expected = embviz.embed(track, "spleeter", engine="essentia")
        assert found["spleeter-2s-3 embedding"].shape == expected.shape
        # Essentia's own spectrogram is further from double precision than that.
        assert np.abs(found["spleeter-2s-3 embedding"] - expected.values).max() <= 1e-3 * expected.values.std()
