"""The scenario: what its file says, read strictly like a playbook.

All times are the scenario's own: `at: 20m` is twenty minutes into it, however fast it is run.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from responder.playbooks.model import Many, Part, exactly_one, listed
from responder.playbooks.names import LONGEST_ID, label_fault, subdomain_fault
from responder.playbooks.quantities import Duration, Share
from responder.playbooks.written import Mistake, reported, shown

API_VERSION: Final = "campaign-responder.dev/v1alpha1"
KIND: Final = "Scenario"

_MOST_CAMPAIGNS = 200
_MOST_EVENTS = 200
_WHOLE = 1.0
_TOLERANCE = 1e-6


def _a_name(name: str) -> str:
    if fault := subdomain_fault(name):
        raise reported([Mistake(f"the name {shown(name)} {fault}")])
    return name


def _a_label(name: str) -> str:
    if fault := label_fault(name):
        raise reported([Mistake(f"the name {shown(name)} {fault}")])
    return name


def _a_whole(parts: dict[str, Share]) -> dict[str, Share]:
    total = sum(share.ratio for share in parts.values())
    if parts and abs(total - _WHOLE) > _TOLERANCE:
        raise reported([Mistake(f"add up to {total:.0%}", fix="make them 100%")])
    return parts


Name = Annotated[str, AfterValidator(_a_name)]
Id = Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]
Mix = Annotated[dict[Id, Share], AfterValidator(_a_whole)]
WISHES: Final = ("acknowledge", "approve", "reject", "release")
"""What people may want of incidents, as the responder's own door has it."""
_IN_FLIGHT = Duration.parse("10s")
_NONE = Share.parse("0%")


class Metadata(Part):
    """Which scenario it is."""

    name: Annotated[str, AfterValidator(_a_label)] = Field(description="The scenario's name.")


class Autoscaler(Part):
    """The bounds of a workload's HorizontalPodAutoscaler."""

    min: int = Field(default=1, ge=1, le=10_000, description="The least replicas.")
    max: int = Field(ge=1, le=10_000, description="The most replicas.")

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        least, most = written.get("min", 1), written.get("max")
        if isinstance(least, int) and isinstance(most, int) and most < least:
            return (Mistake(f"has a max of {most} below its min of {least}"),)
        return ()


class Workload(Part):
    """A Deployment whose pods send."""

    name: Name = Field(description="The Deployment's name.")
    replicas: int = Field(default=4, ge=0, le=10_000, description="Its pods at the beginning.")
    autoscaler: Autoscaler | None = Field(
        default=None, description="The HorizontalPodAutoscaler that owns its replicas."
    )
    hold_allowed: bool = Field(
        default=True, description="Whether its owner lets it be held, by the label."
    )


class Delivery(Part):
    """What becomes of the messages, as shares of what is attempted or delivered."""

    hard_bounces: Share = Field(default=_NONE, description="Addresses that don't exist.")
    soft_bounces: Share = Field(default=_NONE, description="Mailboxes that are full or away.")
    blocks: Share = Field(default=_NONE, description="Refused for the sender's reputation.")
    deferrals: Share = Field(default=_NONE, description="Put off by the provider.")
    complaints: Share = Field(default=_NONE, description="Reported as spam, of those delivered.")
    trap_hits: Share = Field(default=_NONE, description="Sent to a spam trap.")

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        failing = ("hardBounces", "softBounces", "blocks", "deferrals")
        total = 0.0
        for key in failing:
            try:
                total += Share.parse(str(written.get(key, "0%"))).ratio
            except Mistake:
                return ()
        if total > _WHOLE + _TOLERANCE:
            return (Mistake(f"fails more than every message: {total:.0%}"),)
        return ()


class Campaign(Part):
    """What one campaign sends."""

    name: Id = Field(description="The campaign's id, as in the alerts' label `campaign`.")
    per_minute: float = Field(
        gt=0, le=1_000_000, description="Messages a minute while nothing holds it.", strict=False
    )
    workload: Name | None = Field(
        default=None, description="The workload that sends it; by default the first."
    )
    stream: Literal["bulk", "transactional"] = Field(
        default="bulk", description="Transactional mail is never held."
    )
    pool: Id = Field(default="bulk", description="The pool of IP addresses that it is sent from.")
    tenant: Id = Field(default="default", description="Whose campaign it is.")
    providers: Mix = Field(
        default={"gmail": Share.parse("60%"), "yahoo": Share.parse("40%")},
        description="The shares of its recipients' mailbox providers.",
        min_length=1,
    )
    segments: Mix = Field(
        default={"all": Share.parse("100%")},
        description="The shares of the segments of its list.",
        min_length=1,
    )
    in_flight: Duration = Field(
        default=_IN_FLIGHT,
        description="How long a message is under way from being picked up to being handed over.",
    )
    delivery: Delivery = Field(
        default=Delivery(), description="What becomes of its messages at the beginning."
    )


class Wish(Part):
    """What a person wants of the incidents about something."""

    campaign: Id | None = Field(default=None, description="About a campaign.")
    pool: Id | None = Field(default=None, description="About a pool.")
    segment: Id | None = Field(default=None, description="About a segment.")
    provider: Id | None = Field(default=None, description="About a mailbox provider.")
    reason: Id = Field(default="as the scenario says", description="Why, as the incident tells.")

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        return exactly_one(("campaign", "pool", "segment", "provider"), written=written)

    @property
    def about(self) -> str:
        """What the incidents are about."""
        return self.campaign or self.pool or self.segment or self.provider or ""


class Scale(Part):
    """A person scales a workload by hand."""

    workload: Name = Field(description="The workload.")
    to: int = Field(ge=0, le=10_000, description="The replicas.")


class Change(Part):
    """What the delivery becomes, for a campaign or for a part of it."""

    campaign: Id | None = Field(default=None, description="Of one campaign; by default of all.")
    provider: Id | None = Field(default=None, description="At one provider alone.")
    segment: Id | None = Field(default=None, description="In one segment alone.")
    delivery: Delivery = Field(description="What becomes of the messages from now on.")


class Event(Part):
    """Something that happens."""

    at: Duration = Field(description="When, from the beginning on.")
    change: Change | None = Field(default=None, description="The delivery changes.")
    acknowledge: Wish | None = Field(
        default=None, description="A person says that the cause is dealt with."
    )
    approve: Wish | None = Field(default=None, description="A person approves what is proposed.")
    reject: Wish | None = Field(default=None, description="A person rejects what is proposed.")
    release: Wish | None = Field(default=None, description="A person gives everything back.")
    scale: Scale | None = Field(default=None, description="A person scales a workload.")

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        return exactly_one(("change", *WISHES, "scale"), written=written)

    @property
    def wish(self) -> tuple[str, Wish] | None:
        """What a person wants, if this is it: the verb, and of which incidents."""
        told = ((verb, getattr(self, verb)) for verb in WISHES)
        return next(((verb, wish) for verb, wish in told if wish is not None), None)


class Held(Part):
    """Something is held, at least as strictly as this."""

    campaign: Id | None = Field(default=None, description="A campaign.")
    pool: Id | None = Field(default=None, description="A pool.")
    segment: Id | None = Field(default=None, description="A segment.")
    provider: Id | None = Field(
        default=None, description="A mailbox provider: alone, or of the campaign, pool or segment."
    )
    to: Share = Field(default=_NONE, description="The most that may be let through, by default 0%.")

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        senders = ("campaign", "pool", "segment")
        if written.keys().isdisjoint(senders):
            every = listed((*senders, "provider"))
            return () if "provider" in written else (Mistake(f"needs {every}"),)
        return exactly_one(senders, written=written)


class Expectation(Part):
    """What should come of it."""

    by: Duration | None = Field(
        default=None, description="At the latest then; by default at some time or other."
    )
    held: Held | None = Field(default=None, description="Something is held.")
    given_back: Literal["everything"] | None = Field(
        default=None, description="`everything`: nothing is held, and nothing of ours is left."
    )
    never_held: Id | None = Field(default=None, description="A campaign is held at no time.")
    replicas: Scale | None = Field(default=None, description="A workload has so many replicas.")
    incidents: int | None = Field(
        default=None, ge=0, description="So many incidents were opened, in the whole run."
    )

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        kinds = ("held", "givenBack", "neverHeld", "replicas", "incidents")
        mistakes = exactly_one(kinds, written=written)
        timeless = next((key for key in ("neverHeld", "incidents") if key in written), "")
        if timeless and "by" in written:
            mistakes += (Mistake(f"`{timeless}` is of the whole run", fix="remove `by`"),)
        return mistakes


class Spec(Part):
    """The story."""

    about: str = Field(default="", max_length=1_000, description="What it shows, in a sentence.")
    lasts: Duration = Field(
        default=Duration.parse("2h"),
        description="When it ends at the latest; it ends sooner once all is over.",
    )
    workloads: Many[Workload] = Field(
        default=(Workload(name="email-sender"),),
        min_length=1,
        max_length=50,
        description="The Deployments that send.",
    )
    campaigns: Many[Campaign] = Field(
        min_length=1, max_length=_MOST_CAMPAIGNS, description="What is sent."
    )
    events: Many[Event] = Field(
        default=(), max_length=_MOST_EVENTS, description="What happens meanwhile."
    )
    expect: Many[Expectation] = Field(
        default=(), max_length=_MOST_EVENTS, description="What should come of it."
    )


class Scenario(Part):
    """A story for the sandbox, and what should come of it."""

    api_version: Literal["campaign-responder.dev/v1alpha1"] = Field(
        default=API_VERSION, description="The version of this format."
    )
    kind: Literal["Scenario"] = Field(default=KIND, description="Always `Scenario`.")
    metadata: Metadata = Field(description="The `name` of the scenario.")
    spec: Spec = Field(description="The story.")

    @property
    def name(self) -> str:
        return self.metadata.name
