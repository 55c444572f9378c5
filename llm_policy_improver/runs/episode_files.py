"""The episodes of a trial as a file, and back, bit for bit: JSON, compressed."""

import gzip
import json
import zlib
from typing import Final

from llm_policy_improver.core.episode import Episode
from llm_policy_improver.runs import stored_json

SUFFIX: Final = '.episodes.json.gz'

Episodes = tuple[Episode, ...]


def encode(episodes: Episodes) -> bytes:
    """The file of these episodes; the same ones give the same bytes."""
    text = json.dumps(json.loads(stored_json.write(Episodes, episodes)), separators=(',', ':'))
    return gzip.compress(text.encode(), mtime=0)


def decode(content: bytes) -> Episodes:
    """The episodes of a file.

    Raises:
        ValueError: it is damaged, or none of episodes.
    """
    try:
        text = gzip.decompress(content).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f'it is damaged ({type(error).__name__})') from None
    found: Episodes = stored_json.read(Episodes, text)
    return found
