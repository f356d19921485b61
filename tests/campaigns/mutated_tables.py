"""Read tables of tracks whose cells, headers and bytes were changed: a collection, or one sentence."""

from __future__ import annotations

import os
import random
import warnings
from collections import Counter
from pathlib import Path

from common import fault, is_sentence, make_home, write_clips

TRIALS, CHUNK = 600, 300
CELLS = (
    "", "nan", "-1", "1e400", "0x1F", "=1+1", '"', "\\", "\0", "\xed\xa0\x80",
    "../../etc/passwd", "/dev/zero", "x" * 100_000, "\u202e", "\r", "[]", "{}", "None", "True", "2020-01-01", ";", "\t",
)  # fmt: skip
COLUMNS = ("path", "track", "title", "artist", "year", "duration", "problem", "digest", "index", "", "path", "level_0")


def run(seed: int, count: int, folder: Path) -> Counter[str]:
    """Mutate tables and read them."""
    os.environ.update({name: value for name, value in make_home(folder / "home").items() if name.startswith("EMBVIZ")})
    import embviz

    rng, found = random.Random(seed), Counter[str]()  # noqa: S311
    clips = write_clips(folder / "clips", 3, 0.2)
    for trial in range(count):
        header = ["path", "title", "year", rng.choice(COLUMNS)]
        rows = [[str(clip), "a title", "1999", "x"] for clip in clips]
        for _ in range(rng.randrange(1, 4)):
            line = rng.choice([header, *rows])
            line[rng.randrange(4)] = rng.choice((*CELLS, *COLUMNS))
        text = "\n".join(rng.choice((",", ",", ";")).join(line) for line in [header, *rows])
        data = bytearray(text.encode("utf-8", "replace"))
        if rng.random() < 0.3:
            data[rng.randrange(len(data))] = rng.randrange(256)
        path = folder / f"{seed + trial}.csv"
        path.write_bytes(data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tracks = embviz.Collection.from_table(path)
                tracks.to_csv(folder / "again.csv")
                repr(tracks), tracks._repr_html_()
            kind = "survived"
        except embviz.errors.EmbvizError as error:
            kind = "refused" if is_sentence(str(error)) else fault("wrong", f"{path.name}: no sentence: {error!r:.300}")
        except Exception as error:  # noqa: BLE001  any other is the fault that is looked for
            kind = fault("wrong", f"{path.name}: {type(error).__name__}: {error!s:.200}")
        found += Counter(["tried", kind])
    return found
