"""The benchmark's tasks. Only verification may look at a task's program; nothing that synthesizes imports this."""

from novacula.distill.tasks.table import TASKS, VARIANTS, PublishedRecord, SequenceTask
