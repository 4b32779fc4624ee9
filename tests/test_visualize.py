"""Pictures: what is painted where, and what is refused."""

import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from mrcnn import visualize
from mrcnn.drawing import figures, painting
from mrcnn.drawing import overview as overview_module
from mrcnn.drawing.colors import OKABE_ITO, _appearance, to_bytes

ROOT = Path(__file__).parents[1]
NAMES = ["BG", "dog", "sports ball"]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def grey_picture(height=200, width=300):
    return np.full((height, width, 3), 100, np.uint8)


def disc(shape, y, x, radius):
    """A filled circle and its box."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    box = [y - radius, x - radius, y + radius + 1, x + radius + 1]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2, box


@pytest.fixture
def scene():
    """A picture with two discs: image, boxes, masks, class ids, names, scores."""
    image = grey_picture()
    discs = [disc(image.shape, 90, 70, 30), disc(image.shape, 120, 200, 50)]
    masks = np.stack([mask for mask, _ in discs], axis=-1)
    boxes = np.array([box for _, box in discs])
    return image, boxes, masks, np.array([1, 2]), NAMES, np.array([0.98, 0.754])


# Colours


def test_colors_are_the_same_every_time_and_for_every_number():
    assert visualize.random_colors(5) == visualize.random_colors(100)[:5]
    okabe_ito = [to_bytes(color) for color in OKABE_ITO.values()]
    assert [to_bytes(color) for color in visualize.random_colors(7)] == okabe_ito


def test_a_hundred_colors_differ_visibly_and_are_proper():
    colors = np.array(visualize.random_colors(100))
    assert colors.shape == (100, 3)
    assert colors.min() >= 0 and colors.max() <= 1
    for seen in _appearance(colors):  # by full colour vision, protanopes, deuteranopes
        distance = np.linalg.norm(seen[:, None] - seen, axis=-1) + np.eye(100)
        assert distance.min() > 0.02
        assert distance[:20, :20].min() > 0.06
    assert len(visualize.random_colors(250)) == 250


def test_colors_that_are_not_bright_are_darker():
    bright, dark = visualize.random_colors(9), visualize.random_colors(9, bright=False)
    assert np.all(np.sum(dark, axis=1) < np.sum(bright, axis=1))


# Arrays


def test_apply_mask_tints_in_place():
    image = grey_picture(2, 2)
    mask = np.array([[True, False], [False, False]])
    result = visualize.apply_mask(image, mask, (1.0, 0.0, 0.0), alpha=0.5)
    assert result is image
    assert image[0, 0].tolist() == [177, 50, 50]
    assert np.all(image[1] == 100) and np.all(image[0, 1] == 100)


def test_apply_mask_leaves_a_fourth_channel_alone():
    image = np.full((2, 2, 4), 100, np.uint8)
    visualize.apply_mask(image, np.eye(2, dtype=bool), (1.0, 0.0, 0.0))
    assert image[0, 0].tolist() == [177, 50, 50, 100] and image[0, 1].tolist() == [100] * 4


def test_apply_mask_refuses_a_mask_of_another_size():
    with pytest.raises(ValueError, match="mask"):
        visualize.apply_mask(grey_picture(2, 2), np.ones((3, 2), bool), "red")


def test_draw_box_paints_a_border_inside_the_box():
    image = visualize.draw_box(grey_picture(20, 20), [2, 4, 12, 16], [255, 0, 0])
    painted = np.all(image == [255, 0, 0], axis=-1)
    expected = np.zeros((20, 20), bool)
    expected[2:12, 4:16] = True
    expected[4:10, 6:14] = False
    assert np.array_equal(painted, expected)


def test_draw_box_cuts_what_lies_outside():
    image = visualize.draw_box(grey_picture(20, 20), [-5, 10, 50, 90], [255, 0, 0])
    painted = np.all(image == [255, 0, 0], axis=-1)
    assert painted[0, 10:].all() and painted[:, 10:12].all() and not painted[:, :10].any()


def test_draw_instances_tints_masks_and_leaves_the_rest(scene):
    image, boxes, masks, *_ = scene
    before = image.copy()
    result = visualize.draw_instances(*scene)
    assert np.array_equal(image, before)
    assert result.shape == image.shape and result.dtype == np.uint8
    for i, (y, x) in enumerate([(90, 70), (120, 200)]):
        color = np.array(to_bytes(visualize.random_colors(2)[i]))
        assert np.allclose(result[y, x], 0.55 * 100 + 0.45 * color, atol=1)
        y1, x1, y2, x2 = boxes[i]
        assert result[y2 - 1, x1 + 3].tolist() == color.tolist()  # the box's lower edge
    untouched = np.ones(image.shape[:2], bool)
    for y1, x1, y2, x2 in boxes:
        untouched[y1 - 25 : y2 + 2, x1 - 2 : x2 + 60] = False  # labels are above the boxes
    assert np.all(result[untouched] == 100)
    assert np.any(result[boxes[0, 0] - 12 : boxes[0, 0], boxes[0, 1] : boxes[0, 3]] != 100)


def test_draw_instances_outlines_masks_and_their_holes():
    ring = disc((200, 300), 100, 150, 60)[0] & ~disc((200, 300), 100, 150, 30)[0]
    result = visualize.draw_instances(
        grey_picture(), [[40, 90, 161, 211]], ring[..., None], [1], NAMES, colors=["blue"]
    )
    blue = np.all(result == [0, 0, 255], axis=-1)
    assert blue[100, 90:93].any() and blue[100, 118:122].any() and blue[100, 179:183].any()
    assert np.all(result[100, 150] == 100)


@pytest.mark.parametrize("strip", [7, 1024])
@pytest.mark.parametrize("thickness", [1, 2, 3, 4])
def test_an_outline_lies_around_the_mask_s_border(thickness, strip, monkeypatch):
    """At a straight border half of it inside, half outside; round a disc too; in strips as in one piece."""
    monkeypatch.setattr(painting, "ROWS", strip)
    upright, round_ = np.zeros((2, 60, 40, 3), np.uint8)
    painting._draw_outline(upright, (-9, 10, 69, 30), np.ones((78, 20), bool), "red", thickness)
    half, odd = divmod(thickness, 2)
    line = [128] * odd + [255] * 2 * half + [128] * odd
    expected = np.zeros(40, np.uint8)
    for edge in (10, 30):
        expected[edge - half - odd : edge + half + odd] = line
    assert (
        np.abs(upright[20:40, :, 0] - expected.astype(int)).max() < 26
    )  # a tenth: pixels are coarse for a blur
    assert not upright[..., 1:].any()

    mask, (y1, x1, y2, x2) = disc((60, 40), 30, 20, 15)
    painting._draw_outline(round_, (y1, x1, y2, x2), mask[y1:y2, x1:x2], "red", thickness)
    rows, columns = np.mgrid[:60, :40]
    distance = np.abs(np.hypot(rows - 30, columns - 20) - 15.25)
    assert (round_[distance < thickness / 2 - 0.8] > 200)[:, 0].all()
    assert not round_[distance > thickness / 2 + 1.2].any()


def test_an_outline_shows_what_is_a_pixel_wide():
    canvas = np.zeros((20, 20, 3), np.uint8)
    painting._draw_outline(canvas, (10, 3, 11, 17), np.ones((1, 14), bool), "white", 2)
    assert (canvas[10, 5:15] > 240).all()


def test_draw_instances_takes_masks_in_any_memory_layout(scene):
    image, boxes, masks, *rest = scene
    planes = np.ascontiguousarray(masks.transpose(2, 0, 1))
    expected = visualize.draw_instances(image, boxes, np.ascontiguousarray(masks), *rest)
    result = visualize.draw_instances(image, boxes, planes.transpose(1, 2, 0), *rest)
    assert np.array_equal(result, expected)
    assert np.array_equal(visualize.draw_instances(image[..., 0], boxes, masks, *rest), expected)
    image.flags.writeable = False
    assert np.array_equal(visualize.draw_instances(image, boxes, masks, *rest), expected)


@pytest.mark.parametrize("masks", [np.zeros((200, 300, 0), bool), np.zeros((0, 0, 0)), [], None])
def test_draw_instances_without_instances_gives_the_picture(masks):
    image = grey_picture()
    result = visualize.draw_instances(image, [], masks, [], NAMES, [])
    assert np.array_equal(result, image) and result is not image


def test_draw_instances_ignores_padding_empty_masks_and_boxes_outside():
    boxes = [[0, 0, 0, 0], [-90, -90, -5, -5], [300, 400, 350, 450], [80, 80, 40, 40]]
    masks = np.ones((200, 300, 4), bool)
    result = visualize.draw_instances(grey_picture(), boxes, masks, [1] * 4, NAMES)
    assert np.array_equal(result, grey_picture())
    nothing = np.zeros((200, 300, 1), bool)
    framed = visualize.draw_instances(grey_picture(), [[50, 50, 90, 90]], nothing, [1], NAMES)
    alone = visualize.draw_instances(grey_picture(), [[50, 50, 90, 90]], None, [1], NAMES)
    assert np.array_equal(framed, alone) and np.all(framed[60:80, 60:80] == 100)


def test_draw_instances_cuts_boxes_at_the_border():
    mask = np.ones((200, 300, 1), bool)
    beyond = visualize.draw_instances(grey_picture(), [[-40.2, 100, 80, 1e9]], mask, [1], NAMES)
    inside = visualize.draw_instances(grey_picture(), [[0, 100, 80, 300]], mask, [1], NAMES)
    assert np.array_equal(beyond, inside)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (8, 8), (48, 64)])
def test_draw_instances_in_a_tiny_picture_leaves_the_caption_out(shape):
    image = np.full((*shape, 3), 100, np.uint8)
    mask = np.zeros((*shape, 1), bool)
    result = visualize.draw_instances(image, [[0, 0, *shape]], mask, [1], NAMES, [0.5])
    assert result.shape == image.shape
    assert np.all(result[1:-1, 1:-1] == 100)


def test_draw_instances_writes_the_caption_in_full(scene):
    """The label of one score differs from that of another, and a new line is no obstacle."""
    image, boxes, masks, class_ids, names, scores = scene
    first = visualize.draw_instances(*scene)
    other = visualize.draw_instances(image, boxes, masks, class_ids, names, scores - 0.1)
    assert not np.array_equal(first, other)
    names = {1: "dog", 2: "sports\nball"}
    assert np.array_equal(visualize.draw_instances(image, boxes, masks, class_ids, names, scores), first)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"boxes": np.zeros((2, 5))}, r"boxes.*\(N, 4\).*\(2, 5\)"),
        ({"boxes": np.full((2, 4), np.nan)}, "NaN"),
        ({"boxes": np.ones((3, 4))}, "masks.*3 boxes"),
        ({"masks": np.ones((200, 300, 1), bool)}, r"masks.*\(200, 300, 2\).*\(200, 300, 1\)"),
        ({"masks": np.ones((300, 200, 2), bool)}, "masks"),
        ({"class_ids": [1]}, "class_ids.*2 boxes.*1"),
        ({"class_ids": [1, 3]}, "3.*class_names"),
        ({"class_ids": [1, -9]}, "-9.*class_names"),
        ({"scores": [0.5]}, "scores"),
        ({"colors": ["red"]}, "colors"),
    ],
)
@pytest.mark.parametrize("function", [visualize.draw_instances, visualize.display_instances])
def test_arguments_that_disagree_are_refused(scene, function, change, words):
    arguments = dict(
        zip(["image", "boxes", "masks", "class_ids", "class_names", "scores"], scene, strict=True)
    )
    with pytest.raises(ValueError, match=words):
        function(**{**arguments, **change})
    assert not plt.get_fignums()


corner = st.integers(-20, 220)


@given(st.lists(st.tuples(corner, corner, st.integers(1, 99), st.integers(1, 99)), max_size=30))
def test_labels_stay_inside_the_picture(rows):
    boxes = np.array([(y, x, y + h, x + w) for y, x, h, w in rows]).reshape(-1, 4)
    sizes = np.array([(12, 40 + h) for _, _, h, _ in rows]).reshape(-1, 2)
    corners = figures.place_labels(boxes, sizes, (200, 200))
    assert np.all(corners >= 0) and np.all(corners + sizes <= 200)


def test_labels_of_the_same_box_do_not_hide_each_other():
    boxes, sizes = np.tile([80, 80, 140, 140], (9, 1)), np.tile([12, 50], (9, 1))
    corners = figures.place_labels(boxes, sizes, (200, 200))
    apart = np.abs(corners[:, None] - corners) >= sizes[0]
    assert np.all(apart.any(axis=-1) | np.eye(9, dtype=bool))


# Figures


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_display_instances_draws_on_the_axes_given_and_can_be_saved(scene, tmp_path):
    figure, axes = plt.subplots(1, 2, figsize=(6, 3))
    result = visualize.display_instances(*scene, title="two", ax=axes[1])
    assert result is axes[1] and plt.get_fignums() == [figure.number]
    assert texts(axes[1]) == ["dog 0.98", "sports ball 0.75"]
    assert axes[1].get_title() == "two"
    assert not axes[0].images and len(axes[1].images) == 1
    result.figure.savefig(tmp_path / "saved.png", dpi=50)
    assert np.asarray(Image.open(tmp_path / "saved.png").convert("L")).std() > 10


def test_display_instances_makes_a_figure_of_the_size_asked_for(scene):
    ax = visualize.display_instances(*scene, figsize=(5, 4))
    assert tuple(ax.figure.get_size_inches()) == (5, 4)


def test_display_instances_captions_colors_and_switches(scene):
    ax = visualize.display_instances(*scene, captions=["$x_1$", None], colors=["red", (0, 0, 1)])
    assert texts(ax) == ["$x_1$"]
    ax.figure.canvas.draw()
    everything, plain = len(ax.patches), ax.images[0].get_array()
    hidden = visualize.display_instances(*scene, show_bbox=False, show_mask=False)
    assert everything - len(hidden.patches) == 2
    assert np.any(plain != 100) and np.all(hidden.images[0].get_array() == 100)


def test_display_instances_keeps_labels_on_the_picture(scene):
    image, _, masks, *rest = scene
    ax = visualize.display_instances(image, [[0, 0, 50, 40], [150, 280, 200, 300]], masks, *rest)
    ax.figure.canvas.draw()
    frame = ax.get_window_extent()
    for text in ax.texts:
        label = text.get_bbox_patch().get_window_extent()
        assert frame.x0 - 1 <= label.x0 and label.x1 <= frame.x1 + 1
        assert frame.y0 - 1 <= label.y0 and label.y1 <= frame.y1 + 1


def test_display_instances_takes_what_the_original_took(scene):
    """Crowds, lists that are too long or empty, and boxes that are not those of the masks."""
    image, boxes, masks, class_ids, names, scores = scene
    ax = visualize.display_instances(image, boxes, masks, [1, -2], names, [*scores, 0.5], captions=[])
    assert texts(ax) == ["dog 0.98", "sports ball (crowd) 0.75"]
    ax = visualize.display_instances(image, boxes, masks, class_ids, names, captions=list("abc"), colors=[])
    assert texts(ax) == ["a", "b"]
    dummies = np.tile([0, 0, 5, 5], (2, 1))
    ax = visualize.display_instances(image, dummies, masks, class_ids, names, show_bbox=False)
    painted = np.any(ax.images[0].get_array() != image, axis=-1)
    np.testing.assert_array_equal(painted, masks.any(axis=-1))
    padded = visualize.display_instances(image, boxes * [[1], [0]], masks, class_ids, names)
    assert texts(padded) == ["dog"]
    painted = np.any(padded.images[0].get_array() != image, axis=-1)
    np.testing.assert_array_equal(painted, masks[..., 0])


def test_display_instances_says_when_there_is_nothing():
    ax = visualize.display_instances(grey_picture(), [], [], [], NAMES, [])
    assert ax.get_title() == "No objects found"
    ax = visualize.display_instances(grey_picture(), [], [], [], NAMES, title="photo")
    assert ax.get_title() == "photo: no objects found"


def test_display_differences_counts_and_compares(scene):
    image, boxes, masks, class_ids, names, _ = scene
    shifted = np.roll(masks, 10, axis=0)
    ax = visualize.display_differences(
        image, boxes, class_ids, masks, boxes[::-1] + [10, 0, 10, 0], class_ids[::-1],
        np.array([0.6, 0.9]), shifted[..., ::-1], names, iou_threshold=0.5,
    )  # fmt: skip
    iou = (masks & shifted).sum(axis=(0, 1)) / (masks | shifted).sum(axis=(0, 1))
    assert texts(ax) == [f"sports ball 0.60 / {iou[1]:.2f}", f"dog 0.90 / {iou[0]:.2f}"]
    assert "2 of 2" in ax.get_title()


def test_display_differences_where_scores_are_the_same(scene):
    """The one found is told to be found, the other missed."""
    image, boxes, masks, class_ids, names, _ = scene
    nowhere = np.zeros_like(masks[..., :1])
    ax = visualize.display_differences(
        image, boxes[:1], class_ids[:1], masks[..., :1], boxes[[0, 0]], class_ids[[0, 0]], np.ones(2),
        np.concatenate([masks[..., :1], nowhere], axis=-1), names,
    )  # fmt: skip
    assert texts(ax) == ["dog 1.00 / 1.00", "dog 1.00 / 0.00"] and "1 of 1" in ax.get_title()


def test_display_differences_with_nothing_detected_or_nothing_there(scene):
    image, boxes, masks, class_ids, names, scores = scene
    none = np.zeros((0, 4)), np.zeros(0, int), np.zeros((*image.shape[:2], 0), bool)
    empty, no_ids, no_masks = none
    ax = visualize.display_differences(
        image, boxes, class_ids, masks, empty, no_ids, np.zeros(0), no_masks, names
    )
    assert "0 of 2" in ax.get_title()
    ax = visualize.display_differences(
        image, empty, no_ids, no_masks, boxes, class_ids, scores, masks, names, title="none there"
    )
    assert texts(ax) == ["dog 0.98 / 0.00", "sports ball 0.75 / 0.00"]
    assert ax.get_title() == "none there"


def test_draw_boxes_joins_boxes_with_where_they_go(scene):
    image, boxes, masks, *_ = scene
    ax = visualize.draw_boxes(
        image, boxes, boxes + 5, masks, captions=["a", ""], visibilities=[2, 0], title="moved"
    )
    assert len(ax.lines) == 1  # the invisible one does not move
    assert ax.lines[0].get_xydata().tolist() == [[40, 60], [45, 65]]
    assert texts(ax) == ["a"] and ax.get_title() == "moved"


def test_draw_boxes_beyond_the_picture_do_not_move_it(scene):
    ax = visualize.draw_boxes(scene[0], [[-50, -50, 90, 400]], [[-80, -40, 250, 500]])
    ax.figure.canvas.draw()
    assert ax.get_xlim() == (0, 300) and ax.get_ylim() == (200, 0)


def test_draw_boxes_with_one_kind_of_box_or_none(scene):
    image, boxes, *_ = scene
    assert len(visualize.draw_boxes(image, boxes).patches) == 2
    assert len(visualize.draw_boxes(image, refined_boxes=boxes).patches) == 2
    assert len(visualize.draw_boxes(image).patches) == 0
    with pytest.raises(ValueError, match="refined_boxes"):
        visualize.draw_boxes(image, boxes, boxes[:1])
    with pytest.raises(ValueError, match="captions"):
        visualize.draw_boxes(image, boxes, captions=["one"])


def test_draw_rois_counts_positives_and_skips_padding(scene):
    image, boxes, *_ = scene
    rois = np.concatenate([boxes, boxes + 3, np.zeros((4, 4))])
    class_ids = [1, 2, 0, 0, 0, 0, 0, 0]
    masks = np.ones((8, 28, 28))
    ax = visualize.draw_rois(image, rois, rois + 2, masks, class_ids, NAMES, limit=3)
    assert ax.get_title() == "3 of 4 regions: 2 positive, 2 negative"
    assert texts(ax) == ["dog", "sports ball"]
    ax = visualize.draw_rois(image, rois[4:], rois[4:], masks[4:], class_ids[4:], NAMES)
    assert ax.get_title() == "0 of 0 regions: 0 positive, 0 negative"


def test_display_top_masks_puts_the_largest_class_first(scene):
    image, _, masks, class_ids, names, _ = scene
    axes = visualize.display_top_masks(image, masks, class_ids, names)
    assert [ax.get_title() for ax in axes] == ["200 × 300", "sports ball (1)", "dog (1)"]
    assert len(visualize.display_top_masks(image, masks, class_ids, names, limit=1)) == 2
    assert len(visualize.display_top_masks(image, np.zeros((200, 300, 0)), [], names)) == 1


def test_display_images_in_rows():
    images = [grey_picture(), grey_picture()[..., 0], np.zeros((5, 5), bool), grey_picture(), grey_picture()]
    axes = visualize.display_images(images, titles=list("abcde"), cols=2, cmap="gray")
    assert [ax.get_title() for ax in axes] == list("abcde")
    assert axes[0].get_subplotspec().get_gridspec().get_geometry() == (3, 2)
    assert axes[1].images[0].get_cmap().name == "gray"
    assert visualize.display_images([]) == []
    axes = visualize.display_images(images, titles=["one"])
    assert [ax.get_title() for ax in axes] == ["one", "", "", "", ""]


# Plots and tables


def test_plot_precision_recall():
    ax = visualize.plot_precision_recall(0.625, [0, 1, 0.5, 0], [0, 0.5, 1, 1])
    assert "0.625" in ax.get_title()
    assert ax.lines[0].get_xydata()[0].tolist() == [0, 0]
    assert ax.lines[0].get_drawstyle() == "steps-pre"  # as AP sums: a precision holds from the left


def test_plot_overlaps_judges_each_pair():
    overlaps = [[0.9, 0.1], [0.0, 0.7], [0.2, 0.3]]
    ax = visualize.plot_overlaps([1, 2], [1, 1, 2], [0.9, 0.8, 0.7], overlaps, NAMES)
    assert texts(ax) == ["0.90\nmatch", "0.10", "0.00", "0.70\nwrong", "0.20", "0.30"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["dog", "sports ball"]
    assert [label.get_text() for label in ax.get_yticklabels()][0] == "dog 0.90"
    padded = visualize.plot_overlaps([1, 2, 0], [1, 1, 2, 0], [0.9, 0.8, 0.7, 0], overlaps, NAMES)
    assert texts(padded) == texts(ax)
    empty = visualize.plot_overlaps([1], [], [], np.zeros((0, 1)), NAMES)
    assert "0 detections" in empty.get_title()
    with pytest.raises(ValueError, match="overlaps"):
        visualize.plot_overlaps([1, 2], [1], [0.9], np.zeros((2, 1)), NAMES)


def test_display_table_aligns_columns_and_escapes_html(capsys):
    visualize.display_table([["name", "n"], ["<dog>", 12, "extra"], []])
    assert capsys.readouterr().out == "name   n\n<dog>  12  extra\n\n"
    assert "<td>&lt;dog&gt;</td>" in visualize._Table([["<dog>"]])._repr_html_()
    visualize.display_table([])
    assert capsys.readouterr().out == "\n"


def test_display_weight_stats_marks_what_looks_untrained(capsys):
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="fc")])
    kernel = np.array([[1.0, -2.0], [0.5, 0.0], [2000.0, 0.0]])
    model.get_layer("fc").set_weights([kernel, np.zeros(2)])
    visualize.display_weight_stats(model)
    lines = capsys.readouterr().out.splitlines()
    (weight,) = [line for line in lines if "kernel" in line]
    (bias,) = [line for line in lines if "bias" in line]
    assert "(3, 2)" in weight and "-2.0000" in weight and "+2000.0000" in weight
    assert weight.endswith("overflow?") and bias.endswith("untrained?")


# The paper's figure


def test_overview_names_the_modules_of_the_network():
    modules = {path.stem for path in (ROOT / "mrcnn" / "network").glob("[a-z]*.py")}
    assert set(overview_module.STAGES) - {"picture", "masks"} <= modules
    ax = overview_module.overview()
    assert set(overview_module.STAGES) <= set(texts(ax))
    assert "you are here" not in texts(ax)


@pytest.mark.parametrize("stage", overview_module.STAGES)
def test_overview_lights_a_stage_once(stage):
    ax = overview_module.overview(stage)
    assert texts(ax).count("you are here") == 1
    headings = {t.get_text() for t in ax.texts if t.get_color() == OKABE_ITO["vermillion"]}
    assert stage in headings


def test_overview_refuses_an_unknown_stage():
    with pytest.raises(ValueError, match="highlight.*backbone.*roi_align.*got rpn"):
        overview_module.overview("rpn")


def test_overview_fits_small_axes():
    _, axes = plt.subplots(2, 1, figsize=(8, 8))
    small = overview_module.overview(ax=axes[0])
    size = max(text.get_fontsize() for text in small.texts)
    assert size < max(text.get_fontsize() for text in overview_module.overview().texts) / 2


def test_the_overview_in_images_is_what_the_code_draws(tmp_path):
    overview_module.save_overview(tmp_path / "overview.png")
    drawn = Image.open(tmp_path / "overview.png").convert("RGB")
    kept = Image.open(ROOT / "images" / "mask_rcnn_overview.png").convert("RGB")
    assert kept.size == drawn.size == (1600, 760)
    # Other versions of Matplotlib and FreeType move the edges of letters.
    assert np.abs(np.subtract(kept.reduce(20), drawn.reduce(20), dtype=int)).mean() < 2
    assert np.asarray(kept).std() > 30


def test_importing_costs_no_framework_and_no_font_cache():
    code = (
        "import sys, mrcnn.visualize; "
        "print(*{'keras', 'tensorflow', 'mrcnn.model', 'matplotlib.font_manager'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
