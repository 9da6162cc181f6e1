"""Settings are read from flags and the environment, and every fault is told at once."""

import os
from pathlib import Path

import pytest

from responder.app import alertmanagers_of, practice_of, prometheus_of, scope_of
from responder.errors import BadInput
from responder.evidence.reckoning import Senders
from responder.reconcile.contest import Patience
from responder.reconcile.inquiry import Practice
from responder.settings import Access, read_settings


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
        ({"contest_pauses_seconds": "0,soon"}, "contest_pauses_seconds"),
        ({"contest_pauses_seconds": ""}, "contest_pauses_seconds"),
        ({"contest_pauses_seconds": "0,-1"}, "contest_pauses_seconds"),
        ({"contest_rest_seconds": 0}, "contest_rest_seconds"),
    ],
)
def test_a_fault_is_told_with_its_setting(given: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput) as raised:
        read_settings(**given)
    assert words in str(raised.value)


def test_the_patience_with_other_writers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scope_of(read_settings()).patience == Patience()
    monkeypatch.setenv("RESPONDER_CONTEST_PAUSES_SECONDS", "0, 1.5,3")
    monkeypatch.setenv("RESPONDER_CONTEST_WINDOW_SECONDS", "600")
    monkeypatch.setenv("RESPONDER_CONTEST_REST_SECONDS", "60")
    monkeypatch.setenv("RESPONDER_CONTEST_CALM_SECONDS", "120")
    assert scope_of(read_settings()).patience == Patience((0.0, 1.5, 3.0), 600.0, 60.0, 120.0)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadInput) as raised:
        read_settings(max_mode="yolo", namespace="A", most_requests=0)
    assert {problem.field for problem in raised.value.problems} == {
        "max_mode",
        "namespace",
        "most_requests",
    }


def test_without_any_address_there_is_nobody_to_ask() -> None:
    settings = read_settings()
    assert prometheus_of(settings) is None
    assert settings.alertmanager_urls == ()
    assert settings.metrics is None


def test_whom_to_ask_is_set_in_the_environment_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RESPONDER_PROMETHEUS_URL", "https://mimir.example/prometheus")
    monkeypatch.setenv("RESPONDER_PROMETHEUS_USERNAME", "responder")
    monkeypatch.setenv("RESPONDER_PROMETHEUS_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("RESPONDER_ALERTMANAGER_URLS", "http://am-0:9093, http://am-1:9093/path")
    monkeypatch.setenv("RESPONDER_ALERTMANAGER_BEARER_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("RESPONDER_ALERTMANAGER_GRACE_SECONDS", "60")
    monkeypatch.setenv("RESPONDER_ALERTMANAGER_INTERVAL_SECONDS", "20")
    monkeypatch.setenv("RESPONDER_ALERTMANAGER_RECEIVER", "responder")
    monkeypatch.setenv("RESPONDER_ALERTMANAGER_EXTERNAL_URLS", "https://alerts.example")
    monkeypatch.setenv("RESPONDER_SCRAPE_INTERVAL_SECONDS", "15")
    settings = read_settings()
    assert settings.prometheus_access == Access(
        username="responder", password_file=tmp_path / "password"
    )
    assert settings.alertmanager_urls == ("http://am-0:9093", "http://am-1:9093/path")
    assert settings.alertmanager_access == Access(bearer_token_file=tmp_path / "token")
    assert (settings.alertmanager_grace_seconds, settings.scrape_interval_seconds) == (60, 15)
    assert prometheus_of(settings) is not None
    assert practice_of(settings) == Practice(
        Senders(("https://alerts.example",) * 2),
        interval_seconds=20,
        grace_seconds=60,
        receiver="responder",
    )


FILE = Path("file")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"prometheus_url": "prometheus:9090"}, "http://"),
        ({"prometheus_url": "http://"}, "a host"),
        ({"prometheus_url": "http://x:port"}, "ort"),
        ({"prometheus_url": "http://me:secret@x"}, "password_file"),
        ({"prometheus_url": "http://x/?a=b"}, "end with"),
        ({"alertmanager_urls": "http://x,ftp://y"}, "http://"),
        ({"alertmanager_urls": "http://x,http://x"}, "twice"),
        ({"alertmanager_external_urls": "http://x"}, "one for each"),
        (
            {
                "alertmanager_urls": "http://x",
                "alertmanager_external_urls": "http://y,http://z",
            },
            "one for each",
        ),
        ({"alertmanager_urls": "http://x", "alertmanager_external_urls": "y"}, "http://"),
        ({"alertmanager_interval_seconds": 0}, "alertmanager_interval_seconds"),
        ({"prometheus_bearer_token_file": FILE}, "address that is not set"),
        ({"alertmanager_ca_file": FILE}, "address that is not set"),
        ({"prometheus_url": "http://x", "prometheus_username": "me"}, "go together"),
        ({"prometheus_url": "http://x", "prometheus_password_file": FILE}, "go together"),
        ({"prometheus_url": "http://x", "prometheus_cert_file": FILE}, "go together"),
        (
            {
                "prometheus_url": "http://x",
                "prometheus_username": "m:e",
                "prometheus_password_file": FILE,
            },
            "colon",
        ),
        (
            {
                "alertmanager_urls": "http://x",
                "alertmanager_username": "me",
                "alertmanager_password_file": FILE,
                "alertmanager_bearer_token_file": FILE,
            },
            "one of them",
        ),
        ({"scrape_interval_seconds": 0}, "scrape_interval_seconds"),
        ({"prometheus_timeout_seconds": 0}, "prometheus_timeout_seconds"),
    ],
)
def test_a_fault_in_whom_to_ask_is_told_and_no_secret_with_it(
    given: dict[str, object], words: str
) -> None:
    with pytest.raises(BadInput) as raised:
        read_settings(**given)
    assert words in str(raised.value)
    assert ":secret" not in str(raised.value)


def test_files_that_can_not_be_used_are_told_before_anything_is_asked(tmp_path: Path) -> None:
    missing = tmp_path / "ca.crt"
    settings = read_settings(prometheus_url="https://x", prometheus_ca_file=missing)
    with pytest.raises(BadInput, match=r"ca\.crt"):
        prometheus_of(settings)


async def test_those_that_are_set_are_opened_and_closed_without_being_asked() -> None:
    settings = read_settings(prometheus_url="http://x", alertmanager_urls="http://y,http://z")
    opening = prometheus_of(settings)
    assert opening is not None
    async with opening, alertmanagers_of(settings):
        pass


@pytest.mark.parametrize("link", ["", "https://g.example/d/x?a={name}&b={labels.campaign}"])
def test_a_link_may_have_places_for_what_is_known(link: str) -> None:
    assert read_settings(link=link).link == link


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("javascript:alert(1)", "must begin with http:// or https://"),
        ("https://g.example/{incident}", "holds {incident}; there are {name}"),
        ("https://g.example/{labels.}", "holds {labels.}"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused(link: str, fault: str) -> None:
    with pytest.raises(BadInput, match=fault.replace("{", "[{]")):
        read_settings(link=link)
