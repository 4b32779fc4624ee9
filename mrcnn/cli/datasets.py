"""The data sets that `train` and `evaluate` are given by name or path."""

from pathlib import Path

DRAWN = ("toybox", "coins")
COCO = "coco"


def add_dataset(parser):
    parser.add_argument(
        "--dataset",
        required=True,
        metavar="DATA",
        help="toybox or coins, which are drawn; a COCO JSON, or coco with --annotations; or a folder with "
        "images/ and masks/",
    )
    parser.add_argument("--annotations", metavar="JSON", help="of --dataset coco: the COCO JSON")
    parser.add_argument(
        "--images",
        metavar="DIR",
        help="pictures of a COCO JSON (default: NAME/ beside annotations/ if it is "
        "annotations/instances_NAME.json, else the folder that it lies in)",
    )
    parser.add_argument(
        "--classes", nargs="+", metavar="NAME", help="which classes of a COCO JSON; those of a folder's masks"
    )


def check_dataset(options):
    """Refuse, before anything slow is started, a data set that is not there or options that do not fit it.

    `--dataset coco --annotations JSON` becomes `--dataset JSON`.
    """
    if options.annotations:
        if options.dataset != COCO:
            raise ValueError(f"--annotations is for --dataset {COCO}; {options.dataset} needs none.")
        options.dataset = options.annotations
    elif options.dataset == COCO and not Path(COCO, "images").is_dir():
        raise ValueError(
            f"--dataset {COCO} needs --annotations, such as coco/annotations/instances_val2017.json; COCO's "
            "files are at https://cocodataset.org/#download."
        )
    path = Path(options.dataset)
    if options.dataset in DRAWN:
        if options.images or options.classes:
            raise ValueError(f"--images and --classes are not for {options.dataset}, which is drawn.")
    elif not path.exists():
        raise ValueError(
            f"--dataset {path}: no such file or folder; give toybox, coins, a COCO JSON or a folder with "
            "images/ and masks/."
        )
    elif path.is_dir():
        if options.images:
            raise ValueError(
                f"--images is for a COCO JSON; the pictures of a folder are in {path / 'images'}."
            )
        for part in ("images", "masks"):
            if not (path / part).is_dir():
                raise ValueError(
                    f"--dataset {path}: it has no folder {part}; pictures go into images/, what shows their "
                    "objects into masks/ (see mrcnn/data/folder.py)."
                )


def open_dataset(options):
    """The user's own data set, prepared: a `Dataset`."""
    path = Path(options.dataset)
    if path.is_dir():
        from mrcnn.data.folder import FolderDataset

        return FolderDataset(path / "images", path / "masks", options.classes or ("object",))
    from mrcnn.data.coco import CocoDataset

    return CocoDataset(path, options.images or images_beside(path), class_names=options.classes)


def images_beside(path):
    """The folder of the pictures of a COCO JSON, as COCO's own files lie, or else that of the JSON."""
    folder, name = path.resolve().parent, path.stem.partition("_")[2]
    usual = folder.parent / name
    return usual if folder.name == "annotations" and name and usual.is_dir() else path.parent
