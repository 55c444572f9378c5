import time

import pytest
from paths import FAR_RIGHT as RECORDINGS

from llm_policy_improver.llm.tokens import count_message_tokens, count_tokens

REAL = {
    '1.prompt.md': (3056, 3050), '2.prompt.md': (3127, 3121), '3.prompt.md': (3198, 3192),
    '4.prompt.md': (3269, 3263), '5.prompt.md': (3340, 3334),
    '1.reply.md': (463, 463), '2.reply.md': (388, 388), '3.reply.md': (397, 396), '4.reply.md': (326, 324),
    '5.reply.md': (345, 343),
}  # fmt: skip
"""Tokens of the recordings as counted with the vocabularies cl100k_base and o200k_base."""

COMPACT = '|1|1.000|0.950|1.200|landed|-0.322|1.293|\n' * 20
SPACED = '| 1 | 1.000 | 0.950 | 1.200 | landed | -0.322 | 1.293 |\n' * 20


@pytest.mark.parametrize('name', REAL)
def test_estimate_of_recorded_chats_is_up_to_8_percent_above_the_real_counts(name: str) -> None:
    estimate = count_tokens((RECORDINGS / name).read_text())
    for real in REAL[name]:
        assert 1.0 <= estimate / real <= 1.08


@pytest.mark.parametrize(
    ('text', 'real'), [(COMPACT, 520), (SPACED, 620), ('JSONDecodeError get_next_value self._client', 9)]
)
def test_estimate_of_tables_and_code_is_near_the_real_count(text: str, real: int) -> None:
    assert 0.98 <= count_tokens(text) / real <= 1.12


@pytest.mark.parametrize('text', ['', 'a', ' ', '0', '_', '🏓'])
def test_the_shortest_texts_cost_at_least_what_they_are(text: str) -> None:
    assert bool(text) <= count_tokens(text) <= 4


def test_messages_cost_a_few_tokens_more_than_their_texts() -> None:
    text = 'Raise g a little.'
    assert count_message_tokens([('system', text), ('user', text)]) == 2 * count_tokens(text) + 11


@pytest.mark.parametrize('piece', ['x', ' ', '{', '_', 'é', "' ", ' \n', '\r ', 'A', '1', '🏓'])
def test_counting_takes_time_in_proportion_to_the_text(piece: str) -> None:
    started = time.process_time()
    count_tokens(piece * 100_000)
    assert time.process_time() - started < 1.0
