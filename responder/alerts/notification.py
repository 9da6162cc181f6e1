"""PROVISIONAL, replaced by the alerts room's own."""
from dataclasses import dataclass
from typing import Literal
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from responder.errors import BadInput, Problem
class Alert(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)
    status: Literal["firing","resolved"]
    labels: dict[str,str]
    annotations: dict[str,str] = Field(default_factory=dict)
    starts_at: str
    ends_at: str = ""
    fingerprint: str
class Notification(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)
    version: str
    receiver: str = ""
    alerts: tuple[Alert,...]
    external_url: str = Field("", alias="externalURL")
@dataclass(frozen=True)
class RejectedAlert:
    index: int
    fingerprint: str
    problems: tuple[Problem,...]
@dataclass(frozen=True)
class Reading:
    notification: Notification
    rejected: tuple[RejectedAlert,...] = ()
def read_alertmanager(body: bytes) -> Reading:
    try:
        return Reading(Notification.model_validate_json(body))
    except ValidationError as e:
        raise BadInput([Problem(str(e))]) from e
