"""`mrcnn evaluate`: COCO's numbers of a network on a data set."""

import hashlib
import itertools
import json
import os
from pathlib import Path

from mrcnn.cli import datasets
from mrcnn.cli import options as shared
from mrcnn.cli.shards import Shards
from mrcnn.data.seeds import HELD_OUT_SEED, TRAINING_SEED

EXAMPLES = """examples:
  python -m mrcnn evaluate --dataset toybox                 500 scenes that no training has seen
  python -m mrcnn evaluate --dataset toybox --weights logs/toybox20250101T1200/mask_rcnn_toybox_0003.h5
  python -m mrcnn evaluate --dataset coco --annotations coco/annotations/instances_val2017.json --weights coco
  python -m mrcnn evaluate --dataset instances_val2017.json --images val2017 --weights coco --limit 100
  python -m mrcnn evaluate --dataset balloons --classes balloon --weights balloons.h5 --json numbers.json

AP is the mean over IoU 0.50 to 0.95, AP50 and AP75 those at one IoU, APs, APm and APl those of small, medium
and large objects; AR is recall with 1, 10 or 100 detections a picture. - means there is no such object.
What is stopped goes on where it was when the same command is given again.
"""

MIN_CONFIDENCE = 0.05  # AP counts unsure detections too


def add(commands):
    parser = commands.add_parser(
        "evaluate",
        help="COCO's numbers on a data set",
        description="Detect in the pictures of a data set; print COCO's twelve numbers, for boxes and masks.",
        epilog=EXAMPLES,
    )
    datasets.add_dataset(parser)
    shared.add_weights(parser, "those of the drawn world; for your own data coco if downloaded, else toybox")
    parser.add_argument(
        "--count",
        type=shared.whole(1),
        default=500,
        metavar="N",
        help="scenes of a drawn world (default: 500)",
    )
    parser.add_argument(
        "--seed",
        type=shared.whole(0),
        default=HELD_OUT_SEED,
        metavar="N",
        help=f"of a drawn world (default: {HELD_OUT_SEED}; training has {TRAINING_SEED})",
    )
    parser.add_argument("--limit", type=shared.whole(1), metavar="N", help="the first N pictures only")
    parser.add_argument("--json", metavar="FILE", help="write the numbers here")
    parser.add_argument(
        "--out",
        default="results",
        metavar="DIR",
        help="where detections are kept until all pictures are judged (default: results)",
    )
    shared.add_half(parser)
    shared.add_force(parser)
    shared.add_machine(parser)
    return parser


def run(options):
    datasets.check_dataset(options)
    if options.json:
        shared.refuse_existing([options.json], options.force)
        shared.refuse_inputs([Path(options.json)], [Path(options.dataset)])
    drawn = options.dataset in datasets.DRAWN
    described = shared.choose_weights(options.weights, options.dataset if drawn else None)
    shared.start_machine(options)
    import mrcnn
    from mrcnn import metrics

    dataset = drawn_dataset(options) if drawn else datasets.open_dataset(options)
    image_ids = dataset.image_ids[: options.limit].tolist()
    overrides = {"DETECTION_MIN_CONFIDENCE": MIN_CONFIDENCE} | shared.half_of(options)
    model = mrcnn.load(str(described.path), **overrides)
    category_ids = metrics.same_classes(model.class_names, dataset.class_names)
    truth = metrics.coco_ground_truth(dataset, bar(image_ids, "reading objects"))
    known = known_results(options, described, dataset, image_ids)
    metrics.find_all(model, dataset, bar(image_ids, "detecting"), category_ids, known)
    numbers = judge(truth, known)
    print(f"{options.dataset}, {len(image_ids)} pictures", end="\n\n")
    print(numbers_table(numbers), classes_table(numbers), sep="\n\n")
    if options.json:
        from mrcnn.outputs import write_json

        told = {"dataset": options.dataset, "weights": str(described.path), "pictures": len(image_ids)}
        write_json(options.json, told | numbers)
        print(f"\nWritten to {options.json}.")
    known.remove()
    return 0


def drawn_dataset(options):
    from mrcnn.recipes import RECIPES

    return RECIPES[options.dataset].dataset(options.count, options.seed)


def known_results(options, described, dataset, image_ids):
    """The results of each picture, on the disk: an evaluation that was stopped goes on with them.

    They are of the same weights, the same pictures, and options that matter for what is detected.
    """
    paths = [dataset.image_info[image_id]["path"] for image_id in image_ids]
    files = [(str(Path(path).resolve()), *stamp(path)) if path else None for path in paths]
    same = [described.sha256, options.half, MIN_CONFIDENCE, options.dataset, options.seed, options.classes]
    name = hashlib.sha256(json.dumps([*same, dataset.class_names, files]).encode()).hexdigest()[:12]
    known = Shards(Path(options.out) / f".evaluation-{name}")
    if known:
        print(f"Going on after {len(known)} of {len(image_ids)} pictures, which {known.folder} holds.")
    return known


def stamp(path):
    """What changes when a file does."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def judge(truth, known):
    """COCO's numbers by kind, of boxes and masks."""
    from mrcnn import metrics

    def judged(kind, what):
        results = itertools.chain.from_iterable(known.values())
        return metrics.evaluate_coco(truth, results, kind, lambda ids: bar(ids, f"judging {what}"))

    return {"bbox": judged("bbox", "boxes"), "segm": judged("segm", "masks")}


def bar(items, what):
    from tqdm import tqdm

    return tqdm(items, desc=what, leave=False, disable=None, delay=1)


def numbers_table(numbers):
    """COCO's twelve numbers, a row for boxes and one for masks."""
    from mrcnn.columns import in_columns
    from mrcnn.metrics import COCO_NUMBERS

    rows = [("boxes", "bbox"), ("masks", "segm")]
    head = ["", *COCO_NUMBERS]
    return in_columns(
        [head, *([title, *(shown(numbers[kind][n]) for n in COCO_NUMBERS)] for title, kind in rows)],
        numbers=True,
    )


def classes_table(numbers):
    """AP and AP50 of each class, of boxes and of masks."""
    from mrcnn.columns import in_columns

    rows = [["class", "box AP", "box AP50", "mask AP", "mask AP50"]]
    for name, box in numbers["bbox"]["per_class"].items():
        mask = numbers["segm"]["per_class"][name]
        rows.append([name, *(shown(part[n]) for part in (box, mask) for n in ("AP", "AP50"))])
    return in_columns(rows, numbers=True)


def shown(value):
    return "-" if value < 0 else f"{value:.3f}"
