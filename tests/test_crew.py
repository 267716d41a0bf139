"""Episodes shared out among workers that may die: each is given once, and the cause of the deaths is found."""

from collections import Counter

import pytest

from toolgym.playing.crew import MOST_TRIES, Died, Lost, Played, Ready, share_out
from toolgym.runlog import RunError

TODO = [(f"task-{i}", repeat) for i in range(40) for repeat in range(3)]


class FakeCrew:
    """Workers that play one episode per event, in turn. ``dies(worker, key, hired)`` says whether one dies over it."""

    def __init__(self, dies=lambda worker, key: False, starts=lambda worker: True):
        self.dies, self.starts = dies, starts
        self.shares, self.hired, self.queues, self.turn = [], 0, {}, 0

    def hire(self):
        self.hired += 1
        self.queues[self.hired] = [Ready()]
        return self.hired

    def give(self, worker, share):
        assert self.queues[worker] == [], "only a worker that is Ready gets a share"
        self.shares.append((worker, list(share)))
        self.queues[worker] = [*share, Ready()]

    def next_event(self):
        busy = [worker for worker, queue in self.queues.items() if queue]
        assert busy, "nothing would ever happen"
        worker = busy[self.turn % len(busy)]
        self.turn += 1
        event = self.queues[worker].pop(0)
        first = not any(worker == each for each, _ in self.shares)
        if (first and not self.starts(worker)) or (isinstance(event, tuple) and self.dies(worker, event)):
            del self.queues[worker]
            return worker, Died("killed")
        if isinstance(event, tuple):
            event = Played(event, "well")
        return worker, event


def keys(found):
    return [each.key for each in found]


def test_every_episode_is_given_once_also_if_workers_die():
    died = []

    def dies(worker, key):
        if key in (("task-3", 1), ("task-30", 0)) and key not in died:
            died.append(key)
            return True
        return False

    crew = FakeCrew(dies)
    found = list(share_out(TODO, crew, 3, 4))
    assert len(died) == 2
    assert sorted(keys(found)) == sorted(TODO)
    assert all(isinstance(each, Played) for each in found)
    assert crew.hired == 5


def test_an_episode_that_kills_its_workers_is_lost_alone():
    crew = FakeCrew(lambda worker, key: key == ("task-5", 2))
    found = list(share_out(TODO, crew, 2, 8))
    lost = [each for each in found if isinstance(each, Lost)]
    assert [each.key for each in lost] == [("task-5", 2)]
    assert "died 3 times" in lost[0].reason
    assert "killed" in lost[0].reason
    assert sorted(keys(found)) == sorted(TODO)
    tries = Counter(key for _, share in crew.shares for key in share)
    assert tries["task-5", 2] == max(tries.values()) == MOST_TRIES


def test_workers_that_never_start_end_the_run():
    crew = FakeCrew(starts=lambda worker: False)
    with pytest.raises(RunError, match="3 workers in a row died before they could play; the last: killed"):
        list(share_out(TODO, crew, 2, 4))


def test_a_worker_that_does_not_start_is_replaced():
    crew = FakeCrew(starts=lambda worker: worker != 1)
    assert sorted(keys(share_out(TODO, crew, 2, 4))) == sorted(TODO)


def test_shares_become_smaller_and_all_workers_have_work():
    crew = FakeCrew()
    list(share_out(TODO, crew, 4, 2))
    sizes = [len(share) for _, share in crew.shares]
    assert sizes[0] == 15
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= 2
    assert {worker for worker, _ in crew.shares} == {1, 2, 3, 4}


def test_no_more_workers_than_episodes():
    crew = FakeCrew()
    assert keys(share_out(TODO[:2], crew, 8, 4)) == TODO[:2]
    assert crew.hired == 2


def test_repeats_of_a_task_stay_together():
    crew = FakeCrew()
    found = keys(share_out(TODO, crew, 4, 1, together=lambda key: key[0]))
    assert sorted(found) == sorted(TODO)
    for task_id, _ in TODO:
        workers = [worker for worker, share in crew.shares for key in share if key[0] == task_id]
        assert len(set(workers)) == 1
