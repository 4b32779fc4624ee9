"""Who makes batches ahead of the training step that needs them: threads or processes.

Threads share the data set and start at once, and several of them read and decode files side by side. But
Python runs in one thread at a time, the training's own included. Where much of it is needed for a picture, as
in the drawn worlds, processes take it off the training: of the 0.15 s of processor time that a batch of
eight toybox scenes takes, they leave it 0.007. Each of them gets a copy of the data set, which must therefore
be one that `pickle` takes, and a program that asks for processes must keep what it does under
`if __name__ == "__main__":`, because each process begins by importing it.

Processes are started afresh ("spawn"): a fork of a process in which TensorFlow or JAX has started threads
may hang. Keras's own workers are not used. They are forked anew in each epoch, wait for ever for one that was
killed, and hand out batches that were left over from before.

Nothing here needs Keras, so that a process starts quickly and stays small.
"""

import functools
import multiprocessing
import os
import pickle
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

DIED = (
    "A process that makes batches has died: it was killed, perhaps for lack of memory, or the program does "
    'not keep what it does under `if __name__ == "__main__":`. use_multiprocessing=False takes threads '
    "instead."
)
CANNOT_SEND = (
    "The data set ({}), the config or the augmentation cannot be sent to a process ({}): pickle must take "
    "them, so without open files, locks or functions defined inside others. use_multiprocessing=False takes "
    "threads instead."
)
CANNOT_RECEIVE = (
    "A process cannot make the data set again ({}): its class must be in a module that can be imported, not "
    "in a notebook. use_multiprocessing=False takes threads instead."
)


def start(batches, count, use_multiprocessing=False):
    """Start workers.

    Args:
        batches: a `mrcnn.training.batches.Batches`.
        count: how many.
        use_multiprocessing: whether they are processes.

    Returns:
        a `concurrent.futures.Executor` and the function (epoch, index) → batch to submit to it.

    Raises:
        ValueError: the batches cannot be sent to a process. What is submitted raises it too, if they are not
            understood there, and `concurrent.futures.BrokenExecutor` once a process has died, see `DIED`.
    """
    if not use_multiprocessing:
        return ThreadPoolExecutor(count), batches.of_epoch
    try:
        pickled = pickle.dumps(batches)
    except Exception as error:  # whatever goes wrong in a data set
        raise ValueError(CANNOT_SEND.format(type(batches.dataset).__name__, error)) from error
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, spawn, _begin, (pickled,)), _make


# In a process

_pickled = None


def _begin(pickled):
    import cv2  # the light installation, which trains nothing, has none

    global _pickled
    _pickled = pickled
    cv2.setNumThreads(1)  # others have the other cores
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the training, which ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


def _make(epoch, index):
    return _batches().of_epoch(epoch, index)


@functools.cache
def _batches():
    try:
        return pickle.loads(_pickled)
    except Exception as error:  # whatever goes wrong in a data set
        raise ValueError(CANNOT_RECEIVE.format(error)) from error
