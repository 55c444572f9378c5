import json
from pathlib import Path

import pytest
from chat_server import ChatServer, say

from llm_policy_improver.core.chat import Finish
from llm_policy_improver.experiments.kept_model import KeptModel
from llm_policy_improver.llm.endpoint import Endpoint

ASK = (('user', 'hello'),)


def kept(url: str, folder: Path) -> KeptModel:
    return KeptModel(Endpoint('m', url, environment={'OPENAI_API_KEY': 'none'}), folder, 'job')


@pytest.mark.parametrize(
    ('stored', 'finish'),
    [
        ({'cut_off': True}, Finish.LENGTH),
        ({'cut_off': False}, Finish.STOP),
        ({'finish': 'REFUSAL'}, Finish.REFUSAL),
    ],
)
def test_reply_of_an_earlier_version_is_read(
    tmp_path: Path, stored: dict[str, object], finish: Finish
) -> None:
    row = {
        'job': 'job', 'request': 1, 'messages': [list(each) for each in ASK], 'reply': 'hi', 'model': 'm',
        'prompt_tokens': 1, 'completion_tokens': 2, 'seconds': 0.5,
    }  # fmt: skip
    (tmp_path / 'job.jsonl').write_text(json.dumps(row | stored) + '\n')
    completion = kept('http://127.0.0.1:9/v1', tmp_path).complete(ASK)
    assert (completion.text, completion.finish) == ('hi', finish)


def test_reply_is_kept_with_how_it_ended(tmp_path: Path) -> None:
    with ChatServer(say(None, refusal='I will not.')) as server:
        first = kept(server.url, tmp_path).complete(ASK)
        again = kept(server.url, tmp_path).complete(ASK)
    assert len(server.requests) == 1
    assert again == first
    assert (again.text, again.finish) == ('I will not.', Finish.REFUSAL)
