"""Seeds of the drawn worlds: those of one set are never those of another."""

TRAINING_SEED = 1
HELD_OUT_SEED = 2  # of scenes that no training sees
