"""A training that is looked at while it goes on."""

import time

from mrcnn.teaching.timed import Timed

EVERY = 4  # seconds from one look to the next


class Looking(Timed):
    """A training during which one looks at a photograph, now and then, by what has been learnt so far.

    That takes a tenth of the time at most. Subclasses say by `see` what it is to look.
    """

    def __init__(self, seconds, rate, interrupted):
        super().__init__(seconds, rate, interrupted)
        self._looked = self._cost = 0.0

    def see(self):
        raise NotImplementedError

    def look(self):
        began = time.monotonic()
        self.see()
        self._looked = time.monotonic()
        self._cost = self._looked - began

    def look_first(self):
        """Look before the clock starts: what it takes to compile that is not counted."""
        self.look()
        self._cost = 0.0

    def is_time_to_look(self):
        return time.monotonic() - self._looked > max(EVERY, 10 * self._cost)
