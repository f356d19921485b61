"""The mel-spectrogram of a whole track: Essentia's algorithm in a loop over frames, and embviz in its two ways."""

from __future__ import annotations

import time
from functools import partial

from benchmarks.measuring import NotMeasured, Options, interleave
from benchmarks.sounds import duration
from benchmarks.tables import Table
from benchmarks.ways import Sides

FRONTENDS = {"MusiCNN and VGG-I": "musicnn", "Tempo-CNN": "tempocnn"}


def mel_seconds(audio: str, frontend: str, way: str) -> float:
    """Return how long the mel-spectrogram of a track takes that has been read: by "loop", "exact" or "blocks"."""
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = False
    import essentia.standard as es
    import numpy as np

    from embviz.extraction.frontends import FRONTENDS as RECORDS

    record = RECORDS[frontend]
    samples = es.MonoLoader(filename=audio, sampleRate=record.sample_rate, resampleQuality=4)()
    if way == "loop":
        start, algorithm = time.perf_counter(), getattr(es, record.algorithm)()
        frames = es.FrameGenerator(samples, frameSize=record.frame, hopSize=record.hop)
        np.array([algorithm(frame) for frame in frames])
        return time.perf_counter() - start
    try:
        from embviz.extraction.mel import mel_spectrogram
    except ImportError:
        raise NotMeasured("no such way") from None
    start = time.perf_counter()
    mel_spectrogram(samples, record, exact=way == "exact")
    return time.perf_counter() - start


def measure(options: Options) -> list[Table]:
    """Return the seconds of each way."""
    columns = ["a track", "Essentia's loop", "embviz, exact", "embviz, in blocks", "loop / blocks"]
    rounds = options.count(9)
    with Sides(options) as sides:
        note = f"{duration(sides.audio):.1f} s of sound that has been read, medians of {rounds} rounds"
        table = Table("mel_spectrogram", columns, note)
        call = partial(sides.process("mel").call, "benchmarks.mel_spectrogram:mel_seconds", audio=str(sides.audio))
        for title, frontend in FRONTENDS.items():
            ways = {way: partial(call, frontend=frontend, way=way) for way in ("loop", "exact", "blocks")}
            found = interleave(ways, rounds)
            table.rows[title] = [*(found.figure(way) for way in ways), found.ratio("loop", "blocks")]
    return [table]
