"""Pictures of RoIAlign beside RoIPool, against the trace."""

import re
from dataclasses import replace

import numpy as np
import pytest

from mrcnn.lesson import show, sums
from mrcnn.lesson.show.roi_align import on_features, pooled_bins, rounding


def test_corners_among_the_features_are_those_of_the_sums(trace, model):
    for roi in (0, 50, 199):
        corner = sums.roi_sample(trace, model.config, roi, 0, 0, 0).parts["place"]
        other = sums.roi_sample(trace, model.config, roi, 6, 6, 0).parts["place"]
        np.testing.assert_allclose(on_features(trace)[roi], [*corner, *other], atol=1e-4)


def test_bins_of_roipool_are_whole_features_within_half_a_feature_of_the_box(trace):
    for roi in range(len(trace.proposals)):
        rows, columns = pooled_bins(trace, roi)
        assert rows.shape == columns.shape == (8,) and rows.dtype.kind == "i"
        assert (np.diff(rows) >= 0).all() and (np.diff(columns) >= 0).all()
        ends = np.array([rows[0], columns[0], rows[-1], columns[-1]])
        assert np.abs(ends - on_features(trace)[roi]).max() <= 0.5


def test_the_picture_tells_both_values(trace, model):
    at = 57, 2, 4, 5
    caption = show.roi_sample(trace, model.config, *at).caption
    sample, largest = (float(x) for x in re.findall(r"(?:is|features,) (-?\d+\.\d+)[;.]", caption))
    assert sample == pytest.approx(trace.crops[at], abs=2e-3)
    rows, columns = pooled_bins(trace, 57)
    of_bin = trace.features[f"P{trace.roi_levels[57]}"][rows[2] : rows[3] + 1, columns[4] : columns[5] + 1, 5]
    assert largest == pytest.approx(of_bin.max(), abs=1e-3)


@pytest.mark.parametrize("roi", [0, 43, 199])
@pytest.mark.parametrize("place", [0, 6])
def test_every_corner_can_be_drawn(trace, empty, model, roi, place):
    for each in trace, empty:
        assert show.roi_sample(each, model.config, roi, place, place, 63).array().std() > 5


def test_a_proposal_of_padding_can_be_drawn(trace, model):
    padded = replace(trace, proposals=np.zeros_like(trace.proposals))
    assert "RoIPool" in show.roi_sample(padded, model.config, 0, 3, 3, 0).caption
    few = trace.proposals.copy()
    few[5:] = 0
    assert len(rounding(replace(trace, proposals=few))[0]) == 5


def test_what_rounding_costs(trace):
    overlaps, shifts, sides, levels = rounding(trace)
    exact = on_features(trace)
    by_hand = [sums.overlap(a, b).value for a, b in zip(exact, np.round(exact), strict=True)]
    np.testing.assert_allclose(overlaps, by_hand, atol=1e-6)
    strides = 2.0**levels  # a feature is a little more than its stride: the last lies on the last pixel
    assert (shifts <= 0.52 * strides).all() and shifts.max() > 0.4 * strides.min()
    assert overlaps[sides < 24].mean() < overlaps[sides > 48].mean()
    picture = show.rounding_cost(trace)
    assert f"up to {shifts.max():.1f} pixels" in picture.caption and picture.array().std() > 5
