"""The network, bottom to top: one module for each box of the paper's figure; `assembly` joins them."""
