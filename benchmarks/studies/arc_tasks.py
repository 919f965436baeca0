"""The puzzles of the ARC studies: drawn once, before any was run, and never changed.

TASKS: numpy.random.default_rng(251206104).choice(sorted ids of the ARC-AGI-1 training split, 60, replace=False)
MORE_TASKS: numpy.random.default_rng(251206105).choice(those of the sorted ids that are not in TASKS, 60, replace=False)
"""

_IDS = """
09629e4f dae9d2b5 a78176bb 72322fa7 05269061 794b24be 6d75e8bb 4093f84a 05f2a901 6d58a25d
4938f0c2 363442ee 7b7f7511 d9fac9be 99b1bc43 94f9d214 62c24649 4258a5f9 29c11459 9ecd008a
662c240a 53b68214 ddf7fa4f 137eaa0f d6ad076f 0520fde7 017c7c7b 272f95fa 60b61512 aba27056
b9b7f026 72ca375d 99fa7670 e76a88a6 80af3007 f1cefba8 2204b7a8 6fa7a44f af902bf9 ded97339
6a1e5592 b775ac94 8e1813be e50d258f 8a004b2b e179c5f4 b91ae062 56ff96f3 63613498 e48d4e1a
0d3d703e e73095fd 11852cab 4be741c5 b2862040 d5d6de2d b527c5c6 40853293 6855a6e4 f8c80d96
"""
TASKS = tuple(_IDS.split())  #: 60 puzzles of the training split; studies of 40 take the first 40

_MORE_IDS = """
95990924 8efcae92 a64e4611 31aa019c 3bd67248 6455b5f5 d4a91cb9 be94b721 5c0a986e 0e206a2e
9f236235 56dc2b01 1c786137 bdad9b1f d631b094 29ec7d0e 2dc579da 1fad071e 2dd70a9a 484b58aa
6773b310 88a62173 228f6490 eb281b96 90f3ed37 db3e9e38 445eab21 d9f24cd1 cbded52d 75b8110e
b94a9452 3345333e 3befdf3e 681b3aeb d037b0a7 623ea044 1f642eb9 7ddcd7ec 1caeab9d 7837ac64
5117e062 68b16354 3af2c5a8 855e0971 90c28cc7 178fcbfb 67385a82 d511f180 6430c8c4 e8593010
0a938d79 44d8ac46 f8a8fe49 496994bd 22eb0ac0 e509e548 bc1d5164 d89b689b ff805c23 3aa6fb7a
"""
MORE_TASKS = tuple(_MORE_IDS.split())  #: 60 further puzzles of the training split
