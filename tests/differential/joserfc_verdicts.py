"""The verdicts of PyPI `joserfc`, with this crate's configuration as near as its options allow. Reads a line of
configuration and then a token a line, as JSON; prints `{"subject": …}` or `{"code": …, "claim": …}` for each."""

import json
import sys
import warnings

from joserfc import jws, jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError
from joserfc.jwk import JWKRegistry

warnings.simplefilter("ignore")  # algorithms that RFC 9864 deprecates
config = json.loads(sys.stdin.readline())
registry = jws.JWSRegistry(algorithms=config["algorithms"], strict_check_header=False)
registry.max_header_length = registry.max_payload_length = 1 << 20
claims = jwt.JWTClaimsRegistry(
    leeway=60,
    iss={"essential": True, "value": config["issuer"]},
    aud={"essential": True, "value": config["audience"]},
    exp={"essential": True},
    sub={"essential": True},
)
keys = [(key, JWKRegistry.import_key(key)) for key in config["jwks"]["keys"]]
KTY = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


def candidates(header):
    """The keys that fit: its choice of a key is not compared, as it takes any if the token names none."""
    kid, alg = header.get("kid"), header.get("alg")
    for jwk, key in keys:
        fits = jwk["kty"] == KTY.get(str(alg)[:2]) and jwk.get("alg", alg) == alg
        if fits and (kid is None or kid == jwk["kid"]):
            yield key


def verify(token):
    header = jws.extract_compact(token.encode(), registry=registry).headers()
    refusal = InvalidKeyIdError()
    for key in candidates(header):
        try:
            found = jwt.decode(token, key, algorithms=config["algorithms"], registry=registry)
        except BadSignatureError as error:
            refusal = error
            continue
        claims.validate(found.claims)
        return found.claims["sub"]
    raise refusal


for line in sys.stdin:
    try:
        verdict = {"subject": verify(json.loads(line))}
    except Exception as error:  # whatever it raises is a refusal
        verdict = {"code": getattr(error, "error", "") or type(error).__name__, "claim": getattr(error, "claim", None), "message": str(error)[:200]}
    print(json.dumps(verdict))
