"""Patches every 0.1 s, which overlap nearly wholly: Essentia at that hop, and embviz by each of its engines."""

from __future__ import annotations

from benchmarks.measuring import Options, interleave
from benchmarks.sounds import duration
from benchmarks.tables import Table
from benchmarks.ways import MUSICNN, RECIPE, VGG, Sides, prepare

FRAMES = 6  # of 16 ms
SECONDS = 30.0  # of sound


def measure(options: Options) -> list[Table]:
    """Return seconds per minute of audio."""
    columns = ["per minute of audio", "Essentia", "`essentia`", "`onnx`", "Essentia / `onnx`"]
    columns += ["before / `onnx`"] if options.before else []
    rounds = options.count(3)
    with Sides(options, seconds=SECONDS) as sides:
        length = duration(sides.audio)
        note = f"{length:.0f} s of stereo rock, a patch every {FRAMES} frames (96 ms), medians of {rounds} rounds"
        table = Table("dense_hop", columns, note)
        for title, model in {"MusiCNN": MUSICNN, "VGG-I": VGG}.items():
            asked, hop = prepare([model]), FRAMES * 256 / 16_000
            ways = {"lines": sides.essentia(asked, quality=RECIPE, hop=FRAMES)}
            ways |= {engine: sides.embviz(engine, asked, hop=hop) for engine in ("essentia", "onnx")}
            if options.before:
                ways["before"] = sides.embviz("before", asked, hop=hop)
            found = interleave(ways, rounds, warm_up=0 if options.quick else 1)
            pairs = [("lines", "onnx")] + ([("before", "onnx")] if options.before else [])
            cells = [found.figure(name, 60 / length) for name in ("lines", "essentia", "onnx")]
            table.rows[title] = cells + [found.ratio(*pair) for pair in pairs]
    return [table]
