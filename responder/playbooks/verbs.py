"""The verbs of holds. Each is a strict mapping; each says itself which of its keys go together.

`pause`, `throttle`, `reroute` and `suppress` limit sending, `scale` a workload, `set` the plain
keys of a ConfigMap. `suspend` and `shift` are read and checked, and refused until acted on.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AfterValidator, Field

from responder.playbooks.model import Many, Part, distinct, exactly_one, listed
from responder.playbooks.names import key_fault
from responder.playbooks.quantities import PartialShare, Share
from responder.playbooks.templates import ConfigMapName, Id, NamespaceName, Template, WorkloadName
from responder.playbooks.written import Mistake, reported, shown

Text = Annotated[str, Field(min_length=1, max_length=1_000)]

_NOT_TOGETHER = "a hold names one thing; write a hold for each"
_LARGEST_INT32 = 2**31 - 1


class Verb(Part):
    """What every verb has."""

    namespace: NamespaceName | None = Field(
        default=None, description="Where the held thing lives; by default the responder's own."
    )

    word: ClassVar[str]

    @classmethod
    def templated_keys(cls) -> frozenset[str]:
        """Give the keys whose values are templates, as the file spells them."""
        return frozenset(
            field.alias or name
            for name, field in cls.model_fields.items()
            if any(
                isinstance(kind, type) and issubclass(kind, Template)
                for kind in (field.annotation, *get_args(field.annotation))
            )
        )

    def templates(self) -> tuple[Template, ...]:
        """Give every template in it."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value for value in values if isinstance(value, Template))


class Sending(Verb):
    """What `pause` and `throttle` have in common: what is limited, and at which provider."""

    campaign: Id | None = Field(default=None, description="A campaign's id.")
    pool: Id | None = Field(default=None, description="A sending pool's id.")
    segment: Id | None = Field(default=None, description="A recipient segment's id.")
    provider: Id | None = Field(
        default=None,
        description="A mailbox provider's id: alone, everything sent to it; beside a campaign, "
        "pool or segment, only what that one sends to it.",
    )
    in_flight: Literal["finish", "drop"] | None = Field(
        default=None,
        description="What happens to messages already picked up; they finish by default.",
    )

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        senders = ("campaign", "pool", "segment")
        if written.keys().isdisjoint(senders):
            every = listed((*senders, "provider"))
            return () if "provider" in written else (Mistake(f"needs {every}"),)
        return exactly_one(senders, written=written, fix=_NOT_TOGETHER)


class Pause(Sending):
    """Send nothing."""

    word: ClassVar[str] = "pause"


class Throttle(Sending):
    """Send slower: to a share of the normal rate, or to so many messages per minute."""

    word: ClassVar[str] = "throttle"

    to: PartialShare | None = Field(default=None, description="The share of the normal rate.")
    per_minute: int | None = Field(
        default=None, ge=1, le=_LARGEST_INT32, description="Messages per minute."
    )

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        mistakes = super().misuse(written) + exactly_one(("to", "perMinute"), written=written)
        keys = written.keys()
        if keys >= {"provider", "perMinute"} and keys & {"campaign", "pool", "segment"}:
            narrow = Mistake(
                "`perMinute` can't be limited to one provider of something",
                fix="use `to: 50%`, or name only the provider",
            )
            mistakes += (narrow,)
        return mistakes


class Reroute(Verb):
    """Send through another pool, for example one in quarantine."""

    word: ClassVar[str] = "reroute"

    campaign: Id | None = Field(default=None, description="A campaign's id.")
    pool: Id | None = Field(default=None, description="A sending pool's id.")
    segment: Id | None = Field(default=None, description="A recipient segment's id.")
    to: Id = Field(description="The id of the pool to send through.")

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        mistakes = exactly_one(("campaign", "pool", "segment"), written=written)
        if "pool" in written and written["pool"] == written.get("to"):
            mistakes += (Mistake("reroutes a pool to itself", fix="name another pool in `to`"),)
        return mistakes


class Suppress(Verb):
    """Skip a segment: of one campaign or pool, or, named alone, everywhere."""

    word: ClassVar[str] = "suppress"

    campaign: Id | None = Field(default=None, description="A campaign's id.")
    pool: Id | None = Field(default=None, description="A sending pool's id.")
    segment: Id = Field(description="The id of the recipient segment to skip.")

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        if written.keys() & {"campaign", "pool"}:
            return exactly_one(("campaign", "pool"), written=written, fix=_NOT_TOGETHER)
        return ()


class Scale(Verb):
    """Run at most so many replicas. An autoscaler that owns the workload is bounded with it."""

    word: ClassVar[str] = "scale"

    deployment: WorkloadName | None = Field(default=None, description="A Deployment's name.")
    stateful_set: WorkloadName | None = Field(
        default=None, description="A StatefulSet's name. Not yet acted on."
    )
    to: int = Field(ge=0, le=_LARGEST_INT32, description="The most replicas.")

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        return exactly_one(("deployment", "statefulSet"), written=written, fix=_NOT_TOGETHER)


def _a_key(key: str) -> str:
    if fault := key_fault(key):
        raise reported([Mistake(f"the key {key!r} {fault}")])
    return key


class SetKey(Verb):
    """Set a plain key of a ConfigMap: for senders that can't read hold documents."""

    word: ClassVar[str] = "set"

    campaign: Id | None = Field(default=None, description="The campaign whose ConfigMap it is.")
    config_map: ConfigMapName | None = Field(default=None, description="A ConfigMap's name.")
    key: Annotated[str, AfterValidator(_a_key)] = Field(description="The plain key.")
    order: Annotated[Many[Text], AfterValidator(distinct)] = Field(
        min_length=2,
        max_length=50,
        description="Every value that the key may have, from the mildest to the strictest.",
    )
    to: Text = Field(description="The value to set; one of `order`, and not the mildest.")

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        mistakes = exactly_one(("campaign", "configMap"), written=written, fix=_NOT_TOGETHER)
        match written:
            case {"order": list(order), "to": str(to)} if to not in order:
                if not all(isinstance(value, str) for value in order):
                    return mistakes
                known = listed(tuple(order), last="and")
                wrong = Mistake(f"{shown(to)} is not in `order`", fix=f"there are {known}")
            case {"order": [mildest, _, *_], "to": str(to)} if to == mildest:
                wrong = Mistake(
                    f"{shown(to)} is the mildest value, which limits nothing",
                    fix="write `order` from the mildest to the strictest",
                )
            case _:
                return mistakes
        return (*mistakes, wrong.inside("to"))


class Suspend(Verb):
    """Suspend a Job or CronJob. Not yet acted on."""

    word: ClassVar[str] = "suspend"

    job: WorkloadName | None = Field(default=None, description="A Job's name.")
    cron_job: WorkloadName | None = Field(default=None, description="A CronJob's name.")

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        return exactly_one(("job", "cronJob"), written=written, fix=_NOT_TOGETHER)


class Shift(Verb):
    """Shift traffic away from the first backend of a route. Not yet acted on."""

    word: ClassVar[str] = "shift"

    ingress: WorkloadName | None = Field(default=None, description="An Ingress' name.")
    http_route: WorkloadName | None = Field(
        default=None, alias="httpRoute", description="An HTTPRoute's name."
    )
    virtual_service: WorkloadName | None = Field(
        default=None, description="A VirtualService's name."
    )
    keep: Share = Field(description="The share that stays on the first backend.")

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        return exactly_one(
            ("ingress", "httpRoute", "virtualService"), written=written, fix=_NOT_TOGETHER
        )


AnyVerb = Pause | Throttle | Reroute | Suppress | Scale | SetKey | Suspend | Shift

VERBS: dict[str, type[AnyVerb]] = {
    verb.word: verb for verb in (Pause, Throttle, Reroute, Suppress, Scale, SetKey, Suspend, Shift)
}
