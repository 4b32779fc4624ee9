"""The lesson's pictures, a module for a few chapters each. Every function gives a `Picture`."""

from mrcnn.lesson.show.basics import detections, example, you_are_here
from mrcnn.lesson.show.features import cell, changes, channels, levels, molding

__all__ = ["cell", "changes", "channels", "detections", "example", "levels", "molding", "you_are_here"]
