"""`python -m mrcnn`: the command line, which is `mrcnn.cli`."""

import sys

from mrcnn.cli import main

if __name__ == "__main__":
    sys.exit(main())
