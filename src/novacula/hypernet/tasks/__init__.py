"""Tasks of target networks: functions of n numbers with a law of inputs, for every n that the function admits."""

from novacula.hypernet.tasks.find import TASK_NAMES, find_task
from novacula.hypernet.tasks.task import SYMMETRIES, Symmetry, Task
