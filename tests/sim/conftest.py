"""Tests marked slow are left out unless they are asked for."""

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """GAVELQ_TEST_SLOW=1 lets them run."""
    if not os.environ.get("GAVELQ_TEST_SLOW"):
        for item in items:
            if item.get_closest_marker("slow") is not None:
                item.add_marker(pytest.mark.skip(reason="takes half a minute; GAVELQ_TEST_SLOW=1 runs it"))
