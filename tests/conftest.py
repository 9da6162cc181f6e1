"""Fixtures of all tests are in plugins beside what they are about."""

pytest_plugins = [
    "pytester",
    "tests.controlplane.run_logs",
    "tests.controlplane.leftover_tasks",
    "tests.controlplane.fixtures",
]
