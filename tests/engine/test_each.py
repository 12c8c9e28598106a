"""Several questions at once, questions without pictures, likelihoods of answers, expert load."""

import numpy as np
import pytest

from echovlm.engine import Engine
from echovlm.engine.choices import score
from echovlm.engine.prefix import encode_prefix
from echovlm.engine.scripted import ScriptedEngine
from echovlm.errors import OptionError
from echovlm.imaging import study_images


@pytest.fixture
def engine(network):
    return Engine(network)


def test_each_study_gets_the_answer_to_its_own_question(engine, studies):
    questions = ["Is there a cyst?", "请描述所见。", "Which organ is shown, and from which side?"]
    together = engine.ask_each(studies, questions, max_new_tokens=12)
    alone = [
        engine.ask(study, question, max_new_tokens=12)
        for study, question in zip(studies, questions, strict=True)
    ]
    assert [one.text for one in together] == [one.text for one in alone]
    assert [one.question for one in together] == questions
    assert [str(one.language) for one in together] == ["en", "zh", "en"]


def test_as_many_questions_as_studies_are_needed(engine, studies):
    with pytest.raises(ValueError, match="argument"):
        engine.ask_each(studies, ["Is there a cyst?"], max_new_tokens=4)


def test_without_pictures_only_the_words_are_read(engine, network, studies, monkeypatch):
    engine.ask(studies[2], "Is there a cyst?", max_new_tokens=2)  # leaves its positions behind
    seen = []
    hook = network.model.model.visual.register_forward_hook(lambda *_: seen.append(1))
    texts = engine.ask_without_pictures(["Is there a cyst?", "请描述所见。"], 8)
    hook.remove()
    assert len(texts) == 2
    assert not seen
    fresh = Engine(network).ask_without_pictures(["Is there a cyst?"], 8)
    assert fresh == texts[:1]
    assert engine.ask_without_pictures([], 8) == []


def test_without_pictures_positions_are_those_of_plain_text(network):
    prefix = encode_prefix(network, [])
    assert prefix.next_position == prefix.length
    with_picture = encode_prefix(network, [np.zeros((56, 84, 3), np.uint8)])
    assert with_picture.next_position < with_picture.length


def test_likelihoods_are_the_scores_of_the_closed_set(engine, network, studies):
    answers = ["cyst", "no lesion is seen"]
    prefix = encode_prefix(network, study_images(studies[0]))
    expected = score(network, prefix, "What is seen?", answers)
    assert engine.likelihoods(studies[0], "What is seen?", answers) == pytest.approx(expected)
    blind = engine.likelihoods(None, "What is seen?", answers)
    assert blind != pytest.approx(expected, abs=1e-4)
    with pytest.raises(OptionError, match="empty"):
        engine.likelihoods(studies[0], "  ", answers)


def test_expert_load_is_a_share_per_layer(engine, studies):
    load = engine.expert_load(studies[1])
    assert load.shape == (2, 4)
    assert load.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert (load <= 0.5).all()  # two different experts for each token


def test_a_scripted_engine_has_the_same_doors(studies):
    engine = ScriptedEngine({"Which organ?": "The liver."}, preferred=["liver"])
    answers = engine.ask_each(studies[:2], ["Which organ?", "Any lesion?"])
    assert [one.text for one in answers] == ["The liver.", "No abnormality is seen."]
    assert engine.ask_without_pictures(["Which organ?"]) == ["The liver."]
    assert engine.likelihoods(None, "Which organ?", ["liver", "kidney"]) == [-0.5, -2.0]
