"""Batches on their way into `fit`: the same whoever makes them, and no worker hangs or is left behind."""

import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import types
import weakref
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import keras
import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.data.toybox import CLASS_NAMES, ToyboxDataset
from mrcnn.network import kernels
from mrcnn.training.batches import Batches
from mrcnn.training.feed import Feed, FollowEpoch, reading
from tests.backend import BACKEND, trains
from tests.tiny import beginner

ROOT = Path(__file__).parents[2]
CONFIG = Config(NUM_CLASSES=len(CLASS_NAMES), IMAGE_MIN_DIM=64, IMAGE_MAX_DIM=64, MINI_MASK_SHAPE=(28, 28))
WORKERS = pytest.mark.parametrize(("workers", "processes"), [(1, False), (3, False), (2, True)])


def scenes(count=6, **options):
    return Batches(ToyboxDataset(count, seed=1, size=64), CONFIG, **options)


@contextmanager
def in_time(seconds=120):
    """Fails what hangs, and what then hangs as it is left."""

    def late(number, frame):
        raise TimeoutError(f"not done in {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds, 5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name])


@WORKERS
def test_batches_are_the_same_whoever_makes_them(workers, processes):
    expected = [[scenes(epoch=epoch)[i] for i in range(3)] for epoch in range(3)]
    with in_time(), Feed(scenes(), workers, processes) as feed:
        assert len(feed) == 3
        for epoch in (0, 2, 1):
            feed.batches.epoch = epoch
            for i in range(3):
                assert_same(feed[i], expected[epoch][i])
        assert_same(feed[0], expected[1][0])
    assert not multiprocessing.active_children()


def test_what_fit_reads_is_what_there_is():
    with in_time(), Feed(scenes()) as feed:
        read = kernels.data_of(feed)
        assert len(read) == len(feed) == 3
        for i, batch in enumerate(read):
            assert_same({name: np.array(values) for name, values in batch.items()}, feed[i])
        assert i == 2
    if BACKEND == "tensorflow":
        assert read.options().autotune.enabled is False  # its thread can hold up the process for a minute


class Brightness(keras.Model):
    """As small a network as can be trained on batches; notes which pictures it saw."""

    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(shape=(), initializer="ones")
        self.first = keras.metrics.Sum("first")

    def call(self, batch):
        return self.scale * keras.ops.mean(batch["images"], axis=(1, 2, 3))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        self.first.update_state(x["image_meta"][0, 0])
        return keras.ops.mean(y_pred**2) / 1e4


@WORKERS
def test_fit_takes_each_batch_of_each_of_its_epochs_once_and_in_order(workers, processes):
    seen = []

    def note(batch, logs):
        seen.append(float(logs["first"]))

    model = Brightness()
    model.compile("sgd")
    batches = scenes()
    with (
        in_time(),
        reading(batches, workers, processes) as data,
        reading(scenes(shuffle=False)) as validation_data,
    ):
        history = model.fit(
            data,
            epochs=5,
            initial_epoch=2,
            verbose=0,
            shuffle=False,
            validation_data=validation_data,
            callbacks=[FollowEpoch(batches), keras.callbacks.LambdaCallback(on_train_batch_end=note)],
        )
    first = [[scenes(epoch=epoch)[i]["image_meta"][0, 0] for i in range(3)] for epoch in (2, 3, 4)]
    assert seen == np.cumsum(first, axis=1).ravel().tolist()
    assert history.history["loss"][-1] < history.history["loss"][0]


@pytest.mark.parametrize("processes", [False, True])
def test_a_picture_that_cannot_be_read_stops_fit(processes):
    dataset = Dataset()
    for i, name in enumerate(CLASS_NAMES[1:], 1):
        dataset.add_class("made", i, name)
    dataset.add_image("made", 0, "missing.png")
    dataset.prepare()
    model = Brightness()
    model.compile("sgd")
    with (
        in_time(),
        pytest.raises(Exception, match=r"missing\.png"),
        reading(Batches(dataset, CONFIG, steps=9), 2, processes) as data,
    ):
        model.fit(data, verbose=0, shuffle=False)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("processes", [False, True])
def test_later_pictures_too_many_of_which_cannot_be_read_are_told_as_it_was(processes):
    batches = Batches(Torn(9, seed=1, size=64), CONFIG, shuffle=False)
    model = Brightness()
    model.compile("sgd")
    with (
        in_time(),
        pytest.raises(ValueError, match=r"^scene \d is torn$"),
        reading(batches, 2, processes) as data,
    ):
        model.fit(data, verbose=0, shuffle=False)
    assert not multiprocessing.active_children()


class Torn(ToyboxDataset):
    def load_image(self, image_id):
        if image_id > 2:
            raise ValueError(f"scene {image_id} is torn")
        return super().load_image(image_id)


# ---- processes


def test_a_process_that_is_killed_is_an_error():
    with in_time(), Feed(scenes(steps=100), 2, True) as feed:
        feed[0]
        os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
        with pytest.raises(ChildProcessError, match="has died.*use_multiprocessing=False"):
            for i in range(1, 100):
                feed[i]
    assert not multiprocessing.active_children()


class CutShort(ToyboxDataset):
    """In a process: the second batch is handed over to a part, and the process is killed."""

    def load_image(self, image_id):
        if image_id == 2:
            Connection._send = self._send_a_part
        return super().load_image(image_id)

    @staticmethod
    def _send_a_part(connection, buffer):
        os.write(connection.fileno(), buffer[:1000])
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_killed_while_it_hands_a_batch_over_is_an_error():
    batches = Batches(CutShort(20, seed=1, size=64), CONFIG, shuffle=False)
    with in_time(), Feed(batches, 2, True) as feed:
        feed[0]
        with pytest.raises(ChildProcessError, match="has died"):
            feed[1]
    assert not multiprocessing.active_children()


class Demanding(Exception):
    """One that `pickle` cannot make again."""

    def __init__(self, number, what):
        super().__init__(f"{number} {what}")


class Unlucky(ToyboxDataset):
    def load_mask(self, image_id):
        raise Demanding(image_id, "is not my number")


def test_an_error_that_cannot_be_sent_is_told_in_its_words():
    batches = Batches(Unlucky(2, seed=1, size=64), CONFIG, shuffle=False)
    with (
        in_time(),
        Feed(batches, 1, True) as feed,
        pytest.raises(RuntimeError, match=r"Demanding: \d is not my number") as raised,
    ):
        feed[0]
    assert "in load_mask" in str(raised.value.__cause__)


def test_what_cannot_be_sent_to_a_process_is_refused():
    batches = scenes(augmentation=lambda image, masks: (image, masks))
    with pytest.raises(ValueError, match="ToyboxDataset.*cannot be sent.*lambda.*functions defined inside"):
        Feed(batches, 2, True)
    with Feed(batches, 2) as feed:
        assert_same(feed[0], batches[0])


def test_what_a_process_cannot_make_again_is_an_error(monkeypatch):
    notebook = types.ModuleType("notebook_of_mine")
    notebook.Mine = type("Mine", (ToyboxDataset,), {"__module__": notebook.__name__})
    monkeypatch.setitem(sys.modules, notebook.__name__, notebook)
    batches = scenes()
    batches.dataset = notebook.Mine(3, size=64)
    pickle.loads(pickle.dumps(batches))  # here it is known
    told = pytest.raises(ValueError, match="notebook_of_mine.*in a module that can be imported")
    with in_time(), Feed(batches, 1, True) as feed, told:
        feed[0]


def python(text, **options):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, *text], cwd=ROOT, env=environment, text=True, start_new_session=True, **options
    )


def test_a_program_that_does_all_when_it_is_imported_is_told(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("from tests.training.test_feed import *\nFeed(scenes(), 1, True)[0]\n")
    running = python([program], stderr=subprocess.PIPE)
    _, errors = running.communicate(timeout=300)
    assert running.returncode == 1
    # Python itself may have more to say as it ends.
    (told,) = (
        line for line in errors.splitlines() if line.startswith("ChildProcessError: A process that makes")
    )
    assert "has died" in told and 'under `if __name__ == "__main__":`' in told


def stay_open():
    """What a process does that is to be stopped: it takes batches without end, and names its workers."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Feed(scenes(steps=10**6), 2, True) as feed:
        for i in range(10**6):
            feed[i]
            if i == 2:
                print(*(child.pid for child in multiprocessing.active_children()), flush=True)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Processes are looked up in /proc.")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_training(number):
    running = python(
        ["-c", "from tests.training.test_feed import *; stay_open()"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with in_time():
        workers = list(map(int, running.stdout.readline().split()))
        assert len(workers) == 2 and all(map(is_alive, workers))
        if number == signal.SIGINT:
            os.killpg(running.pid, number)  # as a terminal does
        else:
            running.kill()
        _, errors = running.communicate()
        while any(map(is_alive, workers)):
            time.sleep(0.1)
    assert errors.count("KeyboardInterrupt") == (number == signal.SIGINT)


# ---- a whole epoch


def long_epoch(folder):
    """What a process does that trains on many pictures: 200 steps with processes, 20 with one thread."""

    def train(steps, **options):
        losses = []

        def note(batch, logs):
            losses.append((batch + 1) * float(logs["loss"]))  # the mean of the steps so far

        model = beginner(folder, STEPS_PER_EPOCH=steps, IMAGES_PER_GPU=1, GRADIENT_CLIP_NORM=1.0)
        model.train(
            ToyboxDataset(5000, seed=2, size=64),
            *(None, 1e-3, 1, "heads"),
            custom_callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=note)],
            verbose=0,
            **options,
        )
        assert len(losses) == steps
        return np.diff(losses, prepend=0)

    many = train(200, workers=2, use_multiprocessing=True)
    one = train(20, workers=1)
    np.testing.assert_allclose(many[:20], one, rtol=1e-3)
    assert np.std(one) > 0.05 * np.mean(one)  # another order would be seen
    assert not multiprocessing.active_children()


@trains
def test_nothing_of_a_training_is_left(tmp_path):
    """Neither its pictures nor its threads."""
    dataset, validation = (ToyboxDataset(4, seed=seed, size=64) for seed in (1, 2))
    model = beginner(tmp_path, STEPS_PER_EPOCH=2, VALIDATION_STEPS=1)
    before = set(threading.enumerate())
    model.train(dataset, validation, 0.001, 1, "heads", verbose=0)
    left = [thread.name for thread in set(threading.enumerate()) - before if "ThreadPool" in thread.name]
    assert not left
    pictures = [weakref.ref(dataset), weakref.ref(validation)]
    del dataset, validation
    gc.collect()
    assert [picture() for picture in pictures] == [None, None]


def test_an_epoch_of_a_large_data_set(tmp_path):
    running = python(
        ["-c", f"from tests.training.test_feed import *; long_epoch({str(tmp_path)!r})"],
        stderr=subprocess.PIPE,
    )
    _, errors = running.communicate(timeout=600)
    assert running.returncode == 0, errors
