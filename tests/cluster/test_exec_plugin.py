"""Credential plugins: real programs, among them those that hang, shout or talk nonsense."""

import asyncio
import base64
import json
import sys
from pathlib import Path

import pytest

from responder.cluster.exec_plugin import ExecPlugin, ExecStatus, PluginFailed, run_plugin
from tests.controlplane.eventually import eventually

API_VERSION = "client.authentication.k8s.io/v1"
CREDENTIAL = {"apiVersion": API_VERSION, "kind": "ExecCredential", "status": {"token": "abc"}}
GIVE = f"print({json.dumps(CREDENTIAL)!r})"


async def run(
    directory: Path, code: str, *, timeout_seconds: float = 20.0, **more: object
) -> ExecStatus:
    plugin = ExecPlugin.model_validate(
        {"apiVersion": API_VERSION, "command": sys.executable, "args": ["-c", code], **more}
    )
    return await run_plugin(
        plugin,
        directory=directory,
        cluster={"server": "https://example.com"},
        environ={"INHERITED": "yes"},
        timeout_seconds=timeout_seconds,
    )


def is_running(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_a_token_with_its_end(tmp_path: Path) -> None:
    status = {"token": "abc", "expirationTimestamp": "2026-11-24T19:40:25Z"}
    answer = json.dumps(CREDENTIAL | {"status": status})
    got = await run(tmp_path, f"print({answer!r})")
    assert got.token == "abc"
    assert got.expires is not None
    assert got.expires.timestamp() == 1795549225


async def test_it_gets_its_variables_ours_and_the_request(tmp_path: Path) -> None:
    code = """if 1:
        import json, os, sys
        info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
        told = [os.environ["INHERITED"], os.environ["OWN"], info["spec"], sys.stdin.read()]
        print(json.dumps({"apiVersion": info["apiVersion"], "status": {"token": json.dumps(told)}}))
    """
    got = await run(tmp_path, code, env=[{"name": "OWN", "value": "own"}])
    assert json.loads(got.token or "") == ["yes", "own", {"interactive": False}, ""]


async def test_the_cluster_is_told_where_it_is_asked_for(tmp_path: Path) -> None:
    authority = tmp_path / "ca.crt"
    authority.write_text("PEM")
    plugin = ExecPlugin.model_validate(
        {
            "apiVersion": API_VERSION,
            "command": sys.executable,
            "provideClusterInfo": True,
            "args": [
                "-c",
                """if 1:
                    import json, os
                    info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
                    print(json.dumps(info | {"status": {"token": json.dumps(info["spec"])}}))
                """,
            ],
        }
    )
    got = await run_plugin(
        plugin,
        directory=tmp_path,
        cluster={"server": "https://example.com", "certificate-authority": "ca.crt"},
    )
    assert json.loads(got.token or "")["cluster"] == {
        "server": "https://example.com",
        "certificate-authority-data": base64.b64encode(b"PEM").decode(),
    }


async def test_one_that_fills_stderr_is_not_waited_for_in_vain(tmp_path: Path) -> None:
    code = f"import sys; sys.stderr.write('x' * 1_000_000); {GIVE}"
    assert (await run(tmp_path, code)).token == "abc"


async def test_one_that_hangs_is_killed_when_its_time_is_up(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    code = f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    with pytest.raises(PluginFailed, match="no answer in 1 s"):
        await run(tmp_path, code, timeout_seconds=1.0)
    assert not is_running(started.read_text())


async def test_a_cancelled_wait_kills_it_too(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    code = f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    waiting = asyncio.create_task(run(tmp_path, code))
    await eventually(lambda: started.exists() and started.read_text())
    waiting.cancel()
    await asyncio.wait([waiting])
    assert not is_running(started.read_text())


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param("import sys; sys.exit('log in first')", "ended with 1: log in first", id="1"),
        pytest.param("print('not JSON')", r"no ExecCredential \(JSON\)", id="not-json"),
        pytest.param(
            f"print({json.dumps(CREDENTIAL | {'status': {}})!r})", "neither a token", id="nothing"
        ),
        pytest.param(
            f"print({json.dumps(CREDENTIAL | {'status': {'clientCertificateData': 'x'}})!r})",
            "neither a token",
            id="a-certificate-without-its-key",
        ),
        pytest.param(
            f"print({json.dumps(CREDENTIAL | {'apiVersion': 'other/v1'})!r})",
            "speaks other/v1",
            id="another-version",
        ),
    ],
)
async def test_what_is_wrong_is_told(tmp_path: Path, code: str, told: str) -> None:
    with pytest.raises(PluginFailed, match=told):
        await run(tmp_path, code)


async def test_a_token_never_gets_into_a_message(tmp_path: Path) -> None:
    answer = json.dumps(CREDENTIAL | {"status": {"token": ["s3cret"]}})
    with pytest.raises(PluginFailed, match=r"status\.token") as caught:
        await run(tmp_path, f"print({answer!r})")
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_a_missing_program_is_told(tmp_path: Path) -> None:
    plugin = ExecPlugin.model_validate({"apiVersion": API_VERSION, "command": "./missing"})
    with pytest.raises(PluginFailed, match=r"\./missing: .*No such file"):
        await run_plugin(plugin, directory=tmp_path, cluster={})


async def test_a_command_with_a_slash_is_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    program = tmp_path / "plugin"
    program.write_text(f"#!{sys.executable}\n{GIVE}\n")
    program.chmod(0o700)
    plugin = ExecPlugin.model_validate({"apiVersion": API_VERSION, "command": "./plugin"})
    assert (await run_plugin(plugin, directory=tmp_path, cluster={})).token == "abc"
