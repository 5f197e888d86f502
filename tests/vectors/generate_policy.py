#!/usr/bin/env python3
"""Writes policy-1.json: digests of what gate and origin must agree on, computed apart from the crate.

Usage: python3 tests/vectors/generate_policy.py
"""

import hashlib
import json
import pathlib

DEFAULTS = {
    "issuerClaim": "iss", "profile": "generic", "compare": "issuedAt", "claimNames.subject": "sub", "claimNames.tokenId": "jti",
    "claimNames.session": "sid", "claimNames.tokenUse": "token_use", "claimNames.tokenVersion": "token_version",
    "claimNames.lastLogoutTime": "last_logout_time",
}
ACME = {"issuer": "https://issuer.example/realms/acme", "audience": ["api"]}
CASES = [
    ("every default", ACME),
    ("defaults that are written out", {**ACME, "issuerClaim": "iss", "profile": "generic", "compare": "issuedAt", "subjectless": "refuse",
        "claimNames": {"scope": "scope", "lastLogoutTime": "last_logout_time", "subject": "sub", "session": "sid"}}),
    ("what gate and origin need not agree on", {**ACME, "audience": "none", "algorithms": ["ES256"], "rsaAlgorithm": "PS256",
        "requiredClaims": ["sub"], "subjectless": "accept", "claimNames": {"scope": "scp"}}),
    ("another issuer", {**ACME, "issuer": "https://issuer.example/realms/acme/"}),
    ("an issuer beyond ASCII", {**ACME, "issuer": "https://käse.example/\u0000\U0001f9c0"}),
    ("profile rfc9068", {**ACME, "profile": "rfc9068"}),
    ("profile keycloak", {**ACME, "profile": "keycloak"}),
    ("compare", {**ACME, "compare": "authTime"}),
    ("the issuer's claim", {**ACME, "issuerClaim": "realm"}),
    *((f"claim {name}", {**ACME, "claimNames": {name: "other"}})
        for name in ["subject", "tokenId", "session", "tokenUse", "tokenVersion", "lastLogoutTime"]),
    ("every claim", {**ACME, "issuerClaim": "realm", "claimNames": {"subject": "uid", "tokenId": "id", "session": "session",
        "tokenUse": "kind", "tokenVersion": "v", "lastLogoutTime": "left_at", "scope": "rights"}}),
]


def text(value):
    encoded = value.encode()
    return len(encoded).to_bytes(4, "little") + encoded


def digest(realm):
    fields = {**DEFAULTS, **{name: realm[name] for name in ["issuer", "issuerClaim", "profile", "compare"] if name in realm}}
    fields |= {f"claimNames.{name}": value for name, value in realm.get("claimNames", {}).items() if name != "scope"}
    message = b"portcullis/policy/v1\0"
    for name in sorted(fields, key=str.encode):
        message += text(name) + (1).to_bytes(4, "little") + text(fields[name])
    return "1:" + hashlib.sha256(message).digest()[:16].hex()


vectors = [{"comment": comment, "realm": realm, "digest": digest(realm)} for comment, realm in CASES]
path = pathlib.Path(__file__).with_name("policy-1.json")
path.write_text(json.dumps({"policies": vectors}, indent=2, ensure_ascii=True) + "\n")
