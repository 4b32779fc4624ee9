"""`check`: one attribute an exercise, and what was done so far.

A check shows a sentence and never raises an error, so that an exercise left alone, or done wrongly, does not
stop the notebook. What was done lives in memory; `report` writes it to a file, and nothing is sent anywhere.
"""

import difflib
import json
from dataclasses import dataclass
from datetime import datetime

from mrcnn.files import CannotWrite, replacing
from mrcnn.lesson.exercises import EXERCISES
from mrcnn.lesson.messages import Message, Source, Table


@dataclass
class Record:
    """What a student did with one exercise; the stub, run as it is, is no attempt."""

    state: str = "open"  # then "tried", then "done", which it stays
    attempts: int = 0
    hints: int = 0
    solution_shown: bool = False
    started: str | None = None  # when the first attempt was made, or help asked for
    time: str | None = None  # when it came to its state

    def enter(self, state):
        if self.state != state:
            self.state, self.time = state, _now()

    def start(self):
        self.started = self.started or _now()


class ExerciseCheck:
    """The check of one exercise: call it with the answer; ask it for a hint or the solution."""

    def __init__(self, exercise):
        self.exercise = exercise
        self.record = Record()

    def __call__(self, *answers, **named):
        """Judge an answer: the function itself, or the value. Gives a `Message` with `passed`."""
        name = self.exercise.name
        given = (*answers, *named.values())
        if len(given) != 1:
            what = f"{len(given)} things" if given else "nothing"
            return self._say(
                f"the check wants one thing, `check.{name}({name})`; it was given {what}.", "wrong"
            )
        state, text = self.exercise.judge(given[0])
        if state == "open":  # the text that sets it may stand some cells above
            return self._say(f"{text} What is to be done: {self.exercise.task}", state)
        self.record.start()
        self.record.attempts += 1
        if self.record.state != "done":
            self.record.enter("done" if state == "passed" else "tried")
        return self._say(text, state)

    def hint(self):
        """Show the next hint; each gives away more."""
        hints = self.exercise.hints
        self.record.start()
        if self.record.hints == len(hints):
            return self._say(
                f"there is no further hint. The last was: {hints[-1]} "
                f"`check.{self.exercise.name}.solution()` shows a solution.",
                "hint",
            )
        self.record.hints += 1
        return self._say(f"hint {self.record.hints} of {len(hints)}. {hints[self.record.hints - 1]}", "hint")

    def solution(self):
        """Show a solution as source."""
        self.record.start()
        self.record.solution_shown = True
        return Source(self.exercise.solution.strip() + "\n")

    @property
    def task(self):
        """What is to be done."""
        return self._say(self.exercise.task, "hint")

    def _say(self, text, state):
        return Message(self.exercise.name, text, state)

    def __repr__(self):
        return f"{self.task!r} `check.{self.exercise.name}({self.exercise.name})` checks it."

    def _repr_html_(self):
        return self.task._repr_html_()


class Unknown(Message):
    """In place of the check of an exercise that does not exist: it says so, whatever is asked of it."""

    def __call__(self, *_, **__):
        return self

    hint = solution = __call__


class Check:
    """The exercises of the notebook, each an attribute: `check.iou(iou)`, `check.iou.hint()`."""

    def __init__(self):
        self._checks = {name: ExerciseCheck(exercise) for name, exercise in EXERCISES.items()}

    def __getattr__(self, name):
        # Python and Jupyter ask for names with underscores, and must hear that there are none.
        if name.startswith("_"):
            raise AttributeError(f"check has no {name!r}")
        if name in self._checks:
            return self._checks[name]
        near = difflib.get_close_matches(name, self._checks, 1)
        meant = f" Did you mean `check.{near[0]}`?" if near else ""
        text = f"there is no such exercise.{meant} There are {', '.join(self._checks)}."
        return Unknown(f"check.{name}", text, "wrong")

    def __dir__(self):
        return [*self._checks, "progress", "report"]

    def __repr__(self):
        return f"check, for the exercises {', '.join(self._checks)}; check.progress() shows what is done."

    def progress(self):
        """Show what is done, as a table."""
        rows = []
        for name, one in self._checks.items():
            exercise, record = one.exercise, one.record
            help_used = f"{record.hints} of {len(exercise.hints)}"
            rows.append(
                (
                    exercise.chapter,
                    name,
                    exercise.minutes,
                    record.state + (" (solution shown)" if record.solution_shown else ""),
                    record.attempts,
                    help_used,
                )
            )
        header = ("chapter", "exercise", "minutes", "state", "attempts", "hints")
        return Table(f"{self._done()} of {len(self._checks)} exercises done.", header, tuple(rows))

    def report(self, path="report.json", name=None):
        """Write what is done to a small JSON file, for the instructor to collect.

        Args:
            path: of the file; one that is there is replaced.
            name: of the student, if it is to be in it.
        """
        report = {
            "name": None if name is None else str(name),
            "written": _now(),
            "done": self._done(),
            "exercises": [
                {
                    "exercise": key,
                    "chapter": one.exercise.chapter,
                    "state": one.record.state,
                    "attempts": one.record.attempts,
                    "hints": one.record.hints,
                    "solution_shown": one.record.solution_shown,
                    "started": one.record.started,
                    "time": one.record.time,
                }
                for key, one in self._checks.items()
            ],
        }
        try:
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
        except (CannotWrite, TypeError, ValueError) as error:
            return Message("check.report", str(error), "wrong")
        text = f"{path} is written, {self._done()} of {len(self._checks)} exercises done. Nothing was sent."
        return Message("check.report", text, "passed")

    def _done(self):
        return sum(one.record.state == "done" for one in self._checks.values())


def _now():
    return datetime.now().astimezone().isoformat(timespec="seconds")


check = Check()
