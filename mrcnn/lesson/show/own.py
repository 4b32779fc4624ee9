"""Chapter 13: what a model answers where it cannot know."""

from collections import Counter

import numpy as np
from PIL import Image

from mrcnn.lesson.picture import FONT, WIDTH, Picture, panels
from mrcnn.lesson.show.basics import color_of
from mrcnn.lesson.show.training import masks_on

SMALL = 5  # times


def beyond(model, image):
    """What a model makes of what it was not trained for: other things, upside down, much smaller.

    Args:
        model: a `MaskRCNN` that detects.
        image: (H, W, 3) uint8, to be turned and made smaller.
    """
    from skimage import data

    pictures = {
        "coins": np.repeat(data.coins()[..., None], 3, axis=2),
        "upside down": image[::-1, ::-1].copy(),
        f"{SMALL} times smaller": smaller(image, SMALL),
    }
    figure, axes = panels(*pictures, height=WIDTH / 3 + 0.6)
    told = []
    for ax, (title, picture) in zip(axes, pictures.items(), strict=True):
        trace = model.trace(picture)
        masks_on(ax, picture, trace.masks, [color_of(i) for i in range(len(trace.scores))])
        counts = Counter(model.class_names[i] for i in trace.class_ids).most_common()
        found = ", ".join(f"{count} × {name}" for name, count in counts) or "nothing found"
        few = ", ".join(f"{count} × {name}" for name, count in counts[:1]) + (", …" if counts[1:] else "")
        roi, best = np.unravel_index(trace.class_probs[:, 1:].argmax(), trace.class_probs[:, 1:].shape)
        sure = f"{model.class_names[best + 1]} {trace.class_probs[roi, best + 1]:.2f}"
        ax.set_title(f"{title}:\n{few or found}", fontsize=FONT)
        ax.set_xlabel(f"surest: {sure}", fontsize=FONT)
        told.append(f"{title}: {found}; surest {sure}")
    return Picture(figure, f"{'. '.join(told)}.")


def smaller(image, times):
    """A picture (H, W, 3) uint8 made smaller, in the middle of a grey one of the same size."""
    height, width = image.shape[:2]
    small = Image.fromarray(image).resize((max(1, width // times), max(1, height // times)))
    canvas = Image.new("RGB", (width, height), (128, 128, 128))
    canvas.paste(small, ((width - small.width) // 2, (height - small.height) // 2))
    return np.asarray(canvas)
