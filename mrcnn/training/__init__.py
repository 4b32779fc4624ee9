"""How the network learns: batches and their targets, the losses, the steps."""
