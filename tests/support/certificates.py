"""Certificates for TLS tests, made on the spot."""
import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


class Identity:
    """A certificate and its key, as PEM; `issuer` has signed it, or it has signed itself."""

    def __init__(self, name, issuer=None, days_from=-1, days_until=30):
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = issuer or self
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = (
            x509.CertificateBuilder().subject_name(self.name).issuer_name(signer.name)
            .public_key(self.private.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(NOW + days_from * DAY).not_valid_after(NOW + days_until * DAY)
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
            .add_extension(x509.SubjectAlternativeName(names), False)
            .sign(signer.private, hashes.SHA256()))
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM)
        self.serial = certificate.serial_number
        self.key = self.key_pem(serialization.NoEncryption())

    def key_pem(self, encryption):
        return self.private.private_bytes(serialization.Encoding.PEM,
                                          serialization.PrivateFormat.PKCS8, encryption)


def write(folder, name, content, mode=0o600):
    """Writes a file as a careful person replaces one, by renaming, and returns its path."""
    path = os.path.join(folder, name)
    with open(path + ".new", "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
    os.rename(path + ".new", path)
    return path
