"""How a capture is explained: possible pasts of each end, what had to be assumed, and who is to blame."""
