from .bench import bench as bench
from .config import BenchConfig as BenchConfig, SolveConfig as SolveConfig, SubmitConfig as SubmitConfig
from .data.files import load_solutions as load_solutions
from .data.sources import (
    TaskSummary as TaskSummary,
    list_tasks as list_tasks,
    load_solution as load_solution,
    load_task as load_task,
)
from .answers.answers import Answers as Answers, Attempt as Attempt, ranked as ranked
from .network.engine import Engine as Engine
from .network.network import Layers as Layers, Network as Network, Outputs as Outputs
from .network.weights import Block as Block
from .network.torch_engine import TorchEngine as TorchEngine
from .data.puzzle import Puzzle as Puzzle, preprocess as preprocess
from .record import record as record
from .answers.recording import (
    Origin as Origin,
    Proposals as Proposals,
    Recording as Recording,
    grid_digest as grid_digest,
)
from .answers.recording_file import read_recording as read_recording, write_recording as write_recording
from .score import (
    SubmissionScore as SubmissionScore,
    score_attempts as score_attempts,
    score_run as score_run,
    score_submission as score_submission,
)
from .solve import SolveResult as SolveResult, solve as solve
from .submit import SubmitResult as SubmitResult, submit as submit
from .data.task import Grid as Grid, Solution as Solution, Task as Task
from .data.task import Verdict as Verdict
