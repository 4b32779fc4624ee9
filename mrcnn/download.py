"""Find, check and fetch the file with the original's COCO weights, `mask_rcnn_coco.h5`."""

import contextlib
import itertools
import os
import shutil
import time
from pathlib import Path

import pooch
import requests
from tqdm.auto import tqdm

from mrcnn.files import CannotWrite
from mrcnn.layout import WeightsError, not_hdf5

NAME = "mask_rcnn_coco.h5"
URL = f"https://github.com/matterport/Mask_RCNN/releases/download/v2.0/{NAME}"
SIZE = 257_557_808  # bytes
SHA256 = "ee7eeb918fe544c8bc1fd0f1f9588bf9f8e0e1055a4d12a98f83fa83c5f8b36d"
FINE_TUNE_SIZE = 255_944_160  # bytes of a file of the same name that is somebody's fine-tune
BUNDLED = ("toybox", "coins")  # weights that lie in this package
CHUNK = 16 * 1024  # bytes written at a time, the most that a cut loses


# Find


def find(name):
    """The file of weights that a name stands for.

    Args:
        name: "toybox", "coins" or "coco"; anything else is the path itself.

    Raises:
        FileNotFoundError: "coco" was not downloaded yet.
    """
    if name in BUNDLED:
        return Path(__file__).with_name(f"{name}.h5")
    if name != "coco":
        return Path(name)
    path = find_coco()
    if path is None:
        raise FileNotFoundError(
            f"{NAME} is not in {home()}; fetch it by `python download_weights.py`, or place it there."
        )
    return path


def home():
    """Where the COCO weights belong: the root of the checkout, or the working directory without one."""
    root = Path(__file__).resolve().parents[1]
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


def find_coco():
    """The path of `mask_rcnn_coco.h5` in the working directory, the checkout or pooch's cache, or None."""
    places = (Path.cwd(), home(), pooch.os_cache("mrcnn"))
    return next((folder / NAME for folder in places if (folder / NAME).is_file()), None)


# Check


def check(path, size=SIZE, sha256=SHA256):
    """Raise a `WeightsError` unless a file has the expected size (bytes) and SHA-256 (hexadecimal)."""
    found = path.stat().st_size
    if found != size:
        raise WeightsError(
            f"{path} is there, but has {found:,} bytes, not {size:,}{_fine_tune(found)}; move it away, then "
            "download again."
        )
    if pooch.file_hash(str(path)) != sha256:
        raise WeightsError(
            f"{path} is there and has the right size, but not the right SHA-256, so it is damaged or another "
            "file; move it away, then download again."
        )


def _fine_tune(size):
    return " (it is a known fine-tune of that name)" if size == FINE_TUNE_SIZE else ""


# Fetch


def download(path=None, url=None, *, size=SIZE, sha256=SHA256, timeout=30, retries=3, wait=1, progress=True):
    """Fetch the COCO weights, unless they are there already.

    A cut connection is taken up again where it stopped, also by the next call; the file has its name
    only when it is whole and checked. A proxy is taken from the usual environment variables.

    Args:
        path: where to, a file or a folder; by default `mask_rcnn_coco.h5` in the root of the checkout,
            or in the working directory.
        url: where from; by default the environment variable `MRCNN_WEIGHTS_URL`, for a mirror, or else
            the original's release.
        size: bytes expected.
        sha256: hexadecimal SHA-256 expected.
        timeout: seconds without data after which a connection counts as cut.
        retries: times in a row to try again without getting further.
        wait: seconds before the first of them; it doubles each time.
        progress: whether to show a bar.

    Returns:
        the `Path` of the file.

    Raises:
        WeightsError: it cannot be fetched or written, is another file, or another one is in its place,
            which is left alone.
    """
    path = home() / NAME if path is None else Path(path)
    path = path / NAME if path.is_dir() else path
    url = url or os.environ.get("MRCNN_WEIGHTS_URL") or URL
    if path.exists():
        check(path, size, sha256)
        return path
    part = path.with_name(f"{path.name}.part")
    fetch = Fetch(part, size, timeout, retries, wait, progress)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _retrieve(url, path, sha256, fetch)
    except requests.RequestException as error:
        raise WeightsError(_failed(error, url, path, part, timeout)) from error
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise WeightsError(str(CannotWrite.because(error, path))) from error
    return path


def _retrieve(url, path, sha256, fetch):
    """Have pooch fetch, check and place the file; a bad end on an old beginning is fetched anew."""
    while True:
        try:
            pooch.retrieve(url, f"sha256:{sha256}", path.name, path.parent, downloader=fetch)
            return
        except (WeightsError, requests.RequestException):  # some are ValueErrors too
            raise
        except ValueError as error:  # pooch: another hash
            if not fetch.resumed:
                raise WeightsError(
                    f"What {url} gives has not the right SHA-256, so it is another file; nothing was kept."
                ) from error
            fetch.resumed = False


class Fetch:
    """A downloader for pooch that goes on where it was cut.

    Args:
        part: path of the file that grows while data arrives.
        size, timeout, retries, wait, progress: as in `download`.

    Attributes:
        resumed: whether some of the file was there before this connection.
    """

    def __init__(self, part, size, timeout, retries, wait, progress):
        self.part, self.size, self.timeout = part, size, timeout
        self.retries, self.wait, self.progress = retries, wait, progress
        self.resumed = False

    def __call__(self, url, output_file, pooch):
        """Fetch `url` to `output_file`, as pooch asks for it."""
        if shutil.disk_usage(self.part.parent).free + self._have() < self.size:
            raise OSError(f"the disk has no {self.size:,} bytes free")
        bar = tqdm(total=self.size, unit="B", unit_scale=True, desc=self.part.stem, disable=not self.progress)
        with bar:
            self._persist(url, bar)
        os.replace(self.part, output_file)

    def _have(self):
        return self.part.stat().st_size if self.part.exists() else 0

    def _persist(self, url, bar):
        """Connect until all is there; give up after `retries` times that brought nothing new."""
        furthest, failures = self._have(), 0
        while self._have() != self.size:
            try:
                self._connect(url, bar)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                failures = 0 if self._have() > furthest else failures + 1
                furthest = max(furthest, self._have())
                if failures > self.retries:
                    raise
                time.sleep(self.wait * 2 ** max(0, failures - 1))

    def _connect(self, url, bar):
        """Fetch what is missing by one connection."""
        have = self._have()
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=self.timeout) as response:
            self._check_status(response, have)
            self.resumed = response.status_code == 206
            content = response.iter_content(CHUNK)
            first = next(content, b"")
            self._check_content(response, first, url)
            bar.reset()
            bar.update(have if self.resumed else 0)
            with open(self.part, "ab" if self.resumed else "wb") as file:
                for chunk in itertools.chain([first], content):
                    file.write(chunk[: self.size - file.tell()])
                    bar.update(len(chunk))
                    if file.tell() == self.size:  # whatever follows, the SHA-256 tells whether this is it
                        break
        if self._have() < self.size:
            raise requests.ConnectionError("the connection ended early")

    def _check_status(self, response, have):
        status = response.status_code
        if status == 416 or status == 206 and not _from(response, have):
            self.part.unlink(missing_ok=True)
            raise requests.ConnectionError("the server does not go on from where it stopped")
        if status == 429 or status >= 500:
            raise requests.ConnectionError(f"the server answers {status} {response.reason}")
        response.raise_for_status()

    def _check_content(self, response, first, url):
        """Refuse what is no HDF5 or is announced with another length, before anything is written."""
        kind = None if self.resumed or not first else not_hdf5(first)
        if kind:
            raise WeightsError(f"What {url} gives {kind} Nothing was kept; check the address or the network.")
        announced = response.headers.get("Content-Length")
        if self.resumed:
            announced = response.headers["Content-Range"].rpartition("/")[2]
        if announced and announced.isdigit() and int(announced) != self.size:
            raise WeightsError(
                f"What {url} gives has {int(announced):,} bytes, not {self.size:,}"
                f"{_fine_tune(int(announced))}, so it is another file; nothing was kept."
            )


def _from(response, start):
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _failed(error, url, path, part, timeout):
    """Say why a download failed and what to do."""
    if isinstance(error, requests.HTTPError):
        reason = f"the server answers {error.response.status_code} {error.response.reason}"
    elif isinstance(error, requests.Timeout) or "timed out" in str(error):
        reason = f"no data came for {timeout:g} s"
    elif isinstance(error, requests.exceptions.ProxyError):
        reason = "the proxy does not answer"
    elif isinstance(error, requests.exceptions.SSLError):
        reason = "its certificate is not valid"
    elif isinstance(error, requests.exceptions.ChunkedEncodingError):
        reason = "the connection was cut"
    elif isinstance(error, requests.ConnectionError) and "Max retries" in str(error):
        reason = "it cannot be reached"
    else:
        reason = str(error)
    kept = (
        f" The next call goes on from the {part.stat().st_size:,} bytes in {part}." if part.exists() else ""
    )
    return (
        f"{url} cannot be fetched: {reason}.{kept} Set MRCNN_WEIGHTS_URL to a mirror or HTTPS_PROXY to a "
        f"proxy, or fetch the file elsewhere and place it as {path}."
    )
