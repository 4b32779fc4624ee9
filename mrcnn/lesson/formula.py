"""How a sum is written: its formula, the formula with one picture's numbers in it, and the result."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, repr=False)
class Sum:
    """One number of the network, worked out by hand.

    A notebook that shows it writes the title and the lines. Each line stands alone, in that part of LaTeX
    that MathJax and Matplotlib's labels both read.

    Attributes:
        title: what is worked out, a phrase without LaTeX.
        lines: list of str, LaTeX without dollar signs: formula, numbers, result.
        value: the result, as an array or a NumPy scalar.
        shown: what the network itself has for it, alike; None where it kept no such number.
        boxes: (N, 4) float, pixels of `molded`, or of the picture itself where it is about a pixel of a mask;
            half open as everywhere; what the sum starts from is first.
        points: (N, 2) float, (y, x) in pixels whose centres are whole numbers.
        parts: dict of results on the way, by name; each function says which.
    """

    title: str
    lines: list
    value: np.ndarray
    shown: np.ndarray | None
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    parts: dict = field(default_factory=dict)

    def __str__(self):
        network = "keeps no such number" if self.shown is None else f"has {_plain(self.shown)}"
        return f"{self.title}: {_plain(self.value)}; the network {network}"

    __repr__ = __str__

    def _repr_latex_(self):
        rows = r" \\".join(f"\n& {line}" for line in self.lines)
        return f"$$\\begin{{aligned}}{rows}\n\\end{{aligned}}$$"

    def as_html(self):
        """Title and lines for a widget that knows LaTeX."""
        return f"<b>{self.title}</b><p>{self._repr_latex_()}</p>"

    def _repr_markdown_(self):
        return f"**{self.title}**\n\n{self._repr_latex_()}"


def _plain(value):
    if np.ndim(value) == 0:
        return f"{value:.4g}" if np.issubdtype(np.asarray(value).dtype, np.floating) else str(value)
    return np.array2string(np.asarray(value), precision=4, suppress_small=True, separator=", ", threshold=8)


def number(value):
    """A number in LaTeX: a whole one as it is, any other to four significant digits."""
    if isinstance(value, int | np.integer):
        return str(value)
    if not np.isfinite(value):
        return r"\mathrm{NaN}" if np.isnan(value) else r"\infty" if value > 0 else r"-\infty"
    digits, _, exponent = f"{float(value):.4g}".partition("e")
    digits = "0" if digits == "-0" else digits
    return digits if not exponent else rf"{digits} \cdot 10^{{{int(exponent)}}}"


def probability(value):
    """A probability in LaTeX: one that is nearly 1 with the digits in which it is less."""
    return f"{value:.5f}" if 0.9995 <= value < 0.999995 else number(value)


def pixels(value):
    """A length or a place in pixels in LaTeX, to a tenth of a pixel."""
    text = f"{float(value):.1f}"
    return "0.0" if text == "-0.0" else text


def term(value, write=number):
    """The same where it follows a sign: a negative number in brackets."""
    text = write(value)
    return f"({text})" if text.startswith("-") else text


def vector(values, write=number):
    """Several numbers in brackets."""
    return rf"({', '.join(write(value) for value in values)})".replace(", ", r",\, ")


def text(words):
    """Words inside of a formula."""
    return rf"\mathrm{{{words}}}".replace(" ", r"\ ")
