"""Every way a bearer token is known to be attacked or botched ends as the same refusal."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from shared.domain.faults import NotAuthenticated, NotAuthorized
from shared.web.auth import Principal, TokenRules, authenticate, require
from tests.unit.web.tokens import (
    AUDIENCE,
    ISSUER,
    NOW,
    OTHER_RSA_KEY,
    RSA_KEY,
    RULES,
    TENANT,
    HeldKeys,
    base64url,
    claims,
    es256,
    header,
    jwk_of,
    public_pem,
    rs256,
    token,
    with_claims,
    with_header,
)

NOW_S = int(NOW.timestamp())


def principal_of(authorization: str | None, keys: HeldKeys | None = None) -> Principal:
    return authenticate(authorization, keys=keys or HeldKeys(), expected=RULES, now=NOW)


def reason_of(authorization: str | None, keys: HeldKeys | None = None) -> str:
    """Return why the header was refused; every refusal says the same to the caller."""
    with pytest.raises(NotAuthenticated) as refused:
        principal_of(authorization, keys)
    assert str(refused.value) == "A valid bearer token is required"
    return str(getattr(refused.value, "reason", ""))


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda signed: hmac.digest(secret, signed, hashlib.sha256)


def unsigned(_: bytes) -> bytes:
    return b""


def psychic(_: bytes) -> bytes:
    return bytes(64)


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


PAYLOAD = json.dumps(claims()).encode()
HEAD = json.dumps(header()).encode()
GOOD = token()
EC_HEADER = header(alg="ES256", kid="ec-1")

REFUSED: list[tuple[str, str | None, str]] = [
    # The header of the request
    ("no header", None, "no_token"),
    ("empty header", "", "no_token"),
    ("no scheme", GOOD, "form"),
    ("another scheme", f"Basic {GOOD}", "form"),
    ("two spaces", f"Bearer  {GOOD}", "form"),
    ("a tab", f"Bearer\t{GOOD}", "form"),
    ("a line break behind", f"Bearer {GOOD}\n", "form"),
    ("two tokens, as a proxy joins them", f"Bearer {GOOD}, Bearer {GOOD}", "form"),
    ("9 KiB", f"Bearer {token(body=claims(pad='x' * 9000))}", "too_long"),
    ("a long number, cut off by size", f"Bearer {token(body=PAYLOAD[:-1] + b',' + b'9' * 9000)}", "too_long"),
    # Form of the token
    ("two segments", "Bearer " + GOOD.rsplit(".", 1)[0], "form"),
    ("four segments", f"Bearer {GOOD}.x", "form"),
    ("five segments, as an encrypted token has", f"Bearer {GOOD}.x.y", "form"),
    ("empty payload", "Bearer " + ".".join([GOOD.split(".")[0], "", GOOD.split(".")[2]]), "form"),
    ("padding kept", f"Bearer {GOOD}==", "form"),
    ("standard base64 letters", f"Bearer {GOOD[:-2]}+/", "form"),
    ("a letter outside ASCII", f"Bearer {GOOD[:-1]}\u0430", "form"),
    ("a Kelvin sign, which is a small k to whoever ignores case", f"Bearer {GOOD[:-1]}\u212a", "form"),
    ("bits left over in a segment", f"Bearer {base64url(HEAD)}.{base64url(PAYLOAD)}.AB", "base64"),
    ("a length no base64 has", f"Bearer {GOOD.rsplit('.', 1)[0]}.A", "base64"),
    # Algorithm
    ("alg none", "Bearer " + token(header(alg="none"), sign=rs256), "algorithm"),
    ("alg none without a signature", "Bearer " + token(header(alg="none"), sign=unsigned), "form"),
    ("alg nOnE", "Bearer " + with_header(alg="nOnE"), "algorithm"),
    ("alg missing", "Bearer " + with_header(alg=...), "algorithm"),
    ("alg as a list", "Bearer " + with_header(alg=["RS256"]), "algorithm"),
    ("alg rs256 in small letters", "Bearer " + with_header(alg="rs256"), "algorithm"),
    ("HS256 keyed with our PEM", "Bearer " + token(header(alg="HS256"), sign=hs256(public_pem(RSA_KEY))), "algorithm"),
    (
        "HS256 keyed with our JWK",
        "Bearer " + token(header(alg="HS256"), sign=hs256(json.dumps(jwk_of(RSA_KEY, "rsa-1")).encode())),
        "algorithm",
    ),
    ("RS384", "Bearer " + with_header(alg="RS384"), "algorithm"),
    ("RS512", "Bearer " + with_header(alg="RS512"), "algorithm"),
    ("PS256", "Bearer " + with_header(alg="PS256"), "algorithm"),
    ("ES384", "Bearer " + with_header(alg="ES384"), "algorithm"),
    ("EdDSA", "Bearer " + with_header(alg="EdDSA"), "algorithm"),
    ("ES256 with the RSA key", "Bearer " + with_header(alg="ES256"), "key_algorithm"),
    ("RS256 with the EC key", "Bearer " + with_header(kid="ec-1"), "key_algorithm"),
    # Other members of the header
    ("jwk", "Bearer " + with_header(jwk=jwk_of(OTHER_RSA_KEY, "rsa-1")), "header_member"),
    ("jku", "Bearer " + with_header(jku="https://attacker.example/keys"), "header_member"),
    ("x5u", "Bearer " + with_header(x5u="https://attacker.example/cert"), "header_member"),
    ("x5c", "Bearer " + with_header(x5c=["MIIB"]), "header_member"),
    ("crit, unknown", "Bearer " + with_header(crit=["exp"]), "header_member"),
    ("crit, empty", "Bearer " + with_header(crit=[]), "header_member"),
    ("b64 false", "Bearer " + with_header(b64=False), "header_member"),
    ("zip", "Bearer " + with_header(zip="DEF"), "header_member"),
    ("cty: a token in a token", "Bearer " + with_header(cty="JWT"), "header_member"),
    ("typ missing", "Bearer " + with_header(typ=...), "type"),
    ("typ dpop+jwt", "Bearer " + with_header(typ="dpop+jwt"), "type"),
    ("typ secevent+jwt", "Bearer " + with_header(typ="secevent+jwt"), "type"),
    ("typ logout+jwt", "Bearer " + with_header(typ="logout+jwt"), "type"),
    ("kid missing", "Bearer " + with_header(kid=...), "kid"),
    ("kid a number", "Bearer " + with_header(kid=1), "kid"),
    ("kid empty", "Bearer " + with_header(kid=""), "kid"),
    ("kid a path", "Bearer " + with_header(kid="../../etc/passwd"), "kid"),
    ("kid SQL", "Bearer " + with_header(kid="x' OR 1=1 --"), "kid"),
    ("kid a URL", "Bearer " + with_header(kid="https://attacker.example"), "kid"),
    ("kid with NUL", "Bearer " + with_header(kid="rsa-1\0"), "header_json"),
    ("kid with a line break", "Bearer " + with_header(kid="rsa-1\n"), "kid"),
    ("kid too long", "Bearer " + with_header(kid="a" * 129), "kid"),
    ("kid unknown", "Bearer " + with_header(kid="rsa-2"), "unknown_key"),
    # Signature
    ("another key", "Bearer " + token(sign=lambda signed: rs256(signed, OTHER_RSA_KEY)), "signature"),
    ("signature of other claims", f"Bearer {base64url(HEAD)}.{base64url(PAYLOAD)}.{with_claims(x=1).split('.')[2]}",
     "signature"),
    ("signature cut short", f"Bearer {base64url(HEAD)}.{base64url(PAYLOAD)}.{base64url(b'short')}", "signature"),
    ("ES256 with r = s = 0", "Bearer " + token(EC_HEADER, sign=psychic), "signature"),
    ("ES256 of 63 bytes", "Bearer " + token(EC_HEADER, sign=lambda signed: es256(signed)[:63]), "signature"),
    # Times
    ("exp missing", "Bearer " + with_claims(exp=...), "claim_exp"),
    ("exp text", "Bearer " + with_claims(exp=str(NOW_S + 3600)), "claim_exp"),
    ("exp true", "Bearer " + with_claims(exp=True), "claim_exp"),
    ("exp zero", "Bearer " + with_claims(exp=0), "claim_exp"),
    ("exp negative", "Bearer " + with_claims(exp=-1), "claim_exp"),
    ("exp a fraction", "Bearer " + with_claims(exp=NOW_S + 3600.5), "claim_exp"),
    ("exp 1e300", "Bearer " + with_claims(exp=1e300), "claim_exp"),
    ("exp null", "Bearer " + with_claims(exp=None), "claim_exp"),
    ("exp in the year 9999", "Bearer " + with_claims(exp=253402300799), "lifetime"),
    ("25 hours", "Bearer " + with_claims(exp=NOW_S + 25 * 3600), "lifetime"),
    ("expired, just beyond the leeway", "Bearer " + with_claims(iat=NOW_S - 90, exp=NOW_S - 60), "expired"),
    ("nbf missing", "Bearer " + with_claims(nbf=...), "claim_nbf"),
    ("nbf text", "Bearer " + with_claims(nbf="now"), "claim_nbf"),
    ("nbf in the future", "Bearer " + with_claims(nbf=NOW_S + 61), "not_yet_valid"),
    ("iat missing", "Bearer " + with_claims(iat=...), "claim_iat"),
    ("iat in the future", "Bearer " + with_claims(iat=NOW_S + 61), "not_yet_valid"),
    # Issuer, audience, tenant, subject
    ("iss missing", "Bearer " + with_claims(iss=...), "issuer"),
    ("iss of version 1", "Bearer " + with_claims(iss=f"https://sts.windows.net/{TENANT}/"), "issuer"),
    ("iss with a slash behind", "Bearer " + with_claims(iss=ISSUER + "/"), "issuer"),
    ("iss a prefix", "Bearer " + with_claims(iss=ISSUER[:-1]), "issuer"),
    ("iss in capitals", "Bearer " + with_claims(iss=ISSUER.upper()), "issuer"),
    ("iss common", "Bearer " + with_claims(iss=ISSUER.replace(TENANT, "common")), "issuer"),
    ("iss a list", "Bearer " + with_claims(iss=[ISSUER]), "issuer"),
    ("aud missing", "Bearer " + with_claims(aud=...), "audience"),
    ("aud of another API", "Bearer " + with_claims(aud="https://management.azure.com"), "audience"),
    ("aud a list with ours", "Bearer " + with_claims(aud=["https://graph.microsoft.com", AUDIENCE]), "audience"),
    ("aud a list of ours alone", "Bearer " + with_claims(aud=[AUDIENCE]), "audience"),
    ("aud with a slash behind", "Bearer " + with_claims(aud=AUDIENCE + "/"), "audience"),
    ("tid missing", "Bearer " + with_claims(tid=...), "tenant"),
    ("tid of another tenant", "Bearer " + with_claims(tid=TENANT.replace("1", "2")), "tenant"),
    ("sub missing", "Bearer " + with_claims(sub=...), "claim_sub"),
    ("sub a number", "Bearer " + with_claims(sub=7), "claim_sub"),
    ("sub empty", "Bearer " + with_claims(sub=""), "claim_sub"),
    ("sub with NUL", "Bearer " + with_claims(sub="jana\0root"), "payload_json"),
    ("sub with a line break", "Bearer " + with_claims(sub="jana\nroot"), "claim_sub"),
    ("sub too long", "Bearer " + with_claims(sub="j" * 257), "claim_sub"),
    ("oid missing", "Bearer " + with_claims(oid=...), "claim_oid"),
    ("oid a list", "Bearer " + with_claims(oid=["x"]), "claim_oid"),
    ("a sign-in token, by nonce", "Bearer " + with_claims(nonce="n"), "id_token"),
    ("a sign-in token, by at_hash", "Bearer " + with_claims(at_hash="h"), "id_token"),
    # Roles
    ("roles text", "Bearer " + with_claims(roles="gateway:admin"), "claim_roles"),
    ("roles null", "Bearer " + with_claims(roles=None), "claim_roles"),
    ("roles an object", "Bearer " + with_claims(roles={"gateway:admin": True}), "claim_roles"),
    ("roles nested", "Bearer " + with_claims(roles=[["gateway:admin"]]), "claim_roles"),
    ("a role with a Cyrillic letter", "Bearer " + with_claims(roles=["gateway:\u0430dmin"]), "claim_roles"),
    ("a role in full-width letters", "Bearer " + with_claims(roles=["gateway:\uff41dmin"]), "claim_roles"),
    ("a role with a space behind", "Bearer " + with_claims(roles=["gateway:admin "]), "claim_roles"),
    ("65 roles", "Bearer " + with_claims(roles=[f"r{number}" for number in range(65)]), "claim_roles"),
    # JSON
    ("roles twice", "Bearer " + token(body=PAYLOAD[:-1] + b',"roles":["gateway:admin"]}'), "payload_json"),
    ("exp twice", "Bearer " + token(body=PAYLOAD[:-1] + b',"exp":9999999999}'), "payload_json"),
    ("alg twice", "Bearer " + token(b'{"alg":"none",' + HEAD[1:]), "header_json"),
    ("NaN", "Bearer " + token(body=PAYLOAD[:-1] + b',"x":NaN}'), "payload_json"),
    ("Infinity", "Bearer " + token(body=PAYLOAD[:-1] + b',"x":-Infinity}'), "payload_json"),
    ("1e999", "Bearer " + token(body=PAYLOAD[:-1] + b',"x":1e999}'), "payload_json"),
    ("UTF-16", "Bearer " + token(body=json.dumps(claims()).encode("utf-16")), "payload_json"),
    ("byte order mark", "Bearer " + token(body=b"\xef\xbb\xbf" + PAYLOAD), "payload_json"),
    ("Latin-1", "Bearer " + token(body=PAYLOAD[:-1] + b',"x":"\xe9"}'), "payload_json"),
    ("half a surrogate pair", "Bearer " + token(body=PAYLOAD[:-1] + b',"x":"\\ud800"}'), "payload_json"),
    ("payload a list", "Bearer " + token(body=[]), "payload_json"),
    ("payload text", "Bearer " + token(body="text"), "payload_json"),
    ("payload null", "Bearer " + token(body=b"null"), "payload_json"),
    ("payload no JSON", "Bearer " + token(body=b"{"), "payload_json"),
    ("header a list", "Bearer " + token(b"[]"), "header_json"),
    ("header no JSON", "Bearer " + token(b"\xff"), "header_json"),
    ("a deep header", "Bearer " + token(nested(33)), "header_json"),
    ("a very deep payload", "Bearer " + token(body=nested(900)), "payload_json"),
    ("a number of 5000 digits", "Bearer " + token(body=b'{"x":' + b"9" * 5000 + b"}"), "payload_json"),
]  # fmt: skip


@pytest.mark.parametrize(("authorization", "reason"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_bad_token_is_refused_with_its_reason_for_the_log_only(authorization: str | None, reason: str) -> None:
    assert reason_of(authorization) == reason


def test_the_corpus_names_each_case_once() -> None:
    names = [case[0] for case in REFUSED]
    assert len(names) == len(set(names)) >= 100


@pytest.mark.parametrize("case", ["no header", "kid a path", "jku", "HS256 keyed with our PEM", "alg twice", "9 KiB"])
def test_a_token_of_the_wrong_form_never_asks_for_a_key(case: str) -> None:
    keys = HeldKeys()
    reason_of(next(authorization for name, authorization, _ in REFUSED if name == case), keys)
    assert keys.asked == []


ACCEPTED: list[tuple[str, str]] = [
    ("RS256", GOOD),
    ("ES256", token(EC_HEADER, sign=es256)),
    ("typ at+jwt", with_header(typ="at+jwt")),
    ("x5t, as version 1 tokens carry", with_header(x5t="abc")),
    ("expired, just inside the leeway", with_claims(iat=NOW_S - 90, nbf=NOW_S - 90, exp=NOW_S - 59)),
    ("nbf and iat just inside the leeway", with_claims(nbf=NOW_S + 60, iat=NOW_S + 60)),
    ("24 hours and 5 minutes", with_claims(exp=NOW_S + 86_700)),
]


@pytest.mark.parametrize("text", [case[1] for case in ACCEPTED], ids=[case[0] for case in ACCEPTED])
def test_a_good_token_makes_a_principal(text: str) -> None:
    assert principal_of(f"Bearer {text}") == Principal(
        subject="jana",
        object_id="11111111-0000-4000-8000-000000000001",
        tenant_id=TENANT,
        roles=frozenset({"gateway:read", "gateway:admin"}),
        is_app=False,
        name="jana@example.net",
    )


@pytest.mark.parametrize(("azp", "shown"), [("461e-8683", "461e-8683"), (..., ""), (7, ""), ("", "")])
def test_the_application_that_asked_is_part_of_the_principal(azp: object, shown: str) -> None:
    assert principal_of("Bearer " + with_claims(azp=azp)).client_id == shown


def test_the_scheme_may_be_written_in_small_letters() -> None:
    assert principal_of(f"bearer {GOOD}").subject == "jana"


def test_a_token_made_by_the_library_is_good() -> None:
    made = jwt.encode(claims(), RSA_KEY, algorithm="RS256", headers={"kid": "rsa-1"})
    assert principal_of(f"Bearer {made}").subject == "jana"


@pytest.mark.parametrize("roles", [..., []])
def test_a_token_without_roles_is_good_and_may_do_nothing(roles: Any) -> None:
    principal = principal_of("Bearer " + with_claims(roles=roles, scp="gateway:admin"))
    assert principal.roles == frozenset()
    with pytest.raises(NotAuthorized):
        require(principal, "gateway:admin")


def test_roles_are_kept_as_given() -> None:
    principal = principal_of("Bearer " + with_claims(roles=["alert:ingest", "gateway:admin", "Gateway:Admin"]))
    assert principal.roles == {"alert:ingest", "gateway:admin", "Gateway:Admin"}


def test_an_application_is_known_by_its_token_type_and_named_by_its_subject() -> None:
    made = with_claims(idtyp="app", preferred_username=..., sub="gw-npr-dr")
    principal = principal_of(f"Bearer {made}")
    assert (principal.is_app, principal.name) == (True, "gw-npr-dr")


def test_a_name_cannot_break_a_log_line() -> None:
    name = principal_of("Bearer " + with_claims(preferred_username="a\nb\u202ec\x7f" + "d" * 200)).name
    assert name.startswith("a?b?c?d")
    assert len(name) == 128


def test_a_longer_lifetime_has_to_be_allowed_by_the_rules() -> None:
    month = with_claims(exp=NOW_S + 30 * 86_400)
    assert reason_of(f"Bearer {month}") == "lifetime"
    lenient = TokenRules(issuer=ISSUER, audience=AUDIENCE, tenant_id=TENANT, longest_lifetime_s=31 * 86_400)
    assert authenticate(f"Bearer {month}", keys=HeldKeys(), expected=lenient, now=NOW).subject == "jana"


def principal_with(*roles: str) -> Principal:
    return Principal(subject="s", object_id="o", tenant_id=TENANT, roles=frozenset(roles), is_app=False, name="s")


def test_one_of_the_required_roles_is_enough() -> None:
    require(principal_with("gateway:read"), "gateway:admin", "gateway:read")


@pytest.mark.parametrize(
    ("roles", "required", "message"),
    [
        (("gateway:read",), ("gateway:admin",), "Role gateway:admin is required; your roles: gateway:read"),
        ((), ("gateway:admin", "gateway:read"), "Role gateway:admin or gateway:read is required; your roles: none"),
        (("GATEWAY:ADMIN",), ("gateway:admin",), "Role gateway:admin is required; your roles: GATEWAY:ADMIN"),
        (("gateway:admin",), ("gateway:agent",), "Role gateway:agent is required; your roles: gateway:admin"),
        (("gateway:admin",), (), "Role that nobody has is required; your roles: gateway:admin"),
    ],
)  # fmt: skip
def test_a_missing_role_is_named_beside_those_the_caller_has(
    roles: tuple[str, ...], required: tuple[str, ...], message: str
) -> None:
    with pytest.raises(NotAuthorized) as refused:
        require(principal_with(*roles), *required)
    assert str(refused.value) == message
