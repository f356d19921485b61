"""A Dask cluster whose workers are killed: the collection is embedded all the same, to the same bits."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import numpy as np
from common import fault, make_home, write_clips

TRIALS, CHUNK = 6, 1


def run(seed: int, count: int, folder: Path) -> Counter[str]:
    """Embed a collection on a cluster, and kill workers on the way."""
    os.environ.update({name: value for name, value in make_home(folder / "home").items() if name.startswith("EMBVIZ")})
    from distributed import Client, LocalCluster

    import embviz

    write_clips(folder / "clips", 24, 4.0, seed)
    tracks = embviz.Collection.from_folder(folder / "clips")
    expected = np.asarray(tracks.embed("musicnn", cache=False, workers=1))
    found = Counter[str]()
    for trial in range(count):
        rng = random.Random(seed + trial)  # noqa: S311
        cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        client = Client(cluster)
        kills = [rng.randrange(2, 20) for _ in range(2)]
        pids = list(client.run(os.getpid).values())

        def report(_: str, done: int, __: int, kills: list[int] = kills, pids: list[int] = pids) -> None:
            if kills and pids and done >= min(kills):
                kills.remove(min(kills))
                os.kill(pids.pop(), signal.SIGKILL)
                time.sleep(0.1)

        try:
            given = np.asarray(tracks.embed("musicnn", cache=False, executor=client.get_executor(), progress=report))
            kind = "survived" if np.array_equal(given, expected) else fault("wrong", f"seed {seed}: other values")
        except embviz.errors.EmbvizError as error:
            kind = fault("wrong", f"seed {seed}: {error}")
        found += Counter(["tried", kind])
        client.close()
        cluster.close()
    return found


if __name__ == "__main__":  # Dask's workers import the program that started them
    raise SystemExit("Run it by tests/campaigns/run.py.")
