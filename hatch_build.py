"""Hatchling's build hook: wheels and source archives come with the web console where it can be built.

pip must never fail for want of a web page, so that the build is a program of its own, and its failure a warning.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleHook(BuildHookInterface):  # type: ignore[type-arg]  # the configuration's type is hatchling's business
    """Builds `ui/` into the package before its files are gathered."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called once for each wheel, editable installation and source archive."""
        script = Path(self.root) / "scripts" / "build_ui.py"
        try:
            # Standard output belongs to the build tool.
            code = subprocess.run(
                [sys.executable, str(script), "--best-effort"], stdout=sys.stderr, check=False
            ).returncode
        except OSError as error:
            self.app.display_warning(f"the console was not built: {error}")
            return
        if code:
            self.app.display_warning(f"the console was not built: {script} ended with exit code {code}")
