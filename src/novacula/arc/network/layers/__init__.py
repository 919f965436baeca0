"""The layers of the decoder, one module each, in the order in which the network applies them."""
