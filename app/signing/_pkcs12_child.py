"""Opens one PKCS#12 file, within limits: a file may demand that its password be stretched for hours.

Reads ``{"password": ..., "file": ...}`` from standard input, both hexadecimal; writes the key (PKCS#8) and the
certificates (DER) as JSON, or ``{"cause": ...}``.  Started by :func:`app.signing.outside.open_pkcs12` alone.
"""

import json
import resource
import sys
import warnings

CPU_SECONDS = 5
MEMORY_BYTES = 512 * 1024 * 1024


def main():
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12

    given = json.load(sys.stdin)
    try:
        found = pkcs12.load_pkcs12(bytes.fromhex(given["file"]), bytes.fromhex(given["password"]))
    except UnsupportedAlgorithm:
        return {"cause": "unsupported"}
    except (ValueError, TypeError) as error:
        return {"cause": "not_pkcs12" if "deserialize" in str(error) else "wrong_password"}
    except MemoryError:
        return {"cause": "too_complex"}
    encoding = serialization.Encoding.DER
    key = found.key and found.key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificates = [one.certificate for one in [found.cert, *found.additional_certs] if one]
    return {
        "key": key.hex() if key else None,
        "has_own": found.cert is not None,
        "certificates": [one.public_bytes(encoding).hex() for one in certificates],
    }


if __name__ == "__main__":
    print(json.dumps(main()))
