"""Who makes batches ahead of the training step that needs them: threads or processes.

Threads share the data set and start at once, and several of them read and decode files side by side. But
Python runs in one thread at a time, the training's own included. Where much of it is needed for a picture, as
in the drawn worlds, processes take it off the training: of the 0.15 s of processor time that a batch of
eight toybox scenes takes, they leave it 0.007. Each of them gets a copy of the data set, which must therefore
be one that `pickle` takes, and a program that asks for processes must keep what it does under
`if __name__ == "__main__":`, because each process begins by importing it.

Processes are started afresh ("spawn"): a fork of a process in which TensorFlow or JAX has started threads
may hang. The pools of Keras and of `concurrent.futures` are not used: they may wait for ever for a process
that was killed. Keras also forks its own anew in each epoch, and they hand out batches left over from before;
those of the other share one pipe, which half a batch blocks. Here each process has a pipe of its own, whose
end is seen.

Nothing here needs Keras, so that a process starts quickly and stays small.
"""

import contextlib
import functools
import multiprocessing
import pickle
import queue
import signal
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ExceptionWithTraceback

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
            understood there, and ChildProcessError once a process has died, see `DIED`.
    """
    if not use_multiprocessing:
        return ThreadPoolExecutor(count), batches.of_epoch
    try:
        pickled = pickle.dumps(batches)
    except Exception as error:  # whatever goes wrong in a data set
        raise ValueError(CANNOT_SEND.format(type(batches.dataset).__name__, error)) from error
    pool = _ProcessPool(count, pickled)
    return pool, pool.make


class _ProcessPool(ThreadPoolExecutor):
    """As many threads as processes: each asks an idle one for a batch, and waits for it."""

    def __init__(self, count, pickled):
        super().__init__(count)
        self._makers = [_Maker(pickled) for _ in range(count)]
        self._idle = queue.SimpleQueue()
        for maker in self._makers:
            self._idle.put(maker)

    def make(self, epoch, index):
        maker = self._idle.get()
        try:
            return maker.make(epoch, index)
        finally:
            self._idle.put(maker)

    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait, cancel_futures=cancel_futures)
        for maker in self._makers:
            maker.end()


class _Maker:
    """A process that makes batches, seen from the training."""

    def __init__(self, pickled):
        spawn = multiprocessing.get_context("spawn")
        self._connection, its_end = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(its_end, pickled), daemon=True)
        self._process.start()
        its_end.close()  # the process has the only one left, so that its death closes the pipe

    def make(self, epoch, index):
        try:
            self._connection.send((epoch, index))
            batch, error = self._connection.recv()
        except (EOFError, OSError) as error:
            raise ChildProcessError(DIED) from error
        if error is not None:
            raise error
        return batch

    def end(self):
        self._connection.close()
        self._process.join()


# In a process


def _serve(connection, pickled):
    import cv2  # the light installation, which trains nothing, has none

    cv2.setNumThreads(1)  # others have the other cores
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the training, which ends this process
    with contextlib.suppress(EOFError, OSError):  # the training has ended, in whatever way
        while True:
            epoch, index = connection.recv()
            connection.send_bytes(_answer(pickled, epoch, index))


def _answer(pickled, epoch, index):
    """What goes back: a batch and None, or None and the error, pickled."""
    try:
        return pickle.dumps((_batches(pickled).of_epoch(epoch, index), None), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # whatever goes wrong in a data set
        return pickle.dumps((None, ExceptionWithTraceback(_as_sent(error), error.__traceback__)))


@functools.cache
def _batches(pickled):
    try:
        return pickle.loads(pickled)
    except Exception as error:  # whatever goes wrong in a data set
        raise ValueError(CANNOT_RECEIVE.format(error)) from error


def _as_sent(error):
    """The error, or one with its words where `pickle` cannot make it again."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
