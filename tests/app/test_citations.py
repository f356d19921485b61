"""What is to be cited, and how it is written."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest
import yaml
from panel import command

import embviz
from embviz.errors import ModelError, OptionError
from embviz.models.baselines import BASELINES
from embviz.models.catalogue import CATALOGUE
from embviz.models.references import REFERENCES, Reference, escape, references_in

USUAL = ["embviz", "alonso2020tensorflow", "alonso2020deep"]
ENTRY = re.compile(r"@(article|inproceedings|misc)\{[a-z][\w-]*,\n(  [a-z]+ = \{.+\},\n)+\}")


def keys(*used):
    return [reference.key for reference in embviz.cite(*used)]


@pytest.fixture(scope="module")
def collection():
    return embviz.Collection.from_folder(embviz.sample_audio())


# What is cited. -------------------------------------------------------------------------------------------------------


def test_every_model_of_the_catalogue_cites_its_papers():
    for name, model in (CATALOGUE | BASELINES).items():
        assert model.references, name
        assert model.citation == "; ".join(str(REFERENCES[key]) for key in model.references)
        start = [] if model.system == "function" else USUAL[1:]
        assert keys(name) == ["embviz", *start, *model.references]


def test_each_is_cited_once_and_in_order():
    assert keys() == USUAL
    assert keys("vgg", ["musicnn", "mtt-musicnn-1"], "umap", "umap") == [*USUAL, "pons2019musicnn", "mcinnes2018umap"]
    assert keys("pca") == ["embviz"]
    assert keys("mood_sad-msd-musicnn-1") == [*USUAL, "pons2019musicnn"]
    assert keys("pacmap", "tsne") == ["embviz", "wang2021understanding", "maaten2008visualizing"]


def test_what_was_computed_is_cited(weights_home, collection, rock):
    vectors = collection.embed("musicnn")
    assert keys(embviz.embed(rock, "tempocnn")) == [*USUAL, "schreiber2019musical"]
    assert keys(vectors) == [*USUAL, "pons2019musicnn"]
    assert keys(embviz.project(vectors, "tsne")) == ["embviz", "maaten2008visualizing"]
    scores = embviz.evaluate(collection, "family", ["musicnn", "mfcc"], folds=3)
    methods = ["pedregosa2011scikit", "rubin1981bayesian", "phipson2010permutation", "holm1979simple"]
    assert keys(scores) == [*USUAL, "pons2019musicnn", "davis1980comparison", *methods]
    own = embviz.Vectors.from_array(np.eye(10), collection, model="my numbers")
    assert keys(own) == ["embviz"]


def test_views_say_what_they_show(weights_home, collection, explore):
    explorer = explore(embviz.sample_audio() / "rock.ogg", models=["musicnn"])
    assert keys(explorer) == [*USUAL, "pons2019musicnn"]
    command(explorer.wait(), "show_predictions").wait()
    assert "schreiber2019musical" in keys(explorer)  # of the tempo
    atlas = collection.map("tempocnn", method="tsne").wait()
    assert keys(atlas, explorer) == [*USUAL, "schreiber2019musical", "maaten2008visualizing", "pons2019musicnn"]
    atlas.close()


def test_the_explorer_writes_what_is_to_be_cited(weights_home, explore, tmp_path, monkeypatch):
    explorer = explore(embviz.sample_audio() / "rock.ogg", models=["tempocnn"])
    monkeypatch.chdir(tmp_path)
    command(explorer, "save_citations").wait()
    assert (tmp_path / "references.bib").read_text(encoding="ascii") == f"{embviz.cite('tempocnn')}\n"
    assert explorer.widget.notice["text"] == f"Written to {str(tmp_path / 'references.bib')!r}."


def test_heads_cite_what_their_descriptions_name(weights_home, collection):
    head = embviz.train(collection, "family", "musicnn")
    assert keys(head) == keys(head(embviz.sample_audio() / "rock.ogg")) == [*USUAL, "pons2019musicnn"]
    official = replace(head, name="theirs", facts={"citation": "@inproceedings{alonso2022music,\n title={x}\n}"})
    assert keys(official) == [*USUAL, "alonso2022music", "pons2019musicnn"]


def test_what_cannot_be_cited_is_refused_in_a_sentence(collection):
    with pytest.raises(ModelError, match="no model 'musicn'"):
        embviz.cite("musicn")
    with pytest.raises(OptionError, match=r"is expected.*Collection was found"):
        embviz.cite(collection)
    with pytest.raises(OptionError, match="NoneType was found"):
        embviz.cite(None)


def test_the_reference_and_the_entries_name_the_same_papers():
    for key in ("mcinnes2018umap", "maaten2008visualizing", "wang2021understanding"):
        assert f"{REFERENCES[key].year}." in embviz.project.__doc__
        assert REFERENCES[key].title.lower() in " ".join(embviz.project.__doc__.lower().split())
    assert "Open Source Software" in embviz.project.__doc__


# How it is written. ---------------------------------------------------------------------------------------------------


def test_entries_are_whole_and_in_ascii():
    text = "\n\n".join(one.bibtex() for one in REFERENCES.values())
    assert text.isascii()
    for entry in text.split("\n\n"):
        assert ENTRY.fullmatch(entry), entry
        assert entry.count("{") == entry.count("}")
    assert embviz.__version__ in text
    assert "Alonso-Jim{\\'e}nez, Pablo and Bogdanov, Dmitry" in text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("50 % of A&B_c #1 $", r"50 \% of A\&B\_c \#1 \$"),
        ("} \\input{/etc/passwd", r"\} \textbackslash{}input\{/etc/passwd"),
        ("a\nb\x00\u202e ~^", r"a b \textasciitilde{}\textasciicircum{}"),
        ("é Č ç", r"{\'e} {\v C} {\c c}"),
    ],
)
def test_nothing_is_a_command(text, written):
    assert escape(text) == written


@pytest.mark.parametrize(
    "citation",
    [
        "me} @misc{x, note={\\input{/etc/passwd}",
        "@misc{x, note={\\input{/etc/passwd}}}",
        "@misc{x, title={a}} } @misc{y, title={b}",
        "@misc{x, title={a\x1b[2J}}",
    ],
)
def test_a_hostile_description_is_a_note(citation):
    [reference] = references_in(citation, "<script>/../evil} ", "T}itle")
    assert reference.key == "scriptevil"
    entry = reference.bibtex()
    assert not re.search(r"\\(input|[^\s{}%&#$_~^'\"`vct])", entry)
    assert ENTRY.fullmatch(entry)
    unescaped = re.sub(r"\\[{}]", "", entry)
    assert unescaped.count("{") == unescaped.count("}")
    assert unescaped.count("@") == 1 + citation.count("@")


def test_a_plain_entry_is_kept_as_it_came():
    entry = "@article{gomez2006tonal,\n  author={G{\\'o}mez, Emilia},\n  title={Tonal description}\n}"
    assert references_in(entry, "mine", "Mine")[0].bibtex() == entry
    assert references_in("", "mine", "Mine") == []
    assert "note = {Me, 2020}" in references_in("Me, 2020", "mine", "Mine")[0].bibtex()


def test_models_of_ones_own_do_not_share_a_key():
    ours = embviz.get_model("musicnn")
    two = [replace(ours, name=name, title=name, references=(), citation=name) for name in ("a b", "ab")]
    assert keys(*two) == [*USUAL, "ab", "ab-2"]


def test_a_sentence_names_few_authors_and_one_of_many():
    assert str(REFERENCES["hershey2017cnn"]).startswith("S. Hershey et al., CNN architectures")
    assert str(REFERENCES["schreiber2019musical"]).startswith("H. Schreiber and M. Müller, ")
    assert str(Reference("x", "misc", "T", ("A group", "Wu, Ho-Hsiang"), year=1999)) == "A group and H.-H. Wu, T, 1999"


# CITATION.cff. --------------------------------------------------------------------------------------------------------


def test_the_citation_file_says_the_same(root):
    described = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert described["cff-version"] == "1.2.0"
    assert described["version"] == embviz.__version__
    assert described["license"] == project["license"].split(" AND ")[0]
    assert described["url"] == described["repository-code"] == project["urls"]["Homepage"]
    assert described["keywords"] == project["keywords"]
    ours = embviz.cite()[0]
    assert described["title"] == ours.title
    assert tuple(author["name"] for author in described["authors"]) == ours.authors
    assert ours.details["url"] == project["urls"]["Homepage"]
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.search(rf"^## \[{embviz.__version__}\] - (.*)$", changes, flags=re.MULTILINE)
    assert str(described["date-released"]) == released[1]
    for paper, key in zip(described["references"], ("alonso2020deep", "alonso2020tensorflow"), strict=True):
        known = REFERENCES[key]
        authors = tuple(f"{author['family-names']}, {author['given-names']}" for author in paper["authors"])
        assert (paper["title"], authors, paper["year"]) == (known.title, known.authors, known.year)
        assert paper["conference"]["name"] in known.venue
        assert paper.get("doi") == known.details.get("doi")
