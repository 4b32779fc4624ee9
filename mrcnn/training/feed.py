"""From `Batches` to `fit`: workers make batches ahead."""

import threading
from contextlib import contextmanager

import keras

from mrcnn.network import kernels
from mrcnn.training import workers as making

AHEAD = 2  # batches for each worker


class Feed(keras.utils.PyDataset):
    """Hands `Batches` to `fit`, made ahead by workers; leaving a `with` ends these.

    Args:
        batches: a `Batches`.
        workers: how many; at least one works, also where Keras would do without (0).
        use_multiprocessing: whether they are processes; see `mrcnn.training.workers`.

    Attributes:
        error: what the last batch failed with, or None.

    Raises:
        ValueError: the batches cannot be sent to a process.
        ChildProcessError: while batches are made: a process has died.
    """

    def __init__(self, batches, workers=1, use_multiprocessing=False):
        super().__init__()  # Keras sees no workers
        self.batches = batches
        workers = max(workers, 1)
        self._pool, self._make = making.start(batches, workers, use_multiprocessing)
        self._ahead = AHEAD * workers
        self._futures, self._lock = {}, threading.Lock()
        self.error = None

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        try:
            return self._future(self.batches.epoch, index).result()
        except Exception as error:
            self.error = error
            raise

    def _future(self, epoch, index):
        """The batch in the making, and those after it."""
        soon = range(index, min(index + 1 + self._ahead, len(self)))
        with self._lock:  # Keras may begin to read an epoch while a thread of its own still reads the last
            begun, self._futures = self._futures, {}
            for key in ((epoch, i) for i in soon):
                self._futures[key] = begun.get(key) or self._pool.submit(self._make, *key)
            return self._futures[epoch, index]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pool.shutdown(cancel_futures=True)
        with self._lock:  # TensorFlow never lets go of what `fit` has read from: let it be empty
            self.batches, self._make, self._futures = None, None, {}


@contextmanager
def reading(batches, workers=1, use_multiprocessing=False):
    """A context that gives `Batches` in the form that `fit` reads; arguments and errors as of `Feed`.

    An error of whoever reads pictures leaves it as it was raised; TensorFlow makes another of it.
    """
    with Feed(batches, workers, use_multiprocessing) as feed:
        try:
            yield kernels.data_of(feed)
        except Exception as error:
            if feed.error in (None, error):
                raise
            raise feed.error from feed.error.__cause__


class FollowEpoch(keras.callbacks.Callback):
    """Tells `Batches` the number of the epoch that `fit` is in.

    `fit` calls `on_epoch_end` of its data once more than there are epochs, and does not let the data
    know `initial_epoch`, so counting would not do.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch
