"""Takes saved runs up in a process of its own: python -m tests.optim.resuming SAVED STEPS OUT."""

import sys

import torch

from novacula.optim import LODO
from tests.optim.problems import parameters, train


def make(lr: float | None) -> tuple[LODO, list]:
    """As in the test that saved."""
    members = parameters((5, 3), (7,))
    return LODO([{"params": members[:1]}, {"params": members[1:], "weight_decay": 0.1}], lr=lr, momentum=0.7), members


if __name__ == "__main__":
    torch.set_num_threads(1)
    ends = []
    for saved in torch.load(sys.argv[1], weights_only=True):
        optimizer, members = make(saved["lr"])
        optimizer.load_state_dict(saved["optimizer"])
        with torch.no_grad():
            for p, value in zip(members, saved["members"], strict=True):
                p.copy_(value)
        train(optimizer, members, range(saved["step"], int(sys.argv[2])))
        ends.append([p.detach() for p in members])
    torch.save(ends, sys.argv[3])
