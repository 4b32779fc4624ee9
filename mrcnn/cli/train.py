"""`mrcnn train`: make weights, for a drawn world or for pictures of one's own."""

import dataclasses
import re
import sys
import time
from pathlib import Path

from mrcnn.cli import datasets
from mrcnn.cli import options as shared
from mrcnn.data.seeds import TRAINING_SEED
from mrcnn.files import check_folder
from mrcnn.interrupt import one_interrupt

EXAMPLES = """examples:
  python -m mrcnn train --dataset coins --seconds 90 --out coins.h5
  python -m mrcnn train --dataset toybox --out toybox.h5 --float16   weights like those in the package
  python -m mrcnn train --dataset toybox --epochs 1 --steps 20       a taste of it
  python -m mrcnn train --dataset shapes.json --images photos --epochs 5 --out shapes.h5
  python -m mrcnn train --dataset balloons --classes balloon --layers all --learning-rate 0.0005
  python -m mrcnn train --dataset toybox --resume                    go on after an interruption

Each epoch leaves a checkpoint in a folder of --logs. Ctrl-C ends a training after the step in progress and
keeps what was learnt; the same command with --resume goes on from there.
"""


def add(commands):
    parser = commands.add_parser(
        "train",
        help="make weights, for a drawn world or for your own pictures",
        description="Train a network. For toybox and coins this follows the recipes that made the weights in "
        "the package; on your own data it starts from the COCO weights if they are there, else from the "
        "toybox's.",
        epilog=EXAMPLES,
    )
    datasets.add_dataset(parser)
    shared.add_weights(parser, "as the recipe has it; for your own data coco if downloaded, else toybox")
    parser.add_argument(
        "--layers",
        metavar="WHICH",
        help="heads, 3+, 4+, 5+, all or a pattern (default: all; your data: heads)",
    )
    parser.add_argument(
        "--epochs", type=shared.whole(1), metavar="N", help="(default: the recipe's; yours: 10)"
    )
    parser.add_argument(
        "--steps",
        type=shared.whole(1),
        metavar="N",
        help="in an epoch (default: the recipe's; yours: each picture once)",
    )
    parser.add_argument(
        "--batch", type=shared.whole(1), metavar="N", help="pictures in a step, on each device"
    )
    parser.add_argument(
        "--devices", type=shared.whole(1), metavar="N", help="that share each step (default: 1)"
    )
    parser.add_argument(
        "--workers",
        type=shared.whole(1),
        metavar="N",
        help="processes that prepare pictures (default: a thread)",
    )
    parser.add_argument("--learning-rate", type=shared.number(0, float("inf")), metavar="R")
    for unit in ("minutes", "seconds"):
        parser.add_argument(
            f"--{unit}", type=shared.number(0, float("inf")), metavar="T", help="stop after this time"
        )
    parser.add_argument("--logs", default="logs", metavar="DIR", help="for checkpoints (default: logs)")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --logs")
    parser.add_argument("--out", metavar="FILE", help="write the weights here at the end")
    parser.add_argument("--float16", action="store_true", help="write --out small, less than half the size")
    shared.add_force(parser)
    shared.add_machine(parser)
    return parser


def run(options):
    datasets.check_dataset(options)
    check_output(options)
    from mrcnn.recipes import RECIPES

    own = options.dataset not in datasets.DRAWN
    begun_with = None if own else RECIPES[options.dataset].start
    start = None
    if own or options.weights or begun_with:
        start = shared.choose_weights(options.weights, begun_with)
    shared.start_machine(options)
    plan = own_plan(options, start) if own else drawn_plan(options)
    model = make_model(plan, start, options)
    if model.epoch >= plan.epochs:
        raise ValueError(f"{model.find_last()} has {model.epoch} epochs already; ask for more by --epochs.")
    interrupted = fit(model, plan, options)
    if options.out and not interrupted:
        dtype = "float16" if options.float16 else "float32"
        model.save_weights(options.out, dtype, detecting=plan.detecting)
        print(
            f"Weights are in {options.out}; try them: python -m mrcnn detect --weights {options.out} PICTURE"
        )
    return 130 if interrupted else 0


def check_output(options):
    if options.float16 and not options.out:
        raise ValueError("--float16 is about the file that --out names; give one.")
    if options.out:
        out = Path(options.out)
        if out.is_dir() or not out.parent.is_dir():
            reason = "it is a folder" if out.is_dir() else f"there is no folder {out.parent}"
            raise ValueError(f"--out {out} cannot be written: {reason}.")
        shared.refuse_existing([out], options.force)
        shared.refuse_inputs([out], [Path(options.dataset)])
        check_folder(out.parent)


@dataclasses.dataclass
class Plan:
    """A training to be done.

    Attributes:
        config: a `Config`.
        dataset: a prepared `Dataset`.
        class_names: names by class id.
        layers: which are trained.
        epochs: how many, those of a training that is resumed counted in.
        learning_rate: of the original's SGD.
        optimizer: in its place, or None.
        detecting: what the config has otherwise when the weights detect.
    """

    config: object
    dataset: object
    class_names: list
    layers: str
    epochs: int
    learning_rate: float
    optimizer: object = None
    detecting: dict = dataclasses.field(default_factory=dict)


def overrides(options):
    """What the options change in a config."""
    chosen = {
        "STEPS_PER_EPOCH": options.steps,
        "IMAGES_PER_GPU": options.batch,
        "GPU_COUNT": options.devices,
    }
    return {name: value for name, value in chosen.items() if value}


def drawn_plan(options):
    """The training by which weights of this package are made, or with what the options change in it."""
    from mrcnn.recipes import RECIPES

    recipe = RECIPES[options.dataset]
    if options.learning_rate:
        recipe = dataclasses.replace(recipe, learning_rate=options.learning_rate)
    config = recipe.config(**overrides(options))
    epochs = options.epochs or recipe.epochs
    steps = epochs * config.STEPS_PER_EPOCH
    dataset = recipe.training_set(steps * config.BATCH_SIZE, TRAINING_SEED)
    return Plan(
        config,
        dataset,
        recipe.class_names,
        options.layers or "all",
        epochs,
        recipe.learning_rate,
        recipe.optimizer(steps),
        recipe.detecting,
    )


def own_plan(options, start):
    """A training on the user's own data, of a network like that of the weights it starts from."""
    from mrcnn.config import Config

    dataset = datasets.open_dataset(options)
    if not dataset.num_images:
        raise ValueError(f"--dataset {options.dataset} has no pictures; add some, or give another.")
    attributes = start.attributes | {
        "NAME": re.sub(r"\W+", "_", Path(options.dataset).resolve().stem.lower()),
        "NUM_CLASSES": dataset.num_classes,
        "GPU_COUNT": 1,
        "VALIDATION_STEPS": 0,
    }
    config = Config(**attributes | overrides(options))
    if not options.steps:
        config.STEPS_PER_EPOCH = -(-dataset.num_images // config.BATCH_SIZE)
    return Plan(
        config,
        dataset,
        dataset.class_names,
        options.layers or "heads",
        options.epochs or 10,
        options.learning_rate or config.LEARNING_RATE,
    )


def make_model(plan, start, options):
    """The network to train, with the weights that it starts or goes on from."""
    from mrcnn import weights
    from mrcnn.model import MaskRCNN

    model = MaskRCNN("training", plan.config, options.logs, plan.class_names)
    if options.resume:
        last = model.find_last()
        model.load_weights(last)
        print(f"Going on from {last}.")
    elif start:
        same = start.config.get("NUM_CLASSES") in (None, plan.config.NUM_CLASSES)
        model.load_weights(start.path, exclude=None if same else list(weights.CLASS_LAYERS))
        model.set_log_dir()  # a new training, even if the weights are a checkpoint of one
    return model


def fit(model, plan, options):
    """Train until all epochs are done, the time is over or Ctrl-C; gives whether it was the last."""
    import keras

    seconds = 60 * (options.minutes or 0) + (options.seconds or 0)
    with one_interrupt() as interrupted:
        began = time.monotonic()

        def stop_if_over(batch, logs):
            if interrupted.is_set() or seconds and time.monotonic() - began >= seconds:
                model.keras_model.stop_training = True

        print(f"Checkpoints go to {model.log_dir}.")
        history = model.train(
            plan.dataset,
            None,
            plan.learning_rate,
            plan.epochs,
            plan.layers,
            custom_callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=stop_if_over)],
            optimizer=plan.optimizer,
            workers=options.workers or 1,
            use_multiprocessing=bool(options.workers),
            verbose=1 if sys.stdout.isatty() else 2,
        )
    epoch = history.epoch[-1] + 1
    kept = model.checkpoint_path.format(epoch=epoch)
    if interrupted.is_set():
        print(f"Interrupted in epoch {epoch}. What was learnt is in {kept}; --resume goes on from there.")
    else:
        steps = int(model.keras_model.optimizer.iterations)
        print(f"Trained for {time.monotonic() - began:.0f} s, {steps} steps in all; the last is in {kept}.")
    return interrupted.is_set()
