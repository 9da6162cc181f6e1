"""An ask: what one hold of one playbook comes down to, in the form in which an incident keeps it.

An incident carries its asks as its plan, so that editing or deleting a playbook never changes what
is already held. Read back, they are checked as strictly as if a stranger had written them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from responder.errors import BadInput, Problem

Control = Literal["replicas", "sending", "keys"]
TargetKind = Literal["Deployment", "campaign", "pool", "segment", "provider", "ConfigMap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One limit on one target. `limit` is JSON; which keys it has, its control says:

    replicas: `replicas`. sending: some of `share`, `perMinute`, `providers`, `pool`, `suppress`,
    `inFlight`. keys: `key`, `order`, `value`.
    """

    control: Control
    namespace: str
    target_kind: TargetKind
    target: str
    limit: Mapping[str, Any]
    verb: str
    """The playbook's own word, for people."""

    def to_json(self) -> dict[str, Any]:
        """Give the form that `from_json` reads."""
        return {
            "control": self.control,
            "namespace": self.namespace,
            "targetKind": self.target_kind,
            "target": self.target,
            "limit": dict(self.limit),
            "verb": self.verb,
        }

    @classmethod
    def from_json(cls, given: object) -> Self:
        """Read a stored ask; raises BadInput with every fault."""
        try:
            stored = _STORED.validate_python(given)
        except ValidationError as error:
            raise BadInput(
                Problem(found["msg"], field=".".join(str(part) for part in found["loc"][1:]))
                for found in error.errors(include_url=False, include_context=False)
            ) from error
        return cls(
            control=stored.control,
            namespace=stored.namespace,
            target_kind=stored.targetKind,
            target=stored.target,
            limit=stored.limit.model_dump(exclude_unset=True),
            verb=stored.verb,
        )


class _Json(BaseModel):
    # Names are those of the JSON: this is nothing but its shape.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Name = Annotated[str, Field(min_length=1, max_length=253)]
ShareRatio = Annotated[float, Field(ge=0, le=1)]


class _ReplicasLimit(_Json):
    replicas: int = Field(ge=0)


class _SendingLimit(_Json):
    share: ShareRatio | None = None
    perMinute: int | None = Field(default=None, ge=0)  # noqa: N815
    providers: dict[Name, ShareRatio] | None = None
    pool: Name | None = None
    suppress: list[Name] | None = None
    inFlight: Literal["finish", "drop"] | None = None  # noqa: N815


class _KeysLimit(_Json):
    key: Name
    order: list[str] = Field(min_length=2)
    value: str


class _Stored(_Json):
    namespace: Name
    target: Name
    verb: Name


class _StoredReplicas(_Stored):
    control: Literal["replicas"]
    targetKind: Literal["Deployment"]  # noqa: N815
    limit: _ReplicasLimit


class _StoredSending(_Stored):
    control: Literal["sending"]
    targetKind: Literal["campaign", "pool", "segment", "provider"]  # noqa: N815
    limit: _SendingLimit


class _StoredKeys(_Stored):
    control: Literal["keys"]
    targetKind: Literal["campaign", "ConfigMap"]  # noqa: N815
    limit: _KeysLimit


_STORED: TypeAdapter[_StoredReplicas | _StoredSending | _StoredKeys] = TypeAdapter(
    Annotated[_StoredReplicas | _StoredSending | _StoredKeys, Field(discriminator="control")]
)
