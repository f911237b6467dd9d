"""Who is let in, who waits, in which order, and how long refused callers wait for their answer."""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Hashable
from contextlib import suppress

import pytest

from app.web.gate import EXPENSIVE, Gate, Lane, Tarpit, Workshop
from app.web.refusals import Overloaded


async def turns(count: int = 5) -> None:
    """Let everything run that can."""
    for _ in range(count):
        await asyncio.sleep(0)


class Visitors:
    """Callers who stay in a lane until they are let go, and the order in which they came in."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self.came_in: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._leave: dict[str, asyncio.Event] = {}

    async def send(self, *names: str) -> None:
        """Send visitors such as "a1", the first of caller a."""
        for name in names:
            self._leave[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._visit(name))
        await turns()

    async def _visit(self, name: str) -> None:
        await self._lane.take(name[0])
        try:
            self.came_in.append(name)
            await self._leave[name].wait()
        finally:
            self._lane.give_back(name[0])

    async def let_go(self, *names: str) -> None:
        for name in names:
            self._leave[name].set()
        await turns()

    async def cancel(self, *names: str) -> None:
        for name in names:
            self.tasks[name].cancel()
        await turns()

    async def finish(self) -> None:
        for leave in self._leave.values():
            leave.set()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


async def test_one_caller_has_only_its_own_places_and_the_others_find_theirs_free() -> None:
    visitors = Visitors(Lane(4, 2))
    await visitors.send("a1", "a2", "a3", "a4", "b1")
    assert visitors.came_in == ["a1", "a2", "b1"]
    await visitors.let_go("a2")
    assert visitors.came_in == ["a1", "a2", "b1", "a3"]
    await visitors.finish()


async def test_who_waits_is_let_in_caller_by_caller_and_each_caller_in_its_own_order() -> None:
    visitors = Visitors(Lane(1, 1))
    await visitors.send("x1", "a1", "a2", "a3", "b1", "b2", "c1")
    for name in ("x1", "a1", "b1", "c1", "a2", "b2"):
        await visitors.let_go(name)
    assert visitors.came_in == ["x1", "a1", "b1", "c1", "a2", "b2", "a3"]
    await visitors.finish()


async def test_a_caller_who_has_all_its_places_is_passed_over_until_one_is_free() -> None:
    visitors = Visitors(Lane(2, 1))
    await visitors.send("a1", "b1", "a2", "c1")
    await visitors.let_go("b1")
    assert visitors.came_in == ["a1", "b1", "c1"]
    await visitors.let_go("a1")
    assert visitors.came_in == ["a1", "b1", "c1", "a2"]
    await visitors.finish()


async def test_only_so_many_of_a_caller_wait_and_only_so_many_in_all() -> None:
    lane = Lane(1, 1, most_waiting=3, most_waiting_of_caller=2)
    visitors = Visitors(lane)
    await visitors.send("a1", "a2", "a3")
    with pytest.raises(Overloaded) as refused:
        await lane.take("a")
    assert (refused.value.status, refused.value.code) == (503, "OVERLOADED")
    assert refused.value.headers == {"retry-after": "1"}
    await visitors.send("b1")
    with pytest.raises(Overloaded):
        await lane.take("c")
    await visitors.let_go("a1")
    await visitors.send("c1")
    await visitors.finish()
    assert sorted(visitors.came_in) == ["a1", "a2", "a3", "b1", "c1"]


async def test_who_gives_up_waiting_leaves_the_queue() -> None:
    visitors = Visitors(Lane(1, 1, most_waiting=2))
    await visitors.send("a1", "b1", "c1")
    await visitors.cancel("b1")
    await visitors.send("d1")
    await visitors.let_go("a1", "c1")
    assert visitors.came_in == ["a1", "c1", "d1"]
    await visitors.finish()


async def test_a_place_handed_to_somebody_who_gives_up_at_that_moment_goes_to_the_next() -> None:
    lane = Lane(1, 1)
    visitors = Visitors(lane)
    await visitors.send("a1", "b1", "c1")
    visitors.tasks["a1"].cancel()
    await asyncio.sleep(0)  # a1 has gone and b1 has its place, but has not run yet
    await visitors.cancel("b1")
    assert visitors.came_in == ["a1", "c1"]
    await visitors.finish()


async def test_somebody_who_gave_up_in_the_same_moment_is_not_let_in() -> None:
    visitors = Visitors(Lane(1, 1))
    await visitors.send("a1", "b1", "c1")
    visitors.tasks["b1"].cancel()
    await visitors.let_go("a1")
    assert visitors.came_in == ["a1", "c1"]
    await visitors.finish()


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_happens_the_bounds_hold_and_no_place_is_lost(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (a schedule that can be repeated, no secret)
    lane, inside = Lane(3, 2, most_waiting=12, most_waiting_of_caller=6), Counter[Hashable]()

    async def visit(caller: str) -> None:
        await lane.take(caller)
        try:
            inside[caller] += 1
            assert inside[caller] <= 2
            assert inside.total() <= 3
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
        finally:
            inside[caller] -= 1
            lane.give_back(caller)

    tasks: list[asyncio.Task[None]] = []
    for _ in range(300):
        tasks.append(asyncio.create_task(visit(chance.choice("abcde"))))
        if chance.random() < 0.3:
            chance.choice(tasks).cancel()
        if chance.random() < 0.7:
            await asyncio.sleep(0)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(result) for result in results} <= {type(None), asyncio.CancelledError, Overloaded}
    # Everything is as in the beginning: three find a place at once, of three callers or of two.
    for callers in ("xyz", "xxy"):
        async with asyncio.timeout(1):
            for caller in callers:
                await lane.take(caller)
        for caller in callers:
            lane.give_back(caller)


async def test_a_place_is_given_back_however_the_request_ends() -> None:
    gate = Gate(1)
    for _ in range(5):
        with suppress(ZeroDivisionError):
            async with gate.enter("a"):
                raise ZeroDivisionError
    async with asyncio.timeout(1), gate.enter("a"):
        pass


async def test_expensive_requests_take_turns_among_themselves_and_cheap_ones_pass_them() -> None:
    gate, entered = Gate(8), list[str]()
    done = asyncio.Event()

    async def ask(name: str, cost: int) -> None:
        async with gate.enter(name[0], cost):
            entered.append(name)
            await done.wait()

    async with asyncio.TaskGroup() as requests:
        for name in ("a1", "a2", "b1", "c1"):
            requests.create_task(ask(name, EXPENSIVE))
        await turns()
        assert entered == ["a1", "b1"]  # two in all, one of each caller
        for name in ("a3", "a4", "a5", "a6", "a7", "d1", "d2"):
            requests.create_task(ask(name, EXPENSIVE - 1))
        await turns()
        assert entered[2:] == ["a3", "a4", "a5", "a6", "d1", "d2"]  # four of one caller, six in all
        done.set()


@pytest.mark.parametrize("connections", [1, 2, 3, 4, 8, 200])
async def test_every_size_of_pool_leaves_room_for_another_caller(connections: int) -> None:
    gate = Gate(connections)
    async with asyncio.timeout(1), asyncio.TaskGroup() as requests:
        done = asyncio.Event()

        async def stay() -> None:
            async with gate.enter("a"):
                await done.wait()

        for _ in range(100):
            requests.create_task(stay())
        await turns()
        async with gate.enter("b"):
            pass
        done.set()


async def test_answers_are_held_for_a_moment_so_many_of_an_address_and_so_many_in_all() -> None:
    tarpit = Tarpit(seconds=0.05, most=3, most_of_address=2)
    held = [asyncio.create_task(tarpit.hold(address)) for address in ("a", "a", "b")]
    await turns()
    assert not any(task.done() for task in held)
    assert not await tarpit.hold("a")
    assert not await tarpit.hold("c")
    assert await asyncio.gather(*held) == [True, True, True]
    assert await tarpit.hold("a")


async def test_an_answer_that_nobody_waits_for_any_more_is_not_held() -> None:
    tarpit = Tarpit(seconds=60, most=1)
    held = asyncio.create_task(tarpit.hold("a"))
    await turns()
    held.cancel()
    await turns()
    again = asyncio.create_task(tarpit.hold("b"))
    await turns()
    assert not again.done()
    again.cancel()


async def test_work_in_the_workshop_lets_the_event_loop_go_on_and_callers_take_turns() -> None:
    workshop, made, begin = Workshop(), list[str](), threading.Event()

    def work(name: str) -> str:
        begin.wait(10)
        made.append(name)
        return name

    async def ask(name: str) -> str:
        return await workshop.run(name[0], lambda: work(name))

    pieces = [asyncio.create_task(ask(name)) for name in ("a1", "a2", "a3", "b1")]
    await turns()  # the event loop goes on, though a1 has not been made
    begin.set()
    assert await asyncio.gather(*pieces) == ["a1", "a2", "a3", "b1"]
    assert made == ["a1", "b1", "a2", "a3"]
    workshop.close()


async def test_what_goes_wrong_in_the_workshop_is_told_and_the_next_piece_is_made() -> None:
    workshop = Workshop()

    def broken() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await workshop.run("a", broken)
    assert await workshop.run("a", lambda: 42) == 42
    workshop.close()
