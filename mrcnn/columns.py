"""Tables as text."""

import itertools


def in_columns(rows, numbers=False):
    """Rows of texts, cell under cell; with `numbers` all columns but the first end in line."""
    widths = [max(map(len, column)) for column in itertools.zip_longest(*rows, fillvalue="")]

    def line(row):
        cells = enumerate(zip(row, widths, strict=False))  # a row may end early
        return "  ".join(c.rjust(width) if numbers and i else c.ljust(width) for i, (c, width) in cells)

    return "\n".join(line(row).rstrip() for row in rows)
