"""One network on several devices: how a batch is divided, and what makes wholes of its parts."""

import keras

from mrcnn.network.kernels.platform import BACKEND

if BACKEND == "tensorflow":
    import tensorflow as tf


def distribution(names=None):
    """How Keras divides the batches of a training among devices.

    Args:
        names: of the devices to divide them among; None asks for what is in force already.

    Returns:
        a `tf.distribute.Strategy` on TensorFlow, a `keras.distribution.Distribution` on JAX: both are in
        force inside their `scope()`. None if there is none, as always on the other backends.
    """
    if BACKEND == "tensorflow":
        if names:
            return tf.distribute.MirroredStrategy(names)
        return tf.distribute.get_strategy() if tf.distribute.has_strategy() else None
    if BACKEND == "jax":
        return keras.distribution.DataParallel(devices=names) if names else keras.distribution.distribution()
    return None


def parts(distribution):
    """Into how many parts a `distribution` divides a batch."""
    if distribution is None:
        return 1
    if BACKEND == "tensorflow":
        return distribution.num_replicas_in_sync
    mesh = distribution.device_mesh
    return mesh.shape[mesh.axis_names.index(distribution.batch_dim_name)]


# JAX runs one program over all devices, which sees whole batches. A strategy of TensorFlow runs a copy of the
# program on each, a replica, which sees its part of the batch; what follows makes wholes of these parts.


def replicas():
    """Copies of a network that a training step runs side by side: one, or a TensorFlow strategy's number."""
    return tf.distribute.get_strategy().num_replicas_in_sync if BACKEND == "tensorflow" else 1


def _replica():
    """The context of the replica that is being computed; None on a single device, or outside of a step."""
    return tf.distribute.get_replica_context() if replicas() > 1 else None


def mean_of_replicas(value):
    """The mean of a tensor over all replicas; `value` itself where there is but one."""
    replica = _replica()
    return replica.all_reduce("MEAN", value) if replica else value


def on_each_replica(variable, change, *values):
    """Call `change(*values)` where variables may be assigned: for each replica, with that replica's values.

    Args:
        variable: one of those that `change` assigns.
        change: function that changes variables.
        values: tensors, or lists of them.
    """
    if BACKEND != "tensorflow":
        change(*values)
        return

    def on_each(strategy, *values):
        strategy.extended.update(variable.value, lambda _, *own: change(*own), args=values, group=False)

    strategy = tf.distribute.get_strategy()
    tf.__internal__.distribute.interim.maybe_merge_call(on_each, strategy, *values)


def random_rows(shape, seed):
    """Random numbers in [0, 1) for the rows of a batch, each row the same whichever replica it is on.

    Args:
        shape: (B, N) of this replica's part of the batch.
        seed: as for `keras.random`.

    Returns:
        [B, N] float32.
    """
    rows, *rest = shape
    numbers = keras.random.uniform((rows * replicas(), *rest), dtype="float32", seed=seed)
    replica = _replica()
    first = rows * replica.replica_id_in_sync_group if replica else 0
    return numbers if replicas() == 1 else numbers[first : first + rows]
