"""The live queue, looked ahead: run as a process of its own, which the daemon asks and never waits for."""
