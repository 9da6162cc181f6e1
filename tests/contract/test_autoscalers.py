"""What an autoscaler's controller does with the bounds alone: there are no metrics here."""

from tests.contract.manifests import autoscaler, deployment
from tests.contract.servers import Api
from tests.controlplane.eventually import eventually

A = "horizontalpodautoscalers"


async def replicas(api: Api) -> int:
    return int((await api.get("deployments", "d")).body["spec"]["replicas"])


async def test_replicas_are_brought_within_the_bounds(api: Api) -> None:
    await api.create("deployments", deployment(replicas=1))
    await api.create(A, autoscaler(least=3, most=5))

    async def is_raised() -> bool:
        return await replicas(api) == 3

    await eventually(is_raised, what="it has at least its minimum")
    await api.patch(A, "h", {"spec": {"minReplicas": 2, "maxReplicas": 2}})

    async def is_lowered() -> bool:
        return await replicas(api) == 2

    await eventually(is_lowered, what="it has no more than its maximum")


async def test_autoscaler_has_no_generation(api: Api) -> None:
    made = await api.create(A, autoscaler())
    changed = await api.patch(A, "h", {"spec": {"maxReplicas": 4}})
    assert "generation" not in made.body["metadata"]
    assert "generation" not in changed.body["metadata"]


async def test_autoscaler_leaves_a_zero_alone(api: Api) -> None:
    await api.create("deployments", deployment(replicas=0))
    await api.create(A, autoscaler(least=2, most=5))

    async def reasons() -> list[str]:
        status = (await api.get(A, "h")).body.get("status", {})
        return [condition["reason"] for condition in status.get("conditions", ())]

    async def is_disabled() -> bool:
        return "ScalingDisabled" in await reasons()

    await eventually(is_disabled, what="it says that it does nothing")
    assert await replicas(api) == 0
