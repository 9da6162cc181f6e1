"""What operators set: flags, and the same words as RESPONDER_... in the environment."""

import ipaddress
import json
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from responder.errors import BadInput, Problem

Mode = Literal["observe", "approve", "auto"]
Namespace = Annotated[str, Field(pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
_MOST_PORT = 65535


class Access(BaseModel):
    """How one is known to a server: files that may be replaced while they are used."""

    model_config = ConfigDict(frozen=True)

    bearer_token_file: Path | None = None
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def faults(self) -> tuple[str, ...]:
        """What does not go together."""
        found = {
            "a bearer token and a username: set one of them": bool(
                self.bearer_token_file and self.username
            ),
            "a username and a password_file go together": bool(self.username)
            != bool(self.password_file),
            "a username can't hold a colon": ":" in self.username,
            "a cert_file and a key_file go together": bool(self.cert_file) != bool(self.key_file),
        }
        return tuple(fault for fault, is_so in found.items() if is_so)


class EvidenceSettings(BaseSettings):
    """Whom to ask for evidence. Everything here is optional: what isn't asked is unknown."""

    metrics: Path | None = None
    """Folder with metrics; by default `rules/metrics`, where that exists, else those of the box."""
    scrape_interval_seconds: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    """How often Prometheus scrapes the senders; two of it must have passed since a resume."""

    prometheus_url: str | None = None
    evidence_interval_seconds: Annotated[float, Field(gt=0, le=3_600)] = 15.0
    """How long after all questions were asked they are asked again."""
    confirm_within_seconds: Annotated[float, Field(gt=0, le=86_400)] = 120.0
    """How long after a hold is written its effect should be seen."""
    prometheus_timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 10.0
    """Of one try; three of them end within two and a half times as long."""
    prometheus_bearer_token_file: Path | None = None
    prometheus_username: str = ""
    prometheus_password_file: Path | None = None
    prometheus_ca_file: Path | None = None
    prometheus_cert_file: Path | None = None
    prometheus_key_file: Path | None = None

    alertmanager_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """Every Alertmanager that notifies us, each by itself."""
    alertmanager_external_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """Under which `externalURL` they notify: one for all, or one for each; by default the URLs."""
    alertmanager_receiver: str = ""
    """The name of our receiver there; where it is not set, any alert that they list is ours."""
    alertmanager_interval_seconds: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    """How often they are asked what fires."""
    alertmanager_grace_seconds: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    """How long one must have run before an alert that it doesn't list has resolved."""
    alertmanager_bearer_token_file: Path | None = None
    alertmanager_username: str = ""
    alertmanager_password_file: Path | None = None
    alertmanager_ca_file: Path | None = None
    alertmanager_cert_file: Path | None = None
    alertmanager_key_file: Path | None = None

    @field_validator("alertmanager_urls", "alertmanager_external_urls", mode="before")
    @classmethod
    def _urls(cls, given: object) -> object:
        return _listed(given)

    @field_validator("alertmanager_urls")
    @classmethod
    def _good_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(urls)) < len(urls):
            raise ValueError("names one twice")
        return tuple(_good_url(url) for url in urls)

    @field_validator("alertmanager_external_urls")
    @classmethod
    def _good_names(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_good_url(url) for url in urls)

    @field_validator("prometheus_url")
    @classmethod
    def _good_prometheus(cls, url: str | None) -> str | None:
        return None if url is None else _good_url(url)

    @model_validator(mode="after")
    def _known_to_both(self) -> Self:
        for name, access, has_url in (
            ("prometheus", self.prometheus_access, self.prometheus_url is not None),
            ("alertmanager", self.alertmanager_access, bool(self.alertmanager_urls)),
        ):
            faults = access.faults
            if access != Access() and not has_url:
                faults += ("credentials for an address that is not set",)
            if faults:
                raise ValueError(f"{name}: {'; '.join(faults)}")
        return self

    @model_validator(mode="after")
    def _named_alike(self) -> Self:
        names, urls = self.alertmanager_external_urls, self.alertmanager_urls
        if len(names) not in {0, 1, len(urls)} or (names and not urls):
            raise ValueError(
                "alertmanager_external_urls: one for all of the alertmanager_urls,"
                " or one for each, in their order"
            )
        return self

    @property
    def prometheus_access(self) -> Access:
        return self._access("prometheus")

    @property
    def alertmanager_access(self) -> Access:
        return self._access("alertmanager")

    def _access(self, server: str) -> Access:
        return Access(**{name: getattr(self, f"{server}_{name}") for name in Access.model_fields})


class Settings(EvidenceSettings):
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
    most_targets: Annotated[int, Field(gt=0)] | None = None
    """Held at once; beyond it, as beyond the next three, incidents wait for a person's approval."""
    most_targets_per_playbook: Annotated[int, Field(gt=0)] | None = None
    most_campaign_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Of all bulk campaigns, 0..1."""
    most_incidents_per_hour: Annotated[int, Field(gt=0)] | None = None
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
    contest_pauses_seconds: Annotated[
        tuple[Annotated[float, Field(ge=0, le=600)], ...],
        NoDecode,
        Field(min_length=1, max_length=64),
    ] = (0.0, 0.0, 0.0, 2.0, 4.0, 8.0)
    """Before each answer to another writer that undoes a hold; then it is stood down from."""
    contest_window_seconds: Annotated[float, Field(gt=0, le=86_400)] = 3600.0
    """How long such an answer counts."""
    contest_rest_seconds: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    """Between two tries while it is stood down from."""
    contest_calm_seconds: Annotated[float, Field(gt=0, le=86_400)] = 900.0
    """How long a hold must stand until it is no longer contested."""
    log_format: Literal["json", "console"] = "json"

    notify_file: Path | None = None
    """Who is told, as docs/notifications.md has it; it holds secrets, and is read again."""
    notify_templates: Path | None = None
    """A folder with templates of one's own for what they are told."""
    link: str = ""
    """Where a notice leads, with {name}, {namespace}, {playbook} and {labels.NAME} filled in."""

    @field_validator("link")
    @classmethod
    def _good_link(cls, link: str) -> str:
        if link and urlsplit(link).scheme not in ("http", "https"):
            raise ValueError("must begin with http:// or https://")
        unknown = sorted(
            {
                place
                for place in re.findall(r"\{([^{}]*)\}", link)
                if place not in ("name", "namespace", "playbook")
                and not (place.startswith("labels.") and len(place) > len("labels."))
            }
        )
        if unknown:
            known = "{name}, {namespace}, {playbook} and {labels.NAME}"
            raise ValueError(f"holds {{{unknown[0]}}}; there are {known}")
        return link

    @field_validator("allow_namespace", "pools", "contest_pauses_seconds", mode="before")
    @classmethod
    def _names(cls, given: object) -> object:
        return _listed(given)

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


def _listed(given: object) -> object:
    if isinstance(given, str):
        return tuple(part.strip() for part in given.split(",") if part.strip())
    return given


def _good_url(url: str) -> str:
    """Check a server's address, which may end in a path; raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("must begin with http:// or https:// and a host")
    if parts.username is not None or parts.password is not None:
        # An address is logged and shown; a secret is neither.
        raise ValueError("holds a user or a password: give them as username and password_file")
    if parts.query or parts.fragment:
        raise ValueError("must end with the host or a path")
    return url


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
