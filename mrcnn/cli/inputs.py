"""The pictures and videos that `detect` is given: files, folders and patterns."""

import glob
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mrcnn.data.folder import PICTURES

VIDEOS = {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv"}


@dataclass(frozen=True)
class Source:
    """A picture or a video.

    Attributes:
        path: its file.
        name: of what is written for it, without ending; no other source of the run has it.
        label: what tables call it: its file's name, or its path where there are two of a name.
    """

    path: Path
    name: str
    label: str

    @property
    def is_video(self):
        return self.path.suffix.lower() in VIDEOS


def find_sources(arguments):
    """The files that arguments name, each once.

    Args:
        arguments: files, folders (their pictures and videos, not those of folders in them) and patterns
            such as `holiday/*.jpg` or `**/*.png`.

    Returns:
        list of `Source`, and a dict argument → reason for those that name none.
    """
    paths, failures, names = {}, {}, set()
    for argument in arguments:
        found = _files(argument)
        for path in found:
            paths.setdefault(path.resolve(), path)
        if not found:
            failures[argument] = _reason(argument)
    times = Counter(path.name for path in paths.values())
    return [
        Source(path, _free_name(path.stem, names), path.name if times[path.name] == 1 else str(path))
        for path in paths.values()
    ], failures


def _files(argument):
    if not argument:  # to pathlib that is the folder one is in
        return []
    path = Path(argument)
    if path.is_dir():
        kinds = PICTURES | VIDEOS | {".gif"}
        return sorted(file for file in path.iterdir() if file.suffix.lower() in kinds and file.is_file())
    if path.exists():
        return [path]
    return [file for file in map(Path, sorted(glob.glob(argument, recursive=True))) if file.is_file()]


def _reason(argument):
    if not argument:
        return "An input is an empty text; give the name of a picture, video or folder."
    if Path(argument).is_dir():
        return f"{argument}: no pictures or videos in this folder."
    if glob.has_magic(argument):
        return f"{argument}: no file matches this pattern."
    return f"{argument}: no such file; check its name and folder."


def _free_name(stem, names):
    """`stem`, or `stem-2`, `stem-3`, …, whichever is not among `names`; it is then."""
    name, number = stem, 1
    while name.casefold() in names:  # some disks do not tell capitals apart
        number += 1
        name = f"{stem}-{number}"
    names.add(name.casefold())
    return name
