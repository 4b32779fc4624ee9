"""What a student may give as the answer to a question, read or refused in a sentence."""

import numpy as np

from mrcnn.lesson.messages import show


def number(wanted):
    """A reader of one number; `wanted` says it in words."""

    def read(answer):
        try:
            value = np.asarray(answer, np.float64)
        except Exception:  # an answer may be anything
            value = None
        if value is None or value.size != 1 or not np.isfinite(value).all() or isinstance(answer, str):
            raise ValueError(f"wanted is {wanted}; you gave {show(answer)}.")
        return float(value.item())

    return read


def choice(letters):
    """A reader of one letter of a string of letters, in quotes."""

    def read(answer):
        letter = answer.strip().lower() if isinstance(answer, str) else None
        if letter is None or len(letter) != 1 or letter not in letters:
            wanted = ", ".join(f'"{c}"' for c in letters[:-1])
            raise ValueError(f'choose {wanted} or "{letters[-1]}", in quotes; you gave {show(answer)}.')
        return letter

    return read
