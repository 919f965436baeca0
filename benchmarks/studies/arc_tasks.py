"""The puzzles of the ARC studies: drawn once, before any was run, and never changed.

TASKS: numpy.random.default_rng(251206104).choice(sorted ids of the ARC-AGI-1 training split, 60, replace=False)
MORE_TASKS: numpy.random.default_rng(251206105).choice(those of the sorted ids that are not in TASKS, 60, replace=False)
CHECK_TASKS: numpy.random.default_rng(251206106).choice(those of the sorted ids that are in neither, 80, replace=False)
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

_CHECK_IDS = """
a61ba2ce bb43febb 67a423a3 6e19193c b548a754 d4469b4b 1190e5a7 a699fb00 321b1fc6 444801d8
beb8660c 3618c87e d2abd087 b782dc8a 5daaa586 e40b9e2f 22233c11 0ca9ddb6 b60334d2 9aec4887
746b3537 8e5a5113 ed36ccf7 6d0160f0 7df24a62 23581191 3ac3eb23 f25fbde4 c909285e c8f0f002
2bee17df 46f33fce 27a28665 98cf29f8 1bfc4729 0962bcdd 963e52fc 9edfc990 a8d7556c f25ffba3
25d487eb e6721834 d90796e8 5168d44c ba97ae07 fafffa47 1f85a75f 1b60fb0c a1570a43 447fd412
928ad970 d23f8c26 1b2d62fb a5313dff 846bdb03 f8b3ba0a db93a21d 22168020 6c434453 91413438
ae3edfdc a416b8f3 8f2ea7aa 6ecd11f4 48d8fb45 54d82841 8d510a79 1f876c06 6aa20dc0 c9f8e694
7f4411dc 5614dbcf f2829549 caa06a1f a65b410d 10fcaaa3 47c1f68c ce4f8723 a5f85a15 2281f1f4
"""
CHECK_TASKS = tuple(_CHECK_IDS.split())  #: 80 further puzzles of the training split, to check rules of choice on
