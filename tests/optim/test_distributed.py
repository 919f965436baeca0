"""Data-parallel training on two processes of this machine."""

import subprocess
import sys
import warnings
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from torch.testing._internal.distributed.fake_pg import FakeStore

from novacula.optim import LODO

PROGRAM = """
import sys
import torch
import torch.distributed as dist
from novacula.optim import LODO

rank, store = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
torch.manual_seed(0)
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 3))
optimizer = LODO(model.parameters(), lr=0.05)
data = torch.Generator().manual_seed(rank)
for _ in range(6):
    optimizer.zero_grad()
    model(torch.randn(8, 4, generator=data)).square().mean().backward()
    optimizer.step()
print(optimizer.stats()[0].checksum, [p.detach().double().sum().item() for p in model.parameters()])
dist.destroy_process_group()
"""


def test_two_processes_keep_one_preconditioner(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    processes = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "store")], stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert said[0] and said[0] == said[1]


def test_of_shards_each_process_has_a_state_of_its_own() -> None:
    """`torch.distributed.checkpoint` takes plain tensors for the same on all processes."""
    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    try:
        mesh = init_device_mesh("cpu", (2,))
        for placement, warned in ((Shard(0), True), (Replicate(), False)):
            parameter = torch.nn.Parameter(distribute_tensor(torch.ones(4, 2), mesh, [placement]))
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                LODO([parameter], scope="param").state_dict()
            assert any("file of its own" in str(each.message) for each in said) == warned
    finally:
        dist.destroy_process_group()
