"""coturn in a namespace, with the configuration that a clinic deploys and the lab's own addresses added."""

import base64
import datetime
import hashlib
import hmac
import ipaddress
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.netsim.namespace import Namespace

DEPLOYED = Path(__file__).resolve().parents[2] / "deploy" / "coturn" / "turnserver.conf"
REALM = "lab.test"


def configured(media_server: str) -> str:
    """The deployed configuration with its exception for the media server's address."""
    command = [sys.executable, str(DEPLOYED.with_name("configure.py")), "--sfu", media_server]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Relay:
    """One coturn. `host` serves UDP and TCP on 3478 and TLS on 443; `secret` mints credentials."""

    udp_port = tcp_port = 3478
    tls_port = 443

    def __init__(
        self, namespace: Namespace, host: str, host6: str, allowed: list[str], directory: Path, deployed: str = ""
    ) -> None:
        self.namespace, self.host, self.host6 = namespace, host, host6
        self.secret = secrets.token_urlsafe(24)
        self.certificate, key = write_certificate(directory, [host])
        self._log = directory / "turnserver.log"
        lines = [
            deployed or DEPLOYED.read_text(),
            f"listening-ip={host}",
            f"relay-ip={host}",
            f"relay-ip={host6}",
            f"static-auth-secret={self.secret}",
            f"realm={REALM}",
            f"cert={self.certificate}",
            f"pkey={key}",
            f"tls-listening-port={self.tls_port}",
            f"userdb={directory / 'turndb'}",
            f"pidfile={directory / 'turnserver.pid'}",
            "verbose",
            *(f"allowed-peer-ip={prefix}" for prefix in allowed),
        ]
        config = directory / "turnserver.conf"
        config.write_text("\n".join(lines) + "\n")
        config.chmod(0o600)
        # Its threads make the tables on their first request; two at once find the file locked and answer 401.
        namespace.run("turnadmin", "--list", "--db", str(directory / "turndb"))
        with self._log.open("wb") as log:
            self.process = namespace.popen(["turnserver", "-c", str(config)], stdout=log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with self.namespace.socket(socket.SOCK_STREAM) as probe:
                probe.settimeout(1)
                if probe.connect_ex((self.host, self.tls_port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"coturn did not start:\n{self.log_text()[-2000:]}")

    def credentials(self, participant: str = "lab", *, ttl_s: int = 300) -> tuple[str, str]:
        """(username, password) as draft-uberti-behave-turn-rest says; a negative ttl is expired."""
        username = f"{int(time.time()) + ttl_s}:{participant}"
        digest = hmac.new(self.secret.encode(), username.encode(), hashlib.sha1).digest()
        return username, base64.b64encode(digest).decode()

    def log_text(self) -> str:
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(3)


def write_certificate(directory: Path, hosts: list[str]) -> tuple[Path, Path]:
    """A self-signed certificate for these addresses: (certificate, key), both PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(h)) for h in hosts]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    stem = hosts[0].replace(":", "_")
    certificate_file, key_file = directory / f"{stem}.pem", directory / f"{stem}.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file
