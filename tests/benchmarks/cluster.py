"""Pictures a second by workers, and what handing them out costs.

    python -m tests.benchmarks.cluster               320-pixel scenes by the toybox weights, some minutes
    python -m tests.benchmarks.cluster --count 50    fewer of them

Everything has one thread a process, so that one worker has as much to work with as the command alone. The
rates leave out how long it takes to start. `handed out` is the cost of a picture that needs no work at all,
with as many under way as a hundred workers have: the scheduler's, the command's and the worker's together.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path

from PIL import Image

from mrcnn.cli import cluster
from mrcnn.cli.inputs import find_sources
from mrcnn.data import toybox

WARM = 8  # pictures at the beginning that are not timed
TASKS = 2000


def rate(pictures, *more):
    """Pictures a second of the command, by when it tells what it found in each."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-u", "-m", "mrcnn", "detect", pictures, "--out", out]
        command += ["--weights", "toybox", "--json", "--threads", "1", *more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        times = [time.monotonic() for line in process.stdout if b" -> " in line]
        process.wait()
    return (len(times) - WARM) / (times[-1] - times[WARM - 1])


def handed_out(picture):
    """Seconds that a task costs whose picture is done already, by two workers that have many at a time."""
    cluster.AHEAD *= 50
    with tempfile.TemporaryDirectory() as folder:
        found, _ = find_sources([str(picture)])
        asked = dict.fromkeys(cluster.ASKED_FOR) | {"out": folder, "annotations": []}
        (Path(folder) / f"{found[0].name}.png").touch()
        cluster.Job(folder)[found[0].name] = {"told": "nothing", "notes": []}
        options = Namespace(scheduler=None, workers=2, threads=1)
        with cluster.cluster(options, asked) as client:
            for _ in cluster.in_turn(client, asked, found * 100):
                pass
            start = time.perf_counter()
            for _ in cluster.in_turn(client, asked, found * TASKS):
                pass
            return (time.perf_counter() - start) / TASKS


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.count):
            Image.fromarray(toybox.scene(seed).image).save(f"{folder}/{seed:05}.png")
        alone = rate(folder)
        print(f"alone      {alone:6.2f} pictures a second", flush=True)
        for count in (1, 2):
            found = rate(folder, "--workers", str(count))
            overhead = 1000 * (count / found - 1 / alone)
            print(f"{count} workers  {found:6.2f}, {found / alone:.2f} x; ", end="")
            print(f"{overhead:.0f} ms a picture and worker more than alone", flush=True)
        print(f"handed out {1000 * handed_out(Path(folder, '00000.png')):6.2f} ms a picture")


if __name__ == "__main__":
    main()
