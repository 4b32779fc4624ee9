"""What examples must be like; each error is one sentence that says what is wrong with which."""

import numpy as np

MOST_EXAMPLES = 200  # examples at once
LEAST_SIDE = 8  # pixels; of something smaller a network sees nothing
LEAST_CONTRAST = 8  # grey levels
BACKGROUND = "BG"  # the name of what is nothing to be found
BEYOND = 2  # pixels that a box drawn by hand may reach over the photograph's border


def check_count(count):
    """Raise ValueError unless so many examples can be learnt from."""
    if not count:
        raise ValueError("There is no example: give a box or a mask of at least one thing.")
    if count > MOST_EXAMPLES:
        raise ValueError(
            f"There are {count} examples: at most {MOST_EXAMPLES} are taken, so choose among them."
        )


def check_name(name):
    """A class's name without spaces at its ends.

    Raises:
        ValueError: no text, one without a letter or with control characters, or "BG", the background.
    """
    if not isinstance(name, str) or not any(character.isalpha() for character in name):
        raise ValueError(f"The name {name!r} is none: give a word, such as 'coin'.")
    if not name.isprintable():
        raise ValueError(f"The name {name!r} has characters that cannot be shown: give plain text.")
    if name.strip() == BACKGROUND:
        raise ValueError("The name 'BG' is that of the background: give another.")
    return name.strip()


def told(box):
    """A box, as errors name it."""
    return f"The box ({', '.join(f'{edge:g}' for edge in box)})"


def check_box(box, shape):
    """A box (y1, x1, y2, x2) in whole pixels, (4,) int, cut at the border of a photograph.

    Args:
        box: four numbers, in pixels.
        shape: (height, width) of the photograph.

    Raises:
        ValueError: the box is none, is beyond the photograph by more than `BEYOND` pixels, or too small.
    """
    try:
        edges = np.array(box, float)
    except (TypeError, ValueError):
        edges = np.zeros(0)
    if edges.shape != (4,) or not np.isfinite(edges).all():
        raise ValueError(f"The box {box!r} is none: give four finite numbers (y1, x1, y2, x2) in pixels.")
    y1, x1, y2, x2 = edges
    if y2 <= y1 or x2 <= x1:
        raise ValueError(
            f"{told(edges)} is empty or reversed: give (y1, x1, y2, x2), y2 below y1 and x2 right of x1."
        )
    height, width = shape
    if min(y1, x1) < -BEYOND or y2 > height + BEYOND or x2 > width + BEYOND:
        raise ValueError(
            f"{told(edges)} reaches beyond the photograph of {height} by {width} pixels: "
            "give (y1, x1, y2, x2) in its pixels."
        )
    box = np.clip(np.rint(edges), 0, [height, width, height, width]).astype(int)
    check_size(box, told(edges))
    return box


def check_size(box, what):
    """Raise ValueError where a box (4,) int is too small for a network to see something."""
    height, width = box[2] - box[0], box[3] - box[1]
    if min(height, width) < LEAST_SIDE:
        raise ValueError(
            f"{what} is too small, {height} by {width} pixels where {LEAST_SIDE} each way are needed: "
            "take a larger photograph, or enlarge this one."
        )


def check_contrast(colors, what):
    """Raise ValueError where colours (n, 3) are all alike."""
    if np.ptp(colors, axis=0).max() < LEAST_CONTRAST:
        raise ValueError(f"{what} shows no contrast, all pixels being alike: give one around something.")
