"""Whether an address can be that of an endpoint, and is no secret: it is shown and recorded, a key is not."""

import re
from typing import Final
from urllib.parse import urlsplit

from llm_policy_improver.core.chat import EndpointError

KEY_VARIABLE: Final = 'OPENAI_API_KEY'
DEFAULT_URL: Final = 'https://api.openai.com/v1'

LONGEST_URL: Final = 100
"""Characters of an address."""

SECRET: Final = re.compile(r'\b(?:sk|pk|key|gsk|xai|hf)[-_][\w*.-]{6,}|(?<=bearer )\S+', re.IGNORECASE)
"""What looks like a key."""


def require_base_url(url: str) -> None:
    """Raise `EndpointError` where it is no base URL of an endpoint, or where a key may stand in it."""
    if '@' in url or '?' in url or '#' in url or SECRET.search(url):
        raise EndpointError(
            'the base URL of the language model may hold a key, as it has a user, a password, a query or a part like '
            f'one in it, and it would be recorded: leave that out and export the key as {KEY_VARIABLE}'
        )
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ('http', 'https') and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not (valid and url.isascii() and url.isprintable() and ' ' not in url and len(url) <= LONGEST_URL):
        raise EndpointError(
            'the base URL of the language model must look like http://127.0.0.1:8000/v1 or '
            f'{DEFAULT_URL}, in at most {LONGEST_URL} plain characters'
        )
