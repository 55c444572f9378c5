"""Keys that the programs of a run share, and the seals that they put on what they tell each other.

    key = key_at(Path('~/.config/llm_policy_improver/run.key'))
    seal = key.seal('policy_parameters', content)
    assert key.holds(seal, 'policy_parameters', content)

A seal is a keyed hash, HMAC-SHA256 (RFC 2104, FIPS 198-1): who has the key made it, for just this content and this
purpose. It hides nothing, and it does not say when: what must not be replayed has a number or a name in its content
that is used once.
"""

import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from llm_policy_improver.core.ranges import require_path
from llm_policy_improver.core.settings import SettingsError

_BYTES: Final = 32
"""Of a key: as long as the hash (RFC 2104, section 3)."""
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class Key:
    """A secret that some programs share.

    Args:
        secret: bytes of high entropy.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, purpose: str, content: bytes) -> str:
        """Of this content, as 64 hexadecimal digits.

        Args:
            purpose: what it is for: a seal for one purpose is none for another.
            content: what is sealed.
        """
        return hmac.new(self._secret, packed(purpose.encode(), content), 'sha256').hexdigest()

    def holds(self, seal: str, purpose: str, content: bytes) -> bool:
        """Whether that is the seal of this content; takes as long for a wrong one, wherever it is wrong."""
        return hmac.compare_digest(seal.encode(), self.seal(purpose, content).encode())


def packed(*parts: bytes) -> bytes:
    """Parts as one, each behind its length: no two different sequences of parts come to the same."""
    return b''.join(len(part).to_bytes(8, 'little') + part for part in parts)


def key_at(path: Path) -> Key:
    """The key of a file, which is made where there is none, readable by its owner alone.

    Raises:
        SettingsError: it cannot be read or made, others may read it, or it holds something else.
    """
    path = path.expanduser()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
        with path.open() as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(4 * _BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f'the key file {path} cannot be used: {error}') from None
    if mode & _OTHERS:
        raise SettingsError(
            f'the key file {path} is open to others: chmod 600 it, or remove it for a new key'
        )
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b''
    if len(secret) != _BYTES:
        raise SettingsError(
            f'the key file {path} must hold {2 * _BYTES} hexadecimal digits: remove it, and the next launch '
            'makes a new one'
        )
    return Key(secret)


def _make(path: Path) -> None:
    """Whole or not at all, as another program may look for it in the same moment."""
    if path.exists():
        return
    made = path.with_name(f'{path.name}.{secrets.token_hex(4)}')
    try:
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, 'w') as file:
            file.write(f'{secrets.token_hex(_BYTES)}\n')
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(made, path)
        except FileExistsError:
            return  # the other one was first
    finally:
        made.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """What the nodes of a physical arm trust.

    Attributes:
        key_file: of the key that the nodes of a run share, by which they know each other's messages.
        operator_file: of the key of those who may approve, arm and resume.
        insecure: whether anybody on the network may do all of it; said at every start and in every record.
    """

    key_file: str = ''
    operator_file: str = ''
    insecure: bool = False

    def __post_init__(self) -> None:
        for name in ('key_file', 'operator_file'):
            require_path(name, getattr(self, name), 'security')

    @property
    def asked(self) -> bool:
        """Whether messages are sealed and looked at."""
        return bool(self.key_file) and not self.insecure

    def key(self) -> Key | None:
        """Of the nodes; None where they trust everybody.

        Raises:
            SettingsError: of `key_at`.
        """
        return key_at(Path(self.key_file)) if self.asked else None

    def operator(self) -> Key | None:
        """Of those who operate the arm; None where anybody may.

        Raises:
            SettingsError: of `key_at`, or its file is not named.
        """
        if not self.asked:
            return None
        if not self.operator_file:
            raise SettingsError(
                "security.operator_file is empty: name the file of the operator's key beside key_file"
            )
        return key_at(Path(self.operator_file))
