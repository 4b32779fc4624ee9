"""Every public name of the original is there, in its module, with its signature and its attributes."""

import inspect
import json

import keras
import pytest

import mrcnn.config
import mrcnn.model
import mrcnn.parallel_model
import mrcnn.utils
import mrcnn.visualize
from tests.conftest import GOLDEN
from tests.tiny import tiny

MODULES = json.loads((GOLDEN / "api_surface.json").read_text())["modules"]
BASES = {"BatchNormalization": keras.layers.BatchNormalization, "Layer": keras.layers.Layer}
BASES |= {"Model": keras.Model, "Sequence": keras.utils.PyDataset}


def recorded():
    """Functions and methods: (module, name, the signatures that callers may rely on)."""
    for module, names in MODULES.items():
        for name, entry in names.items():
            callables = {name: entry} | {f"{name}.{m}": e for m, e in entry.get("methods", {}).items()}
            for path, signed in callables.items():
                kinds = [signed[k] for k in ("signature", "original_signature") if k in signed]
                if kinds:
                    yield pytest.param(module, path, kinds, id=f"{module}.{path}")


def classes():
    return [
        pytest.param(module, name, entry, id=f"{module}.{name}")
        for module, names in MODULES.items()
        for name, entry in names.items()
        if entry.get("kind") == "class"
    ]


def find(module, path):
    found = getattr(mrcnn, module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def parameters(signature):
    scope = {}
    exec(f"def recorded{signature}: pass", scope)
    return list(inspect.signature(scope["recorded"]).parameters.values())


def accepts(ours, theirs):
    """Whether a caller of `theirs` may call `ours`: same names in the same places, same defaults."""
    named = [p for p in theirs if p.kind is p.POSITIONAL_OR_KEYWORD]
    for parameter, own in zip(named, ours, strict=False):
        if own.name != parameter.name:
            return False
        if parameter.default is not parameter.empty and own.default != parameter.default:
            return False
    taken = {p.kind for p in ours}
    more = [p for p in ours[len(named) :] if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return (
        len(ours) >= len(named)
        and all(p.default is not p.empty for p in more)
        and all(p.kind in taken for p in theirs)
    )


@pytest.mark.parametrize("module, path, signatures", list(recorded()))
def test_a_name_has_its_signature(module, path, signatures):
    found = find(module, path)
    found = found.fget if isinstance(found, property) else found
    ours = list(inspect.signature(found).parameters.values())
    for signature in signatures[-1:]:  # the original's own, where its fork has another
        assert accepts(ours, parameters(signature)), f"{inspect.signature(found)}, not {signature}"


@pytest.mark.parametrize("module, name, entry", classes())
def test_a_class_is_of_its_kind(module, name, entry):
    found = find(module, name)
    assert inspect.isclass(found)
    for base in entry.get("is_a", []):
        assert issubclass(found, BASES[base.split()[-1]])


def test_a_model_has_the_attributes_of_the_original():
    model = tiny()
    for name in MODULES["model"]["MaskRCNN"]["instance_attributes"]:
        assert getattr(model, name) is not None


def test_a_data_set_has_the_attributes_of_the_original():
    dataset = mrcnn.utils.Dataset()
    dataset.add_class("shapes", 1, "square")
    dataset.add_image("shapes", 0, None)
    dataset.prepare()
    for name in MODULES["utils"]["Dataset"]["instance_attributes"]:
        assert getattr(dataset, name) is not None
