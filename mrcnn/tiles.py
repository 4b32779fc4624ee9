"""Pictures larger than the network: looked at in tiles that overlap, and put together again.

    picture → regions_of → tiles, each enlarged or reduced alone → find → detections → merge

Nothing here knows a network: `find` is any function that gives detections of small pictures. Memory holds
the picture, one batch of tiles, and the masks of what was found, each inside its box alone.

A tile's inner borders cut objects. A piece of which another tile sees more is left to that tile: it sees
the object whole, if that is no larger than the overlap. Otherwise the pieces are joined. Two detections of
different tiles are the same object if their masks agree where both tiles look; two of the same tile never
are, for `find` told them apart.
"""

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mrcnn.crops import MaskCrops, as_crops, overlap
from mrcnn.images import resize

# Of a tile's side. All that is smaller than a third is seen whole by some tile, and each pixel is looked at
# 2.25 times; with a half it would be 4 times, with a quarter 1.8 times, but more objects would be joined.
OVERLAP = 1 / 3
# A detection that ends this near to an inner border, as a share of the tile's side, counts as cut by it: a
# network's boxes of cut objects often end a few pixels short of the border.
EDGE = 1 / 64
AGREE = 0.4  # IoU from which masks of two tiles are of one object; that of two true neighbours is about 0
INSIDE = 0.5  # share of a piece that lies in an object, from which it is a piece of that object


@dataclass(frozen=True)
class Found:
    """A detection of one tile, or an object joined from several.

    Attributes:
        box: (y1, x1, y2, x2), pixels of the whole picture.
        mask: (h, w) bool, inside the box.
        class_id, score: what it is, and how sure.
        region: (y1, x1, y2, x2), the pixels that its tile shows.
        cut: whether it reaches an inner border of its tile.
    """

    box: tuple
    mask: np.ndarray
    class_id: int
    score: float
    region: tuple
    cut: bool


def find_in_tiles(picture, find, side, scale=1.0, batch=1, progress=iter):
    """Find the objects of a picture of any size.

    Args:
        picture: (H, W, C).
        find: function from a list of pictures (side, side, C) to the list of their results, each a dict
            `rois` (N, 4) in pixels, `class_ids` (N,), `scores` (N,), `masks` (side, side, N) bool or
            `MaskCrops`: the form of `MaskRCNN.detect`.
        side: of a tile, in pixels.
        scale: the factor by which the picture is enlarged, or reduced, before it is looked at.
        batch: how many tiles `find` gets at a time.
        progress: called with the list of regions, gives an iterator over them: `tqdm.tqdm`, say.

    Returns:
        dict `rois` (N, 4) int32, pixels of the picture, `class_ids` (N,) int32, `scores` (N,) float32, and
        `masks`, a `MaskCrops`; surest first.
    """
    found = []
    regions = regions_of(picture.shape, side, scale)
    coming, every = iter(progress(regions)), np.array(regions)
    while some := list(itertools.islice(coming, batch)):
        results = find([cut_tile(picture, region, side, scale) for region in some])
        for region, result in zip(some, results, strict=True):
            found += _in_picture(result, region, every, scale, picture.shape)
    return _result(merge(found), picture.shape)


def regions_of(shape, side, scale=1.0):
    """The regions of a picture that the tiles show: evenly spread, the last ones flush with its border.

    Args:
        shape: (H, W, …) of the picture.
        side: of a tile, in pixels.
        scale: factor from the picture to the tiles.

    Returns:
        list of (y1, x1, y2, x2), whole pixels of the picture, row by row. All have one size, so that all
        tiles are scaled alike.
    """
    length = max(1, math.floor(side / scale))
    shared = math.floor(length * OVERLAP)
    rows, columns = (_spread(whole, length, shared) for whole in shape[:2])
    return [(y1, x1, y2, x2) for y1, y2 in rows for x1, x2 in columns]


def _spread(whole, length, shared):
    """Intervals of `length` pixels that cover 0 … `whole`, neighbours sharing `shared` or more."""
    if whole <= length:
        return [(0, whole)]
    count = math.ceil((whole - shared) / (length - shared))
    starts = np.linspace(0, whole - length, count).round().astype(int).tolist()
    return [(start, start + length) for start in starts]


def size_in_tile(region, scale):
    """Height and width of a region in its tile, in pixels of the tile."""
    y1, x1, y2, x2 = region
    return max(1, round((y2 - y1) * scale)), max(1, round((x2 - x1) * scale))


def cut_tile(picture, region, side, scale=1.0):
    """The tile of a region: scaled into its upper left corner, zeros elsewhere.

    Args:
        picture: (H, W, C).
        region: (y1, x1, y2, x2), pixels of the picture.
        side: of the tile, in pixels.
        scale: factor from the picture to the tile.

    Returns:
        (side, side, C), uint8 if the picture is, else float32.
    """
    y1, x1, y2, x2 = region
    height, width = size_in_tile(region, scale)
    shown = picture[y1:y2, x1:x2]
    tile = np.zeros((side, side, picture.shape[2]), np.uint8 if picture.dtype == np.uint8 else np.float32)
    if shown.shape[:2] == (height, width):
        tile[:height, :width] = shown
        return tile
    # HAMMING is nearly the mean of what a pixel covers; Pillow's BOX shifts what it shrinks by parts of one.
    way = Image.Resampling.HAMMING if scale < 1 else Image.Resampling.BILINEAR
    for channel in range(picture.shape[2]):
        plane = np.ascontiguousarray(shown[:, :, channel], tile.dtype)
        tile[:height, :width, channel] = Image.fromarray(plane).resize((width, height), way)
    return tile


def _in_picture(result, region, regions, scale, shape):
    """The detections of a tile that are its own to tell, as list of `Found`.

    What lies in the tile's padding is left out, and each piece of which another of the `regions` (R, 4)
    sees more.
    """
    size = size_in_tile(region, scale)
    inside = np.clip(result["rois"], 0, np.tile(size, 2))
    masks = as_crops(result["masks"], inside).crops
    factor = np.tile(np.subtract(region[2:], region[:2]) / size, 2)
    boxes = np.rint(inside * factor).astype(int) + np.tile(region[:2], 2)
    found = []
    for i in np.flatnonzero((boxes[:, :2] < boxes[:, 2:]).all(axis=1)):
        around = _around(boxes[i], region, shape)
        seen = overlap(around, region)
        if _more_is_seen(around, seen, regions):
            continue
        mask = _resize_mask(masks[i], tuple(boxes[i, 2:] - boxes[i, :2]))
        class_id, score = int(result["class_ids"][i]), float(result["scores"][i])
        found.append(Found(tuple(boxes[i].tolist()), mask, class_id, score, region, seen != around))
    return found


def _resize_mask(mask, size):
    return mask.copy() if mask.shape == size else resize(mask, size) > 0.5


def _around(box, region, shape):
    """A box and as much beside it as a tile must show for the object not to count as cut."""
    edge = max(2, round(EDGE * max(region[2] - region[0], region[3] - region[1])))
    return tuple(np.clip(box + np.array([-edge, -edge, edge, edge]), 0, np.tile(shape[:2], 2)).tolist())


def _more_is_seen(around, seen, regions):
    """Whether one of the regions (R, 4) shows of the box `around` all that was `seen`, and more."""
    first, last = np.maximum(regions[:, :2], around[:2]), np.minimum(regions[:, 2:], around[2:])
    all_of_it = np.hstack([first <= seen[:2], last >= seen[2:]]).all(axis=1)
    more = np.hstack([first < seen[:2], last > seen[2:]]).any(axis=1)
    return (all_of_it & more).any()


def _result(objects, shape):
    """Objects in the form of `MaskRCNN.detect`, masks inside their boxes."""
    boxes = np.array([one.box for one in objects], np.int32).reshape(-1, 4)
    return {
        "rois": boxes,
        "class_ids": np.array([one.class_id for one in objects], np.int32),
        "scores": np.array([one.score for one in objects], np.float32),
        "masks": MaskCrops(boxes, [one.mask for one in objects], tuple(shape[:2])),
    }


# From detections of tiles to objects of the picture


def merge(found):
    """Each object once: the surest of whole detections, and pieces joined of what no tile saw whole.

    Args:
        found: list of `Found`.

    Returns:
        list of `Found`, surest first.
    """
    found = sorted(found, key=lambda one: -one.score)
    near = _neighbours(found)
    kept = {}  # index of a detection → the object that it became
    for i, one in enumerate(found):
        if not one.cut and not any(j in kept and _same(one, found[j]) for j in near[i]):
            kept[i] = one
    pieces = [(_join([found[i] for i in group]), group) for group in _groups(found, near)]
    # The larger first: of what is left of a piece that lies in a larger one, it is part.
    for joined, group in sorted(pieces, key=lambda piece: -np.count_nonzero(piece[0].mask)):
        around = {j for i in group for j in near[i] if j in kept}
        if not any(_share_inside(joined, kept[j]) >= INSIDE for j in around):
            kept.update(dict.fromkeys(group, joined))
    objects = {id(one): one for one in kept.values()}
    return sorted(objects.values(), key=lambda one: (-one.score, one.box))


def _neighbours(found):
    """For each detection, which ones of other tiles have boxes that overlap its own: dict index → indices."""
    near = defaultdict(list)
    if not found:
        return near
    order = np.argsort([one.box[0] for one in found], kind="stable")
    y1, x1, y2, x2 = np.array([found[i].box for i in order]).T
    for place, end in enumerate(np.searchsorted(y1, y2)):  # from there on, boxes begin below this one
        others = np.arange(place + 1, end)
        others = others[(x1[others] < x2[place]) & (x2[others] > x1[place])]
        i = int(order[place])
        for j in order[others].tolist():
            if found[i].region != found[j].region:
                near[i].append(j)
                near[j].append(i)
    return near


def _groups(found, near):
    """Lists of indices of the cut detections that are pieces of one object."""
    cut = [i for i, one in enumerate(found) if one.cut]
    pairs = [(i, j) for i in cut for j in near[i] if j > i and found[j].cut and _same(found[i], found[j])]
    rows, columns = np.array(pairs, int).reshape(-1, 2).T
    links = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(len(found), len(found)))
    labels = connected_components(links, directed=False)[1]
    groups = defaultdict(list)
    for i in cut:
        groups[labels[i]].append(i)
    return list(groups.values())


def _same(one, other):
    """Whether two detections of different tiles are of one object: their masks agree where both look.

    Whatever their classes: an object at a seam may look like a bus to one tile and like a car to the other.
    """
    both = overlap(one.region, other.region)
    first, second = _count(one, one, both), _count(other, other, both)
    shared = _count(one, other, both)
    return shared > 0 and shared >= AGREE * (first + second - shared)


def _share_inside(one, other):
    """How much of a detection's mask lies in that of another, 0 to 1."""
    return _count(one, other, one.box) / max(_count(one, one, one.box), 1)


def _count(one, other, where):
    """Pixels inside the box `where` that are of both masks."""
    box = overlap(overlap(one.box, other.box), where)
    if box[0] >= box[2] or box[1] >= box[3]:
        return 0
    return np.count_nonzero(_part(one, box) & _part(other, box))


def _part(one, box):
    """The mask inside a box that lies in the detection's own. An empty mask counts as all of its box."""
    y, x = one.box[:2]
    part = one.mask[box[0] - y : box[2] - y, box[1] - x : box[3] - x]
    return part if one.mask.any() else ~part


def _join(pieces):
    """One object of its pieces, as sure as the surest, which comes first."""
    if len(pieces) == 1:
        return pieces[0]
    y1, x1 = (min(piece.box[i] for piece in pieces) for i in (0, 1))
    y2, x2 = (max(piece.box[i] for piece in pieces) for i in (2, 3))
    mask = np.zeros((y2 - y1, x2 - x1), bool)
    for piece in pieces:
        top, left, bottom, right = piece.box
        mask[top - y1 : bottom - y1, left - x1 : right - x1] |= piece.mask
    return replace(pieces[0], box=(y1, x1, y2, x2), mask=mask)
