"""Libraries that programs of the original take from its modules: `from mrcnn.utils import *`, and then `np`.

The original's modules name nothing in `__all__`, so a star brings along all that they import for themselves.
"""

from importlib import import_module


def lend(module, libraries):
    """A `__getattr__` by which a module hands out libraries, imported when somebody asks for them.

    Args:
        module: its name.
        libraries: dict from names to modules, or to `module:attribute`.
    """

    def attribute(name):
        if name not in libraries:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, part = libraries[name].partition(":")
        library = import_module(home)
        return getattr(library, part) if part else library

    return attribute
