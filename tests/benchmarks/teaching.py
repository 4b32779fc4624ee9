"""What a detector learns from one example, beside what needs no learning.

    python -m tests.benchmarks.teaching coins                each of the 24 coins as the only example, 60 s
    python -m tests.benchmarks.teaching things               twenty drawn things, from 1 and 3 examples, 60 s
    python -m tests.benchmarks.teaching things --examples 1 3 10 --seconds 15 60 240
    python -m tests.benchmarks.teaching things --steps-a-second 2.5     on a machine that has other work to do
    python -m tests.benchmarks.teaching things --told lines.txt --picture things.png
    python -m tests.benchmarks.teaching nuclei               stained tissue, from 3 boxes, 60 and 120 s
    python -m tests.benchmarks.teaching nuclei --picture nuclei.png
    python -m tests.benchmarks.teaching speed                scenes composed and learnt from; the first step

Lines of figures, one a training, so that a long run can be cut short; the means stand at the end.
"""

import argparse
import itertools
import re
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from matplotlib.figure import Figure

import mrcnn
from mrcnn.cli.evaluate import MIN_CONFIDENCE
from mrcnn.data import coins
from mrcnn.data.composing import DrawnDataset
from mrcnn.data.cutouts import from_mask
from mrcnn.data.pasted import PastedDataset
from mrcnn.drawing.colors import OKABE_ITO
from mrcnn.metrics import compute_overlaps_masks, evaluate
from mrcnn.teaching.teach import TaughtConfig
from tests.benchmarks import nuclei, things
from tests.steady import steps_for_seconds

FITS = 0.5  # IoU from which on a mask counts as found
SCENES = 25  # a thing is looked for on
SCALES, TURNS = np.geomspace(0.6, 1.6, 9), np.arange(0, 360, 30)  # of a template


def judge(masks, truth):
    """Of masks (H, W, N) and true ones (H, W, M): how many were found, how many are wrong, mean IoU."""
    overlaps = compute_overlaps_masks(masks, truth)
    best = overlaps.max(axis=0, initial=0)
    right = best >= FITS
    wrong = np.count_nonzero(overlaps.max(axis=1, initial=0) < FITS)
    return np.count_nonzero(right), wrong, float(best[right].mean()) if right.any() else 0.0


def every_coin(options):
    """Each coin of the photograph as the only example; beside it, template matching with the same coin."""
    image, truth = coins.photograph()
    rows = []
    print("coin  found  wrong  mean IoU   steps   template: found  wrong")
    for i in options.only or range(truth.shape[2]):
        watch = Steps()
        model = mrcnn.teach(image, masks=truth[..., i], name="coin", seconds=options.seconds[0], watch=watch)
        (result,) = model.detect([image])
        row = [*judge(result["masks"], truth), *matched(image[..., 0], truth, i)]
        rows.append(row)
        print(f"{i:4} {row[0]:6} {row[1]:6} {row[2]:9.3f} {watch.count:7} {row[3]:16} {row[4]:6}", flush=True)
    found, wrong, overlap, template, _ = np.array(rows).T
    good = np.count_nonzero((found == truth.shape[2]) & (wrong <= 1))
    print(f"{good} of {len(rows)} find all with at most one wrong; mean IoU {overlap.mean():.3f}; ", end="")
    print(f"templates find {template.min():.0f} to {template.max():.0f}.")
    watershed = coins.segment(image[..., 0])
    masks = watershed[..., None] == np.arange(1, watershed.max() + 1)
    print(f"The watershed, its thresholds chosen for this photograph, finds {judge(masks, truth)[0]}.")


def matched(grey, truth, which):
    """How many coins masked template matching finds, and wrong ones, at the best threshold in hindsight."""
    cutout = from_mask(grey, truth[..., which])
    answers = []
    for scale in SCALES:
        for turn in TURNS:
            answers += peaks(grey, *turned(cutout.pixels, scale, float(turn)))
    kept = []  # greedily, the best first, none on another
    for score, y, x, h, w in sorted(answers, reverse=True):
        if all(max(abs(y - other[1]), abs(x - other[2])) > 0.5 * max(h, w) for other in kept):
            kept.append((score, y, x, h, w))
    hits, wrong, best = np.zeros(truth.shape[2], bool), 0, (0, 0)
    for _, y, x, *_ in kept:  # lowering the threshold, one match after another
        inside = truth[int(np.clip(y, 0, grey.shape[0] - 1)), int(np.clip(x, 0, grey.shape[1] - 1))]
        if inside.any() and not hits[inside].any():
            hits |= inside
        else:
            wrong += 1
        best = max(best, (np.count_nonzero(hits), wrong), key=lambda counts: counts[0] - counts[1])
    return best


def turned(pixels, scale, degrees):
    """A template and its mask, scaled and turned."""
    h, w = pixels.shape[:2]
    side = int(np.ceil(scale * np.hypot(h, w)))
    matrix = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), degrees, scale)
    matrix[:, 2] += (side - 1) / 2 - np.array([(w - 1) / 2, (h - 1) / 2])
    moved = cv2.warpAffine(pixels, matrix, (side, side))
    ys, xs = np.nonzero(moved[..., 3] >= 128)
    part = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    return moved[part][..., 0], (moved[part][..., 3] >= 128).astype(np.uint8)


def peaks(grey, template, mask):
    """Local maxima of the match: (score, y, x of the middle, height, width)."""
    h, w = template.shape
    answer = cv2.matchTemplate(grey, template, cv2.TM_CCOEFF_NORMED, mask=mask)
    answer[~np.isfinite(answer)] = -1
    highest = cv2.dilate(answer, np.ones((h // 2, w // 2)))
    ys, xs = np.nonzero((answer == highest) & (answer > 0.2))
    return [(float(answer[y, x]), y + h / 2, x + w / 2, h, w) for y, x in zip(ys, xs, strict=True)]


def twenty_things(options):
    """COCO's mask AP50 of each thing, for all numbers of examples and of seconds."""
    print("thing          examples  seconds   AP50     AP")
    rows = told_before(options.told) if options.told else list(taught_things(options))
    means = {}
    for _, count, seconds, ap50 in rows:
        means.setdefault((count, seconds), []).append(ap50)
    for (count, seconds), values in means.items():
        print(f"mean of {len(values)}: {count} examples, {seconds:.0f} s: AP50 {np.mean(values):.3f}")
    if options.picture:
        draw_things(options.picture, rows)


def taught_things(options):
    """Tuples (thing, examples, seconds, AP50), each printed when it is known."""
    for name in options.things or things.NAMES:
        photo, best = things.photograph(name, 1)
        for count in options.examples:
            for seconds in options.seconds:
                masks, rate = photo.masks[..., best[:count]], options.steps_a_second
                with steps_for_seconds(rate) if rate else nullcontext():
                    model = mrcnn.teach(photo.image, masks=masks, name=name, seconds=seconds, watch=Steps())
                ap50, ap = average_precision(model, name)
                print(f"{name:16} {count:6} {seconds:8.0f} {ap50:6.3f} {ap:6.3f}", flush=True)
                yield name, count, seconds, ap50


def told_before(path):
    """What the lines say that an earlier run has printed."""
    lines = re.findall(
        r"^(\w[\w ]*?) +(\d+) +(\d+) +(\d\.\d+) +\d\.\d+$", Path(path).read_text(), re.MULTILINE
    )
    return [(name, int(count), float(seconds), float(ap50)) for name, count, seconds, ap50 in lines]


def draw_things(path, rows):
    """AP50 of each thing, the best first, a mark for each number of examples and of seconds."""
    ways = sorted({row[1:3] for row in rows})
    table = {way: {name: ap50 for name, *which, ap50 in rows if tuple(which) == way} for way in ways}
    names = sorted(table[ways[0]], key=table[ways[0]].get)
    figure = Figure(figsize=(9, 1.5 + 0.32 * len(names)), layout="constrained")
    ax = figure.subplots()
    for i, (way, color, marker) in enumerate(
        zip(ways, itertools.cycle(OKABE_ITO.values()), itertools.cycle("osD^vP*X"))
    ):
        mean = np.mean(list(table[way].values()))
        plural = "s" if way[0] > 1 else ""
        label = f"{way[0]} example{plural}, {way[1]:.0f} s: mean {mean:.2f}"
        found = np.array([(table[way][n], j + 0.15 * i) for j, n in enumerate(names) if n in table[way]])
        ax.plot(*found.T, marker, color=color, markersize=10, markeredgecolor="black", label=label)
        ax.axvline(mean, color=color, linewidth=1.5, zorder=0)
    ax.set_yticks(range(len(names)), names, fontsize=12)
    ax.set_xlabel("mask AP50 on 25 scenes never seen", fontsize=13)
    ax.set_xlim(0, 1)
    ax.grid(axis="y", color="0.9")
    ax.legend(loc="lower left", fontsize=12)
    figure.savefig(path, dpi=80)


def average_precision(model, name):
    """Mask AP50 and AP on scenes of a thing, unsure detections counted too as COCO does."""
    dataset = DrawnDataset(
        "things", ["BG", name], lambda seed, size: things.scene(name, seed, size), SCENES, seed=2, size=384
    )
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/thing.h5"
        model.save_weights(path)
        unsure = mrcnn.load(path, DETECTION_MIN_CONFIDENCE=MIN_CONFIDENCE)
    numbers = evaluate(unsure, dataset)["segm"]
    return numbers["AP50"], numbers["AP"]


def hard_case(options):
    """Nuclei of stained tissue, from three boxes; beside it, colour deconvolution with a watershed.

    The watershed twice: as set without the truth, and with the parameters that turn out best by it.
    """
    image = skimage.data.immunohistochemistry()
    print("way            window    found  wrong  precision  recall")
    found = {"by colour": nuclei.by_colour(image), "in hindsight": nuclei.best_by_colour(image)}
    for way, masks in found.items():
        print_judged(way, masks)
    for seconds in options.seconds:
        watch = Steps()
        model = mrcnn.teach(image, nuclei.EXAMPLES, name="nucleus", seconds=seconds, watch=watch)
        (result,) = model.detect_crops([image])
        way = f"taught {seconds:.0f} s"
        found[way] = result["masks"]
        print_judged(way, found[way])
        print(f"{way:13}  took {watch.count} steps", flush=True)
    if options.picture:
        nuclei.draw(options.picture, image, found)


def print_judged(way, masks):
    """A line for each window and one for both."""
    counts = []
    for name, window in nuclei.WINDOWS.items():
        judged = nuclei.judge(masks, window)
        counts.append((name, len(judged.right), len(judged.wrong), len(judged.missed)))
    counts.append(("both", *np.sum([row[1:] for row in counts], axis=0)))
    for name, right, wrong, missed in counts:
        precision, recall = right / max(right + wrong, 1), right / (right + missed)
        print(f"{way:13}  {name:8} {right:6} {wrong:6} {precision:10.2f} {recall:7.2f}", flush=True)


class Steps:
    """Watches how many steps there are, and how many seconds after its making the first one is done."""

    count = 0

    def __init__(self):
        self.made = time.monotonic()

    def __call__(self, teaching):
        if teaching.times and not self.count:
            self.first = time.monotonic() - self.made
        self.count = len(teaching.times)
        self.seconds = teaching.times[-1] if teaching.times else 0.0


def speed(options):
    """Scenes that one core composes in a second, and that are learnt from; how soon learning begins."""
    cv2.setNumThreads(1)
    image, truth = coins.photograph()
    cutouts = [from_mask(image, truth[..., i], "coin") for i in (3, 5, 9)]
    dataset = PastedDataset(cutouts, ["BG", "coin"], 10_000)
    began = time.process_time()
    for i in range(200):
        dataset.scene(i)
    composed = 200 / (time.process_time() - began)
    watch = Steps()
    mrcnn.teach(image, cutouts=cutouts, seconds=20, watch=watch)
    again = Steps()
    mrcnn.teach(image, cutouts=cutouts, seconds=1, watch=again)
    trained = TaughtConfig.IMAGES_PER_GPU * watch.count / watch.seconds
    print(f"composed {composed:.0f} scenes a second of one core; learnt from {trained:.1f} a second", end="")
    print(f": {composed / trained:.1f} times as many")
    print(f"first step after {watch.first:.1f} s, of the next teaching {again.first:.1f} s", end="")
    print(f": {again.first / watch.first:.2f} times as long")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("coins", "things", "nuclei", "speed"))
    parser.add_argument("--seconds", type=float, nargs="+", help="by default 60, of nuclei 60 and 120")
    parser.add_argument("--examples", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--only", type=int, nargs="+", help="numbers of coins")
    parser.add_argument("--things", nargs="+", help="names of things")
    parser.add_argument(
        "--steps-a-second",
        type=float,
        metavar="N",
        help="a training for things does as many steps as a machine would that does N a second",
    )
    parser.add_argument("--told", help="lines that an earlier run for things has printed, in place of a run")
    parser.add_argument("--picture", help="file to draw the things' AP50, or the nuclei, in")
    options = parser.parse_args()
    options.seconds = options.seconds or ([60, 120] if options.what == "nuclei" else [60])
    ways = {"coins": every_coin, "things": twenty_things, "nuclei": hard_case, "speed": speed}
    ways[options.what](options)


if __name__ == "__main__":
    main()
