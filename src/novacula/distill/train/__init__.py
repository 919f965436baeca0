"""Training: several perfect networks from one data set.

Source: arXiv 2402.05110 for what a network is; the rest ours.
"""

from novacula.distill.train.trainer import TrainedNetwork, Trainer
