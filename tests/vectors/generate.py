#!/usr/bin/env python3
"""Writes verdicts.json: tokens signed by PyJWT and cryptography, with the expected verdict for each.

    pip install pyjwt cryptography && python3 tests/vectors/generate.py

Keys are fixed (keys.json, generated once, without any other use). ECDSA and PSS use random numbers, so a token that is already
in verdicts.json with the same header, claims and key is kept as long as it verifies: running this again changes nothing.
"""
import base64
import json
import pathlib
import secrets
import sys

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

HERE = pathlib.Path(__file__).parent
NOW = 1_800_000_000
ISSUER = "https://id.example/realms/acme"
ALGORITHMS = get_default_algorithms()
ALGORITHMS["Ed25519"] = ALGORITHMS["EdDSA"]
EC_CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value):
    return value if isinstance(value, (str, bytes)) else json.dumps(value, separators=(",", ":"))


# Keys ---------------------------------------------------------------------------------------------------------------

def make_keys():
    jwk = lambda name, key: json.loads(ALGORITHMS[name].to_jwk(key))
    keys = {"rsa%d" % bits: jwk("RS256", rsa.generate_private_key(65537, bits)) for bits in (1024, 2048, 3072, 4096)}
    keys |= {name.lower(): jwk(name, ec.generate_private_key(curve)) for name, curve in EC_CURVES.items()}
    keys["ed25519"] = jwk("EdDSA", ed25519.Ed25519PrivateKey.generate())
    keys |= {"hs%d" % bits: {"kty": "oct", "k": b64(secrets.token_bytes(bits // 8))} for bits in (128, 256, 384, 512)}
    return {name: {member: value for member, value in key.items() if member != "key_ops"} for name, key in keys.items()}


def load_keys():
    path = HERE / "keys.json"
    if not path.exists():
        path.write_text(json.dumps(make_keys(), indent=1) + "\n")
    return json.loads(path.read_text())


KEYS = load_keys()
PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi")


def public(name, **members):
    key = {member: value for member, value in KEYS[name].items() if member not in PRIVATE_MEMBERS}
    return {"kid": name, **key, **members}


def prepared(algorithm, name):
    return ALGORITHMS[algorithm].prepare_key(
        base64.urlsafe_b64decode(KEYS[name]["k"] + "==") if KEYS[name]["kty"] == "oct"
        else ALGORITHMS[algorithm].from_jwk(KEYS[name]))


# Tokens -------------------------------------------------------------------------------------------------------------

def signature_of(algorithm, name, signing_input):
    what = algorithm, name, signing_input
    if what not in KNOWN:
        KNOWN[what] = b64(ALGORITHMS[algorithm].sign(signing_input.encode(), prepared(algorithm, name)))
    return KNOWN[what]


def known_signatures():
    path = HERE / "verdicts.json"
    if not path.exists():
        return {}
    found = {}
    for group in json.loads(path.read_text())["groups"]:
        for test in group["tests"]:
            if "signed" not in test:
                continue
            algorithm, name = test["signed"]
            signing_input, signature = test["token"].rsplit(".", 1)
            key = prepared(algorithm, name)
            verifying = key if isinstance(key, bytes) else key.public_key()
            raw = base64.urlsafe_b64decode(signature + "==")
            if ALGORITHMS[algorithm].verify(signing_input.encode(), verifying, raw):
                found[algorithm, name, signing_input] = signature
    return found


KNOWN = known_signatures()
DROP = object()


def merged(base, changes):
    return {name: value for name, value in {**base, **changes}.items() if value is not DROP}


class Group:
    def __init__(self, comment, jwks, realm=None, source="configuration", header=None, claims=None, skipped=()):
        self.header = {"alg": "ES256", "typ": "JWT", "kid": "es256", **(header or {})}
        self.claims = merged({"iss": ISSUER, "sub": "f3a8c7e2-8a57-4c1c-9d3e-0c1c0f0e5a11", "aud": "api",
                              "exp": NOW + 300, "iat": NOW - 10, "jti": "onrtac:4f0a1c62", "sid": "6vW3n1yq",
                              "azp": "demo"}, claims or {})
        realm = {"issuer": ISSUER, "audience": ["api"], "profile": "generic", **(realm or {})}
        self.value = {"comment": comment, "realm": realm, "source": source, "jwks": {"keys": jwks},
                      "skipped": [{"index": index, "reason": reason} for index, reason in skipped], "tests": []}
        GROUPS.append(self.value)

    def token(self, header=None, claims=None, key="es256", algorithm=None):
        head = header if isinstance(header, (str, bytes)) else compact(merged(self.header, header or {}))
        body = claims if isinstance(claims, (str, bytes)) else compact(merged(self.claims, claims or {}))
        encode = lambda text: b64(text if isinstance(text, bytes) else text.encode())
        algorithm = algorithm or (json.loads(head)["alg"] if isinstance(header, (dict, type(None))) else "ES256")
        signing_input = encode(head) + "." + encode(body)
        return signing_input + "." + signature_of(algorithm, key, signing_input), [algorithm, key]

    def test(self, comment, expect, *, token=None, now=None, **how):
        entry = {"id": sum(len(group["tests"]) for group in GROUPS) + 1, "comment": comment, "expect": expect}
        if now is not None:
            entry["now"] = now
        if token is not None:
            entry["token"] = token
        else:
            entry["token"], entry["signed"] = self.token(**how)
        self.value["tests"].append(entry)


GROUPS = []
ALL = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
       "EdDSA", "Ed25519"]
SIGNERS = {"HS256": "hs256", "HS384": "hs384", "HS512": "hs512", "RS256": "rsa2048", "RS384": "rsa3072",
           "RS512": "rsa4096", "PS256": "rsa2048", "PS384": "rsa3072", "PS512": "rsa4096", "ES256": "es256",
           "ES384": "es384", "ES512": "es512", "EdDSA": "ed25519", "Ed25519": "ed25519"}

# Every algorithm ------------------------------------------------------------------------------------------------------

group = Group("every algorithm, each under a key pinned to it", [public(SIGNERS[alg], alg=alg, kid=alg) for alg in ALL],
              realm={"algorithms": ALL})
for alg in ALL:
    how = {"header": {"alg": alg, "kid": alg}, "key": SIGNERS[alg]}
    group.test(alg, "accepted", **how)
    group.test(alg + " without kid", "accepted", **{**how, "header": {"alg": alg, "kid": DROP}})
    token, _ = group.token(**how)
    head, body, signature = token.split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[len(raw) // 2] ^= 1
    group.test(alg + ", one bit of the signature flipped", "bad_signature", token=f"{head}.{body}.{b64(bytes(raw))}")
    group.test(alg + ", signature a byte too long", "bad_signature", token=f"{head}.{body}.{b64(bytes(raw) + b'0')}")
    group.test(alg + ", signature a byte too short", "bad_signature", token=f"{head}.{body}.{b64(bytes(raw)[:-1])}")
    group.test(alg + ", no signature", "bad_signature", token=f"{head}.{body}.")
    other = "EdDSA" if alg == "Ed25519" else "Ed25519" if alg == "EdDSA" else "RS256" if alg != "RS256" else "PS256"
    group.test(f"{alg}'s key, but the header says {other}", "unsupported_algorithm",
               header={"alg": other, "kid": alg}, key=SIGNERS[other])

# RFC 8017 §5.2.2: a signature must be below the modulus, or s + n would be a second encoding of it.
modulus = int.from_bytes(base64.urlsafe_b64decode(KEYS["rsa2048"]["n"] + "=="), "big")
for alg in ("RS256", "PS256"):
    for attempt in range(1000):
        how = {"header": {"alg": alg, "kid": alg}, "key": "rsa2048", "claims": {"jti": f"s + n, {alg}"}}
        if alg == "RS256":
            how["claims"]["attempt"] = attempt
        token, signed = group.token(**how)
        signing_input, signature = token.rsplit(".", 1)
        larger = int.from_bytes(base64.urlsafe_b64decode(signature + "=="), "big") + modulus
        if larger < 1 << 2048:
            break
        del KNOWN[(*signed, signing_input)]
    group.test(alg + ", s", "accepted", **how)
    group.test(alg + ", s + n", "bad_signature", token=f"{signing_input}.{b64(larger.to_bytes(256, 'big'))}")

group = Group("a JWK without alg has the algorithm its type implies",
              [public(name) for name in ("hs256", "rsa2048", "es256", "es384", "es512", "ed25519")],
              realm={"algorithms": ALL})
for alg in ("HS256", "RS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"):
    group.test(alg, "accepted", header={"alg": alg, "kid": SIGNERS[alg]}, key=SIGNERS[alg])
group.test("PS256 with an RSA key without alg", "unsupported_algorithm", header={"alg": "PS256", "kid": "rsa2048"}, key="rsa2048")
group.test("HS512 with a shared key without alg", "unsupported_algorithm", header={"alg": "HS512", "kid": "hs256"}, key="hs256")

group = Group("the policy sets the algorithm of RSA keys without alg", [public("rsa2048")], realm={"rsaAlgorithm": "PS256"})
group.test("PS256", "accepted", header={"alg": "PS256", "kid": "rsa2048"}, key="rsa2048")
group.test("RS256", "unsupported_algorithm", header={"alg": "RS256", "kid": "rsa2048"}, key="rsa2048")

# Keys -----------------------------------------------------------------------------------------------------------------

bad_point = {**public("es256"), "y": public("es256")["x"]}
group = Group("a set with unusable keys, which are skipped",
              [{"kty": "AKP", "kid": "pq", "pub": "AA"}, {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
               {"kty": "OKP", "crv": "Ed448", "x": "AA"}, public("es256", alg="ES521"), public("es256", alg="ES384"),
               public("es256", use="enc"), public("es256", key_ops=["encrypt"]), {"kid": "es256", **KEYS["es256"]},
               public("hs256"), public("rsa1024"), bad_point, 17, {"kty": "EC"}, public("rsa2048", e="AA"),
               public("rsa2048", e="AAEC"), public("rsa2048", n=public("rsa2048")["n"] + "="),
               {"kty": "OKP", "crv": "Ed25519", "x": b64(bytes([1]) + bytes(31))},
               public("es256", kid=7), public("es256", use="sig", key_ops=["verify"], x5c=["AA"])],
              source="url",
              skipped=[(0, "unknown_key_type"), (1, "unknown_curve"), (2, "unknown_curve"), (3, "unknown_algorithm"),
                       (4, "algorithm_mismatch"), (5, "not_for_verification"), (6, "not_for_verification"),
                       (7, "private"), (8, "symmetric_from_url"), (9, "too_short"), (10, "invalid"), (11, "malformed"),
                       (12, "malformed"), (13, "invalid"), (14, "invalid"), (16, "invalid")])
group.test("the usable key", "accepted")
group.test("a skipped key", "unknown_key", header={"alg": "RS256", "kid": "rsa1024"}, key="rsa1024")
group.test("an unknown kid", "unknown_key", header={"kid": "unknown"})
group.test("no kid", "accepted", header={"kid": DROP})
group.test("no kid and no key for the algorithm", "unknown_key", header={"kid": DROP, "alg": "ES384"}, key="es384")

group = Group("shared keys shorter than their hash", [public("hs128"), public("hs256", alg="HS384"), public("es256")],
              realm={"algorithms": ALL}, skipped=[(0, "too_short"), (1, "too_short")])
group.test("HS256 with 128 bits", "unknown_key", header={"alg": "HS256", "kid": "hs128"}, key="hs128")

group = Group("several keys under one kid", [public("rsa2048", kid="k"), public("es384", kid="k"),
                                             public("es256", kid="k"), public("ed25519", kid="other")])
for alg in ("RS256", "ES384", "ES256"):
    group.test(alg, "accepted", header={"alg": alg, "kid": "k"}, key=SIGNERS[alg])
group.test("an algorithm of a key with another kid", "unsupported_algorithm", header={"alg": "EdDSA", "kid": "k"},
           key="ed25519")

spki_pem = prepared("RS256", "rsa2048").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def hmac_with(secret, header, claims):
    signing_input = b64(compact(header).encode()) + "." + b64(compact(claims).encode())
    return signing_input + "." + b64(ALGORITHMS["HS256"].sign(signing_input.encode(), secret))


# Header ---------------------------------------------------------------------------------------------------------------

group = Group("algorithm confusion and header tricks", [public("rsa2048"), public("es256")])
for kid in ("rsa2048", DROP):
    header = merged({"alg": "HS256", "typ": "JWT"}, {"kid": kid})
    comment = "HS256 with the RSA public key as secret" + (" and no kid" if kid is DROP else "")
    group.test(comment, "unsupported_algorithm", token=hmac_with(spki_pem, header, group.claims))
for name in ("none", "None", "NONE", "nOnE", "HS256", "es256", "ES256 ", "ES256K", "RS1", ""):
    head = compact({"alg": name, "typ": "JWT", "kid": "es256"})
    group.test(f"alg {name!r}", "unsupported_algorithm", header=head)
unsigned = ".".join(b64(compact(part).encode()) for part in ({"alg": "none"}, group.claims)) + "."
group.test("alg none without a signature", "unsupported_algorithm", token=unsigned)
group.test("an unknown critical extension", "malformed", header={"crit": ["exp"], "exp": NOW})
group.test("an empty crit", "malformed", header={"crit": []})
group.test("crit with b64", "malformed", header={"crit": ["b64"], "b64": False})
group.test("b64 alone", "malformed", header={"b64": False})
group.test("jku, x5u, x5c, x5t and jwk are ignored", "accepted",
           header={"jku": "https://evil.example/keys", "x5u": "https://evil.example/x", "x5c": ["AA"], "x5t": "AA",
                   "jwk": public("es384", kid="es256")})
group.test("another key's signature, its public key in jwk", "bad_signature", header={"jwk": public("es256", kid="x")},
           claims={"sub": "mallory"}, key="rsa2048", algorithm="RS256")
group.test("no alg", "malformed", header='{"typ":"JWT","kid":"es256"}')
group.test("alg not a string", "malformed", header='{"alg":["ES256"],"kid":"es256"}')
group.test("kid not a string", "malformed", header='{"alg":"ES256","kid":7}')
group.test("typ not a string", "malformed", header='{"alg":"ES256","kid":"es256","typ":["JWT"]}')
group.test("a duplicate member in the header", "malformed", header='{"alg":"none","alg":"ES256","kid":"es256"}')
group.test("whitespace in the header's JSON", "accepted", header='{ "alg" : "ES256",\r\n\t"kid":"es256" }')
group.test("escapes in the header's JSON", "accepted", header='{"\\u0061lg":"ES\\u003256","kid":"es256"}')
group.test("header an array", "malformed", header='["ES256"]')
group.test("a byte order mark before the header", "malformed", header=b'\xef\xbb\xbf{"alg":"ES256","kid":"es256"}')

# Form -----------------------------------------------------------------------------------------------------------------

group = Group("form", [public("es256")])
good, _ = group.token()
group.test("valid", "accepted")
head, body, signature = good.split(".")
group.test("no token", "missing_token", token="")
for comment, token in {
    "a space": " ", "garbage": "garbage", "two parts": f"{head}.{body}", "four parts": good + ".AA", "an extra dot": good + ".",
    "five parts (JWE)": f"{head}.AA.AA.AA.AA", "empty header": f".{body}.{signature}", "empty claims": f"{head}..{signature}",
    "dots": "..", "a leading space": " " + good, "a trailing newline": good + "\n", "with the scheme": "Bearer " + good,
    "padding": good + "==", "padding in the header": f"{head}=.{body}.{signature}",
    "a space in the signature": f"{head}.{body}.{signature[:9]} {signature[9:]}",
    "standard base64": f"{head}.{body}.{signature[:-1]}+", "percent-encoding": f"{head}.{body}.{signature[:-3]}%3D",
    "JSON serialisation": json.dumps({"protected": head, "payload": body, "signature": signature}),
    "a NUL": good + "\0", "not ASCII": good + "é", "claims not base64url": f"{head}.{body[:-1]}!.{signature}",
}.items():
    group.test(comment, "malformed", token=token)
last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(signature[-1])
twin = signature[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1]
group.test("non-zero trailing bits: another encoding of the same signature", "malformed", token=f"{head}.{body}.{twin}")
base = compact(group.claims)[:-1]
for comment, claims in {
    "claims an array": "[]", "claims a string": '"x"', "claims empty": "", "claims null": "null",
    "claims twice": "{}{}", "claims truncated": base, "a trailing comma": base + ",}", "single quotes": base + ",'a':1}",
    "a duplicate member": base + ',"sub":"mallory"}', "a duplicate member, once escaped": base + ',"\\u0073ub":"mallory"}',
    "a duplicate member in a nested object": base + ',"x":[{"y":{"z":1,"z":2}}]}', "nested 17 deep": base + ',"x":' + "[" * 16 + "]" * 16 + "}",
    "half a surrogate pair": base + ',"x":"\\ud83d"}', "the other half": base + ',"x":"\\ude00"}', "NaN": base + ',"x":NaN}',
    "a control character": base + ',"x":"\n"}', "leading zero": base + ',"x":01}', "a comment": base + "/**/}",
    "not UTF-8": (base + ',"x":"').encode() + b'\xff"}', "overlong UTF-8": (base + ',"x":"').encode() + b'\xc0\xaf"}',
}.items():
    group.test(comment, "malformed", claims=claims)
group.test("nested 16 deep", "accepted", claims=base + ',"x":' + "[" * 15 + "]" * 15 + "}")
group.test("a surrogate pair", "accepted", claims=base + ',"x":"\\ud83d\\ude00"}')
group.test("whitespace in the claims' JSON", "accepted", claims=" \r\n\t" + base + " \n} ")
group.test("longer than 16 KiB", "malformed", claims={"x": "a" * 16384})

# Claims ---------------------------------------------------------------------------------------------------------------

group = Group("claims", [public("es256")])
raw = lambda **changes: "{" + ",".join(
    f'"{name}":{value}' for name, value in
    merged({name: compact(json.dumps(value)) for name, value in group.claims.items()}, changes).items()) + "}"
for comment, expect, changes in [
    ("valid", "accepted", {}),
    ("another issuer", "wrong_issuer", {"iss": ISSUER + "/"}), ("no issuer", "wrong_issuer", {"iss": DROP}),
    ("issuer in capitals", "wrong_issuer", {"iss": ISSUER.upper()}), ("issuer an array", "wrong_issuer", {"iss": [ISSUER]}),
    ("several audiences, including ours", "accepted", {"aud": ["account", "api"]}),
    ("another audience", "wrong_audience", {"aud": "account"}), ("no audience", "wrong_audience", {"aud": DROP}),
    ("an empty list of audiences", "wrong_audience", {"aud": []}), ("audience in capitals", "wrong_audience", {"aud": "API"}),
    ("audience a number", "malformed", {"aud": 7}), ("a number among the audiences", "malformed", {"aud": ["api", 7]}),
    ("audience null", "wrong_audience", {"aud": None}),
    ("no exp", "missing_claim", {"exp": DROP}), ("no iat", "missing_claim", {"iat": DROP}),
    ("no sub", "missing_claim", {"sub": DROP}), ("no jti", "missing_claim", {"jti": DROP}),
    ("an empty sub", "missing_claim", {"sub": ""}), ("an empty jti", "missing_claim", {"jti": ""}),
    ("sub a number", "malformed", {"sub": 7}), ("jti null", "missing_claim", {"jti": None}), ("sid an object", "malformed", {"sid": {}}),
    ("azp an array", "malformed", {"azp": ["demo"]}), ("client_id a number", "malformed", {"client_id": 1}),
    ("exp a string", "malformed", {"exp": str(NOW + 300)}), ("exp null", "missing_claim", {"exp": None}),
    ("iat true", "malformed", {"iat": True}), ("nbf a string", "malformed", {"nbf": "0"}),
    ("iat now", "accepted", {"iat": NOW}), ("iat within skew", "accepted", {"iat": NOW + 5}),
    ("iat beyond skew", "issued_in_future", {"iat": NOW + 6}),
    ("nbf now", "accepted", {"nbf": NOW}), ("nbf within leeway", "accepted", {"nbf": NOW + 5}),
    ("nbf beyond leeway", "not_yet_valid", {"nbf": NOW + 6}), ("fractional nbf is floored", "accepted", {"nbf": NOW + 5.9}),
    ("negative nbf", "accepted", {"nbf": -1}),
    ("exp now, within leeway", "accepted", {"exp": NOW}), ("last second of leeway", "accepted", {"exp": NOW - 4}),
    ("beyond leeway", "expired", {"exp": NOW - 5}), ("fractional exp is floored", "expired", {"exp": NOW - 4.1}),
    ("long expired", "expired", {"exp": 1}), ("negative exp", "expired", {"exp": -1}), ("exp zero", "expired", {"exp": 0}),
    ("a day", "accepted", {"iat": NOW, "exp": NOW + 86400}), ("a second more than a day", "lifetime_exceeded", {"iat": NOW, "exp": NOW + 86401}),
    ("fractions do not extend the lifetime", "accepted", {"iat": NOW + .5, "exp": NOW + 86400.9}),
    ("negative iat", "lifetime_exceeded", {"iat": -1}), ("exp 2^53 + 1", "lifetime_exceeded", {"exp": 2**53 + 1}),
    ("iat 2^53 + 1", "issued_in_future", {"iat": 2**53 + 1}),
    ("token_use access", "accepted", {"token_use": "access"}), ("token_use refresh", "wrong_type", {"token_use": "refresh"}),
    ("token_use id", "wrong_type", {"token_use": "id"}), ("token_use not a string", "wrong_type", {"token_use": ["access"]}),
    ("claim typ Bearer", "accepted", {"typ": "Bearer"}), ("claim typ Refresh", "wrong_type", {"typ": "Refresh"}),
    ("claim typ ID", "wrong_type", {"typ": "ID"}), ("claim typ Offline", "wrong_type", {"typ": "Offline"}),
    ("bound to a key", "wrong_type", {"cnf": {"jkt": "x"}}), ("cnf null", "accepted", {"cnf": None}),
    ("a token version", "accepted", {"token_version": 3}), ("token version a string", "malformed", {"token_version": "3"}),
    ("negative token version", "malformed", {"token_version": -1}), ("fractional token version", "malformed", {"token_version": 1.5}),
    ("an unrelated claim rsq", "accepted", {"rsq": "x"}),
]:
    group.test(comment, expect, claims=changes)
group.test("exp 1e400", "malformed", claims=raw(exp="1e400"))
group.test("exp in exponent form", "accepted", claims=raw(exp="1.8000003e9"))
group.test("exp 1e300", "lifetime_exceeded", claims=raw(exp="1e300"))
group.test("iat -0", "lifetime_exceeded", claims=raw(iat="-0"))
group.test("an hour later", "expired", now=NOW + 3600)
group.test("an hour earlier", "issued_in_future", now=NOW - 3600)

for typ, expect in [(DROP, "accepted"), ("JWT", "accepted"), ("jwt", "accepted"), ("at+jwt", "accepted"),
                    ("application/at+jwt", "accepted"), ("Application/AT+JWT", "accepted"), ("logout+jwt", "wrong_type"),
                    ("secevent+jwt", "wrong_type"), ("dpop+jwt", "wrong_type"), ("", "wrong_type"), ("application/", "wrong_type")]:
    group.test(f"generic, header typ {'absent' if typ is DROP else typ!r}", expect, header={"typ": typ})

# Profiles -------------------------------------------------------------------------------------------------------------

group = Group("RFC 9068", [public("es256")], realm={"profile": "rfc9068"}, header={"typ": "at+jwt"}, claims={"client_id": "demo"})
for typ, expect in [("at+jwt", "accepted"), ("application/at+jwt", "accepted"), ("AT+JWT", "accepted"), ("JWT", "wrong_type"),
                    (DROP, "wrong_type"), ("logout+jwt", "wrong_type")]:
    group.test(f"header typ {'absent' if typ is DROP else typ!r}", expect, header={"typ": typ})
for name in ("exp", "iat", "sub", "jti", "client_id"):
    group.test(f"no {name}", "missing_claim", claims={name: DROP})
group.test("no aud", "wrong_audience", claims={"aud": DROP})

group = Group("Keycloak", [public("es256")], realm={"profile": "keycloak"}, claims={"typ": "Bearer"})
group.test("an access token", "accepted")
group.test("header typ at+jwt", "accepted", header={"typ": "at+jwt"})
group.test("no header typ", "wrong_type", header={"typ": DROP})
for kind in ("Refresh", "Offline", "ID", "Logout", "DPoP", "bearer", DROP, 7):
    group.test(f"claim typ {'absent' if kind is DROP else kind!r}", "wrong_type", claims={"typ": kind})
group.test("no sub", "missing_claim", claims={"sub": DROP})

group = Group("Keycloak without sub", [public("es256")], realm={"profile": "keycloak", "subjectless": "accept"},
              claims={"typ": "Bearer", "sub": DROP})
group.test("accepted because the policy says so", "accepted")
group.test("no jti", "missing_claim", claims={"jti": DROP})

group = Group("RFC 9068 requires sub regardless of the policy", [public("es256")],
              realm={"profile": "rfc9068", "subjectless": "accept"}, header={"typ": "at+jwt"}, claims={"client_id": "demo"})
group.test("no sub", "missing_claim", claims={"sub": DROP})

group = Group("an issuer that names itself in another claim and sets no audience", [public("hs256")],
              realm={"issuer": "acme", "issuerClaim": "realm", "audience": "none", "algorithms": ["HS256"],
                     "claimNames": {"subject": "uid", "tokenId": "id", "session": "session", "tokenUse": "kind",
                                    "tokenVersion": "ver"}},
              header={"alg": "HS256", "kid": DROP},
              claims={"iss": DROP, "aud": DROP, "sub": DROP, "jti": DROP, "realm": "acme", "uid": "alice", "id": "1"})
group.test("accepted", "accepted", key="hs256")
group.test("another realm", "wrong_issuer", claims={"realm": "other"}, key="hs256")
group.test("iss does not count", "wrong_issuer", claims={"realm": DROP, "iss": "acme"}, key="hs256")
group.test("no user", "missing_claim", claims={"uid": DROP, "sub": "alice"}, key="hs256")
group.test("no token id", "missing_claim", claims={"id": DROP, "jti": "1"}, key="hs256")
group.test("a refresh token", "wrong_type", claims={"kind": "refresh"}, key="hs256")
group.test("version of the wrong type", "malformed", claims={"ver": "1"}, key="hs256")

group = Group("custom required claims", [public("es256")], realm={"requiredClaims": ["exp", "iat", "sub", "scope"]})
group.test("all present", "accepted", claims={"scope": "read", "jti": DROP})
group.test("one is missing", "missing_claim")
group.test("one is null", "missing_claim", claims={"scope": None})
group.test("exp is always required", "missing_claim", claims={"scope": "read", "exp": DROP})

group = Group("not-befores compared with the login", [public("es256")], realm={"compare": "authTime"})
group.test("no auth_time", "missing_claim")
group.test("a login", "accepted", claims={"auth_time": NOW - 3600})
group.test("a login in the future", "issued_in_future", claims={"auth_time": NOW + 6})
group.test("a login older than revocations are kept", "lifetime_exceeded", claims={"auth_time": NOW - 86400 - 5})
group.test("the last second", "accepted", claims={"auth_time": NOW - 86400 - 4})

group = Group("HMAC is not allowed unless the policy names it", [public("hs256"), public("es256")])
group.test("HS256", "unsupported_algorithm", header={"alg": "HS256", "kid": "hs256"}, key="hs256")

HMAC = {"header": {"alg": "HS256", "kid": "hs256"}, "realm": {"algorithms": ["HS256"]}}
group = Group("names of 1 to 1,024 bytes", [public("hs256")], **HMAC)
for name in ("sub", "sid", "azp", "client_id", "jti"):
    group.test(name + " of 1,024 bytes", "accepted", claims={name: "x" * 1024}, key="hs256")
    group.test(name + " of 1,025 bytes", "malformed", claims={name: "x" * 1025}, key="hs256")
group.test("1,024 bytes in 512 characters", "accepted", claims={"sub": "\u00e9" * 512}, key="hs256")
group.test("1,026 bytes in 342 characters", "malformed", claims={"sub": "\u20ac" * 342}, key="hs256")
group.test("control characters", "accepted", claims={"sub": "\0\n\x1b\x7f\x85"}, key="hs256")
group.test("a dot segment", "accepted", claims={"sub": "..", "sid": "../..", "azp": "."}, key="hs256")
group.test("half a surrogate pair", "malformed", claims={"sub": "\ud800"}, key="hs256")
group.test("the other half", "malformed", claims={"sid": "a\udc00"}, key="hs256")
group.test("other claims may be longer", "accepted", claims={"email": "x" * 1025}, key="hs256")

group = Group("names in renamed claims", [public("hs256")], header=HMAC["header"],
              realm={**HMAC["realm"], "claimNames": {"subject": "uid", "session": "session", "tokenId": "id"}},
              claims={"uid": "alice", "id": "1"})
for name in ("uid", "session", "id"):
    group.test(name + " of 1,024 bytes", "accepted", claims={name: "x" * 1024}, key="hs256")
    group.test(name + " of 1,025 bytes", "malformed", claims={name: "x" * 1025}, key="hs256")
group.test("sub is not a renamed claim", "accepted", claims={"sub": "x" * 1025, "sid": "x" * 1025}, key="hs256")

ACTORS = (("that names an actor", {"sub": "admin"}, "wrong_type"), ("without members", {}, "wrong_type"), ("that is false", False, "wrong_type"),
          ("that is a string", "admin", "wrong_type"), ("that is null", None, "accepted"), ("that is an empty string", "", "accepted"))
group = Group("act is refused because the policy says so", [public("hs256")], header=HMAC["header"],
              realm={**HMAC["realm"], "impersonation": "refuse"})
group.test("no act", "accepted", key="hs256")
for name, value, expected in ACTORS:
    group.test("act " + name, expected, claims={"act": value}, key="hs256")

group = Group("act is accepted otherwise", [public("hs256")], **HMAC)
for name, value, _ in ACTORS:
    group.test("act " + name, "accepted", claims={"act": value}, key="hs256")

# null is absent -------------------------------------------------------------------------------------------------------

ABSENT = ("nbf", "auth_time", "sid", "azp", "client_id", "token_version", "last_logout_time", "token_use", "typ", "cnf", "act", "scope", "rsq")
group = Group("a claim that is null is absent", [public("hs256")], **HMAC)
group.test("every claim that may be absent", "accepted", claims={name: None for name in ABSENT}, key="hs256")
for name, expected in (("iss", "wrong_issuer"), ("aud", "wrong_audience"), ("exp", "missing_claim"), ("iat", "missing_claim"),
                       ("sub", "missing_claim"), ("jti", "missing_claim")):
    group.test(f"{name} null", expected, claims={name: None}, key="hs256")
group.test("null among the audiences", "malformed", claims={"aud": ["api", None]}, key="hs256")
group.test("null twice", "malformed", claims=compact(group.claims)[:-1] + ',"nonce":null,"nonce":null}', key="hs256", algorithm="HS256")
group.test("null, then a value", "malformed", claims=compact(group.claims)[:-1] + ',"nbf":null,"nbf":1}', key="hs256", algorithm="HS256")
group.test("header kid and typ null", "accepted", header={"kid": None, "typ": None}, key="hs256")
group.test("header alg null", "malformed", header='{"alg":null,"typ":"JWT","kid":"hs256"}', key="hs256", algorithm="HS256")
for name in ("crit", "b64"):
    group.test(f"header {name} null", "malformed", header={name: None}, key="hs256")

group = Group("no audience is checked, and aud is null", [public("hs256")], header=HMAC["header"],
              realm={**HMAC["realm"], "audience": "none"}, claims={"aud": None})
group.test("accepted", "accepted", key="hs256")
group.test("null among the audiences", "malformed", claims={"aud": [None]}, key="hs256")

group = Group("Keycloak, null", [public("hs256")], header=HMAC["header"], realm={**HMAC["realm"], "profile": "keycloak"},
              claims={"typ": "Bearer"})
group.test("typ null", "wrong_type", claims={"typ": None}, key="hs256")
group.test("header typ null", "wrong_type", header={"typ": None}, key="hs256")

# Numeric ids ----------------------------------------------------------------------------------------------------------

IDS = ("sub", "jti", "sid", "azp", "client_id")
INTEGERS = ("0", "7", "-7", "9007199254740991", "-9007199254740991")
NO_INTEGERS = ("1.0", "1e2", "-0", "0.5", "9007199254740992", "-9007199254740992", "1E2", "true", "[7]", "{}", "1e400")
for option in ("refuse", "accept"):
    group = Group(f"ids that are numbers: {option}", [public("hs256")], header=HMAC["header"],
                  realm={**HMAC["realm"], "numericIds": option, "grantClaim": "app"})
    spelt = lambda name, number: compact(merged(group.claims, {name: DROP}))[:-1] + f',"{name}":{number}}}'
    for name in (*IDS, "app"):
        for number in INTEGERS if name == "sub" else ("42",):
            group.test(f"{name} {number}", "accepted" if option == "accept" else "malformed", claims=spelt(name, number), key="hs256",
                       algorithm="HS256")
        for number in NO_INTEGERS if name == "sub" else ("1.0", "9007199254740992"):
            group.test(f"{name} {number}", "malformed", claims=spelt(name, number), key="hs256", algorithm="HS256")
    group.test("iss 7", "wrong_issuer", claims={"iss": 7}, key="hs256")
    group.test("aud 7", "malformed", claims={"aud": 7}, key="hs256")
    group.test("an empty sub", "missing_claim", claims={"sub": ""}, key="hs256")

# Order ----------------------------------------------------------------------------------------------------------------

group = Group("order: kind of token, key binding, audience, times, required claims", [public("hs256")], **HMAC)
wrong = {"token_use": "id", "cnf": {"jkt": "x"}, "aud": "account", "exp": NOW - 3600, "sub": DROP}
for name, expected in (("token_use", "wrong_type"), ("cnf", "wrong_type"), ("aud", "wrong_audience"), ("exp", "expired"),
                       ("sub", "missing_claim")):
    group.test(f"from {name} on", expected, claims=dict(wrong), key="hs256")
    del wrong[name]
group.test("no fault left", "accepted", claims=wrong, key="hs256")
group.test("claim typ DPoP", "wrong_type", claims={"typ": "DPoP"}, key="hs256")

# ----------------------------------------------------------------------------------------------------------------------

out = {"comment": "written by generate.py; see README.md", "now": NOW, "groups": GROUPS}
(HERE / "verdicts.json").write_text(json.dumps(out, indent=1, ensure_ascii=True) + "\n")
print(sum(len(group["tests"]) for group in GROUPS), "tokens", file=sys.stderr)
