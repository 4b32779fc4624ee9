"""`mrcnn teach`: a detector for a thing of one's own, from one example in a minute."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from mrcnn.cli import options as shared

EXAMPLES = """examples:
  python -m mrcnn teach coins                                   the photograph of scikit-image, one coin of it
  python -m mrcnn teach screws.jpg --box 120 310 180 390 --name screw
  python -m mrcnn teach desk.jpg --box 10 20 90 60 --name pen --box 200 40 260 120 --name clip
  python -m mrcnn teach seeds.jpg --mask seed.png --name seed   a cut-out with transparency, or a mask
  python -m mrcnn teach cells.png --mask via_project.json       polygons of an annotation tool
  python -m mrcnn teach screws.jpg --start results/screw.h5 --box 40 70 90 160 --wrong 300 10 350 80 --force

A box goes around one thing: Y1 X1 Y2 X2 in pixels, from the upper left corner. Then, in --out:
  screw.h5          the detector: python -m mrcnn detect --weights results/screw.h5 OTHER PICTURES
  screws.png        the photograph with what was found, numbered
  examples.png      what was cut out; if a cut-out is bad, give a better box, or a mask
  detections.json   a COCO results list

Ctrl-C ends the training after the step in progress, and keeps what was learnt.
"""

COIN = 104, 181, 153, 234  # one of those on the photograph


def add(commands):
    parser = commands.add_parser(
        "teach",
        help="a detector for a thing of your own, from one example in a minute",
        description="Learn to find a thing by one example of it on a photograph, or by several.",
        epilog=EXAMPLES,
    )
    parser.add_argument("photo", metavar="PHOTO", help='a picture, or "coins"')
    box = {"nargs": 4, "type": shared.number(-1e9, 1e9), "metavar": ("Y1", "X1", "Y2", "X2")}
    parser.add_argument("--box", action=InOrder, dest="given", help="around an example", **box)
    parser.add_argument(
        "--mask",
        action=InOrder,
        dest="given",
        metavar="FILE",
        help="examples: a mask of the photograph, a cut-out with transparency, a COCO or VIA JSON",
    )
    parser.add_argument(
        "--name",
        action=InOrder,
        dest="given",
        metavar="NAME",
        help="of the examples before it; of those after it where a --name comes first of all",
    )
    parser.add_argument(
        "--wrong", action="append", default=[], help="around what was taken for a thing and is none", **box
    )
    parser.add_argument("--start", metavar="FILE", help="go on from a file that teach has written")
    parser.add_argument(
        "--seconds", type=shared.number(0, float("inf")), default=60, metavar="T", help="(default: 60)"
    )
    parser.add_argument("--backgrounds", metavar="FOLDER", help="pictures without any of the things")
    parser.add_argument("--out", default="results", metavar="DIR", help="where to write (default: results)")
    shared.add_force(parser)
    shared.add_machine(parser)
    parser.set_defaults(given=[])
    return parser


class InOrder(argparse.Action):
    """Keeps the options of one destination in the order in which they were given, as (option, value)."""

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), (option_string, values)])


def run(options):
    from mrcnn.cli.examples import Outputs, Photo, cutouts_of, names_of, read_folder

    photo, sets = Photo.find(options.photo), sets_of(options.given)
    if not sets and not options.wrong:
        if photo.path:
            raise ValueError("There is no example: give --box Y1 X1 Y2 X2 around one thing, or --mask FILE.")
        sets = [Set("coin", [COIN])]
    image = photo.read()
    cutouts = [cutout for each in sets for cutout in cutouts_of(image, each, photo.path)]
    outputs = Outputs(options.out, photo, names_of(cutouts, options.start))
    shared.refuse_existing(outputs.planned(), options.force)
    files = [Path(file) for each in sets for file in each.files]
    shared.refuse_inputs(outputs.planned(), [photo.path, *files] if photo.path else files)
    outputs.make_folder()
    backgrounds = read_folder(options.backgrounds) if options.backgrounds else []
    outputs.write_examples(cutouts)
    shared.start_machine(options)
    import mrcnn

    model = mrcnn.teach(
        image,
        cutouts=cutouts,
        seconds=options.seconds,
        start=options.start or "toybox",
        wrong=options.wrong,
        backgrounds=backgrounds,
    )
    found = outputs.write(model, image)
    print(f"Written to {outputs.folder}; try it: mrcnn detect --weights {outputs.weights} OTHER PICTURES")
    print(found)
    return 0


@dataclass
class Set:
    """Examples of one name.

    Attributes:
        name: None where none was given.
        boxes: list of [y1, x1, y2, x2].
        files: list of paths.
    """

    name: str | None = None
    boxes: list = field(default_factory=list)
    files: list = field(default_factory=list)


def sets_of(given):
    """The sets of examples that --box, --mask and --name, in their order, stand for.

    A single name is that of all examples. Of several, each is that of the examples before it, back to the
    name before; where a name comes first of all, each is that of the examples after it.
    """
    names = [value for option, value in given if option == "--name"]
    names_first = bool(given) and given[0][0] == "--name"
    sets = [Set(names[0] if len(names) == 1 else None)]
    for option, value in given:
        if option == "--box":
            sets[-1].boxes.append(value)
        elif option == "--mask":
            sets[-1].files.append(value)
        elif len(names) > 1:
            if names_first:
                sets.append(Set(value))
            else:
                sets[-1].name = value
                sets.append(Set())
    for each in sets:
        if each.name is not None and not each.boxes + each.files:
            raise ValueError(f"--name {each.name} has no example: give --box or --mask with it.")
    return [each for each in sets if each.boxes + each.files]
