"""Settings are read from flags and the environment, and every fault is told at once."""

import os
from pathlib import Path

import pytest

from responder.errors import BadInput
from responder.settings import read_settings


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the person at this machine has set."""
    for name in list(os.environ):
        if name.startswith("RESPONDER_"):
            monkeypatch.delenv(name)


def test_defaults_are_safe() -> None:
    settings = read_settings()
    assert settings.address == ("127.0.0.1", 9099)
    assert settings.bearer_token_file is None
    assert settings.target_namespaces == ("default",)


def test_a_flag_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESPONDER_NAMESPACE", "from-environment")
    monkeypatch.setenv("RESPONDER_MAX_MODE", "observe")
    settings = read_settings(namespace="from-flag", max_mode=None)
    assert (settings.namespace, settings.max_mode) == ("from-flag", "observe")


def test_every_setting_is_in_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESPONDER_ALLOW_NAMESPACE", "mail, bulk,mail")
    monkeypatch.setenv("RESPONDER_POOLS", "warm,quarantine")
    monkeypatch.setenv("RESPONDER_ALIASES", "campaign=campaign_id|utm_campaign, pool=ip_pool")
    monkeypatch.setenv("RESPONDER_KEEP_CLOSED_HOURS", "1.5")
    settings = read_settings(namespace="mail")
    assert settings.target_namespaces == ("mail", "bulk")
    assert settings.pools == ("warm", "quarantine")
    assert settings.aliases == {"campaign": ("campaign_id", "utm_campaign"), "pool": ("ip_pool",)}
    assert settings.keep_closed_hours == 1.5


def test_aliases_may_be_json() -> None:
    assert read_settings(aliases='{"campaign": ["campaign_id"]}').aliases == {
        "campaign": ("campaign_id",)
    }


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("localhost:80", ("localhost", 80)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:9099", ("::1", 9099)),
    ],
)
def test_addresses(listen: str, address: tuple[str, int]) -> None:
    assert read_settings(listen=listen).address == address


@pytest.mark.parametrize(
    ("listen"), ["0.0.0.0:9099", "[::]:9099", ":9099", "10.0.0.1:80", "example.org:80"]
)
def test_beyond_loopback_a_token_is_needed(listen: str, tmp_path: Path) -> None:
    """Fail closed: who forgets the token must not open the brake to everybody."""
    with pytest.raises(BadInput) as raised:
        read_settings(listen=listen)
    assert "bearer_token_file" in str(raised.value)
    settings = read_settings(listen=listen, bearer_token_file=tmp_path / "token")
    assert settings.listen == listen


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"listen": "9099"}, "HOST:PORT"),
        ({"listen": "127.0.0.1:"}, "HOST:PORT"),
        ({"listen": "127.0.0.1:x"}, "HOST:PORT"),
        ({"listen": "127.0.0.1:65536"}, "HOST:PORT"),
        ({"listen": "127.0.0.1:²"}, "HOST:PORT"),
        ({"max_mode": "yolo"}, "max_mode"),
        ({"namespace": "../mail"}, "namespace"),
        ({"namespace": ""}, "namespace"),
        ({"allow_namespace": "mail,Mail"}, "allow_namespace"),
        ({"aliases": "campaign"}, "aliases"),
        ({"aliases": "campaign="}, "aliases"),
        ({"aliases": "=x"}, "aliases"),
        ({"aliases": "a=b,a=c"}, "aliases"),
        ({"aliases": "{"}, "aliases"),
        ({"aliases": '{"a": 3}'}, "aliases"),
        ({"keep_closed_hours": 0}, "keep_closed_hours"),
        ({"most_requests": 0}, "most_requests"),
    ],
)
def test_a_fault_is_told_with_its_setting(given: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput) as raised:
        read_settings(**given)
    assert words in str(raised.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadInput) as raised:
        read_settings(max_mode="yolo", namespace="A", most_requests=0)
    assert {problem.field for problem in raised.value.problems} == {
        "max_mode",
        "namespace",
        "most_requests",
    }
