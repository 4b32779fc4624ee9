"""Files that are written whole or not at all."""

import contextlib
import functools
import os
import re
import tempfile
import time
import uuid
from pathlib import Path

LEFTOVER = ".part"
STALE = 3600  # seconds after which a file half written is nobody's work any more


class CannotWrite(ValueError):
    """A file cannot be written: the disk is full, or the folder is read-only."""

    @classmethod
    def because(cls, error, path):
        """From an OSError."""
        return cls(
            f"{path} cannot be written ({error.strerror or error}); free space on the disk or choose another "
            "folder. What was there before is untouched."
        )


def check_folder(folder, make=False):
    """Raise CannotWrite unless files can be written to a folder, which is made before if `make`."""
    try:
        if make:
            Path(folder).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise CannotWrite.because(error, folder) from error


@contextlib.contextmanager
def replacing(path, make_folder=False):
    """Give a temporary path beside `path`, with its ending, which takes its place if all goes well.

    The new file is on the disk before it takes the old one's place. A link stays a link. What processes
    that were killed had left in the folder is swept away, by the first file that this one writes there.

    Args:
        path: where the file goes.
        make_folder: whether a folder that is missing is made.

    Raises:
        CannotWrite: the block, or the change of names, met an OSError; the old file is as it was.
    """
    target = Path(os.path.realpath(path))
    stem = os.fsdecode(os.fsencode(target.stem)[:80])
    temporary = target.with_name(f".{stem}.{uuid.uuid4().hex[:8]}{LEFTOVER}{target.suffix}")
    try:
        if target.is_dir():
            raise IsADirectoryError("it is a folder")
        if make_folder:
            target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        yield temporary
        _on_disk(temporary)
        os.replace(temporary, target)
        with contextlib.suppress(OSError):  # only POSIX systems can be asked
            _on_disk(target.parent)
    except OSError as error:
        raise CannotWrite.because(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _on_disk(path):
    """Return when what was written to a file, or the names in a folder, would survive a power cut."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@functools.lru_cache(64)  # once for each folder: to list one of 50,000 files takes a tenth of a second
def _sweep(folder):
    for left in folder.iterdir():
        if re.fullmatch(rf"\..+\.[0-9a-f]{{8}}{re.escape(LEFTOVER)}(\..+)?", left.name):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > STALE:
                    left.unlink()
