"""Labels and questions are complete in both languages."""

import pytest

from echovlm import prompts
from echovlm.errors import OptionError
from echovlm.terms import Anatomy, Language


def test_there_are_26_labels_with_unique_keys_and_names():
    entries = prompts.all_labels()
    assert len(entries) == 26
    for attribute in ("key", "zh", "en"):
        assert len({getattr(entry, attribute) for entry in entries}) == 26


@pytest.mark.parametrize("anatomy", list(Anatomy))
def test_every_anatomy_has_labels_and_names(anatomy):
    assert len(prompts.labels(anatomy)) >= 2
    assert all(entry.anatomy is anatomy for entry in prompts.labels(anatomy))
    assert prompts.anatomy_name(anatomy, "zh") != prompts.anatomy_name(anatomy, "en")


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("task", list(prompts.Task))
def test_every_task_has_a_canonical_question_and_distinct_paraphrases(task, language):
    wordings = prompts.phrasings(task, language)
    assert prompts.question(task, language) == wordings[0]
    assert len(set(wordings)) == len(wordings) >= 3


def test_a_label_is_named_in_the_language_asked_for():
    assert prompts.label("breast-cyst").name("zh") == "乳腺囊肿"
    assert prompts.label("breast-cyst").name("en") == "breast cyst"


def test_an_unknown_label_is_a_sentence():
    with pytest.raises(OptionError, match="not a known diagnosis label"):
        prompts.label("nose")
