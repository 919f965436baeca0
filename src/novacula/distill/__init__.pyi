from .sources.behavior import RecurrentNetwork as RecurrentNetwork
from .bench import bench as bench
from .networks.cells import CellNetwork as CellNetwork, Layer as Layer
from .config import BenchConfig as BenchConfig, RunConfig as RunConfig
from .verify.target import program_machine as program_machine
from .export import (
    c_source as c_source,
    machine_dot as machine_dot,
    machine_mermaid as machine_mermaid,
    machine_python as machine_python,
    machine_svg as machine_svg,
    program_python as program_python,
    smt_source as smt_source,
)
from .bench_report import BenchFindings as BenchFindings
from .findings import DistillFindings as DistillFindings
from .networks.torch_module import from_torch as from_torch
from .program.machine import Machine as Machine, Transitions as Transitions
from .networks.network import Network as Network, load_network as load_network, save_network as save_network
from .normalize import NormalForm as NormalForm, normalize as normalize
from .program.program import Program as Program
from .run import DistillResult as DistillResult, run as run
from .sources.sequences import Sequences as Sequences
from .states import States as States, read_states as read_states
from .synth import Candidate as Candidate, synthesize as synthesize
from .tasks import TASKS as TASKS, SequenceTask as SequenceTask
from .verify import Certificate as Certificate, Target as Target, verify as verify
