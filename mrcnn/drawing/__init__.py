"""What pictures are drawn with: colours, painted instances, parts of figures, and the paper's figure."""
