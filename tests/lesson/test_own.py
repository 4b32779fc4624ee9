"""Chapter 13: pictures from everywhere, files of what is found, and what a model cannot know."""

import io
import json
import re
import sys
import types

import numpy as np
import pytest
from PIL import Image

from mrcnn.data import toybox
from mrcnn.data.folder import FolderDataset
from mrcnn.lesson import own, show

OTHERWISE = np.full((40, 60, 3), 7, np.uint8)


def png(shape=(30, 50)):
    stream = io.BytesIO()
    Image.fromarray(np.full((*shape, 3), 90, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def pictured(choice, capsys):
    """What a choice gives, and the sentence that it says."""
    image, name = choice.picture(OTHERWISE)
    return image, name, capsys.readouterr().out


@pytest.mark.parametrize("version", [7, 8])
def test_uploads_of_both_versions_of_ipywidgets(version, capsys):
    content = png()
    value = (
        {"dog.png": {"metadata": {"name": "dog.png"}, "content": content}}
        if version == 7
        else ({"name": "dog.png", "type": "image/png", "content": memoryview(content)},)
    )
    assert own.uploaded(value) == {"dog.png": content}
    choice = own.Choice()
    choice.button = types.SimpleNamespace(value=value)
    image, name, said = pictured(choice, capsys)
    assert image.shape == (30, 50, 3) and name == "dog" and "50 × 30 pixels" in said


@pytest.mark.parametrize("nothing", [{}, ()])
def test_without_an_upload_the_lessons_picture_goes_on(nothing, capsys):
    choice = own.Choice()
    choice.button = types.SimpleNamespace(value=nothing)
    image, name, said = pictured(choice, capsys)
    assert image is OTHERWISE and name == "lesson" and "none was chosen" in said


@pytest.mark.parametrize("content", [b"", b"no picture", png()[:60]])
def test_uploads_that_cannot_be_read_get_a_sentence(content, capsys):
    choice = own.Choice()
    choice.given = {"holiday.heic": content}
    image, _, said = pictured(choice, capsys)
    assert image is OTHERWISE and "holiday.heic" in said and "upload" not in said


def test_paths(tmp_path, capsys):
    path = tmp_path / "cat.png"
    path.write_bytes(png())
    assert pictured(own.choose(path), capsys)[1] == "cat"
    _, name, said = pictured(own.choose(tmp_path / "none.png"), capsys)
    assert name == "lesson" and "no such file" in said
    assert own.choose("").path is None


def test_large_pictures_are_made_smaller(tmp_path, capsys):
    path = tmp_path / "wide.png"
    path.write_bytes(png((400, 3200)))
    image, _, said = pictured(own.choose(path), capsys)
    assert image.shape == (200, own.LONGEST, 3) and (image == 90).all()
    assert "3200 × 400" in said and "1600 × 200" in said


def test_a_button_where_there_are_widgets(monkeypatch, capsys):
    pytest.importorskip("ipywidgets")
    monkeypatch.delenv("MRCNN_LESSON_STATIC", raising=False)
    choice = own.choose()
    assert choice.button is not None and choice.uploads == {}
    monkeypatch.setenv("MRCNN_LESSON_STATIC", "1")
    own.choose()._ipython_display_()
    assert "give the path of a file" in capsys.readouterr().out


def test_colabs_dialogue(monkeypatch, capsys):
    colab = types.ModuleType("google.colab")
    colab.files = types.SimpleNamespace(upload=lambda: {"dog.png": png()})
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    assert pictured(own.choose(colab=True), capsys)[1] == "dog"
    assert own.choose().given == {}  # Run all does not wait for a file


def test_what_is_saved_is_what_was_found(model, tmp_path):
    image = toybox.street().image
    result = model.detect([image])[0]
    count = len(result["scores"])
    assert count
    for _ in range(2):  # again takes the place of the first
        message = own.save(image, result, model.class_names, "street", tmp_path)
    assert message.passed and f"{count} masks" in message.text
    entries = json.loads((tmp_path / "street.json").read_text())
    assert [entry["category_id"] for entry in entries] == result["class_ids"].tolist()
    assert np.asarray(Image.open(tmp_path / "street-found.png")).shape == image.shape

    (tmp_path / "images").mkdir()
    Image.fromarray(image).save(tmp_path / "images" / "street.png")
    data = FolderDataset(tmp_path / "images", tmp_path / "masks", model.class_names[1:])
    assert data.load_mask(0)[0].sum() == result["masks"].sum()


def test_nothing_found_is_saved_too(model, tmp_path):
    grey = np.full((60, 80, 3), 128, np.uint8)
    result = model.detect([grey])[0]
    assert own.save(grey, result, model.class_names, folder=tmp_path).passed
    assert json.loads((tmp_path / "picture.json").read_text()) == []


def test_a_folder_that_takes_no_files_gets_a_sentence(model, tmp_path):
    (tmp_path / "results").write_text("a file")
    result = model.detect([OTHERWISE])[0]
    message = own.save(OTHERWISE, result, model.class_names, folder=tmp_path / "results")
    assert not message.passed and "cannot be written" in message.text


def test_what_a_model_makes_of_what_it_was_not_trained_for(model):
    image = toybox.street().image
    caption = show.beyond(model, image).caption
    upside_down = model.detect([image[::-1, ::-1]])[0]
    part = caption.split("upside down: ")[1].split(";")[0]
    counted = sum(int(n) for n in re.findall(r"(\d+) ×", part))
    assert counted == len(upside_down["scores"])
    assert show.beyond(model, image[:37, :51]).array().any()
