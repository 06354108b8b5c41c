"""Token shards on the disk, their index, and batches from them in the order in which training reads them."""
