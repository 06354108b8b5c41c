"""The wire: the socket, deadlines on what arrives and leaves, and who may ask at all."""
