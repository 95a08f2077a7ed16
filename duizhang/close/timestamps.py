"""Time stamps of others (RFC 3161) for what is kept of the log: that a checkpoint existed at a time is proved by an authority that has
never seen the home, with the structures of CMS (RFC 5652) as far as such a token has them.

What a token has to be: granted, over the SHA-256 of the file, signed by a certificate that is made for time stamps alone and that the
given roots vouch for at the time that the token tells.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Annotated

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509 import ObjectIdentifier, verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from duizhang.errors import UserError

_SIGNED_DATA, _TST_INFO = ObjectIdentifier("1.2.840.113549.1.7.2"), ObjectIdentifier("1.2.840.113549.1.9.16.1.4")
_MESSAGE_DIGEST, _CONTENT_TYPE = ObjectIdentifier("1.2.840.113549.1.9.4"), ObjectIdentifier("1.2.840.113549.1.9.3")
_SIGNING_CERTIFICATE, _SIGNING_CERTIFICATE_V2 = (
    ObjectIdentifier("1.2.840.113549.1.9.16.2.12"), ObjectIdentifier("1.2.840.113549.1.9.16.2.47"))
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(), "2.16.840.1.101.3.4.2.2": hashes.SHA384(), "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_SHA256 = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_RSA_PSS = ObjectIdentifier("1.2.840.113549.1.1.10")
_GRANTED = (0, 1)  # granted, and granted with changes
_SECONDS, _MOST_BYTES = 30, 1_000_000
_TRUST = "Give the roots of the authority (PEM) with --timestamp-roots, and the file as it was stamped."


@asn1.sequence
class _Bare:
    name: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class _Mask:
    name: ObjectIdentifier
    digest: _Bare


@asn1.sequence
class _Pss:
    digest: Annotated[_Bare | None, asn1.Explicit(0)]
    mask: Annotated[_Mask | None, asn1.Explicit(1)]
    salt: Annotated[int | None, asn1.Explicit(2)]
    trailer: Annotated[int | None, asn1.Explicit(3)]


@asn1.sequence
class _Algorithm:
    name: ObjectIdentifier
    parameters: asn1.Null | _Pss | None


@asn1.sequence
class _Imprint:
    algorithm: _Algorithm
    digest: bytes


@asn1.sequence
class _Request:
    version: int
    imprint: _Imprint
    policy: ObjectIdentifier | None
    nonce: int | None
    wants_certificate: Annotated[bool, asn1.Default(False)]


@asn1.sequence
class _Status:
    code: int
    text: list[str] | None
    failure: asn1.BitString | None


@asn1.sequence
class _Attribute:
    name: ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class _IssuerAndSerial:
    issuer: asn1.TLV
    serial: int


@asn1.sequence
class _Signer:
    version: int
    who: _IssuerAndSerial | Annotated[bytes, asn1.Implicit(0)]
    digest: _Algorithm
    signed: Annotated[asn1.SetOf[_Attribute] | None, asn1.Implicit(0)]
    algorithm: _Algorithm
    signature: bytes
    unsigned: Annotated[asn1.SetOf[_Attribute] | None, asn1.Implicit(1)]


@asn1.sequence
class _Content:
    kind: ObjectIdentifier
    content: Annotated[bytes | None, asn1.Explicit(0)]


@asn1.sequence
class _SignedData:
    version: int
    digests: asn1.SetOf[_Algorithm]
    content: _Content
    certificates: Annotated[asn1.SetOf[asn1.TLV] | None, asn1.Implicit(0)]
    revoked: Annotated[asn1.SetOf[asn1.TLV] | None, asn1.Implicit(1)]
    signers: asn1.SetOf[_Signer]


@asn1.sequence
class _Token:
    kind: ObjectIdentifier
    signed: Annotated[_SignedData, asn1.Explicit(0)]


@asn1.sequence
class _Response:
    status: _Status
    token: _Token | None


@asn1.sequence
class _Accuracy:
    seconds: int | None
    milliseconds: Annotated[int | None, asn1.Implicit(0)]
    microseconds: Annotated[int | None, asn1.Implicit(1)]


@asn1.sequence
class _NamePart:
    name: ObjectIdentifier
    value: asn1.TLV


# an explicit tag around one of several is a sequence of that one
@asn1.sequence
class _Authority:
    mail: Annotated[asn1.IA5String | None, asn1.Implicit(1)]
    host: Annotated[asn1.IA5String | None, asn1.Implicit(2)]
    directory: Annotated[list[asn1.SetOf[_NamePart]] | None, asn1.Explicit(4)]
    address: Annotated[asn1.IA5String | None, asn1.Implicit(6)]


@asn1.sequence
class _Told:
    version: int
    policy: ObjectIdentifier
    imprint: _Imprint
    serial: int
    time: asn1.GeneralizedTime
    accuracy: _Accuracy | None
    is_ordered: Annotated[bool, asn1.Default(False)]
    nonce: int | None
    authority: Annotated[_Authority | None, asn1.Implicit(0)]
    extensions: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]


@asn1.sequence
class _IssuerNames:
    names: list[asn1.TLV]
    serial: int


@asn1.sequence
class _CertificateId:
    """Of signing-certificate (SHA-1, which only names the certificate here) and signing-certificate-v2 alike."""

    algorithm: _Algorithm | None
    digest: bytes
    issuer: _IssuerNames | None


@asn1.sequence
class _SigningCertificate:
    certificates: list[_CertificateId]
    policies: list[asn1.TLV] | None


@dataclass(frozen=True)
class TimeStamp:
    """What a token says: when, by whom (the subject of the certificate), and whether given roots vouch for that."""

    time: dt.datetime
    authority: str
    is_trusted: bool


def request(data: bytes, nonce: int | None = None) -> tuple[bytes, int]:
    """A request for a time stamp over data (DER), and its nonce, which the answer has to repeat."""
    number = nonce or secrets.randbits(63) | 1
    imprint = _Imprint(algorithm=_Algorithm(name=_SHA256, parameters=asn1.Null()), digest=hashlib.sha256(data).digest())
    return asn1.encode_der(_Request(version=1, imprint=imprint, policy=None, nonce=number, wants_certificate=True)), number


def ask(url: str, data: bytes) -> bytes:
    """The answer of an authority for data (DER): a token over it, whose signature fits. UserError where there is none such."""
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url!r} is no address of a time stamp authority", advice="Expected https:// or http://; only a digest is sent.")
    query, nonce = request(data)
    asked = urllib.request.Request(url, query, {"Content-Type": "application/timestamp-query"})  # noqa: S310 - http or https, see above
    try:
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:  # noqa: S310
            found: bytes = answer.read(_MOST_BYTES)
    except (OSError, HTTPException) as error:
        raise UserError(f"the time stamp authority cannot be reached: {getattr(error, 'reason', error)}",
                        advice="The checkpoint itself is written. Try again, or have the file stamped in another way.") from error
    read_stamp(found, data, nonce=nonce)
    return found


def read_stamp(response: bytes, data: bytes, *, roots: Sequence[x509.Certificate] = (), nonce: int | None = None) -> TimeStamp:
    """What the answer of an authority proves of data. UserError where it proves nothing: refused, over something else, changed, not signed
    by a certificate for time stamps, or, where roots are given, by one that none of them vouches for."""
    try:
        return _read(response, data, roots, nonce)
    except (ValueError, x509.InvalidVersion) as error:  # of whatever part cannot be parsed
        raise UserError("this is no time stamp, or it was changed") from error


def _read(response: bytes, data: bytes, roots: Sequence[x509.Certificate], nonce: int | None) -> TimeStamp:
    token = _token(response)
    signed = token.signed
    content = signed.content.content
    if token.kind != _SIGNED_DATA or signed.content.kind != _TST_INFO or content is None:
        raise UserError("this is no time stamp")
    told = asn1.decode_der(_Told, content)
    algorithm = told.imprint.algorithm.name.dotted_string
    if algorithm not in _HASHES or _digest(_HASHES[algorithm], data) != told.imprint.digest:
        raise UserError("the time stamp is over something else than this file", advice=_TRUST)
    if nonce is not None and told.nonce != nonce:
        raise UserError("the time stamp answers another request")
    known = [part.parse(x509.Certificate) for part in (signed.certificates.as_list() if signed.certificates else [])]
    signers = signed.signers.as_list()
    if len(signers) != 1:
        raise UserError("a time stamp has one signature")
    certificate = _signer(signers[0], [*known, *roots], content)
    time = told.time.as_datetime().replace(tzinfo=dt.UTC)
    if roots:
        _vouched(certificate, known, roots, time)
    return TimeStamp(time, certificate.subject.rfc4514_string(), is_trusted=bool(roots))


def read_roots(pem: bytes) -> list[x509.Certificate]:
    """Certificates of a PEM file. UserError where there are none."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise UserError("these are no certificates", advice=_TRUST) from error


def _token(response: bytes) -> _Token:
    """The token of an answer, or the token itself, as some tools keep it."""
    try:
        found = asn1.decode_der(_Response, response)
    except ValueError:
        return asn1.decode_der(_Token, response)
    if found.status.code not in _GRANTED or found.token is None:
        said = ", ".join(found.status.text or ())
        raise UserError(f"the authority granted no time stamp (status {found.status.code}{': ' if said else ''}{said})")
    return found.token


def _signer(signer: _Signer, known: Sequence[x509.Certificate], content: bytes) -> x509.Certificate:
    """The certificate whose signature it is, of those that are at hand."""
    name = signer.digest.name.dotted_string
    if name not in _HASHES or signer.signed is None:
        raise UserError(f"the time stamp is signed in a way that is not known here ({name})")
    attributes = {attribute.name: attribute.values.as_list() for attribute in signer.signed.as_list()}
    digest = attributes.get(_MESSAGE_DIGEST, [])
    kinds = attributes.get(_CONTENT_TYPE, [])
    if [bytes(part.data) for part in digest] != [_digest(_HASHES[name], content)] or [part.parse(ObjectIdentifier) for part in kinds] != [
            _TST_INFO]:
        raise UserError("this is no time stamp, or it was changed")
    ids = _certificate_ids(attributes)
    for certificate in known:
        der = certificate.public_bytes(serialization.Encoding.DER)
        if ids and any(_digest(how, der) == value for how, value in ids):
            _signed_by(certificate, signer, asn1.encode_der(signer.signed))
            _is_for_stamps(certificate)
            return certificate
    raise UserError("the certificate that signed the time stamp is not with it", advice=_TRUST)


def _certificate_ids(attributes: dict[ObjectIdentifier, list[asn1.TLV]]) -> list[tuple[hashes.HashAlgorithm, bytes]]:
    """The first certificate that each attribute names is the signer's: (how it is digested, digest)."""
    found: list[tuple[hashes.HashAlgorithm, bytes]] = []
    for name, usual in ((_SIGNING_CERTIFICATE_V2, hashes.SHA256()), (_SIGNING_CERTIFICATE, hashes.SHA1())):  # noqa: S303 - names, proves nothing
        for value in attributes.get(name, []):
            first = value.parse(_SigningCertificate).certificates[0]
            how = _HASHES.get(first.algorithm.name.dotted_string) if first.algorithm else usual
            if how is not None:
                found.append((how, first.digest))
    return found


def _signed_by(certificate: x509.Certificate, signer: _Signer, message: bytes) -> None:
    key, how = certificate.public_key(), _HASHES[signer.digest.name.dotted_string]
    try:
        match key:
            case rsa.RSAPublicKey() if signer.algorithm.name == _RSA_PSS:
                key.verify(signer.signature, message, padding.PSS(padding.MGF1(how), padding.PSS.AUTO), how)
            case rsa.RSAPublicKey():
                key.verify(signer.signature, message, padding.PKCS1v15(), how)
            case ec.EllipticCurvePublicKey():
                key.verify(signer.signature, message, ec.ECDSA(how))
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                key.verify(signer.signature, message)
            case _:
                raise UserError(f"the time stamp is signed in a way that is not known here ({type(key).__name__})")
    except InvalidSignature as error:
        raise UserError("this is no time stamp, or it was changed") from error


def _is_for_stamps(certificate: x509.Certificate) -> None:
    """RFC 3161, 2.3: the certificate is for time stamps and for nothing else, and says so critically."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        found = None
    if found is None or not found.critical or list(found.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise UserError("the certificate that signed it is not one for time stamps")


def _vouched(
    certificate: x509.Certificate, known: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], time: dt.datetime,
) -> None:
    if certificate in roots and certificate.not_valid_before_utc <= time <= certificate.not_valid_after_utc:
        return
    verifier = verification.PolicyBuilder().store(verification.Store(list(roots))).time(time.replace(tzinfo=None)).extension_policies(
        ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(), ee_policy=verification.ExtensionPolicy.permit_all(),
    ).build_client_verifier()
    try:
        verifier.verify(certificate, [other for other in known if other != certificate])
    except verification.VerificationError as error:
        raise UserError(f"none of the roots vouches for who signed the time stamp: {error}", advice=_TRUST) from error


def _digest(how: hashes.HashAlgorithm, data: bytes) -> bytes:
    return hashlib.new(how.name, data).digest()


__all__ = ["TimeStamp", "ask", "read_roots", "read_stamp", "request"]
