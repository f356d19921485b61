"""Several models in one call, each with its task output: MusiCNN, VGG-I and Tempo-CNN, against the recipe of each."""

from __future__ import annotations

from benchmarks.measuring import Options, interleave
from benchmarks.sounds import duration
from benchmarks.tables import Table
from benchmarks.ways import RECIPE, WITH_OUTPUTS, Sides, prepare


def measure(options: Options) -> list[Table]:
    """Return seconds per minute of audio for two and for three models."""
    columns = ["per minute of audio", "recipes", "`essentia`", "`onnx`", "recipes / `onnx`"]
    columns += ["before / `onnx`"] if options.before else []
    rounds = options.count(5)
    with Sides(options) as sides:
        length = duration(sides.audio)
        note = f"{length:.1f} s of stereo rock, a recipe (quality {RECIPE}) per output, medians of {rounds} rounds"
        table = Table("several_models", columns, note)
        for title, models in {
            "MusiCNN + VGG-I, embeddings and tags": WITH_OUTPUTS[:2],
            "MusiCNN + VGG-I + Tempo-CNN, embeddings and outputs": WITH_OUTPUTS,
        }.items():
            asked = prepare(models)
            ways = {"recipes": sides.essentia(asked, quality=RECIPE)}
            ways |= {engine: sides.embviz(engine, asked) for engine in ("essentia", "onnx")}
            if options.before:
                ways["before"] = sides.embviz("before", asked)
            found = interleave(ways, rounds)
            pairs = [("recipes", "onnx")] + ([("before", "onnx")] if options.before else [])
            cells = [found.figure(name, 60 / length) for name in ("recipes", "essentia", "onnx")]
            table.rows[title] = cells + [found.ratio(*pair) for pair in pairs]
    return [table]
