"""How many scenes one core draws in a second: `python -m tests.benchmarks.toybox_speed [COUNT]`.

The ratio compares a scene with its two dearest elementary steps at the same size, which tells a slow
machine from slow code. After that, how many batches of eight scenes workers make in a second, ahead of a
training: threads and processes, one and two.
"""

import sys
import time

import cv2
import numpy as np

from mrcnn.data import coins, toybox
from mrcnn.recipes import RECIPES
from mrcnn.training.batches import Batches
from mrcnn.training.workers import start

SIZE = 320


def seconds(work, count):
    """Seconds that `work(i)` takes on average, the first call left out."""
    work(0)
    start = time.perf_counter()
    for i in range(1, count + 1):
        work(i)
    return (time.perf_counter() - start) / count


def elementary(i):
    """Noise and blur of one picture."""
    noise = np.random.default_rng(i).standard_normal((SIZE, SIZE, 3), np.float32)
    cv2.GaussianBlur(noise, (0, 0), 1.0)


def batches_a_second(count, workers, processes):
    """Batches that so many workers make in a second, once they have started."""
    recipe = RECIPES["toybox"]
    batches = Batches(recipe.training_set(10_000, seed=1), recipe.config(), steps=count)
    pool, make = start(batches, workers, processes)
    with pool:
        list(pool.map(make, [0] * workers, range(workers)))
        began = time.perf_counter()
        list(pool.map(make, [0] * count, range(count)))
        return count / (time.perf_counter() - began)


def main(count=300):
    cv2.setNumThreads(1)
    unit = seconds(elementary, count)
    for name, world in (("toybox", toybox), ("coins", coins)):
        draw = world.scene
        each = seconds(lambda i, draw=draw: draw([1, i], SIZE), count)
        print(f"{name:7} {1 / each:6.0f} scenes a second, {each / unit:.2f} x noise and blur")
    one = batches_a_second(count // 8, 1, False)
    for kind in ("threads", "processes"):
        for workers in (1, 2):
            ratio = batches_a_second(count // 8, workers, kind == "processes") / one
            print(f"{workers} {kind:9} {ratio:.2f} x the batches of one thread ({one:.1f} a second)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
