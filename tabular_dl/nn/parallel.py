"""A population in parts: chunks of members in their programs, one after another or side by side.

A population that is too large for memory is cut into chunks that take turns in one program, each with its state put
aside while it waits. A long training of narrow networks is cut into one chunk a core: their matrix products are too
small to be spread over cores, so the chunks run side by side in threads, each in a program of its own.

Nothing here mixes two members, so the results are those of one program, up to rounding.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import numpy as np

from tabular_dl.errors import DataError
from tabular_dl.nn.batches import Feed, Table
from tabular_dl.nn.early_stopping import Stopping
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network, Weights
from tabular_dl.nn.program import Program, ProgramKey, checked_out

__all__ = ["Crew"]

# Compiling with XLA costs one to three seconds, and saves some milliseconds a step: it pays from about here.
STEPS_THAT_PAY_FOR_XLA = 400
# Floating-point operations of a training of which one program more saves as much as compiling it costs.
WORK_THAT_PAYS_FOR_A_PROGRAM = 1.2e11
# Memory that the variables and activations of one program may take.
CHUNK_BYTES = 2**30
# Weights beyond this are a sign of divergence.
LARGE = 1e3
# Operations of a matrix product of one member below which a core more does not help it.
NARROW_PRODUCT = 2**20
# Fewer members than this do not keep a core busy.
MEMBERS_THAT_FILL_A_CORE = 8


class Crew:
    """All members of a population at work.

    Parameters
    ----------
    stack : ExitStack
        Gives programs and threads back when training ends.
    network, table, members, training
        As for `tabular_dl.nn.training.fit_population`.
    weights : dict of str to ndarray of shape (P, in, out)
        The initial weights.
    """

    def __init__(
        self,
        stack: ExitStack,
        network: Network,
        table: Table,
        members: Members,
        training: Training,
        weights: Weights,
    ) -> None:
        feed = Feed(table, members, training.batch_size)
        threads, parts = _parts(network, table, feed, members, training)
        self.threads = [_Thread(stack) for _ in range(threads)]
        self.map: Any = map if threads == 1 else stack.enter_context(ThreadPoolExecutor(threads)).map
        self.chunks = []
        for index, (numbers, counted) in enumerate(parts):
            thread = self.threads[index % threads]
            own = {name: weight[numbers] for name, weight in weights.items()}
            chunk = Chunk(thread, network, table, members.take(numbers), training, feed.take(numbers), own, counted)
            self.chunks.append(chunk)
            thread.chunks.append(chunk)

    def epoch(self, number: int) -> dict[str, np.ndarray]:
        """Train all members for an epoch; return its figures, each (P,), NaN for members that had stopped."""
        list(self.map(lambda thread: thread.epoch(number), self.threads))
        return {
            name: np.concatenate([chunk.figures[name][: chunk.counted] for chunk in self.chunks])
            for name in self.chunks[0].figures
        }

    def stopping(self, name: str) -> np.ndarray:
        """Return an attribute of `Stopping` of all members, (P,)."""
        return np.concatenate([getattr(chunk.stopping, name)[: chunk.counted] for chunk in self.chunks])

    def stop(self, stopped: np.ndarray) -> np.ndarray:
        """Stop some members, (P,), as if their patience had ended; return which still train."""
        start = 0
        for chunk in self.chunks:
            chunk.stop(stopped[start : start + chunk.counted])
            start += chunk.counted
        return self.stopping("active")

    def finish(self) -> None:
        """Find members whose last weights give a loss that is not finite, which no figure of an epoch shows."""
        for chunk in self.chunks:
            chunk.check_last()

    def weights(self, *, best: bool) -> Weights:
        """Return all members' weights, of their best or of their last epochs."""
        parts = [chunk.weights(best=best) for chunk in self.chunks]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class _Thread:
    """Programs that some chunks take turns in."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.chunks: list[Chunk] = []
        self.programs: dict[ProgramKey, Program] = {}
        self.inside: dict[ProgramKey, Chunk] = {}

    def epoch(self, number: int) -> None:
        for chunk in self.chunks:
            chunk.epoch(number)

    def program(self, key: ProgramKey, chunk: Chunk) -> Program:
        """Give a program to a chunk, and save the state of the chunk that used it before."""
        if key not in self.programs:
            self.programs[key] = self.stack.enter_context(checked_out(key))
        program, other = self.programs[key], self.inside.get(key)
        if other is not chunk:
            if other is not None and other.program is program:
                other.state = program.save()
            self.inside[key] = chunk
            if chunk.state is not None:
                program.restore(chunk.state)
                chunk.state = None
        return program


class Chunk:
    """Members that train in one program, and the weights of those that have left it.

    ``counted`` members are wanted; the rest only fills up the program's size.
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
        self.shapes = (table.block_rows, table.groups, feed.steps, feed.batch_size, feed.held_out)
        steps = feed.steps * table.blocks * training.epochs
        self.xla = steps >= STEPS_THAT_PAY_FOR_XLA if training.compile == "auto" else training.compile
        self.key = self._key(members)
        self._enter().reset(weights, members, feed.steps_an_epoch, training.epochs)

    def _key(self, members: Members) -> ProgramKey:
        return ProgramKey.of(self.network, members, self.training, self.shapes, self.xla)

    def _enter(self) -> Program:
        self.program = self.thread.program(self.key, self)
        return self.program

    def epoch(self, number: int) -> None:
        """Train an epoch, unless all have stopped; leave its figures in ``figures``, each of shape (members,)."""
        active = self.stopping.active
        if not active.any():
            self.figures = {name: np.full(len(self.members), np.nan) for name in self.figures}
            return
        program = self._enter()
        sums: Any = 0.0
        for block, batches in self.feed.epoch(number):
            sums = sums + program.train(*self.table.block(block), batches)
        figures = self._means(sums)
        if self.members.held_out:
            figures |= self._validate(program, active[self.numbers])
        self.figures = {name: self._spread(values, active) for name, values in figures.items()}
        self._judge(number, program)
        self._settle(self.training.epochs - number)

    def _settle(self, epochs_left: int) -> None:
        """Move on with the members that still train, in a smaller program if that pays."""
        self._shrink(epochs_left)
        self._enter().set_active(self.stopping.active[self.numbers], self.stopping.rate_factors[self.numbers])

    def stop(self, stopped: np.ndarray) -> None:
        """Stop some of the members that count."""
        if (self.stopping.active[: self.counted] & stopped).any():
            self.stopping.active[: self.counted] &= ~stopped
            self._settle(self.training.epochs - int(self.stopping.last_epoch.max()))

    def _judge(self, number: int, program: Program) -> None:
        """Keep the weights of members that improved, and stop members that have not for too long."""
        losses = [values for name, values in self.figures.items() if name in ("loss", "val_loss")]
        monitored = self.figures[("val_" if self.members.held_out else "") + self.training.monitor.name]
        sound = np.all(np.isfinite(losses), axis=0)
        unknown = np.flatnonzero(self.stopping.active & sound & ~np.isfinite(monitored))
        if len(unknown):
            rows = len((self.members.validation_rows or ())[unknown[0]])
            raise DataError(
                f"monitor: {self.training.monitor.name} cannot be computed on the {rows} held-out rows of a member "
                f"(seed {self.members.seeds[unknown[0]]}): it is {monitored[unknown[0]]}. Hold out more rows "
                "(validation_fraction), or let monitor be loss."
            )
        improved = self.stopping.update(number, monitored, sound)
        if improved.any() or program.starts:
            program.keep_best(improved[self.numbers], self.members.kept_at_start[self.numbers])

    def check_last(self) -> None:
        """Take the loss of the present weights on a batch of each member's own rows, where no rows are held out.

        A training loss is that of the weights before a step: it tells nothing of what the last one made of them.
        """
        if self.members.held_out:
            return
        program, total = self._enter(), np.zeros(())
        if all((np.abs(weight) <= LARGE).all() for weight in program.weights(best=False).values()):
            return  # a step that makes a loss infinite makes weights large; most have not, and compile nothing here
        for block, batches in self.feed.samples():
            total = total + program.evaluate(*self.table.block(block), batches)[0]
            if (total[-1] > 0).all():
                break
        unsound = self.numbers[~np.isfinite(total[0])]
        self.stopping.diverged[unsound] = True
        self.stopping.active[unsound] = False

    def _validate(self, program: Program, active: np.ndarray) -> dict[str, np.ndarray]:
        monitor = self.training.monitor
        total: Any = 0.0
        seen: list[tuple[np.ndarray, ...]] = []
        for block, batches in self.feed.validation_blocks():
            sums, outputs, targets = program.evaluate(*self.table.block(block), batches)
            total = total + sums
            if monitor.function is not None:
                seen.append((outputs, targets, batches.weights[0]))
        figures = {f"val_{name}": values for name, values in self._means(total).items()}
        if monitor.function is not None:
            sound = active & np.isfinite(figures["val_loss"])
            parts = [np.concatenate(part, axis=1) for part in zip(*seen, strict=True)]
            figures[f"val_{monitor.name}"] = np.array(
                [
                    self._monitored(*(part[k] for part in parts)) if sound[k] else np.nan
                    for k in range(len(self.numbers))
                ]
            )
        return figures

    def _monitored(self, outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
        """Return the monitored figure of a member, of the rows that count."""
        counted = weights > 0
        given = None if self.members.validation_weights is None else weights[counted]
        return self.training.monitor.function(targets[counted], outputs[counted], given)  # type: ignore[misc]

    def _means(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Turn sums over rows of loss, metrics and weight into means, each (members present,)."""
        return dict(zip(("loss", *self.training.metrics), sums[:-1] / sums[-1], strict=True))

    def _spread(self, values: np.ndarray, active: np.ndarray) -> np.ndarray:
        """Put values of the members that are present at their places among all."""
        spread = np.full(len(self.members), np.nan)
        spread[self.numbers] = values
        return np.where(active, spread, np.nan)

    def _shrink(self, epochs_left: int) -> None:
        """Move to a program of half the size when half have stopped and enough is left to do.

        The rule counts operations, not seconds: a time would make results depend on the load of the machine.
        """
        active = self.stopping.active
        half = -(-len(self.numbers) // 2)
        rows = self.feed.steps * self.feed.batch_size * self.table.blocks
        saved = 6.0 * self.network.parameters * rows * epochs_left * (len(self.numbers) - half)
        if len(self.numbers) == 1 or active.sum() > half or not active.any() or saved < WORK_THAT_PAYS_FOR_A_PROGRAM:
            return
        # Places that are left over go to members that have stopped, so that sizes halve and programs are met again.
        staying = np.argsort(~active[self.numbers], kind="stable")[:half]
        self.check_last()
        self._remember()
        larger = self._enter()
        self.key = self._key(self.members.take(self.numbers[staying]))
        self._enter().take_over(larger, staying)
        self.numbers = self.numbers[staying]
        self.feed = self.feed.take(staying)

    def _remember(self) -> None:
        program = self._enter()
        for kept, best in ((self.best, True), (self.last, False)):
            for name, present in program.weights(best=best).items():
                kept[name][self.numbers] = present

    def weights(self, *, best: bool) -> Weights:
        """Return the wanted members' weights, of their best or of their last epochs."""
        self._remember()
        return {name: weight[: self.counted] for name, weight in (self.best if best else self.last).items()}


def _parts(
    network: Network, table: Table, feed: Feed, members: Members, training: Training
) -> tuple[int, list[tuple[list[int], int]]]:
    """Return how many threads are worth having, and which members are a chunk, with how many of them count.

    All chunks are of one size, and so of one program: the last is filled up with its last member once more.
    """
    threads = _threads(network, table, feed, members, training)
    widths = network.activations
    # In training a category is a row of as many numbers as there are.
    one_hot = sum(categories for categories, _ in network.embeddings)
    floats = 8 * network.parameters + 4 * feed.batch_size * (widths + one_hot) + 2 * feed.held_out * widths
    most = max(1, CHUNK_BYTES // (4 * floats))
    count = -(-len(members) // most)
    count = max(threads, -(-count // threads) * threads)
    return threads, list(_cut(len(members), -(-len(members) // count)))


def _threads(network: Network, table: Table, feed: Feed, members: Members, training: Training) -> int:
    """Return how many chunks to train side by side."""
    product = (
        2
        * feed.batch_size
        * max(network.weights[name].inputs * network.weights[name].outputs for name in network.kernels)
    )
    rows = feed.steps * feed.batch_size
    work = 6.0 * network.parameters * rows * training.epochs * len(members)
    # Blocks are loaded in turn: chunks that are at different blocks would only load them twice.
    if product > NARROW_PRODUCT or work < WORK_THAT_PAYS_FOR_A_PROGRAM or table.blocks > 1:
        return 1
    return max(1, min(os.cpu_count() or 1, len(members) // MEMBERS_THAT_FILL_A_CORE))


def _cut(members: int, size: int) -> Iterator[tuple[list[int], int]]:
    for start in range(0, members, size):
        numbers = list(range(start, min(start + size, members)))
        yield numbers + numbers[-1:] * (size - len(numbers)), len(numbers)
