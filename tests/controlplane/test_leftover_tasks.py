"""An async test that leaves a task behind fails, whatever it asserts."""

import pytest

PLUGINS = ("-p", "tests.controlplane.leftover_tasks", "-p", "no:cacheprovider")
TEST = """
import asyncio, pytest

background = set()

@pytest.fixture
async def server():
    task = asyncio.create_task(asyncio.sleep(60))
    yield task
    task.cancel()

async def test_ended(server):
    await asyncio.sleep(0)

async def test_left_over():
    background.add(asyncio.create_task(asyncio.sleep(60), name="forgotten"))

def test_plain():
    pass
"""


@pytest.fixture(autouse=True)
def _the_plugin_is_importable(monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath))


def test_a_task_that_is_left_over_fails_its_test_only(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST)
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function")
    result = pytester.runpytest_subprocess("-v", *PLUGINS)
    # All pass as tests; it is the teardown of the one that fails.
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(
        ["*ERROR at teardown of test_left_over*", "tasks are left over:", "*name='forgotten'*"]
    )
