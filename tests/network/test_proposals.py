"""The RPN's head and its proposals, against the reference and with few or useless anchors."""

import json

import keras
import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.network import boxes, kernels
from mrcnn.network.anchors import anchors_for, pyramid_anchors
from mrcnn.network.proposals import ProposalLayer, rpn_head
from tests.backend import compiled, to_numpy

# The head


def make_head(**values):
    config = Config(TOP_DOWN_PYRAMID_SIZE=8, RPN_FILTERS=6, **values)
    return config, rpn_head(config)


def answers(head, level):
    """Logits, probabilities and deltas of a level [B, h, w, C]."""
    return to_numpy(head(kernels.to_layout(keras.ops.convert_to_tensor(level))))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("ratios", [[0.5, 1, 2], [1]])
def test_the_head_answers_for_every_anchor(stride, ratios):
    config, head = make_head(RPN_ANCHOR_STRIDE=stride, RPN_ANCHOR_RATIOS=ratios)
    shapes = [(16, 24), (8, 12), (4, 6), (2, 3), (1, 2)]
    rng = np.random.default_rng(0)
    parts = [answers(head, rng.random((2, *shape, 8), np.float32)) for shape in shapes]
    logits, probs, deltas = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    count = len(anchors_for(config, (64, 96, 3))[0])
    assert logits.shape == probs.shape == (2, count, 2) and deltas.shape == (2, count, 4)
    exponents = np.exp(logits)
    np.testing.assert_allclose(probs, exponents / exponents.sum(axis=-1, keepdims=True), rtol=1e-5)


def test_the_heads_channels_are_read_anchor_by_anchor():
    _, head = make_head()
    for name, count in (("rpn_class_raw", 6), ("rpn_bbox_pred", 12)):
        layer = head.get_layer(name)
        kernel, bias = layer.get_weights()
        assert bias.shape == (count,)
        layer.set_weights([0 * kernel, np.arange(count, dtype=np.float32)])
    logits, _, deltas = answers(head, np.ones((1, 2, 2, 8), np.float32))
    np.testing.assert_array_equal(logits[0], np.tile([[0, 1], [2, 3], [4, 5]], (4, 1)))
    np.testing.assert_array_equal(deltas[0], np.tile(np.arange(12).reshape(3, 4), (4, 1)))


def test_the_heads_answers_lie_row_by_row():
    """A feature reaches the answers of its own place and its eight neighbours' only."""
    _, head = make_head()
    kernel, bias = head.get_layer("rpn_conv_shared").get_weights()
    head.get_layer("rpn_conv_shared").set_weights([abs(kernel), bias])  # its ReLU lets everything through
    level = np.zeros((1, 6, 7, 8), np.float32)
    quiet = answers(head, level)[0]
    level[0, 4, 2] = 5
    changed = np.abs(answers(head, level)[0] - quiet).any(axis=-1).reshape(6, 7, 3).any(axis=-1)
    rows, columns = np.nonzero(changed)
    assert changed[4, 2] and set(rows) <= {3, 4, 5} and set(columns) <= {1, 2, 3}


# Proposals


def propose(layer, *inputs):
    return compiled(lambda *tensors: layer(list(tensors)))(*inputs)


def probabilities(scores):
    return np.stack([1 - scores, scores], axis=-1)


@pytest.mark.parametrize("case", range(2))
def test_proposals_as_the_reference(golden, case):
    known = golden("proposals")
    arguments = json.loads(str(known[f"in_args{case}"]))
    pixels = pyramid_anchors(
        arguments["scales"], arguments["ratios"], arguments["feature_shapes"], arguments["strides"], 1
    )
    anchors = np.stack([boxes.normalise(pixels, arguments["image"])] * 2)
    config = Config(PRE_NMS_LIMIT=arguments["PRE_NMS_LIMIT"])
    layer = ProposalLayer(arguments["proposal_count"], arguments["nms_threshold"], config)
    found = propose(layer, probabilities(known[f"in_scores{case}"]), known[f"in_deltas{case}"], anchors)
    np.testing.assert_allclose(found, known[f"out{case}"], rtol=1e-5, atol=1e-5)


def small_scene(count=12, seed=0):
    """Anchors side by side, scores, and no deltas: [2, N, …]."""
    rng = np.random.default_rng(seed)
    start = np.tile(np.linspace(0, 1, count, endpoint=False, dtype=np.float32)[:, None], (1, 2))
    anchors = np.stack([np.concatenate([start, start + 1 / count], axis=1)] * 2)
    return rng.random((2, count), np.float32), np.zeros((2, count, 4), np.float32), anchors


@pytest.mark.parametrize("limit", [5, 12, 6000])
def test_the_best_anchors_are_proposed_best_first_and_padded_with_zeros(limit):
    scores, deltas, anchors = small_scene()
    layer = ProposalLayer(20, 0.7, Config(PRE_NMS_LIMIT=limit))
    found = propose(layer, probabilities(scores), deltas, anchors)
    assert found.shape == (2, 20, 4)
    for picture in range(2):
        order = np.argsort(-scores[picture])[:limit]
        np.testing.assert_allclose(found[picture, : len(order)], anchors[picture, order], atol=1e-6)
        assert not found[picture, len(order) :].any()


def test_deltas_move_the_anchors_by_their_deviation_and_stay_in_the_picture():
    scores, deltas, anchors = small_scene(1)
    deltas[0] = [1, 0, np.log(0.5) / 0.2, 0]
    deltas[1] = [50, 0, 50, 50]
    layer = ProposalLayer(1, 0.7, Config(RPN_BBOX_STD_DEV=[0.1, 0.1, 0.2, 0.2]))
    found = propose(layer, probabilities(scores), deltas, anchors)
    np.testing.assert_allclose(found[0, 0], [0.35, 0, 0.85, 1], atol=1e-6)
    np.testing.assert_array_equal(found[1, 0], [0, 0, 1, 1])


def test_a_network_of_nan_still_proposes_something():
    """Training ends with a sentence that names the pictures, so the step must get as far as its loss."""
    scores, deltas, anchors = small_scene()
    layer = ProposalLayer(4, 0.7, Config())
    assert propose(layer, probabilities(scores * np.nan), deltas * np.nan, anchors).shape == (2, 4, 4)


def test_any_number_of_pictures_and_anchors_in_a_model():
    probs, deltas, anchors = (keras.Input((None, size)) for size in (2, 4, 4))
    layer = ProposalLayer(7, 0.7, Config(PRE_NMS_LIMIT=10))
    proposals = layer([probs, deltas, anchors])
    assert proposals.shape == (None, 7, 4)
    run = kernels.compiled(keras.Model([probs, deltas, anchors], proposals))
    for count in (1, 9, 30):
        scores, deltas, anchors = small_scene(count)
        found = to_numpy(run(probabilities(scores), deltas, anchors))
        np.testing.assert_allclose(found[0, 0], anchors[0, scores[0].argmax()], atol=1e-6)
