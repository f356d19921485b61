"""From a file to the embedding of each model: Essentia's own lines, and embviz by each of its engines.

poster    the two lines of the poster as they stand, with MonoLoader's own resampleQuality 1
recipe    the official example of today, with resampleQuality 4
essentia  embviz.embed with an empty cache and no graph loaded, which keeps its results
onnx      the same by the other engine; also with the poster's resampleQuality
before    embviz at an earlier commit (``--before``), as it comes
"""

from __future__ import annotations

from benchmarks.measuring import NotMeasured, Options, interleave
from benchmarks.sounds import duration
from benchmarks.tables import Table
from benchmarks.ways import RECIPE, TITLES, Asked, Sides, prepare


def measure(options: Options) -> list[Table]:
    """Return seconds per minute of audio."""
    columns = ["per minute of audio", "poster", "recipe", "`essentia`", "`onnx`", "recipe / `onnx`", "poster / `onnx`"]
    columns += ["poster / `onnx`, both at quality 1"] + (["before / `onnx`"] if options.before else [])
    rounds = options.count(5)
    with Sides(options) as sides:
        length = duration(sides.audio)
        table = Table("extraction", columns, f"{length:.1f} s of stereo rock, medians of {rounds} rounds")
        for title, model in TITLES.items():
            try:
                table.rows[title] = _row(sides, model, 60 / length, rounds)
            except NotMeasured as reason:
                table.rows[title] = [str(reason)] + [None] * (len(columns) - 2)
    return [table]


def _row(sides: Sides, model: Asked, factor: float, rounds: int) -> list:
    asked = prepare([model])
    ways = {
        "poster": sides.essentia(asked),
        "recipe": sides.essentia(asked, quality=RECIPE),
        "essentia": sides.embviz("essentia", asked),
        "onnx": sides.embviz("onnx", asked),
        "onnx 1": sides.embviz("onnx", asked, quality=1),
    }
    if not model.algorithm:  # Spleeter takes the sound as it is
        del ways["poster"], ways["onnx 1"]
    if sides.before:
        ways["before"] = sides.embviz("before", asked)
    found = interleave(ways, rounds)
    cells = [found.figure(name, factor) if name in ways else None for name in ("poster", "recipe", "essentia", "onnx")]
    pairs = [("recipe", "onnx"), ("poster", "onnx"), ("poster", "onnx 1"), ("before", "onnx")]
    pairs = pairs if sides.before else pairs[:-1]
    return cells + [found.ratio(a, b) if a in ways and b in ways else None for a, b in pairs]
