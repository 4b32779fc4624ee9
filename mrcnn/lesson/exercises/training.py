"""Chapter 12: training."""

from mrcnn.lesson.exercise import Question
from mrcnn.lesson.reading import choice

# One example, spoiled. What happens was measured on two coins, 30 seconds each; see `boxing.compare`.

spoiled = Question(
    name="spoiled",
    chapter=12,
    minutes=3,
    trains="predicting: what of one example matters?",
    task=(
        'Teach by the same coin again, with one thing spoiled: "a", the box is half as high and half as '
        'wide; "b", the edges of what is pasted are not blended; "c", nothing is turned. Which one costs '
        "the most coins?"
    ),
    stub="""
spoiled = None  # "a", "b" or "c"
""",
    hints=(
        "One of the three spoils what is cut out, the others only the way in which it is pasted.",
        "Turn a coin in your mind: what of it changes, and what stays as it is?",
        "Half the box lies inside the coin. What is there to be cut out, and from what ground?",
    ),
    solution="""
spoiled = "a"  # without an outline there is no coin to learn from; the others hardly matter to coins
""",
    read=choice("abc"),
    fault=lambda letter: None,
    praise=(
        "right: what the box cuts off cannot be learnt. Mostly nothing stands out in it, and it is refused. "
        "Without blending or turning, all or nearly all coins are still counted: they are round and stand "
        "out sharply. That says nothing of other things."
    ),
    mistakes=(
        (
            "b",
            "hard edges might be learnt in the place of coins, so edges are blended. But coins stand out "
            "sharply by themselves: on this photograph all or nearly all are still counted. Compare.",
        ),
        (
            "c",
            "turned, a coin keeps its outline, for it is round; only its relief changes. All or nearly all "
            "are still counted. (The outline of a key would change.) Compare.",
        ),
    ),
)
