"""Quiet in the terminal: what libraries say of themselves is not for users."""

import os
import sys
from contextlib import contextmanager, suppress


@contextmanager
def silence():
    """Keep from the terminal what libraries in C++ print; TensorFlow's imports heed no setting of its own.

    `TF_CPP_MIN_LOG_LEVEL=0` lets it through.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def hush_estimates():
    """Have TensorFlow, once it is imported, not estimate what each operation costs.

    2.20 cannot for RoIAlign's, and says so at length, eight times a network, whatever `TF_CPP_MIN_LOG_LEVEL`.
    Only what swaps the memory of graphics cards asks for estimates. There is no public setting; where the
    private one is gone, nothing happens.
    """
    if "tensorflow" not in sys.modules:
        return
    with suppress(ImportError, AttributeError):
        from tensorflow.core.protobuf.config_pb2 import ConfigProto
        from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig
        from tensorflow.python.eager import context

        options = context.context().function_call_options
        config = ConfigProto.FromString(options.config_proto_serialized)
        config.graph_options.rewrite_options.memory_optimization = RewriterConfig.NO_MEM_OPT
        options.config_proto_serialized = config
