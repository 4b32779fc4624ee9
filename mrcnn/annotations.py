"""What was found, as annotations: to be corrected in an annotation tool, and trained on.

    COCO     a data set of polygons, for CVAT, Label Studio and others; `mrcnn.data.coco.CocoDataset` reads it
    VIA      a project of the VGG Image Annotator; `mrcnn teach --mask` reads it
    GeoJSON  the objects of one picture as features, for QuPath and for geographic tools

Polygons run along the edges of pixels (`mrcnn.polygons`): filled again, they give the same masks. COCO and
VIA have no word for holes, so there the line goes into them and back.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from mrcnn.crops import as_crops
from mrcnn.polygons import regions, ring_area, single


@dataclass(frozen=True)
class Outlined:
    """The objects of a picture as polygons.

    Attributes:
        file_name: str.
        shape: (H, W) of the picture.
        objects: list of (class id, score, `mrcnn.polygons.regions` in pixels of the picture, as lists),
            surest first.
        size: bytes of the picture's file, by which VIA tells pictures of one name apart; -1 for none.
    """

    file_name: str
    shape: tuple
    objects: list
    size: int = -1


def outlined(file_name, result, size=-1):
    """What `detect` found in a picture as an `Outlined`; what has an empty mask is left out."""
    masks = as_crops(result["masks"])
    polygons = (
        [[ring.tolist() for ring in rings] for rings in regions(crop, box[:2])]
        for crop, box in zip(masks.crops, masks.boxes, strict=True)
    )
    objects = zip(result["class_ids"].tolist(), result["scores"].tolist(), polygons, strict=True)
    shape = tuple(int(side) for side in masks.picture_shape)
    return Outlined(file_name, shape, [found for found in objects if found[2]], size)


def as_coco(pictures, class_names):
    """A COCO data set of any number of pictures, a dict for `mrcnn.outputs.write_json`.

    Args:
        pictures: callable that gives the `Outlined`, one after another; it is called twice.
        class_names: list of str by class id, the background first.
    """
    categories = [{"id": class_id, "name": name} for class_id, name in enumerate(class_names) if class_id]
    return {
        "images": _coco_images(pictures()),
        "annotations": _coco_annotations(pictures()),
        "categories": categories,
    }


def _coco_images(pictures):
    for image_id, picture in enumerate(pictures, 1):
        height, width = picture.shape
        yield {"id": image_id, "file_name": picture.file_name, "height": height, "width": width}


def _coco_annotations(pictures):
    numbers = itertools.count(1)
    for image_id, picture in enumerate(pictures, 1):
        for class_id, score, found in picture.objects:
            corners = np.concatenate([rings[0] for rings in found])
            (x1, y1), (x2, y2) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
            polygons = [single([rings]) for rings in found]
            yield {
                "id": next(numbers),
                "image_id": image_id,
                "category_id": class_id,
                "segmentation": [polygon.ravel().tolist() for polygon in polygons],
                "area": int(sum(ring_area(ring) for rings in found for ring in rings)),
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "iscrowd": 0,
                "score": round(score, 4),
            }


def as_via(pictures, class_names):
    """A project of the VGG Image Annotator 2, as a dict for JSON; arguments as of `as_coco`."""
    metadata = {}
    for picture in pictures():
        marked = []
        for class_id, score, found in picture.objects:
            x, y = single(found).T.tolist()
            shape = {"name": "polygon", "all_points_x": x, "all_points_y": y}
            named = {"name": class_names[class_id], "score": f"{score:.4f}"}
            marked.append({"shape_attributes": shape, "region_attributes": named})
        metadata[f"{picture.file_name}{picture.size}"] = {
            "filename": picture.file_name,
            "size": picture.size,
            "regions": marked,
            "file_attributes": {},
        }
    text = {"type": "text", "description": "", "default_value": ""}
    return {
        "_via_settings": {"project": {"name": "mrcnn"}, "core": {"filepath": {}, "default_filepath": ""}},
        "_via_img_metadata": metadata,
        "_via_attributes": {"region": {"name": text, "score": text}, "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(metadata),
    }


def as_geojson(picture, class_names):
    """The objects of an `Outlined` as a GeoJSON feature collection, a dict; x and y are pixels."""
    features = []
    for class_id, score, found in picture.objects:
        polygons = [[[*ring, ring[0]] for ring in rings] for rings in found]
        several = len(polygons) > 1
        features.append(
            {
                "type": "Feature",
                "geometry": {
                    "type": "MultiPolygon" if several else "Polygon",
                    "coordinates": polygons if several else polygons[0],
                },
                "properties": {
                    "objectType": "annotation",
                    "classification": {"name": class_names[class_id]},
                    "measurements": {"score": round(score, 4)},
                },
            }
        )
    return {"type": "FeatureCollection", "features": features}
