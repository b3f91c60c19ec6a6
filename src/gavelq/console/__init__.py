"""The web console: pages that are built from `ui/` into `dist/` beside this file, which may be missing."""

import os

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dist")
"""Where the built pages lie: index.html, and assets/ with names that change with their content."""
