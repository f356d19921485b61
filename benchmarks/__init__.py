"""How fast embviz is, what memory it takes, and how good its maps are, beside what others give.

``python -m benchmarks`` measures all or what is named; ``--list`` says what there is. Each benchmark is a module with a
function ``measure(options)`` that returns tables. Whatever is compared is measured in one run, round by round (see
``measuring``), and each table says on which machine. README and docs/speed.md show those of
``results.json`` and no others.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).with_name("results.json")
#: What shows tables of the results, below ROOT.
DOCUMENTS = ("README.md", "docs/speed.md", "docs/teacher.md")

NAMES = (
    "extraction",
    "several_models",
    "dense_hop",
    "mel_spectrogram",
    "matrix_limit",
    "first_picture",
    "collection",
    "dask_cluster",
    "long_files",
    "kernel_memory",
    "classroom",
    "units",
    "map",
    "projection",
    "tasks",
    "pooling",
    "panel",
    "drawing",
    "peers",
)
