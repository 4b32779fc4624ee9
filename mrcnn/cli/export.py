"""`mrcnn export`: the network as a file for other programs."""

from pathlib import Path

from mrcnn.cli import options as shared
from mrcnn.export import FORMATS, export
from mrcnn.silence import silence

EXAMPLES = """examples:
  python -m mrcnn export --format onnx                            toybox.onnx, or of COCO if downloaded
  python -m mrcnn export --weights coin.h5 --format openvino --out coin.xml
  python -m mrcnn export --weights coco --size 512 --format litert

The file takes molded pictures, [B, H, W, 3], and their windows, [B, 4], and gives detections, [B, D, 6], and
masks, [B, D, 28, 28]; README says what is in them.
"""


def add(commands):
    parser = commands.add_parser(
        "export",
        help="the network as a file for other programs",
        description="Write the network with its weights for ONNX Runtime, OpenVINO, LiteRT or TensorFlow.",
        epilog=EXAMPLES,
    )
    shared.add_weights(parser, "coco if downloaded, else toybox")
    parser.add_argument("--format", choices=FORMATS, required=True, help="of the file")
    parser.add_argument("--out", metavar="PATH", help="where to write (default: named after the weights)")
    shared.add_size(parser)
    shared.add_force(parser)
    shared.add_machine(parser)
    return parser


def run(options):
    described = shared.choose_weights(options.weights)
    path = Path(options.out or f"{described.path.stem}{FORMATS[options.format][1]}")
    written = [path, path.with_suffix(".bin")] if options.format == "openvino" else [path]
    shared.refuse_existing(written, options.force)
    shared.refuse_inputs(written, [described.path])
    shared.start_machine(options)
    import mrcnn

    model = mrcnn.load(str(described.path), **shared.size_of(options))
    with silence():
        export(model, path, options.format)
    height, width, channels = model.config.IMAGE_SHAPE.tolist()
    print(f"Written to {path}: for molded pictures [B, {height}, {width}, {channels}].")
    return 0
