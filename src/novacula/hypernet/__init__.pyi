from .analyst.label import Analysis as Analysis, analyze as analyze
from .analyst.orders import OrderParameters as OrderParameters
from .architecture import Architecture as Architecture
from .build import build as build
from .census import census as census
from .classify import Classified as Classified, classify as classify
from .compare import compare as compare
from .config import (
    BaselineConfig as BaselineConfig,
    BuildConfig as BuildConfig,
    CensusConfig as CensusConfig,
    ClassifyConfig as ClassifyConfig,
    CompareConfig as CompareConfig,
    GeneralizeConfig as GeneralizeConfig,
    SampleConfig as SampleConfig,
    TrainConfig as TrainConfig,
)
from .draw.pictures import write_plan as write_plan
from .foreign import from_sklearn as from_sklearn, from_torch as from_torch, open_network as open_network
from .formula import Formula as Formula, SizeLaw as SizeLaw, describe as describe, size_laws as size_laws
from .generalize import generalize as generalize
from .network import TargetNetwork as TargetNetwork
from .network import read_network as read_network, write_network as write_network
from .onnx_file import from_onnx as from_onnx
from .tasks import TASK_NAMES as TASK_NAMES, Task as Task, find_task as find_task
from .tasks.task import InputLaw as InputLaw
from .train import TrainResult as TrainResult, resume as resume, train as train
from .training.steps import train_directly as train_directly
from .training.generator import Generator as Generator, load_generator as load_generator, sample as sample
