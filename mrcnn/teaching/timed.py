"""A training that is given seconds instead of steps, for whoever waits beside it."""

import math
import time

import keras

from mrcnn.config import LOSSES

MOST_STEPS = 10_000  # more than any machine does; the clock ends a training


class Timed(keras.callbacks.Callback):
    """Moves the rate by the clock, notes the losses and ends in time.

    The clock starts after the first step, which is mostly spent on compiling.

    Args:
        seconds: how long to train after the first step.
        rate: the highest learning rate.
        interrupted: `threading.Event`, set once the training is to stop.

    Attributes:
        losses: dict from the name of a loss to its values, one a step.
        times: seconds at the end of each step; the first is 0.
    """

    def __init__(self, seconds, rate, interrupted):
        super().__init__()
        self.seconds, self.rate, self.interrupted = seconds, rate, interrupted
        self.losses, self.times = {name: [] for name in LOSSES}, []
        self._first = None  # when the first step was done
        self._means = dict.fromkeys(LOSSES, 0.0)

    @property
    def left(self):
        """Seconds that are left."""
        return max(0.0, self.seconds - (self.times[-1] if self.times else 0.0))

    @property
    def loss(self):
        """The five losses of the last step, added up."""
        return sum(values[-1] for values in self.losses.values())

    def on_train_batch_begin(self, batch, logs=None):
        share = 0 if self._first is None else (time.monotonic() - self._first) / self.seconds
        self.model.optimizer.learning_rate = self.rate * pace(share)

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        if self._first is None:
            self._first = now
        self.times.append(now - self._first)
        for name, mean in self._means.items():  # Keras tells the mean of all steps so far
            self._means[name] = float(logs[name])
            self.losses[name].append((batch + 1) * self._means[name] - batch * mean)
        if not self.left or self.interrupted.is_set():
            self.model.stop_training = True


def pace(share):
    """The learning rate as a part of the highest, after a share, 0 to 1, of the time.

    It rises for a tenth of it, then falls along half a cosine, so that the last steps are small on slow
    machines too.
    """
    warm = 0.1
    if share < warm:
        return 0.05 + 0.95 * share / warm
    return 0.02 + 0.49 * (1 + math.cos(math.pi * min(1, (share - warm) / (1 - warm))))
