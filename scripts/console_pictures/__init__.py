"""The pictures of the web console in docs/console: a scene on simulated GPUs, and a browser that looks at it."""
