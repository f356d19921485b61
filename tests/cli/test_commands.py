"""The command line: what it prints, writes and returns."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import click
import numpy as np
import pandas as pd
import pytest
import requests
import soundfile
from architectures import Net
from click.testing import CliRunner

from embviz import Cache, Embedding, FrameGrid
from embviz import heads as embviz_heads
from embviz.cli import embed_command, model_commands, outputs, run
from embviz.core.progress import reporter
from embviz.errors import OptionError

ROOT = Path(__file__).resolve().parents[2]
MODELS = ["msd-musicnn-1", "msd-vgg-1"]


class Ran:
    """What a command returned and printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def said(self) -> list[str]:
        """Complaints, one a line; progress left out."""
        return [line for line in self.err.splitlines() if line.startswith("embviz: ")]


@pytest.fixture
def embviz(capfd, monkeypatch, tmp_path):
    """Run a command in an empty folder, and catch all that the process prints."""
    work = tmp_path / "work folder"
    work.mkdir()
    monkeypatch.chdir(work)

    def command(*arguments: object) -> Ran:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        assert "Traceback" not in printed.err
        return Ran(code, printed.out, printed.err)

    return command


# -- models ------------------------------------------------------------------------------------------------------


def test_the_default_is_the_six_systems_of_the_poster(monkeypatch):
    asked = []
    monkeypatch.setattr("embviz.heads.weights.pull_all", lambda names, **_: (asked.extend(names), ({}, {}))[1])
    for arguments in ([], ["--default"]):
        asked.clear()
        assert CliRunner().invoke(model_commands.pull, arguments).exit_code == 0
        assert asked == ["musicnn", "vgg", "tempocnn", "openl3", "vggish", "spleeter"]


def test_what_only_the_weights_could_tell_is_left_open(home):
    lines = CliRunner().invoke(model_commands.models, []).output.splitlines()
    header, sinet = lines[0].split("\t"), next(line for line in lines if line.startswith("fsd-sinet-vgg41")).split("\t")
    assert (sinet[header.index("parameters")], sinet[header.index("dimensions")]) == ("", "")


# -- progress ----------------------------------------------------------------------------------------------------


def test_progress_can_be_off(capfd):
    for off in (None, False):
        with reporter(off) as report:
            report("decoding", 0, 3)
    assert capfd.readouterr() == ("", "")


def test_progress_goes_to_a_callable():
    seen = []
    with reporter(lambda *report: seen.append(report)) as report:
        report("decoding", 1, 3)
    assert seen == [("decoding", 1, 3)]


def test_progress_in_a_pipe_is_a_line_at_start_and_end(capfd):
    with reporter(True) as report:
        for done in range(101):
            report("decoding [1].ogg", done, 100)
        report("unknown end", 5, 0)
        report("at once", 4, 4)
    out, err = capfd.readouterr()
    assert not out
    assert err.splitlines() == ["decoding [1].ogg …", "decoding [1].ogg: done", "unknown end …", "at once: done"]


def test_figures_of_a_stage_change_within_it(capfd, monkeypatch):
    clock = iter(range(0, 10_000, 25))
    monkeypatch.setattr("embviz.core.progress.time.monotonic", lambda: next(clock))
    with reporter(True) as report:
        for done in range(8):
            report(f"embedding {done} of 7 tracks · {done} h of sound a minute", done, 7)
    assert capfd.readouterr().err.splitlines() == [
        "embedding 0 of 7 tracks · 0 h of sound a minute …",
        "embedding 3 of 7 tracks · 3 h of sound a minute …",  # a minute later
        "embedding 6 of 7 tracks · 6 h of sound a minute …",
        "embedding 7 of 7 tracks · 7 h of sound a minute: done",
    ]


def test_a_bar_shows_the_figures_of_its_stage():
    code = (
        "from embviz.core.progress import reporter\n"
        "with reporter(True) as report:\n"
        "    for done in range(4): report(f'embedding {done} of 3 tracks · {done} failed', done, 3)"
    )
    leader, follower = os.openpty()
    environment = {**os.environ, "COLUMNS": "120"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=follower, check=True, timeout=60, env=environment)
    os.close(follower)
    shown = os.read(leader, 10_000).decode()
    os.close(leader)
    assert "embedding 3 of 3 tracks · 3 failed" in shown
    assert shown.count("100%") == 1


def test_progress_on_a_terminal_is_a_bar():
    code = "from embviz.core.progress import reporter\nwith reporter(True) as report: report('fetch [1]', 3, 3)"
    leader, follower = os.openpty()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=follower, check=True, timeout=60)
    os.close(follower)
    shown = os.read(leader, 10_000).decode()
    os.close(leader)
    assert "fetch [1]" in shown
    assert "100%" in shown


# -- usage -------------------------------------------------------------------------------------------------------


def test_version_and_help(embviz):
    assert re.fullmatch(r"embviz \d+\.\d+\.\d+\n", embviz("--version").out)
    shown = embviz("--help")
    assert shown.code == 0
    for name in ("models", "heads", "pull", "register", "embed", "poster", "cache", "cite", "doctor"):
        assert name in shown.out
        assert embviz(name, "--help").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["embed"],
        ["embed", "a.ogg", "-o", "a.npz"],
        ["embed", "a.ogg", "-m", "musicnn", "-o", "a.npz", "--patch-hop", "often"],
        ["embed", "a.ogg", "-m", "musicnn", "-o", "a.npz", "--resample-quality", "7"],
        ["embed", "a.ogg", "-m", "musicnn", "-o", "a.mat"],
        ["embed", "a.ogg", "-m", "musicnn", "-o", "-", "--json"],
        ["embed", "a.ogg", "b.ogg", "-m", "musicnn", "-o", "-"],
        ["embed", "a.ogg", "b.ogg", "-m", "musicnn", "-o", "a.npz"],
        ["embed", "a.ogg", "-m", "musicnn", "-o", "a.npz", "--pooling", "max"],
        ["embed", "a.ogg", "-m", "musicnn", "-o", "a.npz", "--workers", "0"],
        ["embed", ".", "-m", "musicnn", "-o", "-"],
        ["embed", ".", "-m", "musicnn", "-o", "a.mat"],
        ["embed", ".", "a.ogg", "-m", "musicnn", "-o", "a.npz"],
        ["embed", ".", "-m", "musicnn", "-m", "vgg", "-o", "a.npz"],
        ["embed", ".", "-m", "musicnn", "--pooling", "sum"],
        ["poster", "a.ogg", "-o", "a.pdf"],
        ["poster", "a.ogg"],
        ["pull", "musicnn", "--all"],
        ["cache", "prune", "--max-bytes", "plenty"],
    ],
)
def test_what_is_not_understood_is_2(embviz, arguments):
    ran = embviz(*arguments)
    assert ran.code == 2
    assert "Error: " in ran.err
    assert not ran.out


def test_a_place_that_is_not_there_is_named_first(embviz):
    ran = embviz("embed", "nowhere", "-m", "musicnn")
    assert ran.code == 1
    assert "There is no file or folder 'nowhere'" in ran.err


def test_a_page_has_one_ending(embviz):
    assert "should end in .html." in embviz("report", ".", "-o", "a.png").err


# -- where results go --------------------------------------------------------------------------------------------


def test_one_result_goes_to_the_file(tmp_path):
    output = str(tmp_path / "out.csv")
    [target] = outputs.plan(output, [Path("a.ogg")], ["m"], ["embedding"], "npz")
    assert target.path == tmp_path / "out.csv"


def test_results_in_a_folder_are_named_after_what_they_are(tmp_path):
    audio = [Path("x/a b.ogg"), Path("y/c.d.mp3")]
    targets = outputs.plan(str(tmp_path), audio, ["m"], ["embedding", "model/dense/BiasAdd"], "csv")
    assert [target.path.name for target in targets] == [
        "a b.m.embedding.csv",
        "a b.m.model_dense_BiasAdd.csv",
        "c.d.m.embedding.csv",
        "c.d.m.model_dense_BiasAdd.csv",
    ]


def test_placeholders_are_filled(tmp_path):
    output = f"{tmp_path}/{{model}}/{{track}}.npz"
    targets = outputs.plan(output, [Path("a.ogg"), Path("{model}.ogg")], ["m", "n"], ["embedding"], "csv")
    names = [str(target.path.relative_to(tmp_path)) for target in targets]
    assert names == ["m/a.npz", "n/a.npz", "m/{model}.npz", "n/{model}.npz"]


def test_several_results_do_not_fit_one_place(tmp_path):
    with pytest.raises(click.UsageError, match=r"with \{track\} and \{layer\} in it"):
        outputs.plan(f"{tmp_path}/{{model}}.npz", [Path("a.ogg"), Path("b.ogg")], ["m", "n"], ["k", "l"], "npz")
    with pytest.raises(click.UsageError, match="Two results would go to"):
        outputs.plan(str(tmp_path), [Path("x/a.ogg"), Path("y/a.mp3")], ["m"], ["k"], "npz")


def test_missing_and_read_only_folders_are_refused(tmp_path, monkeypatch):
    with pytest.raises(OptionError, match=r"There is no folder .*missing"):
        outputs.plan(str(tmp_path / "missing" / "out.npz"), [Path("a.ogg")], ["m"], ["k"], "npz")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OptionError, match="cannot be written to"):
        outputs.plan(str(tmp_path / "out.npz"), [Path("a.ogg")], ["m"], ["k"], "npz")


def test_a_sound_is_never_overwritten(tmp_path):
    sound = tmp_path / "strange.csv"
    sound.write_bytes(b"sound")
    with pytest.raises(click.UsageError, match="is one of the sounds"):
        outputs.plan(str(sound), [sound], ["m"], ["k"], "npz")


def test_what_is_to_be_cited_is_printed_as_bibtex(embviz, home):
    ran = embviz("cite", "musicnn", "umap")
    assert ran.code == 0
    assert re.findall(r"^@\w+\{([\w-]+),$", ran.out, flags=re.MULTILINE) == [
        "embviz", "alonso2020tensorflow", "alonso2020deep", "pons2019musicnn", "mcinnes2018umap",
    ]  # fmt: skip
    wrong = embviz("cite", "musicn")
    assert (wrong.code, wrong.out) == (1, "")
    assert "There is no model 'musicn'. Did you mean 'musicnn'?" in wrong.said[0]


# -- models and weights ------------------------------------------------------------------------------------------


def test_models_are_listed(embviz, home):
    ran = embviz("models")
    header, *rows = [line.split("\t") for line in ran.out.splitlines()]
    assert ran.code == 0
    assert {"msd-musicnn-1", "audioset-vggish-3", "spleeter-2s-3"} <= {row[0] for row in rows}
    assert all(len(row) == len(header) for row in rows)


def test_models_as_json(embviz, home):
    ran = embviz("models", "--json")
    by_name = {entry["name"]: entry for entry in json.loads(ran.out)}
    assert by_name["msd-musicnn-1"]["dimensions"] == 200
    assert not ran.err


def test_unknown_model_is_one_sentence_with_the_nearest(embviz, home):
    for arguments in (["pull", "msd-musicn-1"], ["embed", "a.ogg", "-m", "msd-musicn-1", "-o", "a.npz"]):
        ran = embviz(*arguments)
        assert ran.code == 1
        [sentence] = ran.err.splitlines()
        assert "msd-musicnn-1" in sentence


def test_pull_says_where_what_is_here_lies(embviz, home):
    ran = embviz("pull", "musicnn", "--json")
    assert ran.code == 0
    [pulled] = json.loads(ran.out)
    assert pulled["model"] == "msd-musicnn-1"
    assert Path(pulled["file"]).is_file()


@pytest.mark.filterwarnings("always:The file .* was left out")
def test_pull_from_a_folder(embviz, weights_home, tmp_path, monkeypatch):
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "new home"))
    carried = tmp_path / "carried"
    carried.mkdir()
    assert embviz("pull", "--from", carried).code == 1
    graph = weights_home / "data" / "models" / "msd-musicnn-1.pb"
    (carried / graph.name).write_bytes(graph.read_bytes())
    ran = embviz("pull", "--from", carried)
    assert ran.code == 0
    assert ran.out.startswith("msd-musicnn-1: ")
    assert str(tmp_path / "new home") in ran.out
    # An unknown field at the end: another file with the same network in it.
    (carried / graph.name).write_bytes(graph.read_bytes() + b"\xfa\x3e\x00")
    ran = embviz("pull", "--from", carried)
    assert ran.code == 0
    assert "was left out: 'msd-musicnn-1' has other weights here already" in ran.said[-1]
    ran = embviz("pull", "--from", carried, "--replace", "--json")
    assert json.loads(ran.out)[0]["sha256"] == hashlib.sha256((carried / graph.name).read_bytes()).hexdigest()


def test_register_takes_heads_and_models(embviz, empty_home, tmp_path):
    net = Net(1)
    net.add("tags", "Sigmoid", net.dense("dense", net.placeholder("x", -1, 200), 200, 3))
    head = tmp_path / "mood-msd-musicnn-1.pb"
    head.write_bytes(net.graph.SerializeToString())
    ran = embviz("register", head, "--model", "musicnn", "--output", "tag")
    assert ran.code == 1
    assert "has no node 'tag' that can be read. Did you mean 'tags'?" in ran.said[-1]
    described = {"inference": {"algorithm": "TensorflowPredict2D"}, "classes": ["a", "b"]}
    head.with_suffix(".json").write_text(json.dumps(described), encoding="utf-8")
    ran = embviz("register", head, "--input", "x:0", "--output", "tags")
    assert ran.out == "mood-msd-musicnn-1: a head on msd-musicnn-1 / embedding, 3 classes\n"
    assert "the output has 3 values, not 2 classes" in ran.said[-1]
    assert embviz_heads.get_head("mood-msd-musicnn-1").nodes == ("x", "tags")
    assert embviz("register", head, "--frontend", "musicnn").code == 2
    net = Net(1)
    mean = net.add("mean", "Mean", net.placeholder("x", -1, 187, 96), net.integers("axis", 1), types=[("Tidx", 3)])
    net.add("features", "Tanh", net.dense("dense", mean, 96, 4))
    graph = tmp_path / "mine.pb"
    graph.write_bytes(net.graph.SerializeToString())
    ran = embviz("register", graph, "--frontend", "musicnn", "--embedding", "features", "--json")
    assert ran.code == 0
    assert json.loads(ran.out) == {
        "kind": "model", "name": "mine", "dimensions": 4, "note": "", "layers": ["embedding"],
    }  # fmt: skip
    assert "mine" in embviz("models").out


# -- embeddings --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def clips(rock, tmp_path_factory):
    """Two short sounds with awkward names, and a text that is none."""
    import soundfile

    folder = tmp_path_factory.mktemp("clips")
    samples, rate = soundfile.read(rock, frames=44_100 * 6, start=44_100 * 40)
    paths = [folder / "a b.wav", folder / "ünï [1].wav", folder / "text.mp3"]
    for path in paths[:2]:
        soundfile.write(path, samples, rate)
    paths[2].write_text("This is no sound.")
    return paths


def test_npz_holds_numbers_without_pickle(embviz, home, clips):
    ran = embviz("embed", clips[0], "-m", "musicnn", "-l", "output", "-o", "out.npz", "--json")
    assert ran.code == 0
    [result] = json.loads(ran.out)
    with np.load("out.npz", allow_pickle=False) as arrays:
        assert arrays["values"].shape == (result["frames"], 50)
        assert arrays["values"].dtype == np.float32
        assert arrays["times"].shape == (result["frames"],)
        assert arrays["labels"][0] == "rock"
        meta = json.loads(str(arrays["meta"]))
    assert (meta["model"], meta["layer"], meta["title"]) == ("msd-musicnn-1", "output", "a b.wav")
    assert meta["grid"]["sample_rate"] == 16_000


def test_tables_hold_the_same_numbers(embviz, home, clips):
    for name in ("out.npz", "out.parquet", "out.csv"):
        assert embviz("embed", clips[0], "-m", "musicnn", "-o", name).code == 0
    values = np.load("out.npz")["values"]
    parquet, csv = pd.read_parquet("out.parquet"), pd.read_csv("out.csv", index_col="time")
    assert parquet.index.name == "time"
    np.testing.assert_array_equal(parquet.to_numpy(), values)
    np.testing.assert_array_equal(csv.to_numpy().astype(np.float32), values)
    np.testing.assert_array_equal(parquet.index, csv.index)


def test_csv_to_stdout_is_only_that(embviz, home, clips):
    ran = embviz("embed", clips[0], "-m", "musicnn", "-o", "-")
    header, first, *_ = ran.out.splitlines()
    assert ran.code == 0
    assert header.startswith("time,embedding_0,")
    assert len(first.split(",")) == 201
    assert not list(Path.cwd().iterdir())


def test_one_bad_sound_does_not_stop_the_others(embviz, home, clips):
    Path("out").mkdir()
    ran = embviz("embed", *clips, "missing.wav", "-m", "musicnn", "-m", "vgg", "-o", "out", "--format", "csv")
    assert ran.code == 1
    assert len(ran.said) == 2
    assert "text.mp3" in ran.said[0]
    assert "missing.wav" in ran.said[1]
    names = sorted(path.name for path in Path("out").iterdir())
    assert names == [
        f"{track}.{model}.embedding.csv" for track in ("a b", "ünï [1]") for model in ("msd-musicnn-1", "msd-vgg-1")
    ]


def test_progress_and_noise_stay_out_of_stdout(home, clips):
    command = [sys.executable, "-m", "embviz", "embed", str(clips[0]), "-m", "musicnn", "-o", "-"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.startswith("time,")
    noise = [line for line in ran.stderr.splitlines() if not re.search(r"(…|: done)$", line)]
    assert not noise


def test_missing_weights_say_the_remedy(embviz, home, clips):
    ran = embviz("embed", clips[0], clips[1], "-m", "openl3", "-o", ".")
    assert ran.code == 1
    [sentence] = ran.said
    assert "embviz pull openl3" in sentence


def test_unknown_layer_and_hop_are_one_sentence(embviz, home, clips):
    ran = embviz("embed", *clips[:2], "-m", "musicnn", "-l", "timbrel", "-o", ".")
    assert (ran.code, len(ran.said)) == (1, 1)
    assert "timbral" in ran.said[0]
    ran = embviz("embed", *clips[:2], "-m", "musicnn", "--patch-hop", "-1", "-o", ".")
    assert (ran.code, len(ran.said)) == (1, 1)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(embviz, home, clips, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    embviz("embed", clips[0], "-m", "musicnn", "-o", "warm.npz")
    monkeypatch.setattr("embviz.core.io.os.fsync", full)
    ran = embviz("embed", clips[0], "-m", "musicnn", "-o", "out.npz")
    assert ran.code == 1
    assert "No space left on device" in ran.err
    assert [path.name for path in Path.cwd().iterdir()] == ["warm.npz"]


def test_ctrl_c_is_one_line_and_130(embviz, home, clips, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("embviz.extraction.extract.embed", interrupted)
    ran = embviz("embed", clips[0], "-m", "musicnn", "-o", "out.npz")
    assert ran.code == 130
    assert ran.said == ["embviz: Interrupted."]


def test_ctrl_c_says_what_of_many_sounds_is_written(embviz, home, clips, monkeypatch):
    real = embed_command._written
    written = []

    def once(*arguments, **options):
        if written:
            raise KeyboardInterrupt
        written.append(real(*arguments, **options))
        return written[-1]

    monkeypatch.setattr(embed_command, "_written", once)
    ran = embviz("embed", *clips[:2], "-m", "tempocnn", "-o", ".")
    assert (ran.code, ran.said) == (130, ["embviz: Interrupted after 1 of 2 files; these stay."])


def test_a_reader_that_leaves_is_nothing_to_complain_of(home):
    command = f"'{sys.executable}' -m embviz models | true"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, check=True)
    assert not ran.stderr


# -- a folder ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(clips, tmp_path):
    """A folder with two sounds, one of them further down."""
    place = tmp_path / "music [1]"
    (place / "further").mkdir(parents=True)
    (place / "one.wav").write_bytes(clips[0].read_bytes())
    (place / "further" / "two.wav").write_bytes(clips[0].read_bytes() + b"more")
    return place


def test_ways_of_pooling_are_those_there_are():
    from embviz.batch.pooling import POOLINGS

    assert embed_command.POOLINGS == POOLINGS


def test_a_folder_makes_a_vector_of_each_sound(embviz, home, folder):
    ran = embviz("embed", folder, "-m", "tempocnn", "-o", "out.parquet")
    assert (ran.code, ran.said) == (0, [])
    assert "2 vectors × 256 dimensions → out.parquet" in ran.out
    parquet = pd.read_parquet("out.parquet")
    assert sorted(parquet["name"]) == ["further/two.wav", "one.wav"]
    assert embviz("embed", folder, "-m", "tempocnn", "-o", "out.csv").code == 0
    csv = pd.read_csv("out.csv", index_col="track")
    np.testing.assert_array_equal(csv.drop(columns="name").to_numpy(np.float32), parquet.drop(columns="name"))
    (folder / "one.wav").rename(folder / "=one.wav")
    for flags, name in (([], "=one.wav"), (["--spreadsheet-safe"], "'=one.wav")):
        assert embviz("embed", folder, "-m", "tempocnn", "-o", "out.csv", *flags).code == 0
        assert name in set(pd.read_csv("out.csv")["name"])
    ran = embviz("embed", folder, "-m", "tempocnn", "-o", "out.npz", "--pooling", "frames", "--workers", 1, "--json")
    [result] = json.loads(ran.out)
    with np.load("out.npz", allow_pickle=False) as arrays:
        assert arrays["values"].shape == (result["vectors"], 256)
        assert arrays["times"].shape == arrays["names"].shape == (result["vectors"],)


def test_several_folders_make_one_result_and_links_are_followed(embviz, home, folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "three.wav").write_bytes((folder / "one.wav").read_bytes() + b"other")
    (tmp_path / "linked").mkdir()
    (other / "link").symlink_to(tmp_path / "linked")
    (tmp_path / "linked" / "four.wav").write_bytes((folder / "one.wav").read_bytes() + b"four")
    ran = embviz("embed", folder, other, folder / "further", "-m", "tempocnn", "-o", "out.csv")
    assert ran.code == 0
    names = ["music [1]/further/two.wav", "music [1]/one.wav", "other/three.wav"]
    assert sorted(pd.read_csv("out.csv")["name"]) == names
    assert "(--follow-links)" in ran.err
    ran = embviz("embed", folder, other, "-m", "tempocnn", "-o", "out.csv", "--follow-links", "--json")
    assert (ran.code, ran.said) == (0, [])
    assert "other/link/four.wav" in set(pd.read_csv("out.csv")["name"])
    assert json.loads(ran.out)[0]["folder"] == str(tmp_path)
    ran = embviz("embed", folder, folder / "one.wav", "-m", "tempocnn")
    assert ran.code == 2
    assert "is no folder, unlike others" in ran.err


def test_the_map_of_several_folders_is_written_with_its_coordinates(embviz, home, folder):
    folders = folder, folder / "further"
    options = ["-m", "tempocnn", "--no-tags", "--no-heatmaps", "--method", "pca"]
    ran = embviz("report", *folders, "-o", "map.html", "--coordinates", "map.csv", *options)
    assert ran.code == 0
    assert ran.out.splitlines() == ["map.html", "map.csv"]
    assert "<title>music [1] + further" in Path("map.html").read_text("utf-8")
    table = pd.read_csv("map.csv")
    assert list(table.columns) == ["track", "name", "path", "map_x", "map_y", "map_cluster"]
    assert sorted(table["name"]) == ["further/two.wav", "one.wav"]
    assert np.isfinite(table[["map_x", "map_y"]].to_numpy()).all()
    assert "should end in .csv" in embviz("report", folder, "-o", "a.html", "--coordinates", "a.txt").err
    assert "time" in _columns(
        embviz("report", folder, "-o", "a.html", "--coordinates", "a.csv", "--points", "frames", *options)
    )


def _columns(ran):
    assert ran.code == 0
    return pd.read_csv("a.csv").columns


def test_a_folder_without_an_output_fills_the_cache(embviz, home, folder):
    ran = embviz("embed", folder, "-m", "tempocnn")
    assert ran.code == 0
    assert ran.out.endswith("2 vectors × 256 dimensions → the cache\n")
    assert not list(Path.cwd().iterdir())
    assert "of vectors, neighbours and maps" in embviz("cache").out


@pytest.mark.filterwarnings("default::embviz.errors.CacheWarning")
def test_a_cache_that_takes_nothing_costs_one_warning_and_is_not_said_to_hold_anything(embviz, home, folder):
    (home / "cache").write_text("no folder")
    ran = embviz("embed", folder, "-m", "tempocnn")
    assert (ran.code, len(ran.said)) == (0, 1)
    assert "cannot be kept" in ran.said[0]
    assert ran.out.endswith("2 vectors × 256 dimensions → not kept\n")


def test_several_results_of_a_folder_are_named_after_what_they_are(embviz, home, folder):
    Path("out").mkdir()
    ran = embviz("embed", folder, "-m", "tempocnn", "-l", "embedding", "-l", "output", "-o", "out", "--format", "csv")
    assert ran.code == 0
    names = sorted(path.name for path in Path("out").iterdir())
    assert names == ["music [1].deepsquare-k8.embedding.csv", "music [1].deepsquare-k8.output.csv"]


def test_ctrl_c_in_a_folder_says_what_is_kept_and_how_to_go_on(embviz, home, folder, monkeypatch):
    from embviz.batch.embedding_jobs import EmbeddingScheduler

    collect = EmbeddingScheduler.collect

    def interrupted(self, *result):
        collect(self, *result)
        raise KeyboardInterrupt

    monkeypatch.setattr(EmbeddingScheduler, "collect", interrupted)
    ran = embviz("embed", folder, "-m", "tempocnn", "--workers", 1)
    kept = "what was done is kept: run it again to go on."
    assert (ran.code, ran.said) == (130, [f"embviz: Interrupted after 1 of 2 tracks; {kept}"])


def test_what_is_passed_over_or_odd_in_a_folder_is_said(embviz, home, folder):
    (folder / "song.it").write_bytes(b"IMPM")
    samples, rate = soundfile.read(folder / "one.wav")
    soundfile.write(folder / "cut.flac", np.tile(samples, (3, 1)), rate)
    (folder / "cut.flac").write_bytes((folder / "cut.flac").read_bytes()[: (folder / "cut.flac").stat().st_size // 2])
    os.utime(folder / "cut.flac", (1e9, 1e9))  # long enough ago for its digest to be remembered
    ran = embviz("embed", folder, "-m", "tempocnn")
    assert ran.code == 0
    passed, odd = ran.said
    assert passed == "embviz: 1 file passed over, for there is no decoder here for .it."
    assert odd.startswith("embviz: cut.flac: ")
    assert odd.endswith("s could be decoded")


def test_what_fails_in_a_folder_is_said_and_the_rest_is_written(embviz, home, folder):
    for i in range(25):
        (folder / f"text {i:02}.mp3").write_text(f"This is no sound: {i}")
    ran = embviz("embed", folder, "-m", "tempocnn", "-o", "out.csv")
    assert ran.code == 1
    assert len(ran.said) == 21
    assert "text 00.mp3" in ran.said[0]
    assert ran.said[-1] == "embviz: … and 5 more; 25 of 27 tracks failed."
    assert len(pd.read_csv("out.csv")) == 2


def test_a_folder_without_sounds_is_one_sentence(embviz, home, tmp_path):
    (tmp_path / "nothing").mkdir()
    ran = embviz("embed", tmp_path / "nothing", "-m", "tempocnn", "-o", "out.csv")
    assert (ran.code, len(ran.said)) == (1, 1)


# -- poster, cache, doctor ---------------------------------------------------------------------------------------


def described(path: str) -> dict:
    """What a page says of itself."""
    text = Path(path).read_text(encoding="utf-8")
    return json.loads(re.search(r'id="embviz-page">(.*?)</script>', text)[1])


def test_poster_is_a_page_that_plays_and_names_what_is_missing(embviz, home, clips):
    ran = embviz("poster", clips[0], "-o", "poster.html")
    assert ran.code == 0
    assert ran.out == "poster.html\n"
    assert "embviz pull" in ran.said[0]
    assert "audioset-vggish-3" in ran.said[0]
    assert re.fullmatch(r"embviz: poster\.html takes \d\.\d MB\.", ran.said[1])
    page = described("poster.html")
    assert page["title"] == "a b.wav"
    assert [row.get("widget") for row in page["rows"]] == ["heatmap", "heatmap", "heatmap", None, None, "heatmap"]
    assert page["rows"][3]["commands"][0] == "embviz pull openl3-music-mel128-emb512-3"
    assert page["player"]["state"]["mime"] == "audio/ogg"


def test_poster_of_one_layer_with_the_sound_linked(embviz, home, clips):
    ran = embviz("poster", clips[1], "-m", "musicnn", "-l", "output", "--audio", "link", "-o", "poster.html")
    assert (ran.code, len(ran.said)) == (0, 1)
    page = described("poster.html")
    assert page["rows"][0]["state"]["labels"][0] == "rock"
    assert page["player"]["state"]["url"].endswith("/%C3%BCn%C3%AF%20%5B1%5D.wav")
    assert Path("poster.html").stat().st_size < 400_000


def test_poster_leaves_out_what_cannot_run_here_and_says_why(embviz, home, clips, monkeypatch):
    monkeypatch.setattr(
        "embviz.extraction.extract.find_obstacle", lambda model, *_: "It cannot." * (model.name == "msd-vgg-1")
    )
    ran = embviz("poster", clips[1], "-m", "vgg", "-m", "tempocnn", "-o", "poster.html")
    assert (ran.code, ran.said[0]) == (0, "embviz: msd-vgg-1 is left out: It cannot.")
    left_out, heatmap = described("poster.html")["rows"]
    assert (left_out["message"], left_out["commands"], heatmap["widget"]) == ("It cannot.", [], "heatmap")


def test_poster_says_what_the_table_beside_the_track_knows(embviz, home, rock):
    assert embviz("poster", rock, "-m", "vggish", "-o", "poster.html").code == 0
    page = described("poster.html")
    assert page["title"] == "Sixty-Four Bars"
    assert page["facts"] == ["2:02.5", "rock.ogg", "rock", "128 BPM", "E minor"]
    assert page["player"]["state"]["sections"][1] == {"name": "verse", "start": 7.5}


def test_poster_is_a_picture_of_a_layer(embviz, home, clips, monkeypatch):
    drawn = []
    monkeypatch.setattr("embviz.plotting.save.save_figure", lambda figure, path: drawn.append((figure, path)))
    assert embviz("poster", clips[0], "-m", "musicnn", "-l", "output", "-o", "poster.svg").code == 0
    [(figure, path)] = drawn
    assert path.name == "poster.svg"
    assert len(figure.data[0].y) == 50


def test_poster_of_no_sound_is_one_sentence(embviz, home, clips):
    ran = embviz("poster", clips[2], "-m", "musicnn", "-o", "poster.html")
    assert (ran.code, len(ran.said)) == (1, 1)
    assert not Path("poster.html").exists()


def test_cache_commands(embviz, home, clips):
    empty = json.loads(embviz("cache", "info", "--json").out)
    assert empty["entries"] == 0
    embviz("embed", clips[0], "-m", "musicnn", "-l", "embedding", "-l", "output", "-o", ".")
    assert "2 entries" in embviz("cache").out
    assert embviz("cache", "verify").code == 0
    entry = next((home / "cache").rglob("*.safetensors"))
    entry.write_bytes(entry.read_bytes()[:-10])
    ran = embviz("cache", "verify", "--json")
    assert ran.code == 1
    assert len(json.loads(ran.out)["damaged"]) == 1
    assert embviz("cache", "verify").code == 0
    assert embviz("cache", "prune", "--max-bytes", "1G").code == 0
    assert "1 entries" in embviz("cache", "info").out
    assert embviz("cache", "clear").code == 0
    assert "0 entries" in embviz("cache", "info").out


def test_a_shared_cache_is_told_and_never_cleared(embviz, home, clips, tmp_path, monkeypatch):
    embviz("embed", clips[0], "-m", "musicnn", "-o", "x.npz")
    monkeypatch.setenv("EMBVIZ_SHARED", str(home))
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "own"))
    assert embviz("embed", clips[0], "-m", "musicnn", "-o", "y.npz").code == 0
    for command in ("info", "verify", "prune", "clear", "info"):
        ran = embviz("cache", command)
    first, second = ran.out.splitlines()
    assert "0 entries" in first
    assert second.startswith(f"{home / 'cache'}, shared and only read: 1 entries, ")
    assert json.loads(embviz("cache", "info", "--json").out)["shared"][0]["entries"] == 1


def test_doctor_names_what_is_missing_and_how_to_mend_it(embviz, home):
    ran = embviz("doctor")
    assert ran.code == 0
    assert re.search(r"^works +Essentia: ", ran.out, re.MULTILINE)
    assert re.search(r"^works +Models: musicnn \(msd-musicnn-1.*\), ", ran.out, re.MULTILINE)
    # What is not needed is one line, and nothing to worry about.
    assert re.search(r"^optional Other models: .*vggish.*\n +→ embviz pull \w+ gets one", ran.out, re.MULTILINE)
    assert "missing  " not in ran.out.replace("missing  Browser", "")


def test_doctor_names_the_heads_that_are_here_and_where_no_model_is(embviz, home, empty_home, monkeypatch):
    monkeypatch.setattr("embviz.heads.known_heads", lambda: [SimpleNamespace(name=f"mine {i}") for i in range(8)])
    ran = embviz("doctor")
    assert "works    Heads: mine 0, mine 1, mine 2, mine 3, mine 4, mine 5 and 2 more\n" in ran.out
    assert "missing  Models: none here\n         → embviz pull musicnn" in ran.out


def test_doctor_counts_the_embeddings_of_a_shared_home(embviz, home, tmp_path, monkeypatch):
    values = np.ones((4, 2), np.float32)
    frames = Embedding(values, FrameGrid(16_000, 160, 160, 160, 0, 4, 640), "own", "embedding")
    Cache(tmp_path / "class" / "cache").put({"of": "a track"}, frames)
    monkeypatch.setenv("EMBVIZ_SHARED", str(tmp_path / "class"))
    assert re.search(r"Shared home: .* of cache and 1 embedding, only read$", embviz("doctor").out, re.MULTILINE)


def test_doctor_as_json(embviz, tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("EMBVIZ_HOME", str(file))
    (tmp_path / "class" / "data").mkdir(parents=True)
    (tmp_path / "class" / "data" / "file").write_bytes(bytes(3))
    monkeypatch.setenv("EMBVIZ_SHARED", os.pathsep.join(["here", str(tmp_path / "gone"), str(tmp_path / "class")]))
    ran = embviz("doctor", "--json")
    found = json.loads(ran.out)
    shared = [(check["works"], check["found"], check["needed"]) for check in found if check["name"] == "Shared home"]
    assert shared == [
        (False, "here is a relative path, and left out", False),
        (False, f"{tmp_path / 'gone'} has no data or cache to read", False),
        (True, f"{tmp_path / 'class'}, 3 bytes of data and no embeddings, only read", False),
    ]
    checks = {check["name"]: check for check in found}
    assert ran.code == 1
    assert not checks["Data folder"]["works"]
    assert "EMBVIZ_HOME" in checks["Data folder"]["mend"]


# -- make --------------------------------------------------------------------------------------------------------


# Without what a make around these tests hands down.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False
    )


def test_make_alone_helps():
    ran = make()
    assert ran.returncode == 0
    for target in ("explore", "test", "lint", "clean"):
        assert f"make {target} " in ran.stdout


@pytest.mark.parametrize("target", ["explore", "test", "lint", "clean"])
def test_make_would_run(target):
    ran = make("-n", target)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        ("exit 1", "embviz needs Python 3.11 to 3.14, and {} is none of them: install one"),
        ('case "$2" in *ensurepip*) exit 1; esac', "{} lacks its venv module: install it"),
        ('[ "$1" = -c ]', "{} could not make .venv, for the reason above."),
    ],
)
def test_make_says_what_python_lacks(tmp_path, python, sentence):
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    for needed in ("pyproject.toml", "hatch_build.py"):
        (tmp_path / needed).touch()
    (tmp_path / "python").write_text(f"#!/bin/sh\n{python}\n")
    (tmp_path / "python").chmod(0o755)
    ran = make("explore", "PYTHON=./python", folder=tmp_path)
    first, *rest = ran.stderr.splitlines()
    assert ran.returncode == 2
    assert first.startswith(sentence.format("./python"))
    assert len(rest) == 1
    assert rest[0].startswith("make: ***")
    assert not (tmp_path / ".venv").exists()


@pytest.fixture
def terminal(tmp_path):
    """``make lab`` on a terminal of its own, as after ``make explore``."""
    import pexpect

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    arguments = ["-o", ".venv/.ready", f"PY={shlex.quote(sys.executable)}", "lab", "BROWSER=none", f"PORT={port}"]
    folders = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")}
    child = pexpect.spawn("make", arguments, cwd=ROOT, env={**ENVIRONMENT, **folders}, encoding="utf-8", timeout=60)
    yield child
    child.close(force=True)


def status(address: str) -> int:
    """Return what a server answers, which may print its address a moment before it listens."""
    session = requests.Session()
    session.trust_env = False  # no proxy on the way to this machine
    for _ in range(60):
        try:
            return session.get(address, timeout=30).status_code
        except requests.ConnectionError:
            time.sleep(0.5)
    raise TimeoutError(address)


@pytest.mark.slow
def test_make_opens_jupyterlab_and_ctrl_c_ends_it(terminal):
    import pexpect

    terminal.expect(r"(http://localhost:\d+/lab/tree/notebooks/01_what_does_a_model_hear\.ipynb\?token=\w+)")
    assert status(terminal.match[1]) == 200
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert "JupyterLab has ended." in terminal.before
    assert "***" not in terminal.before
    assert terminal.exitstatus == 0
