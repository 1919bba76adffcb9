"""What stands in an MLflow store, read from its database without MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Store", "StoredRun"]


@dataclass(frozen=True)
class StoredRun:
    """Run in the store. It is whole if it is finished and, of a fit or a blend, its model is there."""

    id: str
    name: str
    status: str
    kind: str
    whole: bool


class Store:
    """Store by the address of its database, SQLite or PostgreSQL."""

    def __init__(self, address: str) -> None:
        self.address = address

    @classmethod
    def of(cls, folder: Path) -> Store:
        """Return the store that commands keep in a folder."""
        return cls(f"sqlite:///{folder / 'mlflow.db'}")

    @property
    def file(self) -> Path | None:
        """The database's file; None for a server."""
        return Path(self.address.removeprefix("sqlite:///")) if self.address.startswith("sqlite") else None

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return the rows of a query; none without a database, or without the table."""
        from sqlalchemy import create_engine, text
        from sqlalchemy.exc import OperationalError
        from sqlalchemy.pool import NullPool

        if self.file and not self.file.exists():
            return []
        engine = create_engine(self.address, poolclass=NullPool)
        try:
            with engine.begin() as connection:
                result = connection.execute(text(query))
                return [tuple(row) for row in result] if result.returns_rows else []
        except OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
        finally:
            engine.dispose()

    def damage(self) -> str:
        """Return what `pragma integrity_check` finds; empty if it finds nothing."""
        if not self.file or not self.file.exists():
            return ""
        found = [str(row[0]) for row in self.rows("pragma integrity_check")]
        return "" if found == ["ok"] else "; ".join(found)

    def runs(self) -> list[StoredRun]:
        """Return all runs but those of folds and trials, the newest last."""
        models = {
            str(run): str(place).removeprefix("file://")
            for run, place in self.rows("select source_run_id, artifact_location from logged_models")
        }
        found = []
        for run, name, status, kind in self.rows(
            "select r.run_uuid, r.name, r.status, t.value from runs r left join tags t on t.run_uuid = r.run_uuid and "
            "t.key = 'tabular_dl.kind' where r.lifecycle_stage = 'active' order by r.start_time"
        ):
            model = models.get(str(run))
            stored = kind == "search" or (model is not None and (":" in model or Path(model, "model.skops").exists()))
            if kind not in ("fold", "trial"):
                found.append(StoredRun(str(run), str(name), str(status), str(kind), status == "FINISHED" and stored))
        return found

    def unfinished(self) -> set[str]:
        """Return the ids of all runs, of folds and trials too, that pass for running."""
        return {str(row[0]) for row in self.rows("select run_uuid from runs where status in ('RUNNING', 'SCHEDULED')")}

    def move(self, before: Path, after: Path) -> None:
        """Let the store's files be in another folder: a copy of a store has the addresses of the original."""
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("logged_models", "artifact_location"),
        ):
            self.rows(f"update {table} set {column} = replace({column}, '{before}', '{after}')")  # noqa: S608
