"""`python -m gavelq` is `gavelq`."""

import sys

from gavelq.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
