"""Anchors against the reference, and as many as the network answers for."""

import json

import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.network import anchors


@pytest.mark.parametrize("case", range(3))
def test_anchors_of_a_level_as_the_reference(golden, case):
    known = golden("generate_anchors")
    found = anchors.level_anchors(**json.loads(str(known[f"in{case}"])))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, known[f"out{case}"], atol=1e-9)


@pytest.mark.parametrize("case", range(2))
def test_anchors_of_the_pyramid_as_the_reference(golden, case):
    known = golden("generate_pyramid_anchors")
    arguments = json.loads(str(known[f"in{case}"]))
    found = anchors.pyramid_anchors(**arguments)
    assert len(found) == known[f"count{case}"]
    np.testing.assert_allclose(found[::97], known[f"every_97th{case}"], atol=1e-3)
    np.testing.assert_allclose(found.sum(axis=0), known[f"sum{case}"], rtol=1e-9)

    side = 4 * arguments["feature_shapes"][0][0]
    config = Config(RPN_ANCHOR_SCALES=arguments["scales"])
    pixels, normalised = anchors.anchors_for(config, (side, side, 3))
    np.testing.assert_array_equal(pixels, found.astype(np.float32))
    np.testing.assert_allclose(normalised[::97], known[f"normalised_every_97th{case}"], rtol=1e-5, atol=1e-5)
    assert pixels.dtype == normalised.dtype == np.float32


def test_shapes_of_the_levels_as_the_reference(golden):
    known = golden("compute_backbone_shapes")
    for shape, expected in zip(known["in_shapes"], known["out"], strict=True):
        found = anchors.level_shapes(Config(), shape)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype.kind == "i"


def test_a_backbone_of_ones_own_tells_its_shapes():
    config = Config(
        BACKBONE=lambda image: [image] * 4,
        COMPUTE_BACKBONE_SHAPE=lambda shape: [[shape[0] // s, shape[1] // s] for s in (2, 4)],
        BACKBONE_STRIDES=[2, 4],
        RPN_ANCHOR_SCALES=(8, 16),
        RPN_ANCHOR_RATIOS=[1],
    )
    pixels, _ = anchors.anchors_for(config, (8, 12, 3))
    assert len(pixels) == 4 * 6 + 2 * 3
    np.testing.assert_array_equal(pixels[0], [-4, -4, 4, 4])
    np.testing.assert_array_equal(pixels[-1], [-4, 0, 12, 16])  # the center of the last 4 × 4 cell's corner


def test_an_anchor_has_its_scales_area_and_its_ratios_shape():
    found = anchors.level_anchors([32, 48], [0.5, 1, 2], (3, 5), 16, 1)
    assert found.shape == (3 * 5 * 6, 4)
    height, width = found[:, 2] - found[:, 0], found[:, 3] - found[:, 1]
    np.testing.assert_allclose(height * width, np.tile([32**2, 48**2], 45))
    np.testing.assert_allclose(width / height, np.tile(np.repeat([0.5, 1, 2], 2), 15))
    centers = (found[:, :2] + found[:, 2:]) / 2
    rows, columns = np.divmod(np.repeat(np.arange(15), 6), 5)
    np.testing.assert_allclose(centers, np.stack([rows, columns], axis=1) * 16)


def test_each_scale_needs_a_level_of_its_own():
    with pytest.raises(ValueError):
        anchors.pyramid_anchors([32, 64, 128], [1], [[4, 4], [2, 2]], [4, 8], 1)
