"""What processes have done, noted on the disk: a killed one loses no more than the line that it wrote."""

import json
import os
import shutil
import socket
import uuid
from collections.abc import Mapping
from pathlib import Path

from mrcnn.files import CannotWrite


class Shards(Mapping):
    """Entries by name, each a line of JSON, in a folder that any number of processes add to and read.

    Each process writes a file of its own. An entry is there when its line is whole, and stays as it was first
    noted. Held in memory is only where the lines lie.

    Args:
        folder: made by the first entry.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self._read, self._where = {}, {}  # file → bytes read of it; name → file and byte of its line
        # A later process may have the number of one that was killed while it wrote.
        self._own = f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}-{os.getpid()}.jsonl"

    def __setitem__(self, name, entry):
        """Note an entry: it is on the disk when this returns.

        Raises:
            CannotWrite: it is not.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(self.folder / self._own, "a", encoding="utf-8") as file:
                file.write(json.dumps([name, entry]) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise CannotWrite.because(error, self.folder) from error

    def __getitem__(self, name):
        if name not in self._where:
            self._look()
        path, start = self._where[name]
        with open(path, "rb") as file:
            file.seek(start)
            return json.loads(file.readline())[1]

    def __iter__(self):
        self._look()
        return iter(list(self._where))

    def __len__(self):
        self._look()
        return len(self._where)

    def _look(self):
        """Find the lines that were added since the last look."""
        for path in sorted(self.folder.glob("*.jsonl")):
            with open(path, "rb") as file:
                start = file.seek(self._read.get(path, 0))
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # it is being written, or its process was killed
                    self._where.setdefault(json.loads(line)[0], (path, start))
                    start += len(line)
            self._read[path] = start

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
