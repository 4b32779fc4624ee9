"""`mrcnn weights`: say what files of weights are, and fetch those of COCO."""

from mrcnn.cli import options as shared

EXAMPLES = """examples:
  python -m mrcnn weights                          which weights are here
  python -m mrcnn weights toybox mine.h5           what a file is for, and whether it loads
  python -m mrcnn weights --download               fetch mask_rcnn_coco.h5 (246 MiB), check it, place it
  MRCNN_WEIGHTS_URL=https://mirror.example/mask_rcnn_coco.h5 python -m mrcnn weights --download
"""


def add(commands):
    parser = commands.add_parser(
        "weights",
        help="what a file of weights is; fetch those of COCO",
        description="Say what files of weights are for and whether they load; fetch the COCO weights.",
        epilog=EXAMPLES,
    )
    parser.add_argument("files", nargs="*", metavar="WEIGHTS", help="toybox, coins, coco or a file")
    parser.add_argument("--download", action="store_true", help="fetch mask_rcnn_coco.h5")
    parser.add_argument("--out", metavar="PATH", help="file or folder for it (default: the checkout's root)")
    shared.add_machine(parser)
    return parser


def run(options):
    from mrcnn import weights

    if options.out and not options.download:
        raise ValueError("--out is where --download writes to; add --download.")
    if options.download:
        print(f"{weights.download(options.out)} is complete and checked.")
    elif not options.files:
        print(*map(": ".join, found_weights()), sep="\n")
    failed = 0
    for name in options.files:
        try:
            tell(weights.describe(weights.find(name)), options)
        except (ValueError, TypeError, OSError) as error:
            shared.complain(error if name in str(error) else f"{name}: {error}")
            failed += 1
    return 2 if failed else 0


def found_weights():
    """Pairs (name, where its file is) of the weights that have a name."""
    from mrcnn import weights
    from mrcnn.download import BUNDLED

    for name in (*BUNDLED, "coco"):
        path = weights.find_coco() if name == "coco" else weights.find(name)
        yield name, str(path) if path and path.is_file() else "not here"


def tell(described, options):
    """Print what a file is, then load it; a file that does not load raises an error."""
    print(f"{described.path}")
    for name, value in facts(described):
        print(f"  {name:12} {value}")
    shared.start_machine(options)
    from mrcnn.config import Config
    from mrcnn.model import MaskRCNN, load

    if described.backbone_only:  # `load` refuses it, since it detects nothing
        MaskRCNN("inference", Config(**described.config)).load_weights(described.path)
        print("  loads        yes, for a training to begin with")
    else:
        load(str(described.path))
        print("  loads        yes")


def facts(described):
    """Pairs (name, text) about a `FileInfo`."""
    from mrcnn.download import SHA256

    known = " (the original's COCO weights)" if described.sha256 == SHA256 else ""
    metadata = described.metadata or {}
    yield "size", f"{described.size:,} bytes"
    yield "SHA-256", described.sha256 + known
    yield "backbone", described.backbone + (", and nothing else" if described.backbone_only else "")
    yield "parameters", f"{described.parameters:,} in {described.layers} layers"
    yield "config", ", ".join(f"{name}={value}" for name, value in described.attributes.items())
    if metadata.get("class_names"):
        yield "classes", ", ".join(metadata["class_names"][1:])
