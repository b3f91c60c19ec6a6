"""Talking to a daemon: `wire` moves bytes, `http` moves documents and raises errors, `sdk` has a method per verb."""
