"""What `detect` writes, each file whole or not at all.

results/input.png                  the picture with its objects
results/masks/input/dog_1.png      one mask; `mrcnn.data.folder` reads these folders as a data set
results/labels/input.png           object n as grey level n
results/detections.json, .csv      all objects of all pictures
results/annotations.json, via.json, geojson/input.geojson    their polygons; see `mrcnn.annotations`
"""

import csv
from collections import Counter
from pathlib import Path

from mrcnn.annotations import as_coco, as_geojson, as_via, outlined
from mrcnn.crops import as_crops
from mrcnn.files import check_folder, replacing
from mrcnn.metrics import coco_results
from mrcnn.outputs import label_map, write_json, write_masks, write_png

COLUMNS = ("file_name", "object", "class_id", "class_name", "score", "y1", "x1", "y2", "x2", "area")


class Outputs:
    """The files of one run of `detect`.

    Args:
        folder: where they go.
        sources: list of `inputs.Source`, to be done.
        options: `masks`, `label_map`, `json`, `csv` and `annotations` tell what is written beside overlays.
    """

    def __init__(self, folder, sources, options):
        self.folder, self.options = Path(folder), options
        self.class_names = None  # known when there is a model
        self._entries, self._rows, self._outlined, self._pictures = [], [], [], 0
        names = Counter(source.path.name for source in sources)
        self._file_names = {
            source: source.path.name if names[source.path.name] == 1 else str(source.path)
            for source in sources
        }

    def overlay(self, source):
        return self.folder / f"{source.name}{'.mp4' if source.is_video else '.png'}"

    def masks(self, source):
        return self.folder / "masks" / source.name

    def labels(self, source):
        return self.folder / "labels" / f"{source.name}{'' if source.is_video else '.png'}"

    def geojson(self, source):
        return self.folder / "geojson" / f"{source.name}{'' if source.is_video else '.geojson'}"

    def planned(self):
        """All paths that would be written; of videos, the folders for their frames."""
        paths = [self.overlay(source) for source in self._file_names]
        if self.options.masks:
            paths += map(self.masks, self._file_names)
        if self.options.label_map:
            paths += map(self.labels, self._file_names)
        if "geojson" in self.options.annotations:
            paths += map(self.geojson, self._file_names)
        return paths + [path for path, _ in self._tables()]

    def make_folder(self):
        """Make the folder, and see that files can be written to it."""
        check_folder(self.folder, make=True)

    def add(self, source, result, frame=None):
        """Write and note what was found in a picture, or in a frame (from 0) of a video."""
        file_name = self._file_names[source] + ("" if frame is None else f"#{frame}")
        part = "" if frame is None else f"{frame:06d}"
        if self.options.masks:
            write_masks(self.masks(source) / part, result, self.class_names)
        if self.options.label_map:
            path = self.labels(source)
            write_png(path / f"{part}.png" if part else path, label_map(result["masks"]))
        if self.options.annotations:
            picture = outlined(file_name, result, -1 if part else source.path.stat().st_size)
            self._outlined.append(picture)
            if "geojson" in self.options.annotations:
                path = self.geojson(source)
                write_json(path / f"{part}.geojson" if part else path, as_geojson(picture, self.class_names))
        self._pictures += 1
        if self.options.json:
            entries = coco_results(self._pictures, result)
            self._entries += [entry | {"file_name": file_name} for entry in entries]
        if self.options.csv:
            self._rows += self._csv_rows(file_name, result)

    def finish(self):
        """Write the tables of all pictures."""
        for path, write in self._tables():
            write(path)

    def _tables(self):
        tables = [
            (self.options.json, "detections.json", lambda path: write_json(path, self._entries)),
            (self.options.csv, "detections.csv", self._write_csv),
            ("coco" in self.options.annotations, "annotations.json", self._write_polygons(as_coco)),
            ("via" in self.options.annotations, "via.json", self._write_polygons(as_via)),
        ]
        return [(self.folder / name, write) for wanted, name, write in tables if wanted]

    def _write_polygons(self, form):
        return lambda path: write_json(path, form(self._outlined, self.class_names))

    def _csv_rows(self, file_name, result):
        areas = as_crops(result["masks"]).areas()
        objects = zip(result["class_ids"], result["scores"], result["rois"], areas, strict=True)
        for number, (class_id, score, box, area) in enumerate(objects, 1):
            name = self.class_names[class_id]
            yield file_name, number, int(class_id), name, f"{score:.4f}", *map(int, box), int(area)

    def _write_csv(self, path):
        with (
            replacing(path, make_folder=True) as temporary,
            temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
        ):
            csv.writer(file).writerows([COLUMNS, *self._rows])
