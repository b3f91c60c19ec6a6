"""The pure core: what a task is, what may happen to it, and what follows. Nothing here acts."""
