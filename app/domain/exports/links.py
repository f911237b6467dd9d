"""Links to files: whoever has one gets the file, so it is good for minutes, for one file, and in one deployment."""

import hmac
from hashlib import sha256
from typing import ClassVar, Final, NamedTuple, Self
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from app.domain.sealing_keys import SealingKeys
from app.settings import Settings

_LONGEST: Final = 400


class Linked(NamedTuple):
    """What a link leads to: an export, and whose it is."""

    export_id: UUID
    principal_id: UUID


class ExportLinks:
    """Makes and reads links, with a key that is made from one of the deployment's."""

    purpose: ClassVar[bytes] = b"kesos export link"
    """Links of one purpose are none of another."""

    def __init__(self, key: bytes, seconds: int) -> None:
        """Sign with ``key``; a link is good for ``seconds``."""
        self._serializer = URLSafeTimedSerializer(
            hmac.digest(key, self.purpose, sha256), salt=self.purpose, signer_kwargs={"digest_method": sha256}
        )
        self._seconds = seconds

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """The links of a deployment."""
        return cls(SealingKeys.of_settings(settings).digest, settings.link_seconds)

    def token(self, export_id: UUID, principal_id: UUID) -> str:
        """A token that leads to the export from now on."""
        signed = self._serializer.dumps([export_id.hex, principal_id.hex])
        return signed if isinstance(signed, str) else signed.decode()

    def read(self, token: str) -> Linked | None:
        """What ``token`` leads to; None where it was not made here, was changed, or is too old."""
        if len(token) > _LONGEST:
            return None
        signature = token.rpartition(".")[2]
        try:
            export_id, principal_id = self._serializer.loads(token, max_age=self._seconds)
            # The last character of base64 has bits that say nothing: a link is one text, not four that are read alike.
            if base64_encode(base64_decode(signature)).decode() != signature:
                return None
        except BadData:
            return None
        return Linked(UUID(export_id), UUID(principal_id))
