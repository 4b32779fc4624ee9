"""Libraries that programs of the original take from its modules: `from mrcnn.utils import *`, and then `np`.

The original's modules name nothing in `__all__`, so a star brings along all that they import for themselves.
"""

from importlib import import_module

# Where a name is not that of the library itself: the library, or a part of it after a colon.
MEANT = {
    "K": "keras.backend",
    "KL": "keras.layers",
    "KM": "keras.models",
    "OrderedDict": "collections:OrderedDict",
    "Polygon": "matplotlib.patches:Polygon",
    "find_contours": "skimage.measure:find_contours",
    "lines": "matplotlib.lines",
    "np": "numpy",
    "patches": "matplotlib.patches",
    "plt": "matplotlib.pyplot",
    "tf": "tensorflow",
    "utils": "mrcnn.utils",
}


def lend(module, names):
    """A `__getattr__` by which a module hands out libraries, imported when somebody asks for them.

    Args:
        module: its name.
        names: of the libraries, as the original has them.
    """

    def attribute(name):
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, part = MEANT.get(name, name).partition(":")
        library = import_module(home)
        return getattr(library, part) if part else library

    return attribute
