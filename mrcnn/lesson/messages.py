"""What a check shows: sentences, source and tables, coloured in a notebook and plain in a terminal."""

import html
import re
from dataclasses import dataclass

import numpy as np

from mrcnn.columns import in_columns
from mrcnn.drawing.colors import OKABE_ITO

STYLES = {  # state → the mark in front of it, and the name of its colour in `mrcnn.drawing.colors`
    "passed": ("✓", "green"),
    "wrong": ("✗", "vermillion"),
    "open": ("○", "sky blue"),
    "hint": ("?", "blue"),
}


@dataclass(frozen=True)
class Message:
    """Sentences about an exercise; `passed` says whether it is done."""

    title: str
    text: str
    state: str

    @property
    def passed(self):
        return self.state == "passed"

    def __repr__(self):
        return f"{self.title}: {self.text}"

    def _repr_html_(self):
        mark, color = STYLES[self.state]
        return (
            f'<div style="border-left: 5px solid {OKABE_ITO[color]}; padding: 4px 12px; max-width: 60em">'
            f'<b style="color: {OKABE_ITO[color]}">{mark}</b> <b>{html.escape(self.title)}</b>: '
            f"{_inline(self.text)}</div>"
        )


@dataclass(frozen=True)
class Source:
    """Python to read: highlighted in a notebook."""

    source: str

    def __repr__(self):
        return self.source

    def _repr_markdown_(self):
        return f"```python\n{self.source.rstrip()}\n```"


@dataclass(frozen=True)
class Table:
    """Rows of texts under a header, with a caption."""

    caption: str
    header: tuple
    rows: tuple

    def __repr__(self):
        rows = [tuple(map(str, row)) for row in (self.header, *self.rows)]
        return f"{in_columns(rows)}\n\n{self.caption}"

    def _repr_html_(self):
        def row(cells, tag):
            align = 'style="text-align: left"'
            return "<tr>" + "".join(f"<{tag} {align}>{_inline(str(c))}</{tag}>" for c in cells) + "</tr>"

        body = "".join(row(cells, "td") for cells in self.rows)
        return f"<table><caption>{_inline(self.caption)}</caption>{row(self.header, 'th')}{body}</table>"


def _inline(text):
    """HTML of a text in which `code` stands between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def show(value):
    """A value in few words: small arrays with their numbers, large ones by their shape."""
    try:
        array, words = np.asarray(value), repr(value)
    except Exception:  # a value may be anything
        array, words = None, ""
    if array is None or array.dtype.kind not in "biuf":
        return words if 0 < len(words) < 80 else f"a value of type `{type(value).__name__}`"
    if array.size > 16:
        return f"an array of shape {array.shape}"
    return _numbers(array.tolist())


def _numbers(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(_numbers, value)) + "]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
