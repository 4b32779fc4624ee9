"""What only the notebook uses: `check`, by which its exercises check themselves.

from mrcnn.lesson import check

check.iou(iou)  # does my function do it?
check.iou.hint()
check.progress()
"""

from mrcnn.lesson.checks import check

__all__ = ["check"]
