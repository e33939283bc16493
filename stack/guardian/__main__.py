"""``python -m stack.guardian REQUEST [LEASE]``."""

import sys

from stack.guardian.guardian import main

sys.exit(main(sys.argv[1:]))
