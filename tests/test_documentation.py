"""What the documentation names exists, what it shows runs, and what comes out is what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
import soundfile
from documents import PAGES, ROOT, blocks, furnish, run_page

import embviz
from embviz import Collection, embed, list_models
from embviz.analysis.neighbors import EXACT_UP_TO
from embviz.cli.entry_point import cli
from embviz.export.collection_page import CLIPPED
from embviz.export.page_audio import CLIP
from embviz.models.lookup import ALIASES
from embviz.units.unit_facts import LEAST_GROUPS

MISSING = object()
LANGUAGES = {"python", "sh", "text", "bibtex", "json", "toml", "yaml"}
WITH_CODE = [page for page in PAGES if any(block.runs for block in blocks(page))]


def name_of(page):
    return page.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


# Names, files and links. ----------------------------------------------------------------------------------------------


def resolved(dotted: str) -> object:
    """Return what a dotted name of the package stands for."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            fields = getattr(found, "__dataclass_fields__", {})
            found = fields.get(name, MISSING) if not hasattr(found, name) else getattr(found, name)
            if found is MISSING:
                break
        return found
    return MISSING


@every_page
def test_names_exist(page):
    code = re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
    dotted = {name for text in code for name in re.findall(r"\bembviz(?:\.[A-Za-z_]\w*)+", text)}
    assert {name for name in dotted if resolved(name) is MISSING} == set()


def anchors(page):
    """Return the places of a page that links can name, as GitHub calls them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@every_page
def test_files_exist(page):
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:embviz|tests|benchmarks|notebooks|docs|sample_audio)/[\w./-]*)`", text))
    assert {path for path in named if not (ROOT / path).exists()} == set()
    links = re.findall(r"\]\((?!http)([^)]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@every_page
def test_lessons_are_called_by_their_titles(page):
    for text, path in re.findall(r"\[([^\]]+)\]\(([^)]+\.ipynb)\)", page.read_text(encoding="utf-8")):
        first = json.loads((page.parent / path).read_text(encoding="utf-8"))["cells"][0]
        assert f"# {text}\n" in "".join(first["source"]) + "\n"


def test_every_page_is_in_the_contents_of_the_site():
    listed = []
    for page in (ROOT / "docs").glob("**/*.md"):
        for block in (block for block in blocks(page) if block.language == "{toctree}"):
            entries = [line for line in block.code.splitlines() if line and not line.startswith(":")]
            for entry in entries:
                found = [*page.parent.glob(f"{entry}.md"), *page.parent.glob(f"{entry}.ipynb")]
                listed += [each.resolve() for each in found] or [page.parent / entry]
    lessons = (ROOT / "notebooks").glob("*.ipynb")
    pages = {*PAGES, ROOT / "CHANGELOG.md"} - {ROOT / "README.md", ROOT / "docs" / "index.md"}
    assert sorted(listed) == sorted([*pages, *lessons])


def test_pictures_are_light_and_dark_shown_small_and_drawn_by_a_script():
    pictures = list((ROOT / "docs" / "pictures").iterdir())
    names = {path.name.rpartition("-")[0] for path in pictures}
    assert {path.name for path in pictures} == {
        f"{name}-{scheme}.webp" for name in names for scheme in ("light", "dark")
    }
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert {name for name in names if f"pictures/{name}-light.webp" not in text} == set()
    script = (ROOT / "docs" / "screenshots.py").read_text(encoding="utf-8")
    assert {name for name in names if f'"{name}"' not in script} == set()
    assert sum(path.stat().st_size for path in pictures) < 2_500_000


def test_the_page_of_keys_has_those_of_the_panel():
    script = (ROOT / "embviz" / "widgets" / "src" / "base" / "keys.js").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "guide" / "keys.md").read_text(encoding="utf-8")
    on_page = {
        title: re.findall(r"^\| (`.+`) \|", body, flags=re.MULTILINE)
        for title, body in zip(*[iter(re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:])] * 2, strict=True)
    }
    lists = re.split(r'^ +"([A-Z][a-z ]+)",$', script[: script.index("export function placeOf")], flags=re.MULTILINE)
    in_panel = {
        title: [
            " ".join(f"`{key}`" for key in re.findall(r'"(.+?)"', keys))
            for keys in re.findall(r'^ +\[\[(.+?)\], "', body, flags=re.MULTILINE)
        ]
        for title, body in zip(lists[1::2], lists[2::2], strict=True)
    }
    del in_panel["Mouse and touch"]
    assert on_page == in_panel


def test_the_reference_has_all_rooms_with_public_names():
    rooms = {
        path.parent.name for path in (ROOT / "embviz").glob("*/__init__.py") if "__all__" in path.read_text("utf-8")
    }
    described = {path.stem for path in (ROOT / "docs" / "reference").glob("*.md")}
    # Of these rooms, embviz itself offers what is public.
    assert rooms - described == {"audio", "batch", "cli", "collection", "extraction", "inference"}
    for room in described - {"index"}:
        module = "embviz" if room == "embviz" else f"embviz.{room}"
        page = ROOT / "docs" / "reference" / f"{room}.md"
        assert f".. automodule:: {module}\n" in page.read_text(encoding="utf-8")
    listed = re.findall(
        r"^   (\w+)$", (ROOT / "docs" / "reference" / "embviz.md").read_text("utf-8"), flags=re.MULTILINE
    )
    assert listed == [name for name in embviz.__all__ if name not in described]


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("guide/units.md", f"fewer than {LEAST_GROUPS} artists"),
        ("collections.md", f"Up to {CLIPPED} tracks"),
        ("collections.md", f"holds {CLIP:.0f} seconds of each"),
        ("first_minutes.md", f"holds {CLIP:.0f} seconds of each"),
        ("guide/map.md", f"exact for up to {EXACT_UP_TO:,} vectors"),
    ],
)
def test_pages_state_the_figures_of_the_code(page, sentence):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert sentence in " ".join(text.split())


def test_the_inspection_of_the_site_finds_what_the_reference_lacks(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    gaps = import_module("inspection").gaps
    reference = tmp_path / "docs" / "reference"
    reference.mkdir(parents=True)
    link = '<a class="viewcode-link"></a>'
    names = {"embviz.Evaluation.table": "", "embviz.Evaluation.pairs": link}
    entries = "".join(f'<dt class="sig sig-object py" id="{name}">\n{text}</dt>' for name, text in names.items())
    (reference / "embviz.html").write_text(f'{entries}<ol class="upperalpha simple" start="12">', encoding="utf-8")
    found = set(gaps(tmp_path))
    assert "embviz.html: embviz.Evaluation.table has no link to its source" in found
    assert "embviz.html: an initial was taken for the number of a list" in found
    described = "is described on no page of the reference"
    assert {
        f"embviz.{name} {described}"
        for name in ("Evaluation.learning", "Audio.digest", "evaluation.ConfusionMatrix", "Collection.contrast")
    } < found
    assert f"embviz.Evaluation.pairs {described}" not in found


def test_the_inspection_of_the_site_finds_what_pages_do_not_say_in_words(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    inspection = import_module("inspection")
    described = '<title>One</title><meta name="description" content="Words.">'
    (tmp_path / "a.html").write_text(f'{described}<img alt="A map" src="b.png">', encoding="utf-8")
    assert not list(inspection.unsaid(tmp_path, {tmp_path / "a.html": inspection.Page(tmp_path / "a.html")}))
    (tmp_path / "b.html").write_text(
        '<title>One</title><img alt="../b.svg"><pre class="output stderr">', encoding="utf-8"
    )
    pages = {path: inspection.Page(path) for path in tmp_path.iterdir()}
    assert set(inspection.unsaid(tmp_path, pages)) == {
        "b.html: a picture is called '../b.svg'",
        "b.html: shows 'output stderr'",
        "b.html: has no description",
        "b.html: has the same title as a.html, 'One'",
    }


# Code. ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ran(weights_home, tmp_path_factory):
    """Return a function that runs a page once, and closes its widgets at the end."""
    folder, pages = tmp_path_factory.mktemp("reader"), {}
    furnish(folder)

    def page_of(name):
        if name not in pages:
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                pages[name] = run_page(ROOT / name)
        return pages[name]

    page_of.folder = folder
    yield page_of
    for value in (value for page in pages.values() for value in page.names.values()):
        if hasattr(value, "close") and not isinstance(value, type):
            value.close()


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_what_a_page_shows_runs(page, ran):
    ran(name_of(page))


@every_page
def test_a_block_says_what_it_is_and_who_runs_it(page):
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for block in blocks(page):
        # In braces: directives, for the pages that the site is made of.
        assert block.language in LANGUAGES or block.language.startswith("{"), block.code
        assert not block.test or f"def {block.test}(" in tests, block.test
        compile(block.code if block.language == "python" else "", page.name, "exec")


@every_page
def test_commands_exist_with_their_options(page):
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"`make (\w+)", text)) <= set(targets)
    for program, *words in (command for block in blocks(page) for command in block.commands):
        if program == "make":
            assert words[0] in targets
        if program == "embviz":
            command = cli.commands[words[0]]
            command.make_parser(command.make_context(words[0], [], resilient_parsing=True)).parse_args(words[1:])


def test_every_command_is_described():
    page = ROOT / "docs" / "command_line.md"
    named = {words[1] for block in blocks(page) for words in block.commands if words[0] == "embviz"}
    assert named == set(cli.commands)


# What comes out. ------------------------------------------------------------------------------------------------------


def test_readme_is_short_and_prints_what_it_says(ran):
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 180
    [panel, example] = [block for block in blocks(ROOT / "README.md") if block.language == "python" and block.runs]
    assert "Explorer" in panel.code
    assert len(example.code.strip().splitlines()) <= 12
    printed = ran("README.md").printed
    assert "81 frames × 200 dimensions, every 1.49 s" in printed
    assert [line.split()[0] for line in printed.splitlines()[1:4]] == ["rock", "indie", "alternative"]
    assert "10 tracks × 200 dimensions, mean" in printed
    assert len(ran("README.md").names["collection"].neighbors("rock.ogg", "musicnn", k=3)) == 3
    assert (ran.folder / "tags.html").stat().st_size > 100_000
    assert "rock.ogg" in (ran.folder / "map.html").read_text(encoding="utf-8")


def test_python_prints_what_it_says(ran):
    printed = ran("docs/python.md").printed
    assert "81 frames × 200 dimensions, every 1.49 s" in printed
    assert [line.split()[0] for line in printed.splitlines()[1:4]] == ["rock", "indie", "alternative"]
    assert "(200,)" in printed
    names = ran("docs/python.md").names
    assert [names[name].shape[1] for name in ("music", "tags", "shape")] == [200, 50, 256]


def test_collections_print_what_they_say(ran):
    printed = ran("docs/collections.md").printed
    assert "10 tracks × 200 dimensions, mean" in printed
    [trustworthiness, preservation] = [float(figure) for figure in printed.splitlines()[1].split()]
    assert 0 < trustworthiness <= 1
    assert 0 < preservation <= 1


def test_tasks_print_what_they_say(ran):
    page = ran("docs/tasks.md")
    assert all(model in page.printed for model in ("msd-musicnn-1", "deepsquare-k8", "mood_sad-msd-musicnn-1"))
    modes, tempo = page.names["modes"], page.names["tempo"]
    assert 0.5 in modes.table["accuracy"].tolist(), "chance or majority of two classes"
    assert (modes.pairs["p_adjusted"] > 0.05).all(), "no pair differs"
    assert (tempo.table["measure"] == "R²").all()
    assert (tempo.table["score"] < 0).all(), "the comment says how to read this"
    assert len(page.names["head"].classes) == 2


def test_every_model_is_named_with_its_verification():
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    for name in list_models().index:
        family, _, last = name.rpartition("-")
        assert f"`{name}`" in text or (f"`{family}-" in text and f"-{last}" in text) or name.startswith("openl3"), name
    assert {alias for alias in ALIASES if f"`{alias}`" not in text} == set()


def test_a_home_for_a_class_is_used_as_it_says(rock, weights_home, tmp_path, monkeypatch):
    fill, share = (block.code for block in blocks(ROOT / "docs" / "homes.md") if block.test)
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


# Questions. -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def answers(ran):
    """All names that the page of questions gives."""
    return ran("docs/questions.md").names


def test_there_are_twelve_questions_with_an_answer_of_a_few_lines_each():
    page = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    parts = re.split(r"^###? (.*\?|My own vectors)$", page, flags=re.MULTILINE)
    assert len(parts[1::2]) == 12
    for answer in parts[2::2]:
        code = re.search(r"^```python\n(.*?)^```$", answer, flags=re.DOTALL | re.MULTILINE)
        lines = [line for line in code[1].splitlines() if line and not line.startswith("import ")]
        assert len(lines) <= 3


def test_single_dimensions(answers):
    card, moments = answers["card"], answers["moments"]
    assert card.dimension == 37
    assert not card.named
    assert moments.table["value"].is_monotonic_decreasing
    assert moments.table["track"].is_unique
    assert len(moments) == 10, "one of each track"
    heard = answers["heard"].table
    assert len(heard) > 0
    along = dict(zip(answers["means"].tracks, answers["along"], strict=True))
    family = answers["collection"]["family"]
    ends = [np.mean([along[label] for label in family.index[family == name]]) for name in ("band", "acoustic")]
    np.testing.assert_allclose(ends, [0, 1], atol=1e-4)


def test_tracks(answers):
    assert answers["near"]["name"].tolist()[0] != "rock.ogg"
    assert len(answers["near"]) == 3
    like = answers["like"].table
    assert "rock.ogg" not in set(like["name"])
    assert like["track"].is_unique
    assert len(answers["outliers"]) == 10
    assert answers["outliers"]["score"].is_monotonic_decreasing
    assert len(answers["pairs"].table) == 0, "the sample tracks are ten pieces"
    assert set(answers["typical"].table["group"]) == {"acoustic", "band", "electronic"}


def test_one_track_and_two(answers):
    sections = [0, 7.5, 22.5, 37.5, 52.5, 67.5, 82.5, 97.5, 112.5]
    assert answers["boundaries"].score(sections)["F-measure@3.0"] > 0.8
    assert "not the same piece" in answers["side_by_side"].message.lower()


def test_own_vectors(answers):
    assert answers["vectors"].shape == (10, 8)
