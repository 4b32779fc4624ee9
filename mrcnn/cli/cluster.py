"""`mrcnn detect` by many processes, here or on a cluster that Dask knows.

    the command: sources → tasks, a few at a time ─→ workers: one model each ─→ pictures, and shards
                 shards → tables, as `detect` writes them alone

    results/.shards/job.json             what was asked for: the same command goes on where it stopped
    results/.shards/classes.json         the names of the classes that the weights know
    results/.shards/HOST-…-PROCESS.jsonl of one worker: a line for each picture that it has done

A picture is done when its line is whole. The workers see the same disk as the command. Whoever dies leaves
whole pictures and whole lines; what was not done is done by another worker, or when the same command is
given again.
"""

import contextlib
import functools
import hashlib
import itertools
import json
import logging
import os
import uuid
from argparse import Namespace
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from mrcnn.cli import options as shared
from mrcnn.cli.info import cores
from mrcnn.cli.shards import Shards
from mrcnn.outputs import write_json

ASKED_FOR = ("json", "csv", "masks", "label_map", "annotations", "min_confidence", "size", "tile", "half")
AHEAD = 2  # tasks handed out a processor, so that none waits for the next
ANSWERS = 10  # seconds within which a scheduler does


class Job(Shards):
    """What the workers of a job have done: of each picture, `told` and `notes` for the tables.

    Args:
        out: the folder that the job writes its pictures to.
    """

    def __init__(self, out):
        super().__init__(Path(out) / ".shards")

    def is_of(self, asked, force=False):
        """Whether this job was left here unfinished.

        Args:
            asked: dict for JSON that tells jobs apart.
            force: whether another job that was left here is dropped; otherwise it is an error.
        """
        path = self.folder / "job.json"
        if not path.is_file():
            return False
        if json.loads(path.read_text()) == json.loads(json.dumps(asked)):
            return True
        if not force:
            raise ValueError(
                f"{self.folder.parent} holds another job that was not finished: give its command again, "
                "choose another --out, or add --force to drop it."
            )
        self.remove()
        return False

    def begin(self, asked):
        write_json(self.folder / "job.json", asked)

    def name_classes(self, class_names):
        """Keep the names of the model's classes for the tables; whoever comes first does."""
        path = self.folder / "classes.json"
        if not path.exists():
            write_json(path, class_names)

    def class_names(self):
        path = self.folder / "classes.json"
        return json.loads(path.read_text()) if path.exists() else []  # nothing was done

    def notes(self, name):
        """What was noted of a picture for the tables; nothing of one that failed."""
        return self.get(name, {"notes": []})["notes"]


def detect(options, sources, outputs, described):
    """Make ready to detect by workers; returns what `detect.detect_here` does."""
    if not find_spec("distributed"):
        raise ValueError("To detect by workers, Dask is needed: pip install distributed")
    # What workers fail at, we say ourselves; a result that died with its worker is computed again.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")
    outputs.make_folder()
    job = Job(outputs.folder)
    asked = {name: getattr(options, name) for name in ASKED_FOR} | {"weights": described.sha256}
    asked["pictures"] = hashlib.sha256("\n".join(str(s.path.resolve()) for s in sources).encode()).hexdigest()
    unfinished = job.is_of(asked, options.force)
    if not unfinished:
        shared.refuse_existing(outputs.planned(), options.force)
    return by_workers(options, sources, outputs, described.path, job, None if unfinished else asked)


def by_workers(options, sources, outputs, path, job, begin=None):
    """Detect in each source by a worker, the first free one; yields them as they are done.

    A job that is new is begun, with what was asked for, when there is somebody to do it.
    """
    done = set(job)
    for source in sources:
        if source.name in done:
            yield source, job[source.name]["told"], None
    asked = {name: getattr(options, name) for name in (*ASKED_FOR, "backend", "threads")}
    asked |= {"weights": str(path.resolve()), "out": str(outputs.folder.resolve())}
    with cluster(options, asked) as client:
        if begin:
            job.begin(begin)
        left = (source for source in sources if source.name not in done)
        yield from in_turn(client, asked, left)
    outputs.class_names = job.class_names()
    outputs.finish(job.notes)
    job.remove()


@contextlib.contextmanager
def cluster(options, asked):
    """A client of the scheduler that was named, or of one of our own with `--workers`."""
    from distributed import Client, LocalCluster

    # Dask gives its client a level of its own; here it has that of all.
    logging.getLogger("distributed.client").setLevel(logging.NOTSET)
    if options.scheduler:
        try:
            client = Client(options.scheduler, timeout=ANSWERS)
        except (OSError, TimeoutError, ValueError) as error:
            raise ValueError(
                f"{options.scheduler}: no Dask scheduler answers there ({error}); check the address."
            ) from error
        with client:
            yield client
        return
    asked["threads"] = options.threads or max(1, cores() // options.workers)
    # Each worker is a process with one thread, for a network uses as many as it is given. Dask's pages would
    # be at one port for all commands on this machine, and every second one would say so.
    pages = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with (
        LocalCluster(n_workers=options.workers, threads_per_worker=1, scheduler_kwargs=pages) as local,
        Client(local) as client,
    ):
        yield client


def in_turn(client, asked, sources):
    """Hand out sources, a few for each worker; yields (source, told, reason) as they are done."""
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    sources = iter(sources)
    waiting = as_completed(with_results=True, raise_errors=False)  # results are fetched many at a time
    given = {}

    def hand_out(count):
        for source in itertools.islice(sources, count):
            there = replace(source, path=source.path.resolve())
            future = client.submit(work, there, asked, key=f"{source.name}-{uuid.uuid4().hex}")
            given[future.key] = source
            waiting.add(future)

    client.wait_for_workers(1)
    hand_out(AHEAD * max(1, sum(client.ncores().values())) + 1)
    for future, answer in waiting:
        source = given.pop(future.key)
        if future.status == "error":
            _, error, _ = answer
            if not isinstance(error, KilledWorker):
                raise error
            answer = None, f"{source.path}: each worker that tried it died, perhaps for lack of memory."
        future.release()
        hand_out(1)
        yield source, *answer


# In a worker


def work(source, asked):
    """Detect in a source, unless it is noted as done: the worker that was to say so may have died."""
    from mrcnn.cli.finding import detect_one
    from mrcnn.cli.outputs import Outputs

    options = Namespace(**asked)
    outputs = Outputs(options.out, [source], options)
    job = job_in(options.out)
    if outputs.overlay(source).exists() and (done := job.get(source.name)):
        return done["told"], None
    model = model_of(json.dumps(asked))
    job.name_classes(model.class_names)
    outputs.class_names = model.class_names
    told, reason = detect_one(model, source, outputs)
    if reason is None:
        job[source.name] = {"told": told, "notes": outputs.notes[source.name]}
    return told, reason


@functools.cache
def job_in(folder):
    return Job(folder)


@functools.cache
def model_of(asked):
    """The one model of this worker; `asked` is the text of a dict, so that it can be looked up."""
    from mrcnn.cli.finding import load_model

    options = Namespace(**json.loads(asked))
    return load_model(options.weights, options)
