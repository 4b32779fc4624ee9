"""What an exercise is, and how an answer to it is judged.

An exercise of a function is judged by what the function does, never by how it is written: on cases picked
by hand and on cases drawn anew each time, beside the package's own implementation. A usual mistake is a
small function that makes it; whoever gives its answers has made it.
"""

from dataclasses import dataclass

import numpy as np

from mrcnn.lesson.messages import show
from mrcnn.lesson.running import SECONDS, Outcome, TookTooLong, call, misfit, within

DRAWN = 30  # cases drawn anew in each check
NOT_STARTED = "not started yet. Fill in the cell above, and run it again."


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """What all exercises have.

    Attributes:
        name: of the function or the variable that the student writes, and of its check.
        chapter: of the notebook.
        minutes: that a beginner needs.
        trains: what it is for, in a few words.
        task: what is to be done, in sentences.
        stub: Python that defines `name`, runs, and is wrong.
        hints: each gives away more than the one before.
        solution: Python that defines `name` rightly.
        mistakes: pairs (answer, sentence): whoever answers alike is told the sentence.
    """

    name: str
    chapter: int
    minutes: int
    trains: str
    task: str
    stub: str
    hints: tuple
    solution: str
    mistakes: tuple = ()

    def judge(self, answer):
        """Gives (state, sentence): "passed", "wrong", or "open" for the stub."""
        raise NotImplementedError

    def defined_by(self, source):
        """What a piece of Python, the stub or the solution, defines under the exercise's name."""
        names = {"np": np}
        exec(compile(source, f"<{self.name}>", "exec"), names)
        return names[self.name]


@dataclass(frozen=True, kw_only=True)
class FunctionExercise(Exercise):
    """The student writes a function.

    Attributes:
        arguments: their names.
        wanted: what the function returns, in words.
        answer: the package's own implementation, with the same arguments.
        edges: dict from a few words to arguments: cases picked by hand, the easiest first.
        draw: from a random generator to arguments.
        tolerance: relative and absolute.
    """

    arguments: tuple
    wanted: str
    answer: callable
    edges: dict
    draw: callable
    tolerance: float = 1e-4

    @property
    def usage(self):
        return f"{self.name}({', '.join(self.arguments)})"

    def cases(self, rng):
        """Pairs (words, arguments): the picked ones, then the drawn ones, whose words are empty."""
        return [*self.edges.items(), *(("", self.draw(rng)) for _ in range(DRAWN))]

    def judge(self, answer, rng=None):
        """See `Exercise`; with the random generator `rng`, on the cases that it draws."""
        if not callable(answer):
            return "wrong", (
                f"the check wants the function itself, without brackets: `check.{self.name}({self.name})`. "
                f"It was given {show(answer)}."
            )
        cases = self.cases(rng or np.random.default_rng())
        wrong_arguments = misfit(answer, cases[0][1], self.usage)
        if wrong_arguments:
            return "wrong", wrong_arguments
        outcomes = []
        try:
            within(SECONDS, lambda: self._run(answer, cases, outcomes))
        except TookTooLong:
            slow = cases[min(len(outcomes), len(cases) - 1)]
            return "wrong", (
                f"{self._about(slow)} it was still running after {SECONDS} seconds, and was stopped. Is "
                "there a loop whose condition never becomes false?"
            )
        return self._verdict(cases, outcomes)

    def _run(self, function, cases, outcomes):
        for _, arguments in cases:
            outcomes.append(call(function, arguments, self.arguments, self.wanted))
        return outcomes

    def _verdict(self, cases, outcomes):
        expected = [Outcome(np.asarray(self.answer(*arguments), np.float64)) for _, arguments in cases]
        wrong = [i for i in range(len(cases)) if not outcomes[i].equals(expected[i], self.tolerance)]
        if not wrong:
            changed = next((o.changed for o in outcomes if o.changed), None)
            if changed:
                return "wrong", (
                    f"the answers are right, but the function writes into {' and '.join(changed)}, which the "
                    "caller goes on using: compute new arrays, or start from a `.copy()`."
                )
            return "passed", f"right in all {len(cases)} cases."
        stub = self._run(self.defined_by(self.stub), cases, [])
        if self._alike(outcomes, stub, range(len(cases))):
            return "open", NOT_STARTED
        first = wrong[0]
        said = f"{self._about(cases[first])} it {self._difference(outcomes[first], expected[first])}"
        return "wrong", f"{said} {self._likely_mistake(cases, outcomes, expected, first)}".rstrip()

    def _about(self, case):
        """The case in words, up to the comma."""
        words, arguments = case
        values = ", ".join(f"{n} = {show(a)}" for n, a in zip(self.arguments, arguments, strict=True))
        return f"For {values}{f' ({words})' if words else ''},"

    def _difference(self, outcome, expected):
        if outcome.problem:
            return outcome.problem
        got, right = outcome.value, expected.value
        if got.ndim != right.ndim or got.shape[1:] != right.shape[1:]:
            shapes = f"its shape is {got.shape}, but wanted is {right.shape}"
            return f"returned {show(got)}; {shapes}: {self.wanted}."
        if max(got.size, right.size) <= 16 or got.shape != right.shape:
            return f"returned {show(got)}; right is {show(right)}."
        differ = ~np.isclose(got, right, rtol=self.tolerance, atol=self.tolerance, equal_nan=True)
        place = tuple(map(int, np.argwhere(differ)[0]))
        return (
            f"returned, at [{', '.join(map(str, place))}], {show(got[place])}; right is {show(right[place])} "
            f"({differ.sum()} of {differ.size} numbers differ)."
        )

    def _alike(self, outcomes, others, chosen):
        return all(outcomes[i].equals(others[i], self.tolerance) for i in chosen)

    def _likely_mistake(self, cases, outcomes, expected, first):
        """The sentence of the mistake that gives the same answers.

        Two mistakes at once may hide each other, so that after all cases only those are looked at that
        gave finite numbers, and then only the ordinary ones.
        """
        everything = range(len(cases))
        finite = [i for i in everything if outcomes[i].finite]
        ordinary = range(len(self.edges), len(cases))
        made = [(self._run(mistake, cases, []), sentence) for mistake, sentence in self.mistakes]
        for chosen in (everything, finite, ordinary):
            for theirs, sentence in made:
                if self._alike(outcomes, theirs, chosen) and not self._alike(theirs, expected, chosen):
                    return sentence
        if outcomes[first].value is not None and np.isnan(outcomes[first].value).any():
            return "`nan` comes of 0 / 0, or of the logarithm of a negative number."
        return ""


@dataclass(frozen=True, kw_only=True)
class Question(Exercise):
    """The student gives a value: a number, a choice, a design.

    Attributes:
        read: from what the student gave to what can be judged, or raises ValueError with a sentence.
        fault: from that to a sentence that says what is wrong with it, or None.
        praise: says that it is right, and why.
    """

    read: callable
    fault: callable
    praise: str

    def judge(self, answer):
        if answer is None or repr(answer) == repr(self.defined_by(self.stub)):
            return "open", NOT_STARTED
        try:
            value = self.read(answer)
        except ValueError as error:
            return "wrong", str(error)
        usual = (sentence for mistake, sentence in self.mistakes if _near(value, mistake))
        fault = next(usual, None) or self.fault(value)
        return ("wrong", fault) if fault else ("passed", self.praise)


def _near(value, mistake):
    return value == mistake if isinstance(value, str) else abs(value - mistake) <= 0.005
