"""How fast, and in how much memory, pictures are detected; run it by

    python -m tests.benchmarks.speed              everything, some minutes
    python -m tests.benchmarks.speed large masks  these alone; also small, memory, light, exported
    KERAS_BACKEND=jax python -m tests.benchmarks.speed large

The weights are random: they cost what trained ones cost. Each figure is the median of several runs, taken in
turns with its baseline, so that a machine's moods meet both.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np


def peak(process="self"):
    """GiB that this process held at most; on Linux, that of another number too."""
    status = Path(f"/proc/{process}/status")
    if status.exists():  # what getrusage tells on Linux begins with the memory of the parent process
        sizes = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(next(sizes, 0)) / 1024**2  # a process that has just ended has none
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**3


def held(process, meanwhile=lambda: None):
    """GiB that a process held at most until it ended; `meanwhile()` is called again and again."""
    most = 0.0
    while process.poll() is None:
        most = max(most, peak(process.pid))
        meanwhile()
        time.sleep(0.2)
    return most


def medians(runs, **functions):
    """Seconds that each function takes, called in turns; the first turn only warms up."""
    seconds = {name: [] for name in functions}
    for turn in range(runs + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def coco_size(**changes):
    """A model of the COCO weights' size, which finds 20 objects in anything."""
    from mrcnn.config import Config
    from mrcnn.model import MaskRCNN
    from tests.tiny import enliven

    settings = {"DETECTION_MIN_CONFIDENCE": 0, "DETECTION_MAX_INSTANCES": 20}
    return enliven(MaskRCNN("inference", Config(NUM_CLASSES=81, IMAGES_PER_GPU=1, **settings | changes)))


def picture(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def bare_convolutions(model, shape):
    """Backbone, pyramid, proposal head and box head as one compiled call, and nothing between them."""
    import keras

    from mrcnn.network import kernels
    from mrcnn.network.heads import box_head

    whole, config = model.keras_model, model.config
    crops = keras.Input((config.POST_NMS_ROIS_INFERENCE, config.POOL_SIZE, config.POOL_SIZE, 256))
    answers = whole.outputs[-2:]  # objectness and its deltas
    trunk = kernels.compiled(keras.Model(whole.inputs[:1], answers))
    head = kernels.compiled(keras.Model([crops], list(box_head(crops, config))))
    molded = np.zeros((1, *shape, 3), np.float32)
    cut = np.zeros((1, *crops.shape[1:]), np.float32)

    def run():
        return [np.asarray(keras.ops.convert_to_numpy(x)) for x in (*trunk(molded), *head(cut))]

    return run


def large():
    """ResNet-101 at 1024²: `detect` against the bare convolutions; pad64 against square."""
    square, padded = coco_size(), coco_size(IMAGE_RESIZE_MODE="pad64", IMAGE_MIN_DIM=64, IMAGE_MIN_SCALE=1.6)
    image = picture(1024, 1024)
    seconds = medians(
        5,
        detect=lambda: square.detect([image]),
        bare=bare_convolutions(square, (1024, 1024)),
    )
    ratio = seconds["detect"] / seconds["bare"]
    print(
        f"R101, 1024²: detect {seconds['detect']:.2f} s, convolutions {seconds['bare']:.2f} s, {ratio:.2f} ×"
    )
    image = picture(427, 640)
    seconds = medians(3, square=lambda: square.detect([image]), padded=lambda: padded.detect([image]))
    ratio = seconds["padded"] / seconds["square"]
    print(f"640 × 427: pad64 {seconds['padded']:.2f} s, square {seconds['square']:.2f} s, {ratio:.2f} ×")


def small():
    """The toybox weights: the command line from nothing, and a warm `detect`."""
    from mrcnn.data import toybox
    from mrcnn.model import load

    model, image = load("toybox"), toybox.scene(0).image
    print(f"toybox: warm detect {medians(10, detect=lambda: model.detect([image]))['detect']:.3f} s")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mrcnn", "detect", "images/input.png", "--weights", "toybox"]
        seconds = medians(
            3,
            cold=lambda: subprocess.run(
                [*command, "--force", "--out", folder], check=True, capture_output=True
            ),
        )
    print(f"toybox: command line, from start to written picture {seconds['cold']:.1f} s")


def masks():
    """100 masks of 28² to boxes of a 1024² picture, against resizing each to floats by scikit-image."""
    from skimage.transform import resize

    from mrcnn.masks import unmold_masks

    rng = np.random.default_rng(0)
    small_masks = rng.random((100, 28, 28), np.float32)
    corners = rng.integers(0, 600, (100, 2))
    boxes = np.concatenate([corners, corners + rng.integers(50, 400, (100, 2))], axis=1)

    def one_by_one():
        full = []
        for mask, (y1, x1, y2, x2) in zip(small_masks, boxes, strict=True):
            canvas = np.zeros((1024, 1024), bool)
            canvas[y1:y2, x1:x2] = resize(mask, (y2 - y1, x2 - x1), order=1, mode="constant") >= 0.5
            full.append(canvas)
        return np.stack(full, axis=-1)

    seconds = medians(5, ours=lambda: unmold_masks(small_masks, boxes, (1024, 1024)), plain=one_by_one)
    ratio = seconds["plain"] / seconds["ours"]
    print(f"100 masks to 1024²: {seconds['ours']:.3f} s, one by one {seconds['plain']:.2f} s, {ratio:.0f} ×")


CHILD = """
import sys, time
start = time.perf_counter()
import mrcnn
model = mrcnn.load(sys.argv[1], DETECTION_MIN_CONFIDENCE=0, DETECTION_MAX_INSTANCES=20)
from tests.benchmarks.speed import peak, picture
model.detect([picture(1024, 1024)])
print(time.perf_counter() - start, peak())
"""


def memory():
    """A fresh process that loads a file of the COCO weights' size and detects once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weights.h5")
        coco_size().save_weights(path)
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(path)], check=True, capture_output=True, text=True
        )
    seconds, gibibytes = map(float, child.stdout.split()[-2:])
    print(f"R101, 1024²: from start to first masks {seconds:.1f} s, {gibibytes:.2f} GiB")


WARM = """
import sys
from tests.benchmarks.speed import coco_size, medians, peak, picture
model, image = coco_size(MIXED_PRECISION=sys.argv[1] == "half"), picture(1024, 1024)
print(medians(3, detect=lambda: model.detect([image]))["detect"], peak())
"""


def light():
    """ResNet-101 at 1024² on OpenVINO, in float32 and in bfloat16, against TensorFlow."""
    baseline = None
    for backend, precision in (("tensorflow", "full"), ("openvino", "full"), ("openvino", "half")):
        child = subprocess.run(
            [sys.executable, "-c", WARM, precision],
            env=os.environ | {"KERAS_BACKEND": backend},
            check=True,
            capture_output=True,
            text=True,
        )
        seconds, gibibytes = map(float, child.stdout.split()[-2:])
        baseline = baseline or seconds
        ratio = seconds / baseline
        figures = f"{seconds:.2f} s, {ratio:.2f} ×, {gibibytes:.2f} GiB"
        print(f"R101, 1024², {backend}, {precision} precision: {figures}")


def exported():
    """The toybox network under ONNX Runtime, molding and unmolding included, against `detect`."""
    import onnxruntime

    from mrcnn.data import toybox
    from mrcnn.export import export
    from mrcnn.model import load
    from mrcnn.molded import unmold

    model, image = load("toybox"), toybox.scene(0).image
    with tempfile.TemporaryDirectory() as folder:
        export(model, Path(folder, "toybox.onnx"), "onnx")
        session = onnxruntime.InferenceSession(Path(folder, "toybox.onnx"))

    def run():
        item = model.mold(image)
        window = np.array([item.window], np.float32)
        (found,), (masks,) = session.run(None, {"image": item.molded[None], "window": window})
        count = np.count_nonzero(found[:, 4])
        return unmold(found[:count], masks[:count], item.window, item.molded.shape, image.shape)

    seconds = medians(10, detect=lambda: model.detect([image]), onnx=run)
    ratio = seconds["onnx"] / seconds["detect"]
    print(f"toybox: detect {seconds['detect']:.3f} s, ONNX Runtime {seconds['onnx']:.3f} s, {ratio:.2f} ×")


SECTIONS = {
    "large": large,
    "small": small,
    "masks": masks,
    "memory": memory,
    "light": light,
    "exported": exported,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or SECTIONS:
        SECTIONS[name]()
