"""`mrcnn detect`: find the objects of pictures and videos."""

import argparse
import contextlib
import os
import sys

from mrcnn.cli import options as shared

EXAMPLES = """examples:
  python -m mrcnn detect images/input.png                   writes results/input.png
  python -m mrcnn detect holiday --out found --json --csv   all pictures and videos of a folder
  python -m mrcnn detect photos --annotations coco          to be corrected by hand, and trained on
  python -m mrcnn detect "shots/**/*.jpg" --masks           a pattern; each mask as a PNG of its own
  python -m mrcnn detect --weights coins coins.png --label-map
  python -m mrcnn detect --weights coco --size 512 clip.mp4 a video, on smaller and quicker frames
  python -m mrcnn detect slide.tif --tile                   a large picture, at its own size, in tiles
  python -m mrcnn detect slide.tif --tile 0.5               the same, reduced to half before it is looked at
  python -m mrcnn detect --weights logs/shapes/mask_rcnn_shapes_0010.h5 --min-confidence 0.9 a.png

The exit status is 0 when all was done, 2 when something was not; the rest is done all the same.
"""


def add(commands):
    parser = commands.add_parser(
        "detect",
        help="find the objects of pictures and videos",
        description="Find the objects of pictures and videos; draw boxes, names, scores and masks on them.",
        epilog=EXAMPLES,
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="a picture, video, folder or pattern")
    shared.add_weights(parser, "coco if downloaded, else toybox")
    parser.add_argument("--out", default="results", metavar="DIR", help="where to write (default: results)")
    parser.add_argument(
        "--json",
        action="store_true",
        help="detections.json: a COCO results list with the class ids of the model",
    )
    parser.add_argument(
        "--annotations",
        action="append",
        default=[],
        choices=("coco", "via", "geojson"),
        help="polygons to correct in an annotation tool: annotations.json, via.json, or geojson/NAME.geojson",
    )
    parser.add_argument("--csv", action="store_true", help="detections.csv: one row an object")
    parser.add_argument("--masks", action="store_true", help="masks/NAME/CLASS_1.png, …: one PNG a mask")
    parser.add_argument("--label-map", action="store_true", help="labels/NAME.png: object n is grey level n")
    parser.add_argument(
        "--min-confidence", type=shared.number(0, 1), metavar="P", help="least score, 0 to 1 (default: 0.7)"
    )
    shared.add_size(parser)
    parser.add_argument(
        "--tile",
        nargs="?",
        type=tile_scale,
        const=1.0,
        metavar="SCALE",
        help="look at pictures of up to 20,000 by 20,000 pixels in overlapping tiles of the network's size, "
        "enlarged or reduced by SCALE before (default: 1)",
    )
    workers = parser.add_mutually_exclusive_group()
    workers.add_argument(
        "--workers", type=shared.whole(1), metavar="N", help="detect in N processes, each with a model"
    )
    workers.add_argument(
        "--scheduler", metavar="ADDRESS", help="detect on a cluster, by the workers of this Dask scheduler"
    )
    shared.add_half(parser)
    shared.add_force(parser)
    shared.add_machine(parser)
    return parser


def tile_scale(text):
    """The type of --tile, which may have swallowed the name of a picture."""
    try:
        return shared.number(0, float("inf"))(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; name pictures before --tile, or say --tile 1") from error


def run(options):
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # what is wrong with a video, we say ourselves
    from mrcnn.cli.inputs import find_sources
    from mrcnn.cli.outputs import Outputs

    sources, failures = find_sources(options.inputs)
    for reason in failures.values():
        shared.complain(reason)
    if not sources:
        return 2
    outputs = Outputs(options.out, sources, options)
    by_workers = options.workers or options.scheduler  # they may go on with what exists
    if not by_workers:
        shared.refuse_existing(outputs.planned(), options.force)
    shared.refuse_inputs(outputs.planned(), [source.path for source in sources])
    described = shared.choose_weights(options.weights)
    if by_workers:
        from mrcnn.cli import cluster

        found = cluster.detect(options, sources, outputs, described)
    else:
        found = detect_here(options, sources, outputs, described)
    failures |= report(sources, found, outputs)
    print(f"Written to {outputs.folder}.")
    if failures and len(sources) > 1:
        shared.complain(f"Not done, {len(failures)}: {', '.join(failures)}")
    return 2 if failures else 0


def detect_here(options, sources, outputs, described):
    """Make ready to detect in this process.

    Returns:
        an iterator that does it: of each source, (source, what was found, reason why it failed).
    """
    from mrcnn.cli.finding import load_model

    outputs.make_folder()
    model = load_model(described.path, options)
    outputs.class_names = model.class_names
    return one_after_another(model, sources, outputs)


def one_after_another(model, sources, outputs):
    from mrcnn.cli.finding import detect_one

    try:
        for source in sources:
            yield source, *detect_one(model, source, outputs)
    finally:
        outputs.finish()  # also after Ctrl-C, for the pictures that were done


def report(sources, found, outputs):
    """Say of each source what was found, as it comes; gives a dict path → reason of what failed."""
    from tqdm import tqdm

    failures = {}
    with (
        contextlib.closing(found),
        tqdm(total=len(sources), unit="picture", disable=None if len(sources) > 1 else True) as bar,
    ):
        for source, told, reason in found:
            if reason is None:
                bar.write(f"{source.path}: {told} -> {outputs.overlay(source)}", file=sys.stdout)
            else:
                failures[str(source.path)] = reason
                bar.write(shared.one_line(reason), file=sys.stderr)
            bar.update()
    return failures
