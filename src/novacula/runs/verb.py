"""A verb that makes runs: its name, options and inputs, the function that begins its work, and its page.

The module of a verb has one `Verb`, and a public function that checks the verb's inputs and calls `Verb.start`. This
module contains what all verbs share: it makes the folders of runs, and drives, resumes and reports them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import Any, Generic, Protocol, TypeVar, get_args, runtime_checkable

from typing_extensions import Unpack, get_original_bases

from novacula.errors import RunError
from novacula.files import StrPath, refuse_links, to_json, write_bytes
from novacula.functions import allow_functions, check_functions
from novacula.options import Workers, check_system, moved, refuse_odd_names
from novacula.runs.folder import RECORD, RunFolder
from novacula.runs.guards import reading
from novacula.runs.listing import copy_run
from novacula.runs.loop import OnStep, Program, ResumeSettings, RunSettings, drive
from novacula.runs.machine import plain_torch, torch_threads
from novacula.runs.notebook import answer_html, cell_progress
from novacula.runs.record import Status, check_inputs, input_files, texts_in

Findings = TypeVar("Findings")

CHECKPOINT_SECONDS = 30.0
"""The shortest wall time between checkpoints; a killed run repeats at most the steps since the last one."""

JOB_CHECKPOINT_SECONDS, JOB_LOG_EVERY = 20.0, 500
"""The same for a run inside a job, and the number of steps between its log lines."""


@dataclass(frozen=True)
class RunResult(Generic[Findings]):
    """The result of a run. A verb with more results extends this class by properties."""

    status: Status  #: finished, interrupted or time-limit
    document: Mapping[str, Any] = field(repr=False, hash=False)  #: the content of ``result.json``
    report: Path  #: the path of the page with the pictures, in the run's folder
    findings: Findings = field(repr=False, hash=False)  #: the content of `document` as the verb's dataclass
    folder: RunFolder  #: the run's folder

    def save(self, to: StrPath) -> RunFolder:
        """Copies the run to a folder that does not exist yet, and returns the copy. Temporary runs are so kept.

        Raises:
            RunError: the folder exists, or the system refuses.
        """
        return copy_run(self.folder, to)

    def _repr_html_(self) -> str:
        return answer_html(self.report)


class NewFolder(RunSettings, total=False):
    """Names of a new run for people, and files that its folder needs, beside `RunSettings`."""

    about: str  #: the subject of the run, for lists
    label: str | None  #: the subject of the run, for the folder's name; `about` by default
    kept: Mapping[str, bytes]
    """The artifacts, by name, in which the new folder keeps what a resumed run needs of its inputs."""


@runtime_checkable
class Conducted(Protocol):
    """Work that is no `Program`, such as a campaign of many jobs, and runs itself."""

    def conduct(self, folder: RunFolder, *, time_limit: float | None, on_step: OnStep | None) -> Status:
        """Does the work, and leaves status and result in the folder."""
        ...


Config = TypeVar("Config")
Inputs = TypeVar("Inputs")
Subject = TypeVar("Subject")
Result = TypeVar("Result", bound=RunResult[Any])


@dataclass(frozen=True)
class NoInputs:
    """The inputs of a verb that needs only its options."""


@dataclass(frozen=True)
class Signature(Generic[Config, Inputs, Result]):
    """What a verb is called, what it takes, and what it gives."""

    command: str  #: the part and the verb as on the command line, such as ``arc solve``
    config: type[Config]  #: the dataclass of the verb's options, which run.json contains
    inputs: type[Inputs]
    """The dataclass of what a run needs beside its options. run.json contains it, so it has the names of files and
    not their content."""
    result: Callable[..., Result]
    """What the verb returns: `RunResult` of the dataclass of its findings, or a class that extends it."""

    @property
    def findings(self) -> type[Any]:
        """The dataclass of what a run finds, which result.json contains."""
        made = self.result
        return get_args(get_original_bases(made)[0] if isinstance(made, type) else made)[0]


@dataclass(frozen=True)
class Verb(Generic[Config, Inputs, Subject, Result]):
    """A kind of run."""

    signature: Signature[Config, Inputs, Result]  #: name, options, inputs and result
    load: Callable[[Config, Inputs, RunFolder], Subject]  #: reads and checks the inputs of a resumed run
    begin: Callable[[Config, Subject, RunFolder], Program | Conducted]  #: makes the work from options and inputs
    page: Callable[[RunFolder], Path]
    """Writes the report from the run's folder, finished or not; InputError where a file is damaged, OSError where the
    report cannot be written."""
    files: Callable[[Config, Inputs], Iterable[StrPath]] = lambda config, inputs: ()
    """Lists the inputs that are files or folders of the user."""
    functions: Callable[[Config, Inputs], tuple[str, ...]] = lambda config, inputs: ()
    """Lists the user's own functions that a run would call; see `novacula.functions`."""
    check: Callable[[Config], object] = lambda config: None
    """Refuses options that this machine cannot satisfy, before a folder exists."""
    threads: Callable[[Config], int] = torch_threads  #: returns the number of numeric threads for run.json
    seed: Callable[[Config, Inputs], int] = lambda config, inputs: config.seed  # pyright: ignore[reportAttributeAccessIssue]
    """Returns the seed from which a run derives all its seeds; by default the option of that name."""

    @property
    def part(self) -> str:
        """The part of novacula, such as ``arc``."""
        return self.signature.command.split()[0]

    @property
    def name(self) -> str:
        """The verb's name within its part, such as ``solve``."""
        return self.signature.command.split()[1]

    @plain_torch()
    def start(self, config: Config, inputs: Inputs, subject: Subject, **settings: Unpack[NewFolder]) -> Result:
        """Makes the folder of a new run, and does its work.

        Args:
            config: the options.
            inputs: the inputs for run.json.
            subject: the inputs themselves, read and checked.
            settings: see `NewFolder`.

        Raises:
            RunError: the system refuses to make the folder, or is Windows.
            InputError: the machine cannot satisfy the options, or a name is not in UTF-8.
        """
        folder = self.create(config, inputs, **settings)
        return self.work(config, subject, folder, **_watching(settings))

    def create(self, config: Config, inputs: Inputs, **settings: Unpack[NewFolder]) -> RunFolder:
        """Makes the folder of a new run, without its work. Arguments and errors are as for `start`."""
        check_system()
        self.check(config)
        functions = self.functions(config, inputs)
        allow_functions(functions)
        place = str(Path(settings.get("out") or settings.get("runs") or "").absolute())
        refuse_odd_names((place, *texts_in(to_json(inputs))))
        about, label, kept = settings.get("about", ""), settings.get("label"), settings.get("kept", {})
        folder = RunFolder.create(
            part=self.part,
            verb=self.name,
            about=about,
            configuration=config,
            inputs=inputs,
            files=input_files(self.files(config, inputs), functions, kept),
            seed=self.seed(config, inputs),
            threads=self.threads(config),
            label=about if label is None else label,
            runs=settings.get("runs"),
            out=settings.get("out"),
        )
        for name, content in kept.items():
            write_bytes(folder.artifact(name), content)
        return folder

    def read(self, folder: RunFolder) -> tuple[Config, Inputs]:
        """Returns the options and the inputs of a run.

        Raises:
            RunError: another verb made the run.
            InputError: run.json is damaged, or names a function that the user has not allowed.
        """
        record = folder.record
        if (record.part, record.verb) != (self.part, self.name):
            made = f"{record.part} {record.verb}"
            raise RunError(f"{folder.path}: is a run of `{made}`, not of `{self.signature.command}`")
        config = record.read_configuration(self.signature.config, folder.path)
        inputs = record.read_inputs(self.signature.inputs, folder.path)
        check_functions(self.functions(config, inputs))
        return config, inputs

    @plain_torch()
    def resume(
        self,
        folder: RunFolder,
        workers: Workers | None = None,
        cluster: str | None = None,
        **settings: Unpack[ResumeSettings],
    ) -> Result:
        """Continues a run of this verb exactly from its last checkpoint; arguments and errors are as for `resume`."""
        config, inputs = self.read(folder)
        self.check(config := moved(config, workers, cluster))
        check_inputs(folder.record.files, folder.path, self.signature.command)
        with reading(folder):
            subject = self.load(config, inputs, folder)
        return self.work(config, subject, folder, **settings)

    def write_page(self, folder: RunFolder) -> Path:
        """Writes the report of a run again, and returns its path.

        Raises:
            InputError, RunError: a file of the run is damaged.
        """
        refuse_links(folder.path)
        with reading(folder):
            return self.draw(folder)

    def draw(self, folder: RunFolder) -> Path:
        """Draws the page of a run whose files are sound, and returns its path. Its errors are not about files."""
        return self.page(folder)

    @plain_torch()
    def work_in_job(self, config: Config, inputs: Inputs, subject: Subject, out: Path) -> RunFolder:
        """Does the work of a run inside a job, from the folder's checkpoint or from the beginning. It draws no page.

        Args:
            config, inputs, subject: as for `start`.
            out: the run's folder. The method makes it if it does not exist.

        Raises:
            KeyboardInterrupt: a signal ended the worker. Another worker continues from the checkpoint.
        """
        folder = RunFolder.open(out) if (out / RECORD).exists() else self.create(config, inputs, out=out)
        work = self.begin(config, subject, folder)
        assert isinstance(work, Program), "a job is no campaign"
        if drive(work, folder, checkpoint_seconds=JOB_CHECKPOINT_SECONDS, log_every=JOB_LOG_EVERY) != "finished":
            raise KeyboardInterrupt
        return folder

    def work(self, config: Config, subject: Subject, folder: RunFolder, **settings: Unpack[ResumeSettings]) -> Result:
        """Does the work of a run in its folder, and draws its page. Arguments are as for `start` and `create`."""
        work = self.begin(config, subject, folder)
        time_limit = settings.get("time_limit")
        on_step = settings["on_step"] if "on_step" in settings else cell_progress()
        if isinstance(work, Program):
            seconds = settings.get("checkpoint_seconds", CHECKPOINT_SECONDS)
            status = drive(work, folder, checkpoint_seconds=seconds, time_limit=time_limit, on_step=on_step)
        else:
            status = work.conduct(folder, time_limit=time_limit, on_step=on_step)
        return self.signature.result(
            status=status,
            document=folder.read_result() or {},
            report=self.draw(folder),
            findings=folder.read_findings(self.signature.findings),
            folder=folder,
        )


def find_verb(folder: RunFolder) -> Verb[Any, Any, Any, Any]:
    """Returns the verb that made a run. The module ``verbs`` of a part lists its verbs as ``VERBS``.

    Raises:
        RunError: this novacula lacks the part or the verb.
    """
    part, name = folder.record.part, folder.record.verb
    module = f"novacula.{part}.verbs"
    if not (part.isidentifier() and part.isascii() and find_spec(f"novacula.{part}") and find_spec(module)):
        raise RunError(f"{folder.path}: is of part {part!r}, which this novacula does not have")
    for verb in import_module(module).VERBS:
        if verb.name == name:
            return verb
    raise RunError(f"{folder.path}: is a run of `{part} {name}`, which has no resume or report of its own")


def resume(
    folder: RunFolder | StrPath,
    *,
    workers: Workers | None = None,
    cluster: str | None = None,
    **settings: Unpack[ResumeSettings],
) -> RunResult[Any]:
    """Continues a run of any verb exactly from its last checkpoint.

    Args:
        folder: the run's folder, or its path.
        workers, cluster: another place for the jobs of a campaign; ``here`` leaves the cluster.
        settings: see `ResumeSettings`.

    Raises:
        RunError: there is no such run, or it is finished or in use.
        InputError: an input of the run does not exist or has changed, or the folder is damaged.

    Source: ours.
    """
    folder = RunFolder.open(folder.path if isinstance(folder, RunFolder) else folder)
    if folder.record.status == "finished":
        raise RunError(f"{folder.path}: is finished; `novacula runs show {quote(str(folder.path))}` shows its result")
    with folder.lock():
        return find_verb(folder).resume(folder, workers, cluster, **settings)


def _watching(settings: RunSettings) -> ResumeSettings:
    return {key: settings[key] for key in ResumeSettings.__annotations__ if key in settings}  # pyright: ignore
