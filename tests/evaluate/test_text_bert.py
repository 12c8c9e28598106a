"""BERTScore by a small encoder that is made here."""

from __future__ import annotations

import json
import random
import shutil
import time
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
LONGEST = 512


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
    """510 characters and the marks at both ends are read; what follows makes no difference."""
    characters = random.Random(0).choices("左右肝肾囊肿结石", k=700)
    read, whole = "".join(characters[: LONGEST - 2]), "".join(characters)
    assert _value(folder, whole, read) == pytest.approx(100, abs=1e-3)
    other = _value(folder, "肝肾结石" + whole, "左肾")
    assert other == pytest.approx(_value(folder, ("肝肾结石" + whole)[: LONGEST - 2], "左肾"))


@pytest.mark.parametrize("text", ["肝", "y", "左肾可见囊肿。A cyst. ", "\x00\x1f"])
def test_a_hundred_thousand_characters_are_scored_in_seconds(folder, text):
    start = time.process_time()
    value = _value(folder, text * (100_000 // len(text)), "左肾囊肿")
    assert 0 <= value <= 100
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    "said", ["\ud800左肾", "\x00\x01", "\u202e\ufeff", "🫀 cyst", "L'échographie"]
)
def test_half_and_unknown_characters_get_a_number(folder, said):
    assert 0 <= _value(folder, said, "左肾囊肿") <= 100
    assert 0 <= _value(folder, "左肾囊肿", "cyst " + said) <= 100


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
    assert preset.leaves_out == "METEOR's synonyms, which need WordNet"


def test_positions_behind_the_padding_are_not_read_past_their_end(tmp_path):
    """RoBERTa of 34 positions, of which tokens have 32; its tokeniser names no limit."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["<s>", "<pad>", "</s>", "<unk>", *"左右肝肾囊肿结石"]
    own = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "<unk>"))
    own.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    own.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=own, pad_token="<pad>", unk_token="<unk>", bos_token="<s>",
        eos_token="</s>", cls_token="<s>", sep_token="</s>",
    ).save_pretrained(tmp_path)  # fmt: skip
    config = transformers.RobertaConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=34, pad_token_id=1,
    )  # fmt: skip
    transformers.RobertaModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    scored = bert_score(tmp_path, 1)(["肝肾" * 50, ""], ["肝肾" * 15, "肝"], Language.CHINESE)
    assert scored.signature.endswith("|longest:32")
    assert scored(np.eye(2, dtype=np.int32)) == pytest.approx([100, 0], abs=1e-3)


# --- folders that are refused -----------------------------------------------------------------


def _copy(folder: Path, path: Path, without: tuple[str, ...] = ()) -> Path:
    return shutil.copytree(folder, path / "copy", ignore=shutil.ignore_patterns(*without))


def test_without_a_folder_one_sentence_says_what_is_needed(tmp_path):
    with pytest.raises(OptionError, match=r"needs a local folder with an encoder.*none was given"):
        bert_score(None)
    with pytest.raises(OptionError, match=r"There is no folder .*nowhere"):
        bert_score(tmp_path / "nowhere")
    with pytest.raises(OptionError, match=r"holds no encoder.*no config\.json"):
        bert_score(tmp_path)


def test_a_folder_without_weights_is_refused(folder, tmp_path):
    with pytest.raises(OptionError, match=r"holds no weights.*model\.safetensors"):
        bert_score(_copy(folder, tmp_path, ("*.safetensors",)))


def test_pickled_weights_are_refused_unopened(folder, tmp_path):
    copy = _copy(folder, tmp_path, ("*.safetensors",))
    (copy / "pytorch_model.bin").write_bytes(b"no pickle at all")
    with pytest.raises(OptionError, match=r"pickled \(pytorch_model\.bin\).*are refused"):
        bert_score(copy)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_model_that_brings_its_own_code_is_refused_and_the_code_not_run(folder, tmp_path, name):
    copy = _copy(folder, tmp_path)
    settings = json.loads((copy / name).read_text(encoding="utf-8"))
    settings["auto_map"] = {"AutoModel": "own.Own", "AutoTokenizer": ["own.Own", None]}
    (copy / name).write_text(json.dumps(settings), encoding="utf-8")
    (copy / "own.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')", encoding="utf-8")
    with pytest.raises(OptionError, match=rf"wants code of its own.*auto_map in {name}"):
        bert_score(copy)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("layer", [0, -1, 4, 8])
def test_a_layer_that_the_encoder_lacks_is_refused_with_those_it_has(folder, layer):
    with pytest.raises(OptionError, match=rf"has 3 layers.*layer {layer}; choose one of 1 to 3"):
        bert_score(folder, layer)


def test_a_folder_without_its_tokeniser_is_refused(folder, tmp_path):
    """transformers alone makes a tokeniser of nothing but marks, for which all words are one."""
    copy = _copy(folder, tmp_path, ("tokenizer*", "vocab*", "special_tokens*"))
    with pytest.raises(OptionError, match=r"does not belong to an encoder|can load for BERTScore"):
        bert_score(copy)


def test_weights_that_do_not_fill_the_encoder_are_refused(folder, tmp_path):
    """transformers alone would fill what is missing with random numbers."""
    copy = _copy(folder, tmp_path)
    settings = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    settings["num_hidden_layers"] = 4
    (copy / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(OptionError, match=r"do not fit its config\.json: 16 tensors are missing"):
        bert_score(copy, LAYER)


def test_a_network_that_is_no_encoder_is_refused(folder, tmp_path):
    copy = _copy(folder, tmp_path)
    transformers.T5Config(d_model=16, num_layers=1).save_pretrained(copy)
    with pytest.raises(OptionError, match=r"The t5 model in .* is no encoder like BERT"):
        bert_score(copy)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_damaged_files_are_refused(folder, tmp_path, name):
    copy = _copy(folder, tmp_path)
    (copy / name).write_bytes(b"{]")
    with pytest.raises(OptionError, match=r"cannot be read as JSON|no encoder that transformers"):
        bert_score(copy, LAYER)
