"""The keys of one deployment under which personal data is sealed: numbers by ``registry.sealing``, files by ``vault``."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from app.settings import Settings

KEY_BYTES: Final = 32
_DEVELOPMENT: Final = "development"


@dataclass(frozen=True, slots=True)
class SealingKeys:
    """Keys of 32 bytes. The last of ``sealing`` (id -> key) seals, all of them open; ``digest`` keys the look-up by HMAC."""

    sealing: Mapping[str, bytes]
    digest: bytes

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """The keys of the environment, or keys made once for this data folder while the development issuer is on."""
        if settings.sealing_keys and settings.digest_key is not None:
            keys = {name: base64.b64decode(key.get_secret_value()) for name, key in settings.sealing_keys.items()}
            return cls(keys, base64.b64decode(settings.digest_key.get_secret_value()))
        stored = _development_keys(settings.data_dir / "sealing-keys.json")
        return cls({_DEVELOPMENT: base64.b64decode(stored["sealing"])}, base64.b64decode(stored["digest"]))


def _development_keys(path: Path) -> dict[str, str]:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = {name: base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() for name in ("sealing", "digest")}
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        try:
            draft.write_text(json.dumps(fresh))
            # A worker and a server may begin at once: the first wins, whole, and the other reads what it has made.
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
    stored: dict[str, str] = json.loads(path.read_text())
    return stored
