"""What the lesson's first cell finds installed."""

from mrcnn.lesson.begin import installed


def test_of_a_package_in_two_folders_the_first_is_the_one_that_counts(tmp_path, monkeypatch):
    for folder, version in (("second", "1.0"), ("first", "2.0")):
        info = tmp_path / folder / f"two_folders-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: two.Folders\nVersion: {version}\n")
        monkeypatch.syspath_prepend(tmp_path / folder)
    found = installed()
    assert found["two-folders"] == "2.0" and "numpy" in found
