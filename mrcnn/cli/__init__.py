"""The command line: one module a command, each with `add(commands)` and `run(options)`.

Parsing imports nothing heavy, so that help comes at once; `run` does, when it must.
"""

import argparse
import contextlib
import os
import sys
import warnings

from mrcnn.cli import detect, evaluate, export, info, lesson, teach, train, weights
from mrcnn.cli.options import complain, what_to_install

EXAMPLES = """examples:
  python -m mrcnn detect images/input.png          masks on a picture, into results/input.png
  python -m mrcnn teach coins                      a thing of your own, from one example in a minute
  python -m mrcnn train --dataset coins            learn to find coins, in a minute or two
  python -m mrcnn evaluate --dataset toybox        COCO's numbers on scenes never seen
  python -m mrcnn export --format onnx             the network for other programs
  python -m mrcnn weights --download               fetch the COCO weights: 80 classes, real photographs
  python -m mrcnn lesson --exercises               the exercises of the notebook
  python -m mrcnn info                             what a bug report needs

`python -m mrcnn COMMAND -h` tells what each takes.
"""

FAILURES = (ValueError, TypeError, OSError, FloatingPointError, MemoryError)


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line; argparse would print the usage before it."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} -h)\n")


def main(arguments=None):
    """Run a command; gives the exit status: 0, 2 when something is wrong, 130 after Ctrl-C, 141 when the
    output is read no more."""
    options = make_parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):  # names of files may hold what the terminal cannot show
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: complain(f"warning: {message}")
        try:
            status = options.run(options)
            sys.stdout.flush()
            return status
        except KeyboardInterrupt:
            complain("Interrupted.")
            return 130
        except BrokenPipeError:  # whoever read the output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141  # as of a program that the signal ends: not all may be done
        except ImportError as error:
            complain(f"{options.prog}: {what_to_install(error)}")
        except FAILURES as error:
            complain(f"{options.prog}: {error or type(error).__name__}")
        return 2


def make_parser():
    parser = OneLineParser(
        prog="mrcnn",
        description="Mask R-CNN: find the objects of a picture, their classes and their masks.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in (detect, teach, train, evaluate, export, weights, lesson, info):
        command = module.add(commands)
        command.formatter_class = argparse.RawDescriptionHelpFormatter
        command.set_defaults(run=module.run, prog=command.prog)
    return parser
