from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.protections import missing, missing_sentence, sentence


def test_every_protection_has_words() -> None:
    assert len({sentence((each,)) for each in Protection}) == len(Protection)


def test_landlock_alone_is_not_enough() -> None:
    active = (Protection.LANDLOCK, Protection.RESOURCE_LIMITS, Protection.NO_NEW_PRIVILEGES)
    assert missing(active) == (Protection.SECCOMP,)
    assert missing_sentence(missing(active)) == (
        'this machine cannot confine programs: it lacks a short list of system calls (seccomp)'
    )
