#!/usr/bin/env python3
"""Writes policy-1.json: digests of the options on which gate and origin must agree, computed independently of the crate.

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
        "requiredClaims": ["exp", "iat", "sub"], "subjectless": "accept", "claimNames": {"scope": "scp"}}),
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
# Policies with fields that were introduced later.
LATER_CASES = [
    ("the claim of a grant", {**ACME, "grantClaim": "client_name"}),
    ("a claim of a grant with the name of a usual one", {**ACME, "grantClaim": "azp"}),
    ("numeric ids", {**ACME, "numericIds": "accept"}),
    ("numeric ids and the claim of a grant", {**ACME, "numericIds": "accept", "grantClaim": "app"}),
    ("every claim, with that of a grant", {**ACME, "issuerClaim": "realm", "grantClaim": "app", "claimNames": {"subject": "uid"}}),
]


def text(value):
    encoded = value.encode()
    return len(encoded).to_bytes(4, "little") + encoded


# Fields in the order in which they were introduced later: they are part of the whole digest only if their value is not
# the default.
LATER = ["grantClaim", "sameSubjects", "numericIds"]
# The digest of the first of these fields was stated even before the others existed.
ALWAYS_STATED = 1


def encode(name, values):
    return text(name) + len(values).to_bytes(4, "little") + b"".join(text(value) for value in values)


def digests(realm):
    fields = {**DEFAULTS, **{name: realm[name] for name in ["issuer", "issuerClaim", "profile", "compare"] if name in realm}}
    fields |= {f"claimNames.{name}": value for name, value in realm.get("claimNames", {}).items() if name != "scope"}
    first = [encode(name, [fields[name]]) for name in sorted(fields, key=str.encode)]
    later = [encode(name, [realm[name]]) for name in LATER if name in realm]
    whole = b"portcullis/policy/v1\0" + b"".join(first + later)
    stated = max([ALWAYS_STATED] + [at + 1 for at, name in enumerate(LATER) if name in realm])
    each = first + [encode(name, [realm[name]] if name in realm else []) for name in LATER[:stated]]
    return {
        "digest": "1:" + hashlib.sha256(whole).digest()[:16].hex(),
        "fields": [hashlib.sha256(field).digest()[:4].hex() for field in each],
    }


def vectors(cases):
    return [{"comment": comment, "realm": realm, **digests(realm)} for comment, realm in cases]


path = pathlib.Path(__file__).with_name("policy-1.json")
path.write_text(json.dumps({"policies": vectors(CASES), "later": vectors(LATER_CASES)}, indent=2, ensure_ascii=True) + "\n")
