"""BERTScore by a small encoder that is made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from echovlm.errors import OptionError
from echovlm.evaluate.text import PRESETS, bert_score
from echovlm.terms import Language

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"左右肝肾囊肿结石", "cyst", "stone", "a"]
LAYER = 2
LONGEST = 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("encoder")
    (path / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=3, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=LONGEST,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(path)
    transformers.BertTokenizerFast(str(path / "vocab.txt")).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def states(folder):
    """Unit hidden states of one text by hand, with those of both marks first and last."""
    model = transformers.BertModel.from_pretrained(folder).eval()

    def of(text: str) -> np.ndarray:
        tokens = torch.tensor([[WORDS.index(one) for one in ("[CLS]", *text, "[SEP]")]])
        with torch.no_grad():
            found = model(tokens, output_hidden_states=True).hidden_states[LAYER][0].numpy()
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    return of


def _value(folder: Path, said: str, true: str, layer: int = LAYER) -> float:
    return bert_score(folder, layer)([said], [true], Language.CHINESE).score.value


def test_each_token_is_matched_with_its_nearest_and_marks_do_not_count(folder, states):
    said, true = "左肝囊肿", "右肾结石肝"
    cosines = states(said) @ states(true).T
    precision, recall = cosines.max(axis=1)[1:-1].mean(), cosines.max(axis=0)[1:-1].mean()
    expected = 100 * 2 * precision * recall / (precision + recall)
    assert _value(folder, said, true) == pytest.approx(expected, abs=1e-3)


def test_texts_of_different_length_in_one_batch_score_as_alone(folder):
    said, true = ["肝", "左肾囊肿结石", "a cyst"], ["肝囊肿", "左肾结石", "a stone"]
    scored = bert_score(folder, LAYER)(said, true, Language.CHINESE)
    alone = [_value(folder, one, other) for one, other in zip(said, true, strict=True)]
    assert scored(np.eye(3, dtype=np.int32)) == pytest.approx(alone, abs=1e-3)


def test_equal_texts_score_100_and_an_empty_one_0(folder):
    assert _value(folder, "左肾囊肿", "左肾囊肿") == pytest.approx(100, abs=1e-3)
    assert _value(folder, " ", "左肾囊肿") == 0


def test_a_text_beyond_the_encoder_is_cut_at_its_end(folder):
    assert _value(folder, "肝" * 100_000, "肝" * (LONGEST - 2)) == pytest.approx(100, abs=1e-3)


def test_the_signature_names_encoder_layer_and_greatest_length(folder):
    signature = bert_score(folder, LAYER)(["肝"], ["肝"], Language.CHINESE).signature
    assert signature.startswith(f"BERTScore|library:transformers-{transformers.__version__}|")
    assert f"|model:{folder.name}@" in signature
    assert signature.endswith(f"|layer:{LAYER}|idf:no|rescale:no|longest:{LONGEST}")


def test_a_preset_takes_it_in(folder):
    preset = PRESETS["paper"].with_bert_score(folder, LAYER)
    assert [*PRESETS["paper"].metrics(Language.ENGLISH), "BERTScore"] == list(
        preset.metrics(Language.ENGLISH)
    )


def test_without_a_folder_one_sentence_says_what_is_needed(tmp_path):
    with pytest.raises(OptionError, match=r"needs a local folder with an encoder.*none was given"):
        bert_score(None)
    with pytest.raises(OptionError, match="needs a local folder with an encoder"):
        bert_score(tmp_path)


def test_a_folder_without_weights_and_a_layer_too_many_are_refused(folder, tmp_path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(OptionError, match="holds no encoder"):
        bert_score(tmp_path)
    with pytest.raises(OptionError, match=r"has 3 layers.*choose one of 1 to 3"):
        bert_score(folder, 8)
