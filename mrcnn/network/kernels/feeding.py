"""Batches on their way into Keras's `fit`."""

from mrcnn.network.kernels.platform import BACKEND

if BACKEND == "tensorflow":
    import tensorflow as tf


def data_of(batches):
    """What `fit` reads batches by.

    On TensorFlow, Keras would make a pipeline that tunes itself in a thread. Whoever lets go of such a
    pipeline may wait for the thread's next turn, which is up to a minute away, and the whole process with
    it: the thread is woken before the end is marked, and sleeps on. Here is nothing to be tuned.

    Args:
        batches: `keras.utils.PyDataset` of dicts of arrays, whose shapes are always the same.

    Returns:
        `batches`, or a `tf.data.Dataset` of as many.
    """
    if BACKEND != "tensorflow":
        return batches
    data = tf.data.Dataset.from_generator(
        lambda: (batches[i] for i in range(len(batches))),
        output_signature={name: tf.TensorSpec(a.shape, a.dtype) for name, a in batches[0].items()},
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.apply(tf.data.experimental.assert_cardinality(len(batches))).with_options(options)
