"""What figures are put together from: pictures on axes, boxes, outlines and labels that hide little.

Boxes are `(y1, x1, y2, x2)` in pixels, half-open; a picture lies on its axes as boxes have it, its upper
left corner at (0, 0).
"""

import numpy as np
from PIL import ImageFont

from mrcnn.crops import as_crops
from mrcnn.drawing.colors import text_color


def inside_picture(boxes, shape):
    """Boxes [N, 4] cut at the picture's border, in whole pixels."""
    height, width = shape
    return np.rint(np.clip(boxes, 0, [height, width, height, width])).astype(int)


def is_empty(box):
    """Whether nothing of a box is left: padding rows, boxes outside the picture."""
    y1, x1, y2, x2 = box
    return y2 <= y1 or x2 <= x1


def with_area(boxes):
    """Indices of the boxes of which something is there to see."""
    return [i for i, box in enumerate(boxes) if not is_empty(box)]


def find_outlines(mask, box):
    """Closed outlines of a mask within a box: OpenCV's list of (points, 1, 2) arrays, x before y.

    Points are the centres of border pixels, in pixels of the whole picture; holes have outlines too.
    """
    y1, x1, y2, x2 = box
    return crop_outlines(mask[y1:y2, x1:x2], box)


def crop_outlines(crop, box):
    """As `find_outlines`, of a mask (h, w) that is kept inside its box alone."""
    if is_empty(box):
        return ()
    import cv2  # the light installation has none, and needs no outlines

    inside = np.ascontiguousarray(crop, dtype=np.uint8)
    corner = int(box[1]), int(box[0])
    return cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE, offset=corner)[0]


def place_labels(boxes, sizes, shape):
    """Find a place for each box's label: beside its box, in the picture, on no other label.

    Args:
        boxes: (N, 4) boxes; the first choose first.
        sizes: (N, 2) height and width of the labels.
        shape: Height and width of the picture.

    Returns:
        (N, 2) array of the labels' upper left corners `(y, x)`. Where all places are taken,
        the one that hides least.
    """
    corners = np.zeros((len(boxes), 2))
    taken = np.zeros((0, 4))
    for i, ((y1, x1, y2, x2), size) in enumerate(zip(boxes, sizes, strict=True)):
        h, w = size
        rows = y1 - h, y1, y2, y2 - h, (y1 + y2 - h) / 2
        columns = x1, x2 - w, (x1 + x2 - w) / 2, x2, x1 - w
        places = np.array([(y, x) for x in columns for y in rows])
        places = np.clip(places, 0, np.maximum(0, np.subtract(shape, size)))
        # Among thousands, few are near enough to be hidden.
        first, last = places.min(axis=0), places.max(axis=0) + size
        near = taken[((taken[:, :2] < last) & (taken[:, 2:] > first)).all(axis=1)]
        begin = np.maximum(places[:, None], near[:, :2])
        end = np.minimum(places[:, None] + size, near[:, 2:])
        hidden = np.clip(end - begin, 0, None).prod(axis=-1).sum(axis=-1)
        corners[i] = places[hidden.argmin()]
        taken = np.vstack([taken, [*corners[i], *(corners[i] + size)]])
    return corners


def letters(size):
    """A font of `size` pixels to write on pictures with."""
    try:
        import matplotlib
    except ImportError:  # the light installation; Pillow's own font has no letters beyond English
        return ImageFont.load_default(size)
    # Matplotlib brings this font along: letters look the same on every machine.
    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def show_picture(ax, image, title="", **options):
    """A picture without ticks, its upper left corner at (0, 0) as boxes have it; gives its AxesImage."""
    height, width = image.shape[:2]
    shown = ax.imshow(image, extent=(0, width, height, 0), **options)
    ax.set(xlim=(0, width), ylim=(height, 0))  # nothing drawn later moves the picture
    ax.axis("off")
    ax.set_title(title, fontsize=font_size(ax), parse_math=False)
    return shown


def font_size(ax):
    """Points that can be read from the back of a room and suit the width of the axes."""
    return np.clip(1.2 * ax.get_window_extent().width / ax.figure.dpi, 10, 18)


def enlarge(ax):
    """Letters of a plot that can be read from the back of a room."""
    for text in ax.title, ax.xaxis.label, ax.yaxis.label:
        text.set_fontsize(15)
    ax.tick_params(labelsize=13)


def draw_rectangle(ax, box, color, **style):
    from matplotlib.patches import Rectangle

    y1, x1, y2, x2 = box
    ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=color, **style))


def draw_outlines(ax, boxes, masks, colors):
    """The outlines of masks (H, W, N), or `MaskCrops`, as far as they lie in the boxes."""
    from matplotlib.patches import Polygon

    for i, (box, crop) in enumerate(zip(boxes, as_crops(masks, boxes).crops, strict=True)):
        for points in crop_outlines(crop, box):
            ax.add_patch(Polygon(points[:, 0] + 0.5, fill=False, edgecolor=colors[i], linewidth=2))


def draw_labels(ax, boxes, captions, colors):
    """Captions beside their boxes on axes that show a picture; no caption where there is no box."""
    named = [i for i in with_area(boxes) if captions[i]]
    if not named:
        return
    figure = ax.figure.canvas.figure
    texts = [
        ax.text(
            0,
            0,
            captions[i],
            fontsize=font_size(ax),
            parse_math=False,
            color=text_color(colors[i]),
            va="top",
            bbox={"boxstyle": "square,pad=0.2", "facecolor": colors[i], "edgecolor": "none"},
        )
        for i in named
    ]
    figure.draw_without_rendering()  # only now the size of a text on the picture is known
    to_data = ax.transData.inverted()
    extents = [to_data.transform(text.get_bbox_patch().get_window_extent().get_points()) for text in texts]
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    sizes = [np.abs(extent[1] - extent[0])[::-1] for extent in extents]
    corners = place_labels(boxes[named], sizes, (bottom - top, right - left))
    for text, extent, (y, x) in zip(texts, extents, corners, strict=True):
        text.set_position((x - extent[:, 0].min(), y - extent[:, 1].min()))
