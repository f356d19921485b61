"""What README says works."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from embviz import Collection, embed, list_models


@pytest.fixture(scope="module")
def readme(root, weights_home):
    return (root / "README.md").read_text(encoding="utf-8")


def test_the_example_runs_and_prints_what_it_says(readme, tmp_path):
    example, *_ = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert len(example.strip().splitlines()) <= 12
    run = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "81 frames × 200 dimensions, every 1.49 s" in run.stdout
    tags = [line.split()[0] for line in run.stdout.splitlines()[1:4]]
    assert tags == ["rock", "indie", "alternative"]
    assert "(200,)" in run.stdout
    assert (tmp_path / "tags.html").stat().st_size > 100_000


def test_the_examples_of_a_collection_run_and_print_what_they_say(readme, tmp_path):
    _, collection, tasks = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    code = f"{collection}\nprint('—')\n{tasks}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    mapped, scored = run.stdout.split("—\n")
    assert "10 tracks × 200 dimensions, mean" in mapped
    figures = [float(figure) for figure in mapped.splitlines()[-1].split()]
    assert len(figures) == 2
    assert all(0 < figure <= 1 for figure in figures)
    assert all(model in scored for model in ("msd-musicnn-1", "deepsquare-k8"))
    rows = [line.split() for line in scored.splitlines() if re.match(r"\d+ ", line)]
    assert sum(float(row[-3]) == 0.5 for row in rows[:4]) >= 1, "chance or majority of two classes"
    assert all(float(row[-1]) > 0.05 for row in rows[4:]), "no pair differs"


def test_every_command_it_names_exists(readme):
    (block,) = re.findall(r"```\n(embviz .*?)```", readme, flags=re.DOTALL)
    commands = set(re.findall(r"^embviz (\w+)", block, flags=re.MULTILINE))
    assert len(commands) == 9
    for command in commands:
        run = subprocess.run([sys.executable, "-m", "embviz", command, "--help"], capture_output=True, check=False)
        assert run.returncode == 0, command


def test_the_table_names_every_model(readme):
    table = readme[readme.index("## Models") : readme.index("## Speed")]
    for name in list_models().index:
        family, _, last = name.rpartition("-")
        named = name in table or (family in table and f"-{last}" in table) or name.startswith("openl3")
        assert named, name


def test_files_it_shows_are_here(readme, root):
    for path in re.findall(r'(?:src|srcset)="([^"]+)"|\]\((?!http|#)([^)]+)\)', readme):
        assert (root / (path[0] or path[1])).exists()


def test_a_home_for_a_class_is_used_as_it_says(readme, rock, weights_home, tmp_path, monkeypatch):
    fill, share = re.findall(r"```\n(export EMBVIZ_.*?)```", readme, flags=re.DOTALL)
    filled, copied, tracks = tmp_path / "filled", tmp_path / "copied", tmp_path / "tracks"
    for name in ("msd-musicnn-1", "msd-vgg-1"):  # instead of all that is pulled
        for path in (weights_home / "data" / "models").glob(f"*{name}.*"):
            (filled / "data" / "models").mkdir(parents=True, exist_ok=True)
            shutil.copy(path, filled / "data" / "models")
    tracks.mkdir()
    soundfile.write(tracks / "a.wav", np.random.default_rng(0).normal(0, 0.1, 4 * 16_000), 16_000)
    os.utime(tracks / "a.wav", (1e9, 1e9))  # new files may still change, and are read again
    commands = fill.replace("/srv/class", str(filled)).replace("/srv/tracks", str(tracks))
    assert "embviz pull --default\n" in commands
    commands = commands.replace("embviz pull --default\n", "").replace("embviz", f"{sys.executable} -m embviz")
    subprocess.run(["sh", "-e", "-c", commands], check=True, capture_output=True)
    shutil.copytree(filled, copied, copy_function=shutil.copyfile)
    shutil.rmtree(filled)
    name, home = share.strip().removeprefix("export ").split("=")
    monkeypatch.setenv(name, home.replace("/srv/class", str(copied)))
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "own"))
    monkeypatch.setattr("embviz.inference.essentia.EssentiaSession.__init__", None)  # nothing is computed
    assert embed(shutil.copy(tracks / "a.wav", tmp_path), "musicnn", layer="output").shape == (1, 50)
    monkeypatch.setattr("embviz.batch.api._compute", None)
    assert Collection.from_folder(tracks).embed("vgg").shape == (1, 256)
    assert not list((tmp_path / "own").rglob("*.safetensors"))
