"""Builders, fakes and contract suites for tests of gavelq and of what is built on it. Shipped and typed."""
