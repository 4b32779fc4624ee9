"""One example of a thing → a detector for all of its kind, in a minute of training that is watched."""
