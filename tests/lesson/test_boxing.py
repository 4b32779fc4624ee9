"""Chapter 12: a box that is dragged, typed or given, and what is taught by it."""

import functools
import io
import sys

import nbformat
import numpy as np
import pytest
from PIL import Image

import mrcnn
from mrcnn.data import coins
from mrcnn.drawing.colors import OKABE_ITO
from mrcnn.lesson import boxing
from tests.notebook.book import run

PHOTO = coins.photograph()[0]
BOX = 104, 181, 153, 234  # around one coin


@pytest.fixture
def tiny(tiny_teaching, monkeypatch):
    """`mrcnn.teach` with a network that takes no time; gives the seconds to teach."""
    monkeypatch.setattr(mrcnn, "teach", functools.partial(mrcnn.teach, start=tiny_teaching), raising=False)
    return 0.01


@pytest.fixture
def hands(monkeypatch):
    """Maker of the controls of a `Boxing`; False has no library to drag with."""
    pytest.importorskip("ipywidgets")
    from mrcnn.lesson.dragging import Hands

    monkeypatch.delenv("MRCNN_LESSON_STATIC", raising=False)

    def make(library=True, box=BOX, **options):
        if library:
            pytest.importorskip("jupyter_bbox_widget")
        else:
            monkeypatch.setitem(sys.modules, "jupyter_bbox_widget", None)
        return Hands(boxing.boxing(PHOTO, "coin", box, **options))

    return make


def drawn(y1, x1, y2, x2):
    """A box as the page gives it."""
    return {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1, "label": "coin"}


def numbers(hands):
    return tuple(field.value for field in hands.fields)


def png(array):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


# One box, in three places


def test_photograph_fields_and_boxing_begin_with_the_same_box(hands):
    hand = hands()
    assert hand.photograph.bboxes == [drawn(*BOX)]
    assert numbers(hand) == hand.boxing.box == BOX
    assert numbers(hands(box=np.array(BOX))) == BOX


def test_a_box_that_is_dragged_takes_the_place_of_the_one_before(hands):
    hand = hands()
    begun = {"x": 252, "y": 31, "width": 0, "height": 0, "label": "coin"}
    hand.photograph.bboxes = [drawn(*BOX), begun]
    assert numbers(hand) == BOX and len(hand.photograph.bboxes) == 2  # the hand is still drawing
    dragged = 31, 252, 75, 300
    hand.photograph.bboxes = [drawn(*BOX), drawn(*dragged)]
    assert hand.photograph.bboxes == [drawn(*dragged)]
    assert numbers(hand) == hand.boxing.box == dragged


def test_a_box_that_is_dragged_over_the_border_ends_there(hands):
    hand = hands()
    hand.photograph.bboxes = [drawn(-9, 300, 80, 500)]
    assert hand.boxing.box == (0, 300, 80, PHOTO.shape[1])
    assert hand.photograph.bboxes == [drawn(*hand.boxing.box)]


def test_numbers_that_are_typed_move_the_box(hands):
    hand = hands()
    hand.fields[0].value = 110
    assert hand.photograph.bboxes == [drawn(110, *BOX[1:])]
    assert hand.boxing.box == (110, *BOX[1:])
    hand.fields[0].value = 200  # below y2, such as on the way to another box
    assert hand.photograph.bboxes == [] and hand.boxing.box == (200, *BOX[1:])
    hand.name.value = "key"
    hand.fields[2].value = 250
    assert hand.photograph.bboxes[0]["label"] == "key" and hand.photograph.classes == ["key"]


def test_without_the_library_the_box_is_set_by_its_numbers(hands):
    hand = hands(library=False)
    assert "pip install jupyter_bbox_widget" in hand.screen.words.value
    hand.fields[1].value = 150
    picture = np.asarray(Image.open(io.BytesIO(hand.photograph.value))).astype(int)
    assert picture.shape == PHOTO.shape
    orange = np.array([int(OKABE_ITO["orange"][i : i + 2], 16) for i in (1, 3, 5)])
    near = np.abs(picture - orange).max(axis=2) < 60
    rows, columns = np.nonzero(near)
    assert (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1) == hand.boxing.box


# A picture of one's own


def test_a_picture_of_ones_own_begins_without_a_box(hands):
    hand = hands()
    hand.choice.given = {"keys.png": png(PHOTO[:100, :200])}
    hand._chosen(None)
    assert hand.boxing.image.shape == (100, 200, 3) and hand.boxing.box is None
    assert hand.photograph.bboxes == [] and numbers(hand) == (0, 0, 0, 0)
    assert "keys.png" in hand.screen.words.value
    hand._pressed(None)
    assert "no box yet" in hand.screen.words.value and not hand.button.disabled
    hand.photograph.bboxes = [drawn(10, 20, 150, 80)]
    assert hand.boxing.box == (10, 20, 100, 80)


def test_a_file_that_is_no_picture_leaves_the_one_before(hands):
    hand = hands()
    hand.choice.given = {"keys.heic": b"no picture"}
    hand._chosen(None)
    assert "keys.heic" in hand.screen.words.value
    np.testing.assert_array_equal(hand.boxing.image, PHOTO)
    hand.choice.given = {}
    hand._chosen(None)  # taken away again
    assert numbers(hand) == BOX


# Teaching


def test_the_button_teaches_and_shows_what_is_found(hands, tiny):
    hand = hands(seconds=tiny)
    hand.name.value = "drachma"
    hand.button.click()
    assert hand.boxing.model.class_names == ["BG", "drachma"] and not hand.button.disabled
    count = len(hand.boxing.result["scores"])
    assert f"{count} drachma." in hand.screen.words.value if count else "nothing found" in str(hand.boxing)
    assert Image.open(io.BytesIO(hand.screen.picture.value)).size[0] > 500
    assert hand.screen.picture.layout.display == ""


def test_what_goes_wrong_is_told_on_the_page(hands, tiny):
    hand = hands(box=(20, 70, 100, 75), seconds=tiny)
    hand.button.click()
    assert "too small" in hand.screen.words.value
    hand = hands(seconds="soon")
    hand.button.click()
    assert "seconds is" in hand.screen.words.value and not hand.button.disabled


def test_without_widgets_the_box_that_is_given_is_taken(tiny, monkeypatch, capsys):
    monkeypatch.setenv("MRCNN_LESSON_STATIC", "1")
    one = boxing.boxing(PHOTO, "coin", BOX, tiny)
    assert one.said.passed and one.model.class_names == ["BG", "coin"]
    assert "step" in capsys.readouterr().out
    one._ipython_display_()  # its screen has said it already
    assert capsys.readouterr().out == ""
    none = boxing.boxing(PHOTO, "coin")
    assert none.model is None and "no box yet" in repr(none)


def test_in_a_kernel_without_a_hand(tmp_path):
    """As it is committed: taught, drawn and counted in one cell."""
    cell = nbformat.v4.new_code_cell(
        f"from mrcnn.data import coins\nfrom mrcnn.lesson import boxing\n"
        f"one = boxing.boxing(coins.photograph()[0], name='coin', box={BOX}, seconds=1)\none"
    )
    notebook = nbformat.v4.new_notebook(cells=[cell])
    run(notebook, tmp_path)
    shown = [output for output in cell.outputs if "data" in output]
    words = [output.data["text/plain"] for output in shown if "text/html" in output.data]
    (picture,) = (output for output in shown if any(mime.startswith("image/") for mime in output.data))
    assert len(words) == 1 and ("coin" in words[0] or "nothing found" in words[0])
    assert "s left" in next(iter(picture.metadata.values()))["alt"]


# The exercise


def test_variants_differ_in_one_thing_each():
    whole, small, hard, straight = boxing.variants((10, 20, 50, 100)).values()
    assert whole[0] == hard[0] == straight[0] == (10, 20, 50, 100)
    assert small[0] == (20, 40, 40, 80) and small[1] == whole[1]
    assert not hard[1].soft and hard[1] != whole[1]
    assert straight[1].turn == 0 and straight[1].soft


def test_trainings_side_by_side(tiny):
    picture = boxing.compare(PHOTO, BOX, "coin", tiny)
    assert all(f"{title}: " in picture.caption for title in boxing.variants(BOX))
    assert picture.array().shape[2] == 3


def test_nothing_to_learn_from_is_said_in_place_of_a_count(capsys):
    grey = np.full((100, 150, 3), 90, np.uint8)
    picture = boxing.compare(grey, (20, 20, 80, 100), "fog")
    assert picture.caption.count("nothing to learn from") == 4
    assert capsys.readouterr().out.count("The box") == 4
