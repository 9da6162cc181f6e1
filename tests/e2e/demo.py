"""`make demo`: the whole loop on this machine, told step by step with what changed.

A real control plane, the sample sender with real (simulated) pods, a real Alertmanager, and the
responder under its own ServiceAccount. Nothing outside of this machine is touched.
"""

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.go_build import GoMissingError
from tests.controlplane.kube import Kube
from tests.controlplane.real_alertmanager import Alertmanager, webhook_configuration
from tests.e2e.cluster import Cluster
from tests.e2e.process import TOKEN, ResponderProcess
from tests.k8s.install import K8S, install

PLAYBOOK = """\
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {name: high-bounce-rate}
spec:
  matchers: [alertname="HighBounceRate", severity="critical"]
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
    - scale: {deployment: email-sender, to: 2}
  resume: {start: {after: 5s}}
"""
ALERT = {"alertname": "HighBounceRate", "severity": "critical", "campaign": "spring-sale"}
console = Console(highlight=False, soft_wrap=True)


class Story:
    """Tells steps with the time since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._step = 0

    def step(self, text: str) -> None:
        self._step += 1
        seconds = time.monotonic() - self._began
        console.print(f"\n[bold]{self._step}. {text}[/bold]  [dim]({seconds:.1f} s)[/dim]")

    def say(self, text: str) -> None:
        console.print(f"   {text}")

    def await_(self, what: str, condition: Callable[[], object]) -> float:
        """Wait for something and tell how long it took; seconds."""
        began = time.monotonic()
        eventually_blocking(condition, what=what, within_seconds=60)
        return time.monotonic() - began


def show(cluster: Cluster) -> None:
    """Print how everything stands."""
    table = Table("object", "field", "value", box=None, padding=(0, 2, 0, 3))
    low, high = cluster.bounds()
    table.add_row("Deployment email-sender", "replicas", str(cluster.replicas()))
    table.add_row("", "running pods", str(cluster.pods()))
    table.add_row("HPA email-sender-hpa", "min..max", f"{low}..{high}")
    for name in ("spring-sale", "newsletter", "password-reset"):
        hold = cluster.hold(name)
        told = "-" if hold is None else json.dumps({k: hold[k] for k in ("share", "reason")})
        table.add_row(f"ConfigMap {name}", "hold.json", told)
    console.print(table)


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[tuple[Kube, Path]]:
    """Start the control plane and install everything."""
    plane = ControlPlane.start(logs=folder / "logs")
    try:
        plane.create_namespace("mail")
        kube = Kube(control_plane=plane, namespace="mail")
        kubeconfig = install(kube)
        for name in ("sender.yaml", "campaigns.yaml"):
            kube.apply((K8S / "samples" / name).read_text())
        yield kube, kubeconfig
    finally:
        plane.stop()


def play(folder: Path) -> None:
    """Tell the story once."""
    story = Story()
    story.step("A Kubernetes control plane, the sample sender and three campaigns")
    with stage(folder) as (kube, kubeconfig):
        cluster = Cluster(kube)
        story.await_("the pods run", lambda: cluster.pods() == cluster.replicas() == 8)
        show(cluster)
        before = cluster.snapshot()

        story.step("The responder and a real Alertmanager")
        rules = folder / "playbooks"
        rules.mkdir()
        (rules / "high-bounce-rate.yaml").write_text(PLAYBOOK)
        console.print(PLAYBOOK, style="dim")
        responder = ResponderProcess.start(
            kube, kubeconfig=kubeconfig, playbooks=rules, logs=folder / "logs", cold=True
        )
        hook = f"{responder.url}/webhooks/alertmanager"
        alertmanager = Alertmanager.start(
            webhook_configuration(hook, bearer_token=TOKEN), logs=folder / "logs"
        )
        try:
            loop(story, cluster, responder, alertmanager)
            story.step("Everything is as it was, to the byte")
            if cluster.snapshot() != before or cluster.traces():
                raise SystemExit(f"not given back: {cluster.traces()}")
            story.say(
                "every field equals its value before; no annotation, no key, no managedFields"
            )
            story.say("entry of ours is left. The incident, for the record:")
            name = cluster.incidents()[0]["metadata"]["name"]
            console.print(kube.kubectl("get", "incidents"), style="dim")
            console.print(kube.kubectl("describe", "incident", name), style="dim")
        finally:
            alertmanager.stop()
            responder.server.terminate()


def loop(
    story: Story, cluster: Cluster, responder: ResponderProcess, alertmanager: Alertmanager
) -> None:
    """Alert, hold, resolve, give back."""
    story.step("HighBounceRate fires for the campaign spring-sale")
    alertmanager.fire(ALERT, annotations={"summary": "hard bounces at 12 %"})
    story.await_("the hold", lambda: cluster.hold() and cluster.bounds() == (2, 2))
    story.await_("the incident's status", lambda: braked(cluster) is not None)
    story.say(f"held {braked(cluster)} ms after Alertmanager's call arrived")
    story.await_("pods are gone", lambda: cluster.pods() == 2)
    story.say("the other campaigns, one of them transactional, are untouched:")
    show(cluster)
    console.print(cluster.kube.kubectl("get", "inc"), style="dim")

    story.step("Somebody scales the autoscaler up by hand during the hold")
    cluster.kube.kubectl("patch", "hpa/email-sender-hpa", "-p", '{"spec":{"maxReplicas":30}}')
    story.await_("the hold is back", lambda: cluster.bounds() == (2, 2))
    story.say("answered at once; 30 is remembered as what to give back")
    cluster.kube.kubectl("patch", "hpa/email-sender-hpa", "-p", '{"spec":{"maxReplicas":20}}')
    story.await_("the hold is back", lambda: cluster.bounds() == (2, 2))
    story.say("and changed back to 20: remembered as well")

    story.step("The alert resolves; the incident cools down for 5 s")
    alertmanager.resolve(ALERT)
    story.await_("cooling", lambda: phase(cluster) == "Cooling")
    story.say("resolved is not resume: everything is still held")
    show(cluster)
    cluster.wait_closed()
    story.say("given back:")
    story.await_("pods are back", lambda: cluster.pods() == 8)
    show(cluster)
    del responder


def braked(cluster: Cluster) -> int | None:
    found = cluster.incidents()
    return found[0].get("status", {}).get("brakeMilliseconds") if found else None


def phase(cluster: Cluster) -> str:
    found = cluster.incidents()
    return str(found[0].get("status", {}).get("phase", "")) if found else ""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        try:
            play(Path(folder))
        except GoMissingError as error:
            console.print(str(error))
            sys.exit(3)


if __name__ == "__main__":
    main()
