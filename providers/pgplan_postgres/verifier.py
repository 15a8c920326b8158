"""Whether a password belongs to the verifier that the server keeps of it (pg_authid.rolpassword).

https://www.rfc-editor.org/rfc/rfc5803 and https://www.postgresql.org/docs/current/catalog-pg-authid.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import stringprep
import unicodedata

_SCRAM = re.compile(r"SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")
_FORBIDDEN = (
    stringprep.in_table_a1,
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def matches(password: str, verifier: str, role: str) -> bool:
    """Whether `verifier`, as the server keeps it for `role`, was made from `password`, or is `password` itself."""
    if password == verifier:
        # A verifier given in the place of a password is kept as it is.
        return True
    if verifier.startswith("md5"):
        made = hashlib.md5((password + role).encode(), usedforsecurity=False).hexdigest()
        return hmac.compare_digest(f"md5{made}", verifier)
    parts = _SCRAM.fullmatch(verifier)
    return parts is not None and _matches_scram(password, int(parts[1]), parts[2], parts[3])


def _matches_scram(password: str, iterations: int, salt: str, stored: str) -> bool:
    try:
        salted = hashlib.pbkdf2_hmac("sha256", _prepared(password), base64.b64decode(salt), iterations)
        wanted = base64.b64decode(stored)
    except (binascii.Error, ValueError):
        return False
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), wanted)


def _prepared(password: str) -> bytes:
    """SASLprep, as pg_saslprep() does it: a password that it forbids is taken as it is."""
    if password.isascii():
        return password.encode()
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
    text = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not text or any(forbidden(c) for c in text for forbidden in _FORBIDDEN) or _mixes_directions(text):
        return password.encode()
    return text.encode()


def _mixes_directions(text: str) -> bool:
    if not any(map(stringprep.in_table_d1, text)):
        return False
    return any(map(stringprep.in_table_d2, text)) or not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1]))
