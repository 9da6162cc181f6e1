"""A real Prometheus that asks for a password or a certificate gets it."""

from datetime import UTC, datetime
from pathlib import Path

from responder.evidence.answers import Answer
from responder.evidence.credentials import Credentials, Tls
from responder.evidence.prometheus import open_prometheus
from responder.evidence.questions import Question
from responder.evidence.transport import Endpoint, Limits
from responder.evidence.verdict import Unknown
from tests.controlplane.fixtures import StartPrometheus
from tests.controlplane.real_prometheus import scrape_configuration
from tests.evidence.certificates import Certificates

QUICK = Limits(total_seconds=2.0, deadline_seconds=6.0, first_pause_seconds=0.05)

# The example of Prometheus' own documentation: the hash of "test".
HASH = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay"


async def test_a_password_is_shown_to_a_real_one(
    start_prometheus: StartPrometheus, tmp_path: Path
) -> None:
    server = start_prometheus(scrape_configuration(), web={"basic_auth_users": {"admin": HASH}})
    password = tmp_path / "password"
    password.write_text("test\n")
    question = Question.model_validate(
        {"name": "query", "measure": "value", "events": {"texts": ["vector(1)"]}}
    )
    for username, expected in (("admin", None), ("someone", Unknown.REFUSED)):
        credentials = Credentials(username=username, password_file=password)
        async with open_prometheus(Endpoint(server.url, credentials), limits=QUICK) as prometheus:
            found = await prometheus.verdict(question, now=datetime.now(UTC))
            assert found.finding.reason is expected


async def test_certificates_are_shown_to_a_real_one(
    start_prometheus: StartPrometheus, tmp_path: Path
) -> None:
    certificates = Certificates.make(tmp_path)
    tls = {
        "cert_file": str(certificates.crt("server")),
        "key_file": str(certificates.key("server")),
        "client_ca_file": str(certificates.crt("ca")),
        "client_auth_type": "RequireAndVerifyClientCert",
    }
    server = start_prometheus(scrape_configuration(), web={"tls_server_config": tls})
    mutual = Tls(
        ca_file=certificates.crt("ca"),
        cert_file=certificates.crt("client"),
        key_file=certificates.key("client"),
    )
    for shown, works in ((mutual, True), (Tls(ca_file=certificates.crt("ca")), False)):
        async with open_prometheus(Endpoint(server.url, tls=shown), limits=QUICK) as prometheus:
            found = await prometheus.query("vector(1)", at=datetime.now(UTC))
            assert isinstance(found, Answer) == works
