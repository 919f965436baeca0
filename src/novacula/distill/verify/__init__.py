"""How far a program is known to be right: samples, exhaustion, proofs."""

from novacula.distill.verify.certificate import TIERS, Certificate, Check, Tier
from novacula.distill.verify.target import Target
from novacula.distill.verify.verify import NODE_LIMIT, verify
