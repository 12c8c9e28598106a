import pytest
import torch
from smallnet import IMAGE, VIDEO, picture_batch, small_network


@pytest.fixture(scope="module")
def model():
    return small_network()


OPTIONS = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": 0}


def test_token_types_may_be_left_out(model):
    batch = picture_batch()
    types = model.model.token_types(batch["input_ids"])
    assert types.sum() == 12
    with torch.no_grad():
        given = model(**batch, mm_token_type_ids=types).logits
        assert torch.equal(model(**batch).logits, given)
    given = model.generate(**batch, mm_token_type_ids=types, **OPTIONS)
    assert torch.equal(model.generate(**batch, **OPTIONS), given)


def test_a_padded_row_answers_as_it_does_alone(model):
    batch = picture_batch()
    both = model.generate(**batch, **OPTIONS)[:, 24:]
    alone = model.generate(
        input_ids=batch["input_ids"][:1, 3:],
        attention_mask=batch["attention_mask"][:1, 3:],
        pixel_values=batch["pixel_values"][:24],
        image_grid_thw=batch["image_grid_thw"][:1],
        **OPTIONS,
    )[:, 21:]
    assert torch.equal(both[:1], alone)


def test_a_second_prompt_does_not_inherit_the_positions_of_the_first(model):
    text = {"input_ids": picture_batch()["input_ids"][:, 12:]}
    before = model.generate(**text, **OPTIONS)
    model.generate(**picture_batch(), **OPTIONS)
    assert torch.equal(model.generate(**text, **OPTIONS), before)


def test_beams_and_samples_work_with_pictures(model):
    batch = picture_batch()
    assert model.generate(**batch, **OPTIONS, num_beams=2).shape == (2, 30)
    sampled = model.generate(**batch, **OPTIONS | {"do_sample": True}, num_return_sequences=2)
    assert sampled.shape == (4, 30)


def test_text_continues_after_the_longest_side_of_a_video(model):
    ids = torch.tensor([[1, *[VIDEO] * 20, 2, 3]])
    positions, deltas = model.model.get_rope_index(ids, video_grid_thw=torch.tensor([[10, 2, 4]]))
    assert positions[:, 0, 1:3].tolist() == [[1, 1], [1, 1], [1, 2]]
    assert positions[:, 0, -2:].tolist() == [[11, 12]] * 3
    assert deltas.tolist() == [[13 - 23]]


def test_two_images_that_touch_are_two_images(model):
    ids = torch.tensor([[1, *[IMAGE] * 3, 2]])
    grids = torch.tensor([[1, 2, 2], [1, 2, 4]])
    positions, _ = model.model.get_rope_index(ids, image_grid_thw=grids)
    assert positions[:, 0].tolist() == [[0, 1, 2, 2, 4], [0, 1, 2, 2, 4], [0, 1, 2, 3, 4]]


def test_the_model_can_return_a_tuple(model):
    labels = picture_batch()["input_ids"]
    outputs = model(**picture_batch(), labels=labels, use_cache=False, return_dict=False)
    assert type(outputs) is tuple
    loss, logits = outputs
    assert loss.ndim == 0
    assert logits.shape == (2, 24, 96)
