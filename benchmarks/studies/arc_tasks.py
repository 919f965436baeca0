"""The puzzles of the ARC studies: drawn once, before any was run, and never changed.

numpy.random.default_rng(251206104).choice(sorted ids of the ARC-AGI-1 training split, 60, replace=False)
"""

_IDS = """
09629e4f dae9d2b5 a78176bb 72322fa7 05269061 794b24be 6d75e8bb 4093f84a 05f2a901 6d58a25d
4938f0c2 363442ee 7b7f7511 d9fac9be 99b1bc43 94f9d214 62c24649 4258a5f9 29c11459 9ecd008a
662c240a 53b68214 ddf7fa4f 137eaa0f d6ad076f 0520fde7 017c7c7b 272f95fa 60b61512 aba27056
b9b7f026 72ca375d 99fa7670 e76a88a6 80af3007 f1cefba8 2204b7a8 6fa7a44f af902bf9 ded97339
6a1e5592 b775ac94 8e1813be e50d258f 8a004b2b e179c5f4 b91ae062 56ff96f3 63613498 e48d4e1a
0d3d703e e73095fd 11852cab 4be741c5 b2862040 d5d6de2d b527c5c6 40853293 6855a6e4 f8c80d96
"""
TASKS = tuple(_IDS.split())
"""60 puzzles of the training split; studies of 40 take the first 40."""
