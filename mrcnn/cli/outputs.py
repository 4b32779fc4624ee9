"""What `detect` writes, each file whole or not at all.

results/input.png                  the picture with its objects
results/masks/input/dog_1.png      one mask; `mrcnn.data.folder` reads these folders as a data set
results/labels/input.png           object n as grey level n
results/detections.json, .csv      all objects of all pictures
results/annotations.json, via.json, geojson/input.geojson    their polygons; see `mrcnn.annotations`
"""

import csv
import itertools
import json
from dataclasses import asdict
from pathlib import Path

from mrcnn.annotations import Outlined, as_coco, as_geojson, as_via, outlined
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
        self.notes = {source.name: [] for source in sources}
        self.sources = sources

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
        paths = [self.overlay(source) for source in self.sources]
        if self.options.masks:
            paths += map(self.masks, self.sources)
        if self.options.label_map:
            paths += map(self.labels, self.sources)
        if "geojson" in self.options.annotations:
            paths += map(self.geojson, self.sources)
        return paths + [path for path, _ in self._tables()]

    def make_folder(self):
        """Make the folder, and see that files can be written to it."""
        check_folder(self.folder, make=True)

    def add(self, source, result, frame=None):
        """Write what was found in a picture, or in a frame (from 0) of a video; note it for the tables."""
        file_name = source.label + ("" if frame is None else f"#{frame}")
        part = "" if frame is None else f"{frame:06d}"
        if self.options.masks:
            write_masks(self.masks(source) / part, result, self.class_names)
        if self.options.label_map:
            path = self.labels(source)
            write_png(path / f"{part}.png" if part else path, label_map(result["masks"]))
        note = {}
        if self.options.json:
            note["json"] = [entry | {"file_name": file_name} for entry in coco_results(0, result)]
        if self.options.csv:
            note["csv"] = list(self._csv_rows(file_name, result))
        if self.options.annotations:
            picture = outlined(file_name, result, -1 if part else source.path.stat().st_size)
            note["outlined"] = asdict(picture)
            if "geojson" in self.options.annotations:
                path = self.geojson(source)
                write_json(path / f"{part}.geojson" if part else path, as_geojson(picture, self.class_names))
        self.notes[source.name].append(json.dumps(note))  # a tenth of what its lists would take

    def forget(self, source):
        """Note nothing of a source, which failed half-way."""
        self.notes[source.name].clear()

    def finish(self, notes_of=None):
        """Write the tables of all pictures, by what was noted of them.

        Args:
            notes_of: from a source's name to its notes, where they were not made here.
        """
        notes_of = notes_of or self.notes.get

        def noted():
            """The notes of all pictures, one after another, in the order of the sources."""
            for source in self.sources:
                yield from map(json.loads, notes_of(source.name))

        for path, write in self._tables():
            write(path, noted)

    def _tables(self):
        tables = [
            (self.options.json, "detections.json", self._write_entries),
            (self.options.csv, "detections.csv", self._write_csv),
            ("coco" in self.options.annotations, "annotations.json", self._write_polygons(as_coco)),
            ("via" in self.options.annotations, "via.json", self._write_polygons(as_via)),
        ]
        return [(self.folder / name, write) for wanted, name, write in tables if wanted]

    def _write_entries(self, path, noted):
        numbered = enumerate(noted(), 1)
        write_json(path, (entry | {"image_id": i} for i, note in numbered for entry in note["json"]))

    def _write_polygons(self, form):
        def write(path, noted):
            write_json(
                path, form(lambda: (Outlined(**note["outlined"]) for note in noted()), self.class_names)
            )

        return write

    def _csv_rows(self, file_name, result):
        areas = as_crops(result["masks"]).areas()
        objects = zip(result["class_ids"], result["scores"], result["rois"], areas, strict=True)
        for number, (class_id, score, box, area) in enumerate(objects, 1):
            name = self.class_names[class_id]
            yield file_name, number, int(class_id), name, f"{score:.4f}", *map(int, box), int(area)

    def _write_csv(self, path, noted):
        with (
            replacing(path, make_folder=True) as temporary,
            temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
        ):
            rows = (row for note in noted() for row in note["csv"])
            csv.writer(file).writerows(itertools.chain([COLUMNS], rows))
