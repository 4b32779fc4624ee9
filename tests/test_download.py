"""Downloads, from a real server on this machine that does what servers do on bad days."""

import hashlib
import os
import resource
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py
import numpy as np
import pytest

import download_weights
from mrcnn import download, weights

HTML = b"<!DOCTYPE html><html><body>Please log in to the campus network.</body></html>"


class Handler(BaseHTTPRequestHandler):
    """Notes each request, then does what `server.behave` does, called with the handler."""

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        self.server.behave(self)

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        """Send a status, headers (`Content_Length=…`) and a body."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def start(self):
        """Where the request asks the server to start."""
        asked = self.headers.get("Range")
        return int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0

    def serve(self, content, limit=None, ranges=True):
        """Send content as a good server does, but close after `limit` bytes of the body."""
        start = self.start() if ranges else 0
        if start >= len(content):
            return self.answer(416)
        rest, headers = content[start:], {}
        if start:
            headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return self.answer(206 if start else 200, rest[:limit], Content_Length=len(rest), **headers)


@pytest.fixture
def server():
    """A running server with `url`, `requests` and a `behave` to be set."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests, server.daemon_threads = [], True
        server.url = f"http://127.0.0.1:{server.server_port}/mask_rcnn_coco.h5"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """Bytes of a small HDF5 file that does not compress."""
    path = tmp_path_factory.mktemp("served") / "small.h5"
    with h5py.File(path, "w") as file:
        file["noise"] = np.random.default_rng(0).integers(0, 256, 300_000, np.uint8)
    return path.read_bytes()


@pytest.fixture
def fetch(server, content, tmp_path, monkeypatch):
    """`download` of that file from that server into `tmp_path`, with little patience."""
    for name in ("MRCNN_WEIGHTS_URL", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return partial(
        weights.download,
        tmp_path / "coco.h5",
        url=server.url,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        timeout=5,
        retries=2,
        wait=0.01,
        progress=False,
    )


def in_turn(*behaviours):
    """Behave in a new way at each request, and as in the last one from then on."""
    left = list(behaviours)
    return lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Servers that are all right in the end


def test_a_whole_file_is_fetched_once(fetch, server, content, tmp_path):
    server.behave = lambda handler: handler.serve(content)
    assert fetch() == tmp_path / "coco.h5"
    assert (tmp_path / "coco.h5").read_bytes() == content
    assert names(tmp_path) == ["coco.h5"]
    assert fetch() == tmp_path / "coco.h5"
    assert server.requests == [("/mask_rcnn_coco.h5", None)]


def test_a_cut_file_goes_on_where_it_stopped(fetch, server, content):
    server.behave = in_turn(lambda h: h.serve(content, limit=100_000), lambda h: h.serve(content))
    assert fetch().read_bytes() == content
    start = int(server.requests[1][1].removeprefix("bytes=").removesuffix("-"))
    assert 100_000 - download.CHUNK < start <= 100_000
    assert len(server.requests) == 2


def test_any_number_of_cuts_is_survived_while_data_comes(fetch, server, content):
    server.behave = lambda handler: handler.serve(content, limit=40_000)
    assert fetch(retries=0).read_bytes() == content
    assert len(server.requests) > 7


def test_a_server_without_ranges_is_asked_from_the_beginning(fetch, server, content):
    server.behave = in_turn(
        lambda h: h.serve(content, limit=200_000, ranges=False),
        lambda h: h.serve(content, limit=100_000, ranges=False),
        lambda h: h.serve(content, ranges=False),
    )
    assert fetch().read_bytes() == content
    assert len(server.requests) == 3


def test_a_stalled_connection_is_taken_up_again(fetch, server, content):
    never = threading.Event()

    def stall(handler):
        handler.serve(content, limit=100_000)
        handler.wfile.flush()
        never.wait(60)

    server.behave = in_turn(stall, lambda h: h.serve(content))
    assert fetch(timeout=0.3).read_bytes() == content
    never.set()
    assert server.requests[1][1] is not None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(fetch, server, content, status):
    server.behave = in_turn(lambda h: h.answer(status), lambda h: h.serve(content))
    assert fetch().read_bytes() == content


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_followed(fetch, server, content, status):
    server.behave = in_turn(
        lambda h: h.answer(status, Location="/elsewhere.h5", Content_Length=0), lambda h: h.serve(content)
    )
    assert fetch().read_bytes() == content
    assert [path for path, _ in server.requests] == ["/mask_rcnn_coco.h5", "/elsewhere.h5"]


def test_an_answer_without_length_may_be_cut_too(fetch, server, content):
    server.behave = in_turn(lambda h: h.answer(200, content[:50_000]), lambda h: h.serve(content))
    assert fetch().read_bytes() == content


def test_what_follows_the_file_is_ignored(fetch, server, content):
    server.behave = lambda handler: handler.answer(200, content + b"more")
    assert fetch().read_bytes() == content


# What was begun before


def test_the_next_call_goes_on(fetch, server, content, tmp_path):
    server.behave = in_turn(lambda h: h.serve(content, limit=100_000), lambda h: h.answer(503))
    with pytest.raises(
        weights.WeightsError, match=r"The next call goes on from the [\d,]+ bytes in .*\.part"
    ):
        fetch()
    assert names(tmp_path) == ["coco.h5.part"]

    begun = (tmp_path / "coco.h5.part").stat().st_size
    server.requests.clear()
    server.behave = lambda handler: handler.serve(content)
    assert fetch().read_bytes() == content
    assert server.requests == [("/mask_rcnn_coco.h5", f"bytes={begun}-")]


def test_a_beginning_of_another_file_is_thrown_away(fetch, server, content, tmp_path):
    (tmp_path / "coco.h5.part").write_bytes(b"x" * 1000)
    server.behave = lambda handler: handler.serve(content)
    assert fetch().read_bytes() == content
    assert [asked for _, asked in server.requests] == ["bytes=1000-", None]
    assert names(tmp_path) == ["coco.h5"]


def test_a_beginning_that_is_too_long_is_thrown_away(fetch, server, content, tmp_path):
    (tmp_path / "coco.h5.part").write_bytes(content + b"more")
    server.behave = lambda handler: handler.serve(content)
    assert fetch().read_bytes() == content


def test_a_server_that_answers_another_range_is_asked_from_the_beginning(fetch, server, content, tmp_path):
    (tmp_path / "coco.h5.part").write_bytes(content[:1000])
    other = {"Content_Range": f"bytes 500-{len(content) - 1}/{len(content)}"}
    server.behave = in_turn(lambda h: h.answer(206, content[500:], **other), lambda h: h.serve(content))
    assert fetch().read_bytes() == content
    assert [asked for _, asked in server.requests] == ["bytes=1000-", None]


# Servers that never are all right


@contextmanager
def refused(tmp_path, match, left=()):
    """Expect a `WeightsError` of one line, and no file but those in `left`."""
    with pytest.raises(weights.WeightsError, match=match) as caught:
        yield
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == sorted(left)


def test_cut_again_and_again(fetch, server, content, tmp_path):
    server.behave = lambda handler: handler.serve(content, limit=50_000, ranges=False)
    with refused(tmp_path, "the connection was cut", left=["coco.h5.part"]):
        fetch()
    assert len(server.requests) == 4  # the first brought something, and two more tries after one that did not


def test_silent_from_the_start(fetch, server, tmp_path):
    never = threading.Event()
    server.behave = lambda handler: never.wait(60)
    with refused(tmp_path, r"no data came for 0\.1 s"):
        fetch(timeout=0.1)
    never.set()


@pytest.mark.parametrize("status, tries", [(403, 1), (404, 1), (410, 1), (503, 3)])
def test_error_statuses(fetch, server, tmp_path, status, tries):
    server.behave = lambda handler: handler.answer(status, HTML)
    with refused(tmp_path, f"cannot be fetched: the server answers {status}"):
        fetch()
    assert len(server.requests) == tries


def test_a_web_page_instead_of_the_file(fetch, server, tmp_path):
    server.behave = lambda handler: handler.answer(200, HTML, Content_Type="text/html")
    with refused(tmp_path, "is a web page, not HDF5"):
        fetch()
    assert len(server.requests) == 1


def test_a_web_page_does_not_cost_what_was_fetched_before(fetch, server, content, tmp_path):
    (tmp_path / "coco.h5.part").write_bytes(content[:1000])
    server.behave = lambda handler: handler.answer(200, HTML)
    with refused(tmp_path, "is a web page", left=["coco.h5.part"]):
        fetch()
    assert (tmp_path / "coco.h5.part").read_bytes() == content[:1000]


def test_a_git_lfs_pointer(fetch, server, tmp_path):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:ee7e\nsize 257557808\n"
    server.behave = lambda handler: handler.answer(200, pointer)
    with refused(tmp_path, "is a git-lfs pointer"):
        fetch()


@pytest.mark.parametrize("by", [-1000, 1000])
def test_a_lie_about_the_length(fetch, server, content, tmp_path, by):
    length = len(content) + by
    server.behave = lambda handler: handler.answer(200, content, Content_Length=length)
    with refused(tmp_path, f"has {length:,} bytes, not {len(content):,}, so it is another file"):
        fetch()


def test_a_known_fine_tune_is_named(fetch, server, content, tmp_path):
    server.behave = lambda handler: handler.answer(200, content, Content_Length=255_944_160)
    with refused(tmp_path, r"255,944,160 bytes, not [\d,]+ \(it is a known fine-tune of that name\)"):
        fetch()


def test_another_file_of_the_same_length(fetch, server, content, tmp_path):
    server.behave = lambda handler: handler.serve(content[:-1] + b"!")
    with refused(tmp_path, "has not the right SHA-256"):
        fetch()
    assert len(server.requests) == 1


def test_data_without_end_is_not_read_to_the_end(fetch, server, content, tmp_path):
    poured = []

    def pour(handler):
        handler.answer(200, content[:1000])
        while len(poured) < 200:
            try:
                handler.wfile.write(bytes(10**6))
            except OSError:  # the client has had enough
                return
            poured.append(10**6)

    server.behave = pour
    with refused(tmp_path, "has not the right SHA-256"):
        fetch()
    assert sum(poured) < 10**8


def test_redirects_in_a_circle(fetch, server, tmp_path):
    server.behave = lambda handler: handler.answer(302, Location=server.url, Content_Length=0)
    with refused(tmp_path, "redirects"):
        fetch()


def test_nobody_there(fetch, tmp_path):
    with refused(tmp_path, "cannot be reached.*Set MRCNN_WEIGHTS_URL to a mirror"):
        fetch(url="http://127.0.0.1:9/mask_rcnn_coco.h5")


def test_no_address_at_all(fetch, tmp_path):
    with refused(tmp_path, "cannot be fetched"):
        fetch(url="mask_rcnn_coco.h5")


# Mirror and proxy


def test_the_environment_names_a_mirror(fetch, server, content, monkeypatch):
    server.behave = lambda handler: handler.serve(content)
    monkeypatch.setenv("MRCNN_WEIGHTS_URL", server.url + "?mirror")
    assert fetch(url=None).read_bytes() == content
    assert server.requests == [("/mask_rcnn_coco.h5?mirror", None)]


def test_the_environment_names_a_proxy(fetch, server, content, monkeypatch):
    server.behave = lambda handler: handler.serve(content)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    assert fetch(url="http://weights.invalid/a.h5").read_bytes() == content
    assert server.requests == [("http://weights.invalid/a.h5", None)]


# The place of the file


def test_another_file_in_its_place_is_left_alone(fetch, server, content, tmp_path):
    place = tmp_path / "coco.h5"
    place.write_bytes(content[:-1])
    with pytest.raises(weights.WeightsError, match=f"has {len(content) - 1:,} bytes, not {len(content):,}"):
        fetch()
    place.write_bytes(content[:-1] + b"!")
    with pytest.raises(weights.WeightsError, match="not the right SHA-256.*move it away"):
        fetch()
    assert place.read_bytes() == content[:-1] + b"!"
    assert not server.requests


def test_a_fine_tune_in_its_place_is_named(tmp_path):
    place = tmp_path / "mask_rcnn_coco.h5"
    place.touch()
    os.truncate(place, 255_944_160)  # takes no room on the disk
    with pytest.raises(weights.WeightsError, match="255,944,160 bytes, not 257,557,808.*known fine-tune"):
        weights.download(tmp_path)


def test_a_folder_is_made_and_the_file_put_into_it(fetch, server, content, tmp_path):
    server.behave = lambda handler: handler.serve(content)
    (tmp_path / "models").mkdir()
    arguments = fetch.keywords
    assert weights.download(tmp_path / "models", **arguments) == (tmp_path / "models" / "mask_rcnn_coco.h5")
    assert weights.download(tmp_path / "new" / "my.h5", **arguments).read_bytes() == content


def test_a_full_disk(fetch, server, content, tmp_path):
    server.behave = lambda handler: handler.serve(content)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with refused(tmp_path, "cannot be written .*free space"):
            fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_too_small_is_not_filled(fetch, server, tmp_path):
    with refused(tmp_path, "cannot be written .*no 1,000,000,000,000,000 bytes free"):
        fetch(size=10**15)
    assert not server.requests


def test_a_folder_that_may_not_be_written(fetch):
    with pytest.raises(weights.WeightsError, match="/proc/coco.h5 cannot be written"):
        weights.download(Path("/proc/coco.h5"), **fetch.keywords)


# Finding it


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The three places where the file is looked for, empty, in their order."""
    folders = [tmp_path / name for name in ("here", "checkout", "cache/mrcnn")]
    for folder in folders:
        folder.mkdir(parents=True)
    monkeypatch.chdir(folders[0])
    monkeypatch.setattr(download, "home", lambda: folders[1])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folders


def test_the_file_is_found_in_each_place_the_nearest_first(places):
    assert weights.find_coco() is None
    for folder in reversed(places):
        (folder / "mask_rcnn_coco.h5").touch()
        assert weights.find_coco() == folder / "mask_rcnn_coco.h5" == weights.find("coco")


def test_without_the_file_the_error_says_how_to_get_it(places):
    with pytest.raises(FileNotFoundError, match="download_weights.py"):
        weights.find("coco")


def test_other_names_are_bundled_files_or_paths():
    package = Path(weights.__file__).parent
    assert weights.find("toybox") == package / "toybox.h5"
    assert weights.find("coins") == package / "coins.h5"
    assert weights.find("somewhere/my.h5") == Path("somewhere/my.h5")


def test_the_default_place_is_the_root_of_the_checkout():
    assert download.home() == Path(download_weights.__file__).parent


# The command


def test_the_command_reports_what_is_wrong_in_one_line(server, capsys, tmp_path):
    server.behave = lambda handler: handler.answer(404)
    assert download_weights.main(["--out", str(tmp_path / "a.h5"), "--url", server.url]) == 2
    assert "the server answers 404" in capsys.readouterr().err.splitlines()[-1]


def test_the_command_explains_itself():
    command = [sys.executable, download_weights.__file__, "-h"]
    page = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "examples:" in page and "MRCNN_WEIGHTS_URL" in page


def test_a_bar_shows_the_progress(fetch, server, content, capsys):
    server.behave = lambda handler: handler.serve(content)
    fetch(progress=True)
    assert "coco.h5: 100%" in capsys.readouterr().err
