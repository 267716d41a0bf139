"""Task, and the sources that tasks come from."""

from __future__ import annotations

from toolgym.tasks.source import LazyTasks, LevelTasks, TaskSource, opening, select, task_digest, task_order
from toolgym.tasks.task import Task

__all__ = ["LazyTasks", "LevelTasks", "Task", "TaskSource", "opening", "select", "task_digest", "task_order"]
