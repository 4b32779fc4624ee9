"""Fetch `mask_rcnn_coco.h5`, the original's COCO weights (246 MiB), and check it."""

import argparse
import sys

from mrcnn import weights

EXAMPLES = """examples:
  python download_weights.py                        into this folder
  python download_weights.py --out ~/models         into another folder, or as a file of another name
  MRCNN_WEIGHTS_URL=https://mirror.example/mask_rcnn_coco.h5 python download_weights.py

A download that was cut goes on where it stopped. Proxies are taken from HTTPS_PROXY.
"""


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", metavar="PATH", help="file or folder to write (default: the checkout's root)"
    )
    parser.add_argument(
        "--url", help="where to fetch it (default: MRCNN_WEIGHTS_URL, or the original's release)"
    )
    options = parser.parse_args(arguments)
    try:
        path = weights.download(options.out, options.url)
    except (weights.WeightsError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; run it again to go on from here.", file=sys.stderr)
        return 130
    print(f"{path} is complete and checked.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
