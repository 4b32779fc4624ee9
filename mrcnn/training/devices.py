"""A training on several devices: each takes a part of every batch, and together they learn as one would.

TensorFlow and JAX can. On JAX one program runs over all devices; on TensorFlow a replica of it runs on
each, and what has to do with the whole batch (how many examples a loss counts, the statistics of batch
normalisation, the length of the gradient that is clipped, random choices) is taken over all of them. One
thing is not: which classes a batch of several sources has is asked of each part's first picture.
"""

import logging
from contextlib import nullcontext

from mrcnn.network import kernels

log = logging.getLogger(__name__)


def distribution_for(config):
    """How the batches of a training are to be divided; see `kernels.distribution`.

    What the program has put in force itself holds, a strategy's or distribution's `scope()`; else
    `config.GPU_COUNT` devices share a batch. Where there are not as many, one device takes all of it, and
    a warning says so.

    Returns:
        a strategy, a distribution, or None for a single device.

    Raises:
        ValueError: the parts of a batch would not have one size.
    """
    distribution = kernels.distribution() or _first_devices(config)
    parts = kernels.parts(distribution)
    if config.BATCH_SIZE % parts:
        raise ValueError(
            f"A batch of {config.BATCH_SIZE} pictures cannot be divided among the {parts} devices that the "
            f"program chose; set GPU_COUNT to {parts}."
        )
    return distribution


def _first_devices(config):
    count, found = config.GPU_COUNT, kernels.devices()
    if count == 1:
        return None
    distribution = kernels.distribution(found[:count]) if len(found) >= count else None
    if distribution is None:
        log.warning(
            "GPU_COUNT is %d, but Keras trains on one device here (%s on %s): it takes all %d pictures of a "
            "batch. Several devices need TensorFlow or JAX, and as many devices.",
            *(count, kernels.BACKEND, ", ".join(found), config.BATCH_SIZE),
        )
    return distribution


def scope(distribution):
    """A context in which a distribution is in force, if it is one."""
    return distribution.scope() if distribution else nullcontext()


def optimizer_like(optimizer):
    """One with the same settings, whose variables are where the distribution in force has those of a model.

    Its state is new.
    """
    kind = type(optimizer)
    if kernels.replicas() > 1:
        kind = type(kind.__name__, (SumFirst, kind), {})
    return kind.from_config(optimizer.get_config())


def moves_others(optimizer, variables):
    """Whether an optimizer was built already, for other variables: it would go on with those."""
    if not optimizer.built or {*map(id, optimizer._trainable_variables)} == {*map(id, variables)}:
        return False
    log.warning("The optimizer starts anew: it has trained other layers.")
    return True


class SumFirst:
    """Has an optimizer add up the gradients of all replicas before anything is done with them.

    Keras would clip the gradient of each replica by itself, and then add up.
    """

    def apply(self, grads, trainable_variables):
        pairs = super()._all_reduce_sum_gradients(list(zip(grads, trainable_variables, strict=True)))
        return super().apply([gradient for gradient, _ in pairs], trainable_variables)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        return grads_and_vars
