"""How work that must not be cut in the middle is stopped by hand, by Ctrl-C or a notebook's stop button."""

import signal
import sys
import threading
from contextlib import contextmanager

STOPPING = "Stopping after this step; press Ctrl-C again to stop at once, without saving."
KEEPING = "Stopping after this step, and keeping what was learnt; interrupt again to stop at once."


@contextmanager
def one_interrupt(sentence=STOPPING):
    """Let the first interrupt set the event that is given, so that what was begun can end in order.

    In the middle of a training step the weights may be half changed, or, on JAX, not be there at all. A
    second interrupt comes through at once. Interrupts come to the main thread; in another one this does
    nothing.

    Args:
        sentence: what the first one prints on standard error.

    Yields:
        a `threading.Event`.
    """
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def note(number, frame):
        interrupted.set()
        signal.signal(signal.SIGINT, before)
        print(sentence, file=sys.stderr)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
