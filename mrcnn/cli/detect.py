"""`mrcnn detect`: find the objects of pictures and videos."""

import argparse
import contextlib
import itertools
import os
import sys
from collections import Counter

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

MOST_PIXELS = 20_000**2  # of a picture that is looked at in tiles: as RGB, 1.2 GB


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
    shared.refuse_existing(outputs.planned(), options.force)
    shared.refuse_inputs(outputs.planned(), [source.path for source in sources])
    described = shared.choose_weights(options.weights)
    outputs.make_folder()
    model = load_model(described.path, options)
    outputs.class_names = model.class_names
    try:
        with large_pictures_allowed(model.config.TILE_SCALE is not None):
            failures |= detect_all(model, sources, outputs)
    finally:
        outputs.finish()  # also after Ctrl-C, for the pictures that were done
    print(f"Written to {outputs.folder}.")
    if failures and len(sources) > 1:
        shared.complain(f"Not done, {len(failures)}: {', '.join(failures)}")
    return 2 if failures else 0


def load_model(path, options):
    shared.start_machine(options)
    import mrcnn

    overrides = shared.size_of(options)
    if options.half:
        overrides["MIXED_PRECISION"] = True
    if options.min_confidence is not None:
        overrides["DETECTION_MIN_CONFIDENCE"] = options.min_confidence
    if options.tile:
        overrides |= {"TILE_SCALE": options.tile, "IMAGE_RESIZE_MODE": "square"}
    return mrcnn.load(str(path), **overrides)


@contextlib.contextmanager
def large_pictures_allowed(allowed):
    """If `allowed`, Pillow reads pictures of MOST_PIXELS inside; otherwise it takes less for safe."""
    from PIL import Image

    before = Image.MAX_IMAGE_PIXELS
    if allowed:
        Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def detect_all(model, sources, outputs):
    """Detect in each source, write and say what was found; gives a dict path → reason of what failed."""
    import cv2
    from tqdm import tqdm

    from mrcnn.files import CannotWrite

    failures = {}
    with tqdm(sources, unit="picture", disable=None if len(sources) > 1 else True) as bar:
        for source in bar:
            try:
                found = (detect_video if source.is_video else detect_picture)(model, source, outputs)
            except CannotWrite:
                raise
            except (ValueError, OSError, MemoryError, cv2.error) as error:
                failures[str(source.path)] = reason = f"{error or 'not enough memory'}"
                named = reason if str(source.path) in reason else f"{source.path}: {reason}"
                bar.write(shared.one_line(named), file=sys.stderr)
            else:
                bar.write(f"{source.path}: {found} -> {outputs.overlay(source)}", file=sys.stdout)
    return failures


def detect_picture(model, source, outputs):
    """Detect in one picture and write the outputs; gives what was found, for a person to read."""
    from tqdm import tqdm

    from mrcnn.images import as_rgb
    from mrcnn.outputs import counts_of, write_png

    def progress(tiles):  # shown when there are many
        return tqdm(tiles, desc=source.path.name, unit="tile", leave=False, disable=None, delay=2)

    image = as_rgb(source.path)
    (result,) = model.detect_crops([image], progress=progress)
    write_png(outputs.overlay(source), painted(image, result, model))
    outputs.add(source, result)
    return told(counts_of(result, model.class_names), model)


def detect_video(model, source, outputs):
    """Detect in each frame of a video and write one of the same size and rate; gives what was found."""
    from tqdm import tqdm

    from mrcnn.cli.video import frames_of, writer_for
    from mrcnn.files import replacing
    from mrcnn.outputs import counts_of

    most, count = Counter(), 0
    with (
        frames_of(source.path) as (frames, rate, total),
        replacing(outputs.overlay(source), make_folder=True) as temporary,
        tqdm(desc=source.path.name, total=total, unit="frame", leave=False, disable=None) as bar,
    ):
        first = next(frames)
        with writer_for(temporary, first.shape, rate) as write:
            for frame in itertools.chain([first], frames):
                (result,) = model.detect_crops([frame])
                write(painted(frame, result, model))
                outputs.add(source, result, count)
                most |= counts_of(result, model.class_names)  # the larger number of each
                count += 1
                bar.update()
    return f"{count} frames, most in one: {told(most, model)}"


def painted(image, result, model):
    from mrcnn.visualize import draw_instances

    return draw_instances(
        image,
        result["rois"],
        result["masks"],
        result["class_ids"],
        model.class_names,
        result["scores"],
        size=model.tile_side,  # lines and letters suit what the network sees at once
    )


def told(counts, model):
    """What was found, for a person to read."""
    from mrcnn.outputs import in_words

    surely = model.config.DETECTION_MIN_CONFIDENCE
    return in_words(counts, f"nothing found with a score of {surely:g} or more")
