"""M/M/c with patience in cimba, in the three forms its documentation offers; see `peers.py`.

Patience of those who wait in a first-come-first-served queue needs no event: a server that takes
somebody whose patience has ended meanwhile counts them as lost and takes the next.  `Processes`
and `Events` use that, as hallsim does; `Timers` is the form of its tutorial on impatient visitors.
"""

import cimba as cb
from cimba import random

RING = 1 << 16
GAVE_UP = 42


class Processes(cb.Model):
    """Moments of arrival in a store, a process per server: the form of cimba's own M/M/1 benchmark."""

    customers: int = 0
    gap: float = 0.0
    work: float = 0.0
    patience: float = 0.0
    queue: cb.Store[float]
    lost: cb.Output[float] = 0.0
    waited: cb.Output[float] = 0.0

    @cb.process
    def arrivals(self):
        for _ in range(self.customers):
            cb.hold(random.exponential(self.gap))
            self.queue.put(cb.now())

    @cb.process(copies=10)
    def server(self):
        while True:
            came = self.queue.get()
            wait = cb.now() - came
            patience = random.exponential(self.patience)
            if patience < wait:
                self.lost += 1.0
                self.waited += patience
            else:
                self.waited += wait
                cb.hold(random.exponential(self.work))


class Events(cb.Model):
    """No processes, no store: two events and a ring buffer in an array.  The fastest form we found."""

    customers: int = 0
    gap: float = 0.0
    work: float = 0.0
    patience: float = 0.0
    idle: cb.Output[int] = 10
    came: cb.Output[int] = 0
    head: cb.Output[int] = 0
    tail: cb.Output[int] = 0
    queue: cb.Array[float] = cb.Array(RING)
    lost: cb.Output[float] = 0.0
    waited: cb.Output[float] = 0.0

    @cb.process
    def begin(self):
        cb.schedule(self.arrive, random.exponential(self.gap))

    @cb.event
    def arrive(self):
        self.came += 1
        if self.came < self.customers:
            cb.schedule(self.arrive, random.exponential(self.gap))
        if self.idle > 0:
            self.idle -= 1
            cb.schedule(self.depart, random.exponential(self.work))
        else:
            self.queue[self.tail & 65535] = cb.now()
            self.tail += 1

    @cb.event
    def depart(self):
        while self.head < self.tail:
            wait = cb.now() - self.queue[self.head & 65535]
            self.head += 1
            patience = random.exponential(self.patience)
            if patience < wait:
                self.lost += 1.0
                self.waited += patience
            else:
                self.waited += wait
                cb.schedule(self.depart, random.exponential(self.work))
                return
        self.idle += 1


class Timers(cb.Model):
    """A process per customer with a timer, and a resource: the form of cimba's tutorial."""

    customers: int = 0
    gap: float = 0.0
    work: float = 0.0
    patience: float = 0.0
    desks: cb.Resource = cb.Resource(capacity=10)
    lost: cb.Output[float] = 0.0
    waited: cb.Output[float] = 0.0

    @cb.process
    def arrivals(self):
        for _ in range(self.customers):
            cb.hold(random.exponential(self.gap))
            cb.spawn(Customer, office=self)


class Customer(cb.Model):
    office: cb.Ref[Timers]

    @cb.process
    def visit(self):
        office = self.office
        came = cb.now()
        me = cb.this_process()
        me.timer_set(random.exponential(office.patience), GAVE_UP)
        signal = office.desks.acquire(1)
        office.waited += cb.now() - came
        if signal == GAVE_UP:
            office.lost += 1.0
        else:
            me.timers_clear()
            cb.hold(random.exponential(office.work))
            office.desks.release(1)
        cb.release(self)


def run(
    form: type[cb.Model], customers: int, rate: float, theta: float, seed: int
) -> tuple[float, float]:
    """Share who gave up, and mean wait of all."""
    model = form()
    model.customers, model.gap, model.work, model.patience = customers, 1 / rate, 1.0, 1 / theta
    experiment = cb.Experiment(model, window=cb.Window.until_idle(), seed=seed)
    found = experiment.run(workers=1)[model]
    return float(found.lost.values[0, 0]) / customers, float(found.waited.values[0, 0]) / customers
