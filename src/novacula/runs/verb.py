"""What a verb that makes runs is: its name, its options and inputs, what begins its work, and what draws its page.

A verb's module has one `Verb`, and a public function that checks the verb's inputs and calls `Verb.start`. Everything
else that runs have in common stands here: their folders, how they are driven, resumed and reported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any, Generic, Protocol, TypedDict, TypeVar, runtime_checkable

from typing_extensions import Unpack

from novacula.errors import RunError
from novacula.files import to_json
from novacula.functions import allow_functions, check_functions
from novacula.runs.folder import RECORD, RunFolder
from novacula.runs.guards import reading
from novacula.runs.loop import OnStep, Program, drive
from novacula.runs.record import Status

Findings = TypeVar("Findings")

CHECKPOINT_SECONDS = 30.0
"""Least wall time between checkpoints; a killed run repeats at most the steps since the last."""


JOB_CHECKPOINT_SECONDS, JOB_LOG_EVERY = 20.0, 500
"""The same for a run inside a job, and the steps between its log lines: a campaign that is cut off loses so much."""


@dataclass(frozen=True)
class RunResult(Generic[Findings]):
    """How a run ended. A verb that has more to say extends this class by properties.

    Attributes:
        status: finished, interrupted or time-limit.
        document: the content of ``result.json``.
        report: the page with the pictures, in the run's folder.
        findings: what the run found: the same as `document`, as the verb's dataclass.
        folder: the run's.
    """

    status: Status
    document: Mapping[str, Any]
    report: Path
    findings: Any = field(default=None, kw_only=True)
    folder: Any = field(default=None, kw_only=True)


class ResumeSettings(TypedDict, total=False):
    """How a run is watched and when it stops; none of it changes a result."""

    time_limit: float | None
    """Seconds of wall time after which the best so far is kept; by default there is no limit."""
    checkpoint_seconds: float
    """Least wall time between checkpoints, in seconds; 30 by default."""
    on_step: OnStep | None
    """Called after every step; a campaign's steps are its jobs."""


class RunSettings(ResumeSettings, total=False):
    """Where a run is made, beside `ResumeSettings`."""

    runs: str | PathLike[str]
    """Folder in which the run's own folder is made, under a name that no other run has; ``runs`` by default."""
    out: str | PathLike[str] | None
    """The run's folder itself, instead: one that does not exist, or is empty."""


@runtime_checkable
class Conducted(Protocol):
    """Work that is no `Program`, such as a campaign of many jobs: it conducts itself."""

    def conduct(self, folder: RunFolder, *, time_limit: float | None, on_step: OnStep | None) -> Status:
        """Does the work, and leaves status and result in the folder.

        Args:
            folder: the run's.
            time_limit: seconds of wall time.
            on_step: called when a part of the work has ended.
        """
        ...


Config = TypeVar("Config")
Inputs = TypeVar("Inputs")
Subject = TypeVar("Subject")
Result = TypeVar("Result", bound=RunResult[Any])


@dataclass(frozen=True)
class NoInputs:
    """Inputs of a verb that begins with its options alone."""


def torch_threads() -> int:
    """Returns the number of threads that torch computes with in this process."""
    import torch

    return torch.get_num_threads()


@dataclass(frozen=True)
class Verb(Generic[Config, Inputs, Subject, Result]):
    """A kind of run.

    Attributes:
        part: the part of novacula, such as ``arc``.
        name: the verb's name on the command line, such as ``solve``.
        config: its options; run.json keeps all of them.
        inputs: what a run begins with beside its options, as run.json keeps it: names of files, not their content.
        findings: what a run finds; result.json says it as JSON.
        load: reads the inputs of a run that is resumed, and checks them.
        begin: makes the work from options and inputs.
        page: writes the report from the run's folder.
        result: what the verb's function returns.
        functions: the user's own functions that a run would call; see `novacula.functions`.
        check: refuses what this machine cannot do, before a folder is made.
        threads: the number of numeric threads that a run is recorded with.
        seed: the seed from which all others of a run are derived; by default the option of that name.
    """

    part: str
    name: str
    config: type[Config]
    inputs: type[Inputs]
    findings: type[Any]
    load: Callable[[Config, Inputs, RunFolder], Subject]
    begin: Callable[[Config, Subject, RunFolder], Program | Conducted]
    page: Callable[[RunFolder], Path]
    result: Callable[..., Result]
    functions: Callable[[Config, Inputs], tuple[str, ...]] = lambda config, inputs: ()
    check: Callable[[Config], object] = lambda config: None
    threads: Callable[[], int] = torch_threads
    seed: Callable[[Config, Inputs], int] = lambda config, inputs: config.seed  # pyright: ignore[reportAttributeAccessIssue]

    def start(
        self,
        config: Config,
        inputs: Inputs,
        subject: Subject,
        *,
        about: str = "",
        label: str | None = None,
        store: Callable[[RunFolder], object] | None = None,
        **settings: Unpack[RunSettings],
    ) -> Result:
        """Makes the folder of a new run, and does its work.

        Args:
            config: options.
            inputs: for run.json.
            subject: the inputs themselves, read and checked.
            about: what the run is about, for lists.
            label: what the run is about, for the folder's name; by default `about`.
            store: keeps in the folder what the run needs to be resumed.
            settings: see `RunSettings`.

        Raises:
            RunError: the folder cannot be made.
            InputError: the machine cannot do what `config` asks for.
        """
        folder = self.create(config, inputs, about=about, label=label, store=store, **settings)
        return self._perform(config, subject, folder, **_watching(settings))

    def create(
        self,
        config: Config,
        inputs: Inputs,
        *,
        about: str = "",
        label: str | None = None,
        store: Callable[[RunFolder], object] | None = None,
        **settings: Unpack[RunSettings],
    ) -> RunFolder:
        """Makes the folder of a new run, without its work; arguments and errors as `start`."""
        self.check(config)
        allow_functions(self.functions(config, inputs))
        configuration, named = to_json(config), to_json(inputs)
        assert isinstance(configuration, dict) and isinstance(named, dict), "both are dataclasses"
        folder = RunFolder.create(
            part=self.part,
            verb=self.name,
            about=about,
            configuration=configuration,
            inputs=named,
            seed=self.seed(config, inputs),
            threads=self.threads(),
            label=about if label is None else label,
            runs=settings.get("runs", "runs"),
            out=settings.get("out"),
        )
        if store:
            store(folder)
        return folder

    def read(self, folder: RunFolder) -> tuple[Config, Inputs]:
        """Returns the options and the inputs of a run.

        Raises:
            RunError: the run is of another verb.
            InputError: run.json is damaged, or names a function that the user has not allowed.
        """
        record = folder.record
        if (record.part, record.verb) != (self.part, self.name):
            made, asked = f"{record.part} {record.verb}", f"{self.part} {self.name}"
            raise RunError(f"{folder.path}: is a run of `{made}`, not of `{asked}`")
        config = record.read_configuration(self.config, folder.path)
        inputs = record.read_inputs(self.inputs, folder.path)
        check_functions(self.functions(config, inputs))
        return config, inputs

    def resume(self, folder: RunFolder, **settings: Unpack[ResumeSettings]) -> Result:
        """Goes on with a run exactly where its last checkpoint left it.

        Args:
            folder: the run's; its inputs must still be where they were.
            settings: see `ResumeSettings`.

        Raises:
            InputError, RunError: an input is gone, or the folder is damaged or in use.
        """
        config, inputs = self.read(folder)
        self.check(config)
        with reading(folder):
            subject = self.load(config, inputs, folder)
        return self._perform(config, subject, folder, **settings)

    def write_page(self, folder: RunFolder) -> Path:
        """Writes the report of a run again, and returns its path.

        Raises:
            InputError, RunError: a file of the run is damaged.
        """
        with reading(folder):
            return self.draw(folder)

    def draw(self, folder: RunFolder) -> Path:
        """Draws the page of a run whose files are known to be sound, and returns its path."""
        return self.page(folder)

    def work_in_job(self, config: Config, inputs: Inputs, subject: Subject, out: Path) -> RunFolder:
        """Does the work of a run inside a job, from the checkpoint in its folder where there is one. Draws no page.

        Args:
            config, inputs, subject: as in `start`.
            out: the run's folder, which is made if it does not exist.

        Raises:
            KeyboardInterrupt: the worker was told to end; another one goes on from the checkpoint.
        """
        folder = RunFolder.open(out) if (out / RECORD).exists() else self.create(config, inputs, out=out)
        work = self.begin(config, subject, folder)
        assert isinstance(work, Program), "a job is no campaign"
        if drive(work, folder, checkpoint_seconds=JOB_CHECKPOINT_SECONDS, log_every=JOB_LOG_EVERY) != "finished":
            raise KeyboardInterrupt
        return folder

    def _perform(
        self, config: Config, subject: Subject, folder: RunFolder, **settings: Unpack[ResumeSettings]
    ) -> Result:
        work = self.begin(config, subject, folder)
        time_limit, on_step = settings.get("time_limit"), settings.get("on_step")
        if isinstance(work, Program):
            seconds = settings.get("checkpoint_seconds", CHECKPOINT_SECONDS)
            status = drive(work, folder, checkpoint_seconds=seconds, time_limit=time_limit, on_step=on_step)
        else:
            status = work.conduct(folder, time_limit=time_limit, on_step=on_step)
        return self.result(
            status=status,
            document=folder.read_result() or {},
            report=self.draw(folder),
            findings=folder.read_findings(self.findings),
            folder=folder,
        )


def find_verb(folder: RunFolder) -> Verb[Any, Any, Any, Any]:
    """Returns the verb that made a run. A part lists its verbs as ``VERBS`` in its module ``verbs``.

    Raises:
        RunError: this novacula has no such part, or the part no such verb.
    """
    part, name = folder.record.part, folder.record.verb
    module = f"novacula.{part}.verbs"
    if not (part.isidentifier() and part.isascii() and find_spec(f"novacula.{part}") and find_spec(module)):
        raise RunError(f"{folder.path}: is of part {part!r}, which this novacula does not have")
    for verb in import_module(module).VERBS:
        if verb.name == name:
            return verb
    raise RunError(f"{folder.path}: is a run of `{part} {name}`, which is not resumed or reported by itself")


def resume(folder: RunFolder | str | PathLike[str], **settings: Unpack[ResumeSettings]) -> RunResult[Any]:
    """Goes on with a run of any verb exactly where its last checkpoint left it.

    Args:
        folder: the run's, or its path.
        settings: see `ResumeSettings`.

    Raises:
        RunError: there is no run, it is finished, or it is in use.
        InputError: an input of the run is gone, or its folder is damaged.

    Source: ours.
    """
    folder = folder if isinstance(folder, RunFolder) else RunFolder.open(folder)
    if folder.record.status == "finished":
        raise RunError(f"{folder.path}: is finished; `novacula runs show {folder.path}` tells its result")
    with folder.lock():
        return find_verb(folder).resume(folder, **settings)


def _watching(settings: RunSettings) -> ResumeSettings:
    return {key: settings[key] for key in ResumeSettings.__annotations__ if key in settings}  # pyright: ignore
