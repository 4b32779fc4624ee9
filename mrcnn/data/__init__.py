"""What there is to learn from and to judge by: drawn worlds, COCO's files, folders, scenes of cut-outs."""
