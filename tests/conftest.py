"""What holds for the whole suite: which files begin first, and what the processes of tests inherit."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

SLOWEST_FIRST = (
    "console/test_drawer.py",
    "console/test_gpu_page.py",
    "console/test_state_page.py",
    "console/test_setting_page.py",
    "console/test_rule_page.py",
    "console/test_new_task.py",
    "console/test_command_page.py",
    "console/test_live.py",
    "properties/test_scheduler.py",
    "docs/test_tour.py",
    "daemon/test_real_binding.py",
    "cli/test_real_daemon.py",
    "properties/test_schedules.py",
    "api/test_schema.py",
    "cli/test_top.py",
    "daemon/test_file_runs.py",
    "daemon/test_isolation.py",
    "config/test_history.py",
    "properties/test_stopping.py",
    "daemon/test_kill_daemon.py",
    "cli/test_stored.py",
    "daemon/test_restart.py",
    "daemon/test_foreign.py",
    "daemon/test_faults.py",
    "daemon/test_rules.py",
    "client/test_load_client.py",
    "adapters/store/test_crash.py",
    "api/test_many_clients.py",
    "client/test_executor.py",
    "daemon/test_full_disk.py",
    "config/test_import_writing.py",
    "client/test_typed.py",
)
"""A file is one worker's alone: one that takes a minute and begins last would hold up the end by that minute."""

# How long an example takes says how busy the machine is. The suite tries the same examples each time, so that what it
# says of a change is about that change; a search (GAVELQ_EXAMPLES, see tests/properties/phases.py) tries others.
settings.register_profile(
    "gavelq", deadline=None, suppress_health_check=[HealthCheck.too_slow],
    derandomize="GAVELQ_EXAMPLES" not in os.environ,
)  # fmt: skip
settings.load_profile("gavelq")


def pytest_configure() -> None:
    """A shell starts what it puts into the background with SIGINT ignored, nohup with SIGHUP.

    So would start whom tests interrupt and hang up.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first, the others as they were; the order in a file stays. A search takes as long as it does."""
    ranks = {name: rank for rank, name in enumerate(SLOWEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.nodeid.partition("::")[0].removeprefix("tests/"), len(ranks)))
    if "GAVELQ_EXAMPLES" in os.environ:
        for item in items:
            item.add_marker(pytest.mark.timeout(0))
