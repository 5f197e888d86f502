#!/usr/bin/env python3
"""Reads the recorded feed in feed-1.1.json and compares its refusals to the recorded verdicts.

    pip install cryptography && python3 tests/vectors/read_feed.py

It follows the layouts documented above the codecs in src/revocation, and shares no code with them.
"""
import base64
import hashlib
import json
import pathlib
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HERE = pathlib.Path(__file__).parent
DOMAINS = {b"PCLM": b"portcullis/v1/manifest\0", b"PCLD": b"portcullis/v1/delta\0"}
CRITICAL = 1
BOUNDS, GENERATIONS, REALM, CLIENTS, BANS, KEYS, SECTIONS = 1, 2, 3, 4, 5, 6, 7
TOKEN_IDS, CATCH_ALL_IDS, EPOCHS, VERSIONS, NEW_BOUNDS, KEY_NOT_BEFORES, GRANTS, POLICY = 8, 9, 10, 11, 12, 13, 14, 15
SECTION_OF = {1: "buckets", 2: "catch_alls", 3: "epochs", 4: "versions", 5: "grants"}
TAGS = {"token": 1, "session": 2, "client_session": 3, "user": 4, "grant": 5}
MASK = (1 << 64) - 1


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        assert self.at + length <= len(self.data), "truncated"
        self.at += length
        return self.data[self.at - length:self.at]

    def number(self, length):
        return int.from_bytes(self.take(length), "little")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    @property
    def more(self):
        return self.at < len(self.data)


def siphash_2_4(key, data):
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    rotate = lambda x, bits: (x << bits | x >> (64 - bits)) & MASK

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & MASK; v[1] = rotate(v[1], 13) ^ v[0]; v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK; v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK; v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK; v[1] = rotate(v[1], 17) ^ v[2]; v[2] = rotate(v[2], 32)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


class State:
    """The revocation state of one realm, from its feed."""

    def __init__(self, issuer, public_key):
        self.realm = hashlib.sha256(b"realm\0" + issuer.encode()).digest()[:16]
        self.public_key = public_key
        self.keys, self.clients, self.bans, self.key_not_befores, self.versions = {}, {}, set(), {}, {}
        self.realm_not_before, self.policy, self.ids, self.filters = 0, None, set(), []
        # (generation, fingerprint) -> not-before, from live changes; the tables of sections are kept separately.
        self.live = {"epochs": {}, "grants": {}}
        self.tables = {"epochs": [], "grants": []}
        self.minor = self.sequence = self.chain = None

    def apply(self, message, sections):
        magic = message[:4]
        key_id, signature = message[-72:-64], message[-64:]
        self.public_key.verify(signature, DOMAINS[magic] + message[:-64])
        raw = self.public_key.public_bytes_raw()
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        thumbprint = hashlib.sha256(json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":")).encode())
        assert key_id == thumbprint.digest()[:8]
        head = Reader(message[:-72])
        head.take(4)
        assert head.number(1) == 1
        self.minor, flags = head.number(1), head.number(2)
        assert flags == 0 and head.take(16) == self.realm
        sequence, issued_at, chain, _valid_for = head.number(8), head.number(8), head.take(16), head.number(4)
        if magic == b"PCLD":
            span, chain_from = head.number(4), head.take(16)
            assert (sequence - span, chain_from) == (self.sequence, self.chain), "it does not follow the current state"
        self.sequence, self.chain = sequence, chain
        last, kinds = 0, []
        while head.more:
            kind, block_flags, length = head.number(2), head.number(2), head.number(4)
            assert kind > last and block_flags == CRITICAL
            last = kind
            kinds.append(kind)
            self.block(kind, Reader(head.take(length)), issued_at, sections)
        return kinds

    def block(self, kind, body, issued_at, sections):
        if kind in (BOUNDS, NEW_BOUNDS):
            _bounds = [body.varint() for _ in range(4)]
        elif kind == POLICY:
            self.policy = (body.number(1), body.take(16), body.take(len(body.data) - 17))
        elif kind == REALM:
            self.realm_not_before = max(self.realm_not_before, body.varint())
        while body.more:
            if kind == GENERATIONS:
                generation = body.number(4)
                self.keys[generation] = body.take(16)
            elif kind == CLIENTS:
                name = body.take(body.varint()).decode()
                self.clients[name] = max(self.clients.get(name, 0), body.varint())
            elif kind == BANS:
                self.bans.add(body.take(32))
            elif kind == KEY_NOT_BEFORES:
                thumbprint = body.take(32)
                self.key_not_befores[thumbprint] = max(self.key_not_befores.get(thumbprint, 0), body.varint())
            elif kind == VERSIONS:
                user = body.take(16)
                self.versions[user] = max(self.versions.get(user, 0), body.varint())
            elif kind in (EPOCHS, GRANTS):
                table = self.live["epochs" if kind == EPOCHS else "grants"]
                generation, count, base = body.number(4), body.varint(), body.varint()
                for _ in range(count):
                    name = (generation, body.number(6))
                    table[name] = max(table.get(name, 0), base + body.varint())
            elif kind in (TOKEN_IDS, CATCH_ALL_IDS):
                generation, buckets, bucket = body.number(4), body.varint(), 0
                for _ in range(buckets):
                    bucket += body.varint()
                    _greatest, count = body.varint(), body.varint()
                    self.ids |= {(kind, bucket, generation, body.number(6)) for _ in range(count)}
            elif kind == SECTIONS:
                self.section(Reader(body.take(72)), sections)
            else:
                raise AssertionError("unknown critical block %d" % kind)

    def section(self, entry, sections):
        kind, _, bucket, generation, count, length = (entry.number(size) for size in (2, 2, 4, 4, 4, 4))
        entry.take(20)
        data = sections[entry.take(32)]
        assert len(data) == length and data[:4] == b"PCLS"
        head = Reader(data)
        head.take(4)
        found, form, width, place, generation_in, count_in, _capacity, base = (
            head.number(size) for size in (2, 1, 1, 4, 4, 4, 4, 8))
        assert (found, place, generation_in, count_in) == (kind, bucket, generation, count)
        table = SECTION_OF[kind]
        if table in self.tables:
            self.tables[table].append((generation, bucket, form, read_epochs(data, count, form, width, base)))
        elif table == "versions":
            for _ in range(count):
                user = head.take(16)
                self.versions[user] = head.number(8)
        else:
            self.filters.append((table, bucket, generation, form, base, data[32:]))

    def fingerprint(self, generation, kind, parts):
        text = bytes([TAGS[kind]]) + self.realm
        for part in parts:
            text += struct.pack("<I", len(part.encode())) + part.encode()
        return siphash_2_4(self.keys[generation], text) >> 16

    def not_before(self, table, kind, *parts):
        found = 0
        for generation in self.keys:
            fingerprint = self.fingerprint(generation, kind, parts)
            found = max(found, self.live[table].get((generation, fingerprint), 0))
            for of, shard, bits, (high_bits, low_bits, entries) in self.tables[table]:
                if of == generation and fingerprint >> (48 - bits) == shard:
                    cut = (fingerprint << (16 + bits) & MASK) >> (64 - high_bits - low_bits)
                    found = max(found, entries.get(cut, 0))
        return found

    def has_id(self, token):
        for generation in self.keys:
            fingerprint = self.fingerprint(generation, "token", [token.get("jti", "")])
            if (TOKEN_IDS, token["exp"] // 512, generation, fingerprint) in self.ids:
                return True
            for table, bucket, of, hashes, bits, body in self.filters:
                if of == generation and (table == "catch_alls" or bucket == token["exp"] // 512):
                    if all(body[at // 8] >> at % 8 & 1 for at in probes(fingerprint, bits, hashes)):
                        return True
        return False

    def refuses(self, token):
        """Returns the widest level that refuses the token, or None."""
        user, session, issued_at = token.get("sub"), token.get("sid"), token["iat"]
        clients = [token[name] for name in ("azp", "client_id") if name in token]
        key = bytes.fromhex(token.get("key", ""))
        user_key = hashlib.sha256(self.realm + (user or "").encode()).digest()[:16]
        of_session = lambda client: self.not_before("epochs", "client_session", session, client)
        of_grant = lambda client: self.not_before("grants", "grant", user, client)
        levels = [
            ("realm", issued_at <= self.realm_not_before),
            ("client", any(issued_at <= self.clients.get(client, 0) for client in clients)),
            ("key", issued_at <= self.key_not_befores.get(key, 0)),
            ("user", user is not None and issued_at <= self.not_before("epochs", "user", user)),
            ("session", session is not None and issued_at <= self.not_before("epochs", "session", session)),
            ("client_session", session is not None and any(issued_at <= of_session(client) for client in clients)),
            ("grant", user is not None and any(issued_at <= of_grant(client) for client in clients)),
            ("version", user is not None and token.get("version", 0) < self.versions.get(user_key, 0)),
            ("token", "jti" in token and self.has_id(token)),
        ]
        return next((level for level, is_refused in levels if is_refused), None)


def read_epochs(data, count, shard_bits, value_bits, base):
    """Decodes an Elias-Fano table: truncated fingerprint -> not-before, with the widths of its high and low parts."""
    bits = int.from_bytes(data, "little")
    take = lambda at, width: bits >> at & (1 << width) - 1
    after = lambda start, length: start + -(-length // 64) * 64
    high_bits = (max(count, 1) - 1).bit_length()
    low_bits = min(25, 48 - shard_bits - high_bits)
    highs = 1 << high_bits
    upper = after(32 * 8, -(-highs // 128) * 32)
    lower = after(upper, count + highs)
    values = after(lower, count * low_bits)
    entries, index = {}, 0
    for at in range(count + highs):
        if take(upper + at, 1):
            cut = (at - index) << low_bits | take(lower + index * low_bits, low_bits)
            entries[cut] = base + take(values + index * value_bits, value_bits)
            index += 1
    assert index == count == len(entries)
    return high_bits, low_bits, entries


def probes(fingerprint, bits, hashes):
    state = fingerprint
    for draw in range(hashes):
        if draw % 2 == 0:
            state = (state + 0x9E3779B97F4A7C15) & MASK
            word = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
            word = (word ^ word >> 27) * 0x94D049BB133111EB & MASK
            word ^= word >> 31
        else:
            word >>= 32
        yield (word & 0xFFFFFFFF) * bits >> 32


def main():
    feed = json.loads((HERE / "feed-1.1.json").read_text())
    policy = json.loads((HERE / "policy-1.json").read_text())["policies"][0]
    digests = (1, bytes.fromhex(policy["digest"][2:]), b"".join(bytes.fromhex(field) for field in policy["fields"]))
    x = feed["feedKey"]["x"]
    public_key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))
    for name, form in feed["forms"].items():
        state = State(feed["issuer"], public_key)
        sections = [bytes.fromhex(section) for section in form["sections"]]
        kinds = state.apply(bytes.fromhex(form["manifest"]), {hashlib.sha256(data).digest(): data for data in sections})
        kinds += state.apply(bytes.fromhex(form["delta"]), {})
        assert "1.%d" % state.minor == name
        newer = {KEY_NOT_BEFORES, GRANTS, POLICY}
        assert newer <= set(kinds) if name == "1.1" else not newer & set(kinds)
        assert state.policy == (digests if name == "1.1" else None)
        for answer in feed["answers"]:
            found = state.refuses(answer["token"])
            assert found == answer[name], "%s, %s: %s" % (name, answer, found)
        print("form %s: %d answers are as recorded" % (name, len(feed["answers"])))


if __name__ == "__main__":
    main()
