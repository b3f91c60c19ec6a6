"""The same engine and the same cycle over traces, in virtual time."""
