"""The daemon: one asyncio loop that owns the state, and everything that it talks to."""
