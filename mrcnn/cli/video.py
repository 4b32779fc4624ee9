"""Videos through OpenCV, frame by frame, red, green and blue in this order."""

import math
from contextlib import contextmanager

import cv2

USUAL_RATE = 25  # frames a second, where a file does not tell


@contextmanager
def frames_of(path):
    """Open a video.

    Yields:
        an iterator of its frames (H, W, 3) uint8; its rate, frames a second; and how many frames its
        header tells of, or None.

    Raises:
        ValueError: OpenCV cannot read a single frame, or fails later.
    """
    video = cv2.VideoCapture(str(path))
    try:
        opened, first = video.read()
        if not opened:
            raise ValueError(
                f"{path} is no video that OpenCV can read; it may be empty, damaged or of another format."
            )
        rate = video.get(cv2.CAP_PROP_FPS)
        count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        rate = rate if rate > 0 and math.isfinite(rate) else USUAL_RATE
        yield _frames(video, first), rate, count if count > 0 else None
    except cv2.error as error:
        raise ValueError(f"{path}: OpenCV fails ({error})") from error
    finally:
        video.release()


def _frames(video, frame):
    there = True
    while there:
        yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        there, frame = video.read()


@contextmanager
def writer_for(path, shape, rate):
    """Open an .mp4 for frames of `shape` (H, W, 3); gives a function that appends one.

    Of an odd height or width OpenCV leaves out the last row or column: codecs halve the colours' size.

    Raises:
        ValueError: OpenCV can write none of that size.
        OSError: not all frames are in the file, as on a full disk; OpenCV itself tells of nothing.
    """
    height, width = shape[:2]
    count = 0

    def write(frame):
        nonlocal count
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        count += 1

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, (width, height))
    try:
        if not writer.isOpened():
            raise ValueError(f"OpenCV cannot write an .mp4 of {width} by {height} pixels at {rate:g} Hz.")
        yield write
    finally:
        writer.release()
    written = cv2.VideoCapture(str(path))
    try:
        if written.get(cv2.CAP_PROP_FRAME_COUNT) < count:
            raise OSError("it ends before its last frame; perhaps the disk is full")
    finally:
        written.release()
