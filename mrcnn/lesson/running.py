"""A student's function, run so that whatever it does, the notebook goes on."""

import contextlib
import contextvars
import copy
import ctypes
import gc
import inspect
import linecache
import sys
import textwrap
import threading
import time
from dataclasses import dataclass

import numpy as np

SECONDS = 5  # for all calls of one check together; ours take milliseconds


class TookTooLong(Exception):
    """The work was not done in time, and was stopped."""


class _Stop(SystemExit):
    """Raised in the thread that is to end; no `except Exception` catches it, and Python prints nothing."""


def within(seconds, work):
    """Give what `work()` gives, or raise what it raises.

    It runs in a thread of its own. The notebook's own thread only waits, so that it hears the stop button
    on every system, and gives up in time even when the work sleeps or computes outside of Python.

    Raises:
        TookTooLong: it was not done in so many seconds. A Python loop is ended then; what no exception
            reaches is left behind.
        KeyboardInterrupt: somebody pressed stop; the work is ended likewise.
    """
    ending, ended = {}, threading.Event()  # an interrupted `Thread.join` may forget that its thread lives
    quiet = threading.Event()  # nothing more is raised in the thread

    def run():
        try:
            ending["value"] = work()
        except BaseException as error:  # SystemExit too: handed to the waiting thread
            ending["error"] = error
        # Python lets neither another thread nor an exception in between the end of the work and this line.
        ending["over"] = True
        while True:
            try:
                ended.set()
                quiet.wait()
                return
            except _Stop:  # the one that may have been on its way
                pass

    # In a copy of the context prints land under the cell that asked for the check.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    deadline = time.monotonic() + seconds
    try:
        thread.start()
        while not ended.wait(0.05):  # on Windows a longer wait could not be interrupted
            if time.monotonic() > deadline:
                raise TookTooLong
    finally:
        try:
            if not ended.is_set():
                _end(thread, ending)
                # An exception leads to the frames that lead to it. Left to Python's collector, such rings are
                # taken apart in some later thread, perhaps while that one is stopped.
                ending.clear()
        finally:
            quiet.set()
    if "error" in ending:
        raise ending["error"]
    return ending["value"]


def _end(thread, ending, seconds=2.0):
    """Raise `_Stop` in a thread until its work is over, but no longer than so many seconds.

    A bare `except:` in a loop swallows it nearly every time, so it comes often, and threads change often.
    """
    deadline, patience = time.monotonic() + seconds, sys.getswitchinterval()
    target, stop = ctypes.c_ulong(thread.ident), ctypes.py_object(_Stop)
    with _uncollected(deadline):
        sys.setswitchinterval(1e-5)
        try:
            while time.monotonic() < deadline and "over" not in ending:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(target, stop)
                time.sleep(1e-5)
        finally:
            sys.setswitchinterval(patience)


@contextlib.contextmanager
def _uncollected(deadline):
    """Python's collector rests within: what it calls would be broken off, perhaps with a lock held.

    Before, it ends what it is about, but is not waited for beyond the deadline.
    """
    phases = []

    def note(phase, info):
        phases.append(phase)

    collects = gc.isenabled()
    gc.disable()
    gc.callbacks.append(note)
    try:
        while "start" not in phases and time.monotonic() < deadline:
            gc.collect(0)  # does not start while another thread collects
            time.sleep(1e-3)
        yield
    finally:
        gc.callbacks.remove(note)
        if collects:
            gc.enable()


@dataclass(frozen=True)
class Outcome:
    """What one call gave: a `value`, or a `problem` in words, of a `kind` that others may share.

    `changed` names the arguments that the function wrote into.
    """

    value: np.ndarray | None = None
    problem: str = ""
    kind: str = ""
    changed: tuple = ()

    def equals(self, other, tolerance):
        """Whether two outcomes are the same, numbers to within the tolerance."""
        if self.value is None or other.value is None:
            return self.kind == other.kind
        return same(self.value, other.value, tolerance)

    @property
    def finite(self):
        return self.value is not None and bool(np.isfinite(self.value).all())


def same(a, b, tolerance):
    """Whether two arrays agree in shape and, to within a relative and absolute tolerance, in values."""
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)


def call(function, arguments, names, wanted):
    """Call a function with copies of the arguments; gives an `Outcome`, whatever happens but Ctrl-C.

    Args:
        function: any callable.
        arguments: a tuple.
        names: of the arguments.
        wanted: what the function returns if it is right, in words.
    """
    given = copy.deepcopy(arguments)
    try:
        with np.errstate(all="ignore"):
            answer = function(*given)
    except (KeyboardInterrupt, _Stop):
        raise
    except BaseException as error:  # exit() in a function is not to end the notebook
        return Outcome(problem=f"stops with {describe(error, function)}.", kind=type(error).__name__)
    changed = tuple(n for n, a, b in zip(names, arguments, given, strict=True) if not _untouched(a, b))
    return _read(answer, wanted, changed)


def _untouched(before, after):
    try:
        return np.array_equal(before, after)
    except ValueError:
        return False


def _read(answer, wanted, changed):
    """What a function returned, as an array of floats if it can be one."""
    if answer is None:
        problem = f"returned None, that is nothing; wanted is {wanted}. Does it end in `return …`?"
        return Outcome(problem=problem, kind="None")
    kind = type(answer).__name__
    array = None
    with contextlib.suppress(Exception):  # lists of unequal lengths, tensors that keep their gradient, …
        array = np.asarray(answer)
    if array is None or array.dtype.kind not in "biuf":
        problem = f"returned a value of type `{kind}` that is no array of numbers; wanted is {wanted}."
        return Outcome(problem=problem, kind=kind)
    return Outcome(value=array.astype(np.float64), changed=changed)


def describe(error, function):
    """An exception in words: its type, its message, and the line of the student's function."""
    text = " ".join(str(error).split())
    words = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return words.rstrip(".") + _place(error, function)


def _place(error, function):
    code = getattr(function, "__code__", None)
    place = ""
    step = error.__traceback__
    while step is not None and code is not None:
        if step.tb_frame.f_code.co_filename == code.co_filename:
            line = linecache.getline(code.co_filename, step.tb_lineno).strip()
            place = f" (in `{textwrap.shorten(line, 80, placeholder=' …')}`)" if line else ""
        step = step.tb_next
    return place


def misfit(function, arguments, usage):
    """Why a function cannot be called with so many arguments, in words; None if it can."""
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):  # built in: it tells nothing about itself
        return None
    try:
        signature.bind(*arguments)
    except TypeError:
        takes = ", ".join(signature.parameters) or "nothing"
        return f"Your function takes {takes}; it is called as `{usage}`, with {len(arguments)} arguments."
    return None
