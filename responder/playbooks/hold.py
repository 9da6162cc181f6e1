"""A hold as a playbook writes it: a mapping of one verb."""

from collections.abc import Mapping
from functools import cached_property
from typing import cast

from pydantic import ConfigDict, Field

from responder.playbooks.model import Part
from responder.playbooks.verbs import (
    VERBS,
    AnyVerb,
    Pause,
    Reroute,
    Scale,
    SetKey,
    Shift,
    Suppress,
    Suspend,
    Throttle,
)
from responder.playbooks.written import Mistake


class Hold(Part):
    """One thing to be limited, and how."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    pause: Pause | None = Field(default=None, description="Send nothing.")
    throttle: Throttle | None = Field(default=None, description="Send slower.")
    reroute: Reroute | None = Field(default=None, description="Send through another pool.")
    suppress: Suppress | None = Field(default=None, description="Skip a segment.")
    scale: Scale | None = Field(default=None, description="Run fewer replicas.")
    set_: SetKey | None = Field(
        default=None, alias="set", description="Set a plain key of a ConfigMap."
    )
    suspend: Suspend | None = Field(
        default=None, description="Suspend a Job or CronJob. Not yet acted on."
    )
    shift: Shift | None = Field(
        default=None, description="Shift traffic to another backend. Not yet acted on."
    )

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        if not written:
            return (Mistake("has no verb", fix=f"there are {', '.join(VERBS)}"),)
        if len(written) > 1:
            verbs = ", ".join(verb for verb in VERBS if verb in written)
            return (
                Mistake(
                    f"has several verbs: {verbs}",
                    fix="begin each with `- `, as a hold of its own",
                ),
            )
        return ()

    @property
    def word(self) -> str:
        """The verb, as the file spells it."""
        return self.verb.word

    @cached_property
    def verb(self) -> AnyVerb:
        """The verb's own mapping."""
        fields = (getattr(self, name) for name in self.model_fields_set)
        return cast("AnyVerb", next(fields))
