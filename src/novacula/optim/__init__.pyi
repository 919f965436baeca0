from .bench import bench as bench
from .config import (
    BenchConfig as BenchConfig,
    DemoConfig as DemoConfig,
    GroupOptions as GroupOptions,
    SharedOptions as SharedOptions,
)
from .demo import demo as demo
from .lodo import LODO as LODO
from .stats import PreconditionerStats as PreconditionerStats
