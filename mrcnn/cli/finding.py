"""What `mrcnn detect` does with one picture or video, in this process or in a worker of a cluster."""

import contextlib
import itertools
from collections import Counter

from mrcnn.cli import options as shared

MOST_PIXELS = 20_000**2  # of a picture that is looked at in tiles: as RGB, 1.2 GB


def load_model(path, options):
    shared.start_machine(options)
    import mrcnn

    overrides = shared.size_of(options) | shared.half_of(options)
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


def detect_one(model, source, outputs):
    """Detect in a source, and write what was found.

    Returns:
        what was found, for a person to read, and None; or None and the reason why it could not be done.
    """
    from mrcnn.files import CannotWrite

    try:
        with large_pictures_allowed(model.config.TILE_SCALE is not None):
            return (detect_video if source.is_video else detect_picture)(model, source, outputs), None
    except CannotWrite:
        raise
    except ImportError as error:
        reason = shared.what_to_install(error)
    except (ValueError, OSError, MemoryError) as error:
        reason = f"{error or 'not enough memory'}"
    return None, reason if str(source.path) in reason else f"{source.path}: {reason}"


def detect_picture(model, source, outputs):
    """Detect in one picture and write the outputs; gives what was found, for a person to read."""
    from tqdm import tqdm

    from mrcnn.outputs import counts_of, write_png
    from mrcnn.rgb import as_rgb

    def progress(tiles):  # shown when there are many
        return tqdm(tiles, desc=source.path.name, unit="tile", leave=False, disable=None, delay=2)

    image = as_rgb(source.path)
    (result,) = model.detect_crops([image], progress=progress)
    overlay = painted(image, result, model)
    del image  # large ones take gigabytes
    write_png(outputs.overlay(source), overlay)
    outputs.add(source, result)
    return told(counts_of(result, model.class_names), model)


def detect_video(model, source, outputs):
    """Detect in each frame of a video and write one of the same size and rate; gives what was found."""
    from tqdm import tqdm

    from mrcnn.cli.video import frames_of, writer_for
    from mrcnn.files import replacing
    from mrcnn.outputs import counts_of

    most, count = Counter(), 0
    try:
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
    except BaseException:
        outputs.forget(source)  # there is no video of it
        raise
    missing = f" of {total} (it may be cut short)" if count < (total or 0) else ""
    return f"{count} frames{missing}, most in one: {told(most, model)}"


def painted(image, result, model):
    from mrcnn.drawing.painting import draw_instances

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
