"""What operators set: flags, and the same words as RESPONDER_... in the environment."""

import ipaddress
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from responder.errors import BadInput, Problem

Mode = Literal["observe", "approve", "auto"]
Namespace = Annotated[str, Field(pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
_MOST_PORT = 65535


class Settings(BaseSettings):
    """The settings of `responder serve`."""

    model_config = SettingsConfigDict(
        env_prefix="RESPONDER_", frozen=True, extra="ignore", populate_by_name=True
    )

    listen: str = "127.0.0.1:9099"
    kubeconfig: Path | None = None
    namespace: Namespace = "default"
    """Where incidents are kept, and where playbooks look that name no namespace."""
    allow_namespace: Annotated[tuple[Namespace, ...], NoDecode] = ()
    """Further namespaces whose objects may be held."""
    playbooks: Path = Path("rules/playbooks")
    bearer_token_file: Path | None = None
    max_mode: Mode = "auto"
    pools: Annotated[tuple[str, ...], NoDecode] = ()
    """Sending pools, mildest first: of two that are asked for, the later one holds."""
    aliases: Annotated[dict[str, tuple[str, ...]], NoDecode] = Field(default_factory=dict)
    """Label names as playbooks use them, with the names that alerts use."""
    keep_closed_hours: Annotated[float, Field(gt=0, le=87_600)] = 168.0
    most_body_bytes: Annotated[int, Field(gt=0)] = 4 * 2**20
    most_requests: Annotated[int, Field(gt=0)] = 64
    """Webhook calls under way at once; beyond, senders are asked to come again (503)."""
    request_seconds: Annotated[float, Field(gt=0)] = 8.0
    """How long a webhook call may take; below the sender's own time-out."""
    log_format: Literal["json", "console"] = "json"

    @field_validator("allow_namespace", "pools", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        if isinstance(given, str):
            return tuple(part.strip() for part in given.split(",") if part.strip())
        return given

    @field_validator("aliases", mode="before")
    @classmethod
    def _aliased(cls, given: object) -> object:
        """Read `campaign=campaign_id|utm_campaign,pool=ip_pool`, or the same as JSON."""
        if not isinstance(given, str):
            return given
        if given.lstrip().startswith("{"):
            return json.loads(given)
        pairs = [part.partition("=") for part in given.split(",") if part.strip()]
        read = {
            name.strip(): tuple(source.strip() for source in value.split("|"))
            for name, _, value in pairs
        }
        if len(read) != len(pairs) or not all(name and all(read[name]) for name in read):
            raise ValueError("must be like campaign=campaign_id|utm_campaign,pool=ip_pool")
        return read

    @model_validator(mode="after")
    def _safe(self) -> "Settings":
        host, _ = self.address
        if self.bearer_token_file is None and not is_loopback(host):
            raise ValueError(
                f"listen: {host} is not loopback, and no bearer_token_file is set:"
                " set one, or listen on 127.0.0.1"
            )
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `listen`; raises ValueError where it is neither."""
        host, colon, port = self.listen.rpartition(":")
        if not (colon and port.isascii() and port.isdigit() and int(port) <= _MOST_PORT):
            raise ValueError(f"listen: {self.listen!r} is not HOST:PORT")
        return host.strip("[]"), int(port)

    @property
    def target_namespaces(self) -> tuple[str, ...]:
        """The home namespace first, then the others, each once."""
        return tuple(dict.fromkeys((self.namespace, *self.allow_namespace)))


def is_loopback(host: str) -> bool:
    """Tell whether a host, by name or address, is this machine and no other."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings(**given: object) -> Settings:
    """Read the settings: what is given, else the environment; raises BadInput with every fault."""
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise BadInput(
            Problem(
                found["msg"].removeprefix("Value error, "),
                field=".".join(str(part) for part in found["loc"]),
                fix="see responder serve --help",
            )
            for found in error.errors(include_url=False)
        ) from error
