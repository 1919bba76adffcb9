"""Chunks of a population, trained one after another or side by side.

A population that is too large for memory is split into chunks that use one program in turn; the state of a chunk is
saved while another uses the program. A long training of narrow networks is split into one chunk per core: their matrix
products are too small for several cores, so the chunks run side by side in threads, each in its own program.

No operation mixes two members, so the results are those of one program, up to rounding.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np

from tabular_dl.errors import DataError
from tabular_dl.nn.batches import Feed, Table
from tabular_dl.nn.choices import Device
from tabular_dl.nn.chunk_plan import pays_for_a_program, planned_chunks, training_work
from tabular_dl.nn.devices import placed
from tabular_dl.nn.early_stopping import Stopping
from tabular_dl.nn.kept_programs import checked_out
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network, Weights
from tabular_dl.nn.program import Program
from tabular_dl.nn.program_key import ProgramKey

__all__ = ["Chunks"]

# Compiling with XLA takes one to three seconds and saves milliseconds per step, so this many steps are needed.
STEPS_THAT_PAY_FOR_XLA = 400
# Greater weights are a sign of divergence.
LARGE = 1e3


class Chunks:
    """All chunks of a population.

    Parameters
    ----------
    stack : ExitStack
        Stack that releases programs and threads when training ends.
    network, table, members, training
        As for `tabular_dl.nn.training.fit_population`.
    weights : dict of str to ndarray of shape (P, in, out)
        Initial weights.
    most_threads : int, optional
        Maximum number of chunks side by side; by default the number of cores.
    """

    def __init__(
        self,
        stack: ExitStack,
        network: Network,
        table: Table,
        members: Members,
        training: Training,
        weights: Weights,
        most_threads: int | None = None,
    ) -> None:
        copies = network.networks if network.own_batches else 1
        feed = Feed(table, members, training.batch_size, copies=copies, drop_last=training.drop_last)
        threads, parts = planned_chunks(network, table, feed, members, training, most_threads or os.cpu_count() or 1)
        self.threads = [_Thread(stack, training.device) for _ in range(threads)]
        self.map: Callable[..., Iterable[None]] = map
        if threads > 1:
            self.map = stack.enter_context(ThreadPoolExecutor(threads)).map
        self.chunks = []
        for index, (numbers, counted) in enumerate(parts):
            thread = self.threads[index % threads]
            part = {name: weight[numbers] for name, weight in weights.items()}
            chunk = Chunk(thread, network, table, members.take(numbers), training, feed.take(numbers), part, counted)
            self.chunks.append(chunk)
            thread.chunks.append(chunk)

    def epoch(self, number: int) -> dict[str, np.ndarray]:
        """Train all members for an epoch, and return its figures, each (P,); NaN for members that had stopped."""
        list(self.map(lambda thread: thread.epoch(number), self.threads))
        return {
            name: np.concatenate([chunk.figures[name][: chunk.counted] for chunk in self.chunks])
            for name in self.chunks[0].figures
        }

    def stopping(self, name: str) -> np.ndarray:
        """Return an attribute of `Stopping` of all members, (P,)."""
        return np.concatenate([getattr(chunk.stopping, name)[: chunk.counted] for chunk in self.chunks])

    def stop(self, stopped: np.ndarray) -> np.ndarray:
        """Stop some members, (P,), as if their patience had ended, and return whether each still trains."""
        start = 0
        for chunk in self.chunks:
            chunk.stop(stopped[start : start + chunk.counted])
            start += chunk.counted
        return self.stopping("active")

    def finish(self) -> None:
        """Mark members as diverged if the loss of their last weights, which no epoch computes, is not finite."""
        for chunk in self.chunks:
            chunk.check_last()

    def weights(self, *, best: bool) -> Weights:
        """Return all members' weights, those of their best or of their last epoch."""
        parts = [chunk.weights(best=best) for chunk in self.chunks]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class _Thread:
    """Chunks of a thread, and the programs that they use in turn."""

    def __init__(self, stack: ExitStack, device: Device) -> None:
        self.stack, self.device = stack, device
        self.chunks: list[Chunk] = []
        self.programs: dict[ProgramKey, Program] = {}
        self.users: dict[ProgramKey, Chunk] = {}

    def epoch(self, number: int) -> None:
        with placed(self.device):  # it holds for one thread only
            for chunk in self.chunks:
                chunk.epoch(number)

    def program(self, key: ProgramKey, chunk: Chunk) -> Program:
        """Return a program with a chunk's state, after saving the state of the chunk that used it before."""
        if key not in self.programs:
            self.programs[key] = self.stack.enter_context(checked_out(key))
        program, user = self.programs[key], self.users.get(key)
        if user is not chunk:
            if user is not None and user.program is program:
                user.state = program.save()
            self.users[key] = chunk
            if chunk.state is not None:
                program.restore(chunk.state)
                chunk.state = None
        return program


class Chunk:
    """Members that train in one program, and the weights of members that have stopped.

    The first ``counted`` members are part of the results; the others only fill up the program's size.
    """

    def __init__(
        self,
        thread: _Thread,
        network: Network,
        table: Table,
        members: Members,
        training: Training,
        feed: Feed,
        weights: Weights,
        counted: int,
    ) -> None:
        self.thread, self.network, self.table, self.members, self.training = thread, network, table, members, training
        self.feed, self.counted = feed, counted
        self.numbers = np.arange(len(members))
        self.stopping = Stopping(members, training.monitor)
        self.figures: dict[str, np.ndarray] = {}
        self.best, self.last = ({name: w.copy() for name, w in weights.items()} for _ in range(2))
        self.state: list[np.ndarray] | None = None
        self.program: Program | None = None
        steps = feed.steps * table.blocks * training.epochs
        self.xla = steps >= STEPS_THAT_PAY_FOR_XLA if training.compile == "auto" else training.compile
        shapes = (table.block_rows, table.groups, feed.steps, feed.copies * feed.batch_size, feed.held_out)
        self.shapes = shapes if self.xla else ()
        self.key = self.key_of(members)
        self.enter().reset(weights, members, feed.steps_an_epoch, training)

    def key_of(self, members: Members) -> ProgramKey:
        """Return the key of the program that some members train in."""
        return ProgramKey.of(self.network, members, self.training, self.shapes, self.xla)

    def enter(self) -> Program:
        """Return the program, with the values of this chunk."""
        self.program = self.thread.program(self.key, self)
        return self.program

    def epoch(self, number: int) -> None:
        """Train an epoch unless all members have stopped, and set ``figures``, each of shape (members,)."""
        active = self.stopping.active
        if not active.any():
            self.figures = {name: np.full(len(self.members), np.nan) for name in self.figures}
            return
        program = self.enter()
        sums: float | np.ndarray = 0.0
        for block, batches in self.feed.epoch(number):
            sums = sums + program.train(*self.table.block(block), batches)
        figures = self._means(np.asarray(sums))
        if self.members.held_out:
            figures |= self._validate(program, active[self.numbers])
        self.figures = {name: self._for_all(values, active) for name, values in figures.items()}
        self._update_stopping(number, program)
        self._continue(self.training.epochs - number)

    def _continue(self, epochs_left: int) -> None:
        """Continue with the members that still train, in a smaller program if that saves time."""
        self._shrink(epochs_left)
        self.enter().set_active(self.stopping.active[self.numbers], self.stopping.rate_factors[self.numbers])

    def stop(self, stopped: np.ndarray) -> None:
        """Stop some of the first ``counted`` members."""
        if (self.stopping.active[: self.counted] & stopped).any():
            self.stopping.active[: self.counted] &= ~stopped
            self._continue(self.training.epochs - int(self.stopping.last_epoch.max()))

    def _update_stopping(self, number: int, program: Program) -> None:
        """Keep the weights of members that improved, and stop members without improvement or with infinite losses."""
        losses = [values for name, values in self.figures.items() if name in ("loss", "val_loss")]
        monitored = self.figures[("val_" if self.members.held_out else "") + self.training.monitor.name]
        sound = np.all(np.isfinite(losses), axis=0)
        unknown = np.flatnonzero(self.stopping.active & sound & ~np.isfinite(monitored))
        if len(unknown):
            rows = len((self.members.validation_rows or ())[unknown[0]])
            raise DataError(
                f"monitor: {self.training.monitor.name} cannot be computed on the {rows} held-out rows of a member "
                f"(seed {self.members.seeds[unknown[0]]}): it is {monitored[unknown[0]]}. Hold out more rows "
                "(validation_fraction), or set monitor to loss."
            )
        improved = self.stopping.update(number, monitored, sound)
        if improved.any() or program.starts:
            program.keep_best(improved[self.numbers], self.members.kept_at_start[self.numbers])

    def check_last(self) -> None:
        """Mark members as diverged by the loss of their weights on a batch of their training rows.

        Only without held-out rows: a training loss is that of the weights before a step, so no epoch has computed the
        loss after the last step.
        """
        if self.members.held_out:
            return
        program, total = self.enter(), np.zeros(())
        if all((np.abs(weight) <= LARGE).all() for weight in program.weights(best=False).values()):
            return  # weights are large after a step that makes a loss infinite, so `evaluate` is rarely compiled
        for block, batches in self.feed.samples():
            total = total + program.evaluate(*self.table.block(block), batches)[0]
            if (total[-1] > 0).all():
                break
        unsound = self.numbers[~np.isfinite(total[0])]
        self.stopping.diverged[unsound] = True
        self.stopping.active[unsound] = False

    def _validate(self, program: Program, active: np.ndarray) -> dict[str, np.ndarray]:
        """Return loss, metrics and monitored figure on validation rows, each (members present,)."""
        monitor = self.training.monitor
        total: float | np.ndarray = 0.0
        results: list[tuple[np.ndarray, ...]] = []
        for block, batches in self.feed.validation_blocks():
            sums, outputs, targets = program.evaluate(*self.table.block(block), batches)
            total = total + sums
            if monitor.function is not None:
                results.append((outputs, targets, batches.weights[0]))
        figures = {f"val_{name}": values for name, values in self._means(np.asarray(total)).items()}
        if monitor.function is not None:
            sound = active & np.isfinite(figures["val_loss"])
            parts = [np.concatenate(part, axis=1) for part in zip(*results, strict=True)]
            figures[f"val_{monitor.name}"] = np.array(
                [
                    self._monitored(*(part[k] for part in parts)) if sound[k] else np.nan
                    for k in range(len(self.numbers))
                ]
            )
        return figures

    def _monitored(self, outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
        """Return the monitored figure of a member, without rows of weight 0."""
        used = weights > 0
        used_weights = None if self.members.validation_weights is None else weights[used]
        return self.training.monitor.function(targets[used], outputs[used], used_weights)  # type: ignore[misc]

    def _means(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Return means of loss and metrics from sums over rows of loss, metrics and weight, each (members present,)."""
        return dict(zip(("loss", *self.training.metrics), sums[:-1] / sums[-1], strict=True))

    def _for_all(self, values: np.ndarray, active: np.ndarray) -> np.ndarray:
        """Return values of all members from those of the members present in the program; NaN for others."""
        of_all = np.full(len(self.members), np.nan)
        of_all[self.numbers] = values
        return np.where(active, of_all, np.nan)

    def _shrink(self, epochs_left: int) -> None:
        """Move to a program of half the size if half of the members have stopped and enough work remains.

        Work is measured in operations: if it were in seconds, results would depend on the load of the machine.
        """
        active = self.stopping.active
        half = -(-len(self.numbers) // 2)
        rows = self.feed.steps * self.feed.batch_size * self.table.blocks
        saved = training_work(self.network, rows, epochs_left) * (len(self.numbers) - half)
        if len(self.numbers) == 1 or active.sum() > half or not active.any() or not pays_for_a_program(saved):
            return
        # Stopped members fill up the half, so that there are few sizes and programs are reused.
        staying = np.argsort(~active[self.numbers], kind="stable")[:half]
        self.check_last()
        self._copy_weights()
        larger = self.enter()
        self.key = self.key_of(self.members.take(self.numbers[staying]))
        self.enter().take_over(larger, staying)
        self.numbers = self.numbers[staying]
        self.feed = self.feed.take(staying)

    def _copy_weights(self) -> None:
        program = self.enter()
        for kept, best in ((self.best, True), (self.last, False)):
            for name, weight in program.weights(best=best).items():
                kept[name][self.numbers] = weight

    def weights(self, *, best: bool) -> Weights:
        """Return the weights of the first ``counted`` members, those of their best or of their last epoch."""
        self._copy_weights()
        return {name: weight[: self.counted] for name, weight in (self.best if best else self.last).items()}
