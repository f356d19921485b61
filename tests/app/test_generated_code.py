"""Code that views give, whatever states and messages they were given: a part of the campaign of that name."""

from __future__ import annotations

import importlib

import pytest

ATTACK = "import os; os.system('x')"


@pytest.fixture
def campaign(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "tests" / "campaigns")
    return importlib.import_module("generated_code")


@pytest.mark.usefixtures("weights_home")
def test_states_and_messages_put_nothing_into_the_code_of_a_view(campaign, tmp_path):
    found = campaign.run(0, 400, tmp_path)
    assert found["survived"] + found["refused"] == found["tried"] == 400
    assert min(found["survived"], found["refused"]) > 40


FOREIGN = [
    ATTACK, "from os import system", "import embviz as print", "embviz.cli.run([])", "eval('1')", "x.eval(x)",
    "projection = open('x')", "embviz.embed = print", "embviz.embed(*paths)",
    "collection.assign(**{'a': open('x')})", "collection.assign(**paths())", "embviz.embed('x', **{})",
    "[i for i in paths]", "embviz.embed('x', key=1)", "collection = __import__('os')", "print(embviz.__dict__)",
    "def f(): pass", "x\u2028 = 1", "import pandas", "import os as pd", "pd.read_pickle('x')", "x.values(1)",
]  # fmt: skip
OWN = """import embviz
from embviz.analysis import cluster

x = embviz.embed('a', 'vgg', patch_hop=-0.5)
x = x[1:2]
groups = cluster(x.xy, 'kmeans', n_clusters=2)
embviz.heatmap(x, head=embviz.get_head('h')).show()
collection = embviz.Collection.from_paths([embviz.sample_audio() / 'a.ogg'])
collection = collection.assign(**{'a b': ['x', None]})
"""
AXES = """import embviz
import pandas as pd
from embviz.export.axes import values_at_points

vectors = collection.embed('a')
direction = collection.contrast(collection.drop(tracks=[1, 2]), [1, 2], 'a', 'b', names=False).direction
x = values_at_points(vectors.values[:, 3], vectors, vectors)
embviz.scatter(vectors, collection.table, x=pd.Series(x, name='a'))
"""


def test_code_that_says_more_is_found(campaign):
    assert campaign.find_foreign(OWN) == ""
    assert campaign.find_foreign(AXES) == ""
    assert [line for line in FOREIGN if not campaign.find_foreign(f"{OWN}{line}\n")] == []
