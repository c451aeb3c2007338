"""The record of a search: Optuna's study in a journal file or a database, which several processes share."""

import itertools
import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twincell.errors import UserError
from twincell.seeding import seed_for
from twincell.tuning.coordinate import key_of, walk
from twincell.tuning.space import Parameter, Point, Space

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

JOURNAL, TRIALS, LOCK = "study.journal", "trials", "running.lock"
MARK = "asking.lock"
"""Stands in the folder of every search; held while a process takes a trial."""
METHODS = ("tpe", "coordinate")
REFUSED = "refused"
"""Says why a trial could not be trained."""
PROPOSALS = 400
"""Random stream of the proposals."""
STARTUP = 10
"""Trials by chance before the tree-structured Parzen estimator has enough to go by."""
_PASSWORD = re.compile(r"://[^/@:]*:(.*)@|[?&](?:password|passwd|pwd|sslpassword)=([^&#]*)", re.IGNORECASE)
UNPRUNED = 4
"""Trials that end before any other is stopped early."""


@dataclass(frozen=True)
class Turn:
    """A trial that is this process's to train, and its folder."""

    trial: "optuna.Trial"
    folder: Path


class Waiting(Exception):  # noqa: N818 - no error: others are at work
    """Nothing to do until another process has finished its trial."""


def need_optuna() -> None:
    """Refuses in one sentence where Optuna is not installed."""
    try:
        import filelock  # noqa: F401
        import optuna
    except ImportError as error:
        raise UserError(
            f"twincell tune needs {error.name}, which is not installed: pip install optuna filelock"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)


class Search:
    """One study: who trains what next.

    Args:
        out: folder of this search; trials are trained in it. Processes with the same `out` share them.
        storage: a database as SQLAlchemy names it, such as sqlite:///study.db; None = a journal in `out`.
        name: of the study in the database.
        space: what is varied.
        method: tpe or coordinate.
        seed: of the proposals.
        identity: what makes two searches the same; JSON values.

    Raises:
        UserError: when the study there is another one, or the database cannot be opened.
    """

    def __init__(
        self,
        out: Path,
        storage: str | None,
        name: str,
        space: Space,
        method: str,
        seed: int,
        identity: dict[str, Any],
    ) -> None:
        import optuna
        from filelock import FileLock

        self._out, self._space, self._method, self._seed = out, space, method, seed
        self._own_journal = storage is None
        self._asking = FileLock(out / MARK)
        self._held: dict[int, FileLock] = {}
        pruner = (
            optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED)
            if method == "tpe"
            else optuna.pruners.NopPruner()
        )
        with self._asking:
            self.study = optuna.create_study(
                study_name=name,
                storage=_storage(out, storage),
                direction="minimize",
                pruner=pruner,
                load_if_exists=True,
            )
            self._agree(identity)

    @contextmanager
    def turn(self, trials: int | None) -> Iterator[Turn | None]:
        """The next trial to train: one that a killed process left, else a new one; None when there is none.

        Args:
            trials: how many the study shall have.

        Raises:
            Waiting: in coordinate search, when all points that are needed are being trained by others.
        """
        with self._asking:
            found = self._left_behind()
            if found is None and (trials is None or self.number < trials):
                found = self._new()
        try:
            yield found
        finally:
            if found is not None:
                self._held.pop(found.trial.number).release()

    @property
    def number(self) -> int:
        """How many trials there are, finished or running, without those cut off before they began."""
        failed = _states().FAIL
        trials = self.study.get_trials(deepcopy=False)
        return sum(trial.state != failed or REFUSED in trial.user_attrs for trial in trials)

    @property
    def trials(self) -> "list[optuna.trial.FrozenTrial]":
        """Every trial, by number."""
        return self.study.get_trials(deepcopy=False)

    def _agree(self, identity: dict[str, Any]) -> None:
        noted = self.study.user_attrs.get("identity")
        asked = json.loads(json.dumps(identity))
        if noted is None:
            self.study.set_user_attr("identity", asked)
            return
        if other := list(_differences(noted, asked)):
            raise UserError(
                [
                    f"{self._out}: its search has another {line}; give the same one, or another --out"
                    for line in other
                ]
            )

    def _left_behind(self) -> Turn | None:
        """A running trial whose process is gone."""
        import optuna

        for trial in self.study.get_trials(deepcopy=False, states=(_states().RUNNING,)):
            folder = self._folder(trial.number)
            if folder.is_dir():
                if self._take(trial.number):
                    return Turn(optuna.Trial(self.study, trial._trial_id), folder)
            elif self._own_journal:  # its process was killed before it made the folder
                self.study.tell(trial.number, state=_states().FAIL)
        return None

    def _new(self) -> Turn | None:
        known, busy = self._known()
        if self._method == "coordinate":
            missing = walk(self._space, known).open
            free = [point for point in missing if key_of(self._space, point) not in busy]
            if not missing:
                return None
            if not free:
                raise Waiting
            trial = self._at(free[0])
        elif key_of(self._space, self._space.own) not in known.keys() | busy:
            trial = self._at(self._space.own)  # the preset itself is the first to be beaten
        else:
            self.study.sampler = self._sampler()
            trial = self.study.ask(self._distributions())
        folder = self._folder(trial.number)
        folder.mkdir(parents=True)
        self._take(trial.number)
        return Turn(trial, folder)

    def _at(self, point: Point) -> "optuna.Trial":
        """A running trial at a point, put on record whole: a kill leaves all of it or nothing."""
        import optuna

        running = _states().RUNNING
        self.study.add_trial(
            optuna.trial.create_trial(state=running, params=point, distributions=self._distributions())
        )
        here = [t for t in self.study.get_trials(deepcopy=False, states=(running,)) if t.params == point]
        return optuna.Trial(self.study, here[-1]._trial_id)

    def _distributions(self) -> "dict[str, BaseDistribution]":
        return {parameter.name: _distribution(parameter) for parameter in self._space.parameters}

    def _sampler(self) -> "optuna.samplers.BaseSampler":
        """Seeded by the trial's number, so that a search that was killed proposes what it would have."""
        import optuna

        seed = seed_for(self._seed, self.number, PROPOSALS) % 2**32
        return optuna.samplers.TPESampler(n_startup_trials=STARTUP, constant_liar=True, seed=seed)

    def _known(self) -> tuple[dict[tuple[Any, ...], float], set[tuple[Any, ...]]]:
        """Errors by point, and points in work."""
        states = _states()
        known, busy = {}, set()
        for trial in self.study.get_trials(deepcopy=False):
            if len(trial.params) < len(self._space.parameters):
                continue
            key = key_of(self._space, trial.params)
            if trial.state == states.RUNNING:
                busy.add(key)
            elif trial.state == states.COMPLETE and trial.value is not None:
                known[key] = trial.value
            elif trial.state == states.PRUNED or REFUSED in trial.user_attrs:
                known[key] = math.inf  # what was cut off before it began may be tried again
        return known, busy

    def _take(self, number: int) -> bool:
        """Holds a trial's lock, which the system opens when its holder dies."""
        from filelock import FileLock, Timeout

        lock = FileLock(self._folder(number) / LOCK)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        self._held[number] = lock
        return True

    def _folder(self, number: int) -> Path:
        return self._out / TRIALS / f"{number:04d}"


def _storage(out: Path, url: str | None) -> "optuna.storages.BaseStorage":
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalStorage

    if url is None:
        return JournalStorage(JournalFileBackend(str(out / JOURNAL)))
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return optuna.storages.RDBStorage(url)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        reason = str(error).splitlines()[0].replace(url, masked(url))
        for secret in _secrets(url):
            reason = reason.replace(secret, "***")
        # Without its cause: a traceback of that shows the address as it was given.
        raise UserError(
            f"--storage {masked(url)}: cannot be opened ({reason}); name a database such as "
            "sqlite:///study.db"
        ) from None


def masked(url: str) -> str:
    """The address of a database without its password: what may be printed and kept."""
    for secret in _secrets(url):
        url = url.replace(f":{secret}@", ":***@").replace(f"={secret}", "=***")
    return url


def _secrets(url: str) -> list[str]:
    """Passwords in the address: between user and host, or as a parameter of its own."""
    return [secret for secret in itertools.chain(*_PASSWORD.findall(url)) if secret]


def _distribution(parameter: Parameter) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.scale is None:
        return CategoricalDistribution(parameter.values)
    low, high = min(parameter.values), max(parameter.values)
    log = parameter.scale == "log"
    if parameter.whole:
        return IntDistribution(low, high, log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _states() -> "type[optuna.trial.TrialState]":
    from optuna.trial import TrialState

    return TrialState


def _differences(old: Any, new: Any, name: str = "") -> Iterator[str]:
    """The name of each value that differs, and both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key), new.get(key), f"{name}.{key}" if name else key)
    elif old != new:
        yield f"{name} ({json.dumps(old)[:60]}, now {json.dumps(new)[:60]})"
