"""Certificates of an authority of one's own, as who runs a cluster has them."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core.clock import now


@dataclass(frozen=True)
class Files:
    """PEM files: an authority, and a certificate of it with its key, for one name."""

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def made(cls, folder: Path, name: str) -> "Files":
        """In a folder, by a new authority: no Rust client takes a certificate that signs itself."""
        files = cls(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
        authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _certificate("authority", authority, "authority", authority)
        leaf = _certificate(name, own, "authority", authority)
        files.authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        files.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(
            own.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, by: str, signing: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    own, issuer = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, by)
    )
    return (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=key is signing, path_length=None), critical=True)
        .sign(signing, hashes.SHA256())
    )
