"""A key and a certificate for one run: who has them is of the run, and nobody else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

#: Longer than any chunk takes; nobody has the key after the run.
VALID = timedelta(days=365)


def make_keys() -> Any:
    """Return Dask's settings for TLS with a new key, which scheduler, workers and client share and ask each other for.

    They are in memory only. `distributed.security.Security.temporary` makes the same with RSA, which takes a tenth of a
    second longer.

    Returns
    -------
    distributed.security.Security

    Raises
    ------
    ValueError
        Dask's own configuration of TLS is wrong.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from distributed.security import Security

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "one run of crnsim")])
    # A clock that is set back meanwhile does no harm.
    begin = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), begin, begin + VALID
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    pairs = {
        f"tls_{role}_{kind}": text
        for role in ("client", "scheduler", "worker")
        for kind, text in (("cert", public), ("key", private))
    }
    return Security(require_encryption=True, tls_ca_file=public, **pairs)
