"""Requests about travel."""

from __future__ import annotations

from .facts import clock_fact, number_fact
from .intent import Drawn, Intent, words
from .scene import Scene
from .slots import Slot, count, verbatim


def _route(scene: Scene) -> dict[str, Slot]:
    return {
        "origin": verbatim(scene.unused(scene.words.cities)),
        "destination": verbatim(scene.unused(scene.words.cities)),
        "date": scene.day(),
    }


def _search_trains(scene: Scene) -> Drawn:
    slots = _route(scene)
    rows = scene.state.search_trains(**{name: slot.value for name, slot in slots.items()})
    if scene.stream.chance(0.5):
        row = min(rows, key=lambda row: int(row["price"]))
        asked, said, fact = "how much the cheapest one costs", f"{row['price']} euros", number_fact(row["price"])
        direct = "How much is the cheapest one?"
    else:
        asked, said, fact = "when the first one leaves", rows[0]["departs"], clock_fact(rows[0]["departs"])
        direct = "When does the first one leave?"
    return Drawn({**slots, "asked": verbatim(asked), "direct": verbatim(direct), "answer": verbatim(said)}, (fact,))


def _book_train(scene: Scene) -> Drawn:
    train = f"{scene.stream.pick(('IC', 'RX', 'TX'))}{scene.stream.between(100, 999)}"
    return Drawn({"train": verbatim(train), "date": scene.day()})


def _book_hotel(scene: Scene) -> Drawn:
    n = count(scene.stream, 2, 6)
    return Drawn({"city": verbatim(scene.unused(scene.words.cities)), "check_in": scene.day(), "nights": n})


def _list_trips(scene: Scene) -> Drawn:
    train, hotel = scene.state.list_trips()
    said = f"train {train['train']} and a hotel in {hotel['city']}"
    return Drawn({"answer": verbatim(said)}, ((train["train"],), (hotel["city"],)))


def _cancel_trip(scene: Scene) -> Drawn:
    return Drawn({"trip_id": scene.thing("trip", scene.row("trips"))})


TRAVEL = (
    Intent(
        "search_trains",
        "look for trains",
        _search_trains,
        words("""
            do:
            (find|look for) trains from {origin} to {destination}[ {@date}] and tell me {asked}
            (check|look up) the trains from {origin} to {destination}[ {@date}] and say {asked}
            (search|see) what trains there are[ {@date}] between {origin} and {destination}, in that direction, and \
                tell me {asked}
            (list|get) trains that go from {origin} to {destination}[ {@date}] and tell me {asked}
            (go through|consult) the trains from {origin} to {destination}[ {@date}] and find out {asked}
            say:
            I (want to|have to) go from {origin} to {destination} by train {@date}. {direct}
            Which trains go from {origin} to {destination} {@date}? {direct}
            I am in {origin} and must be in {destination} {@date}. About the trains: {direct}
            Trains {@date}, {origin} to {destination}: {direct}
            My next train ride is from {origin} to {destination} {@date}. {direct}
            done:
            It is {=answer}.
            From {=origin} to {=destination} it is {=answer}.
            The answer is {=answer}.
        """),
        needs=("date",),
        aside=5,
        tells=("trains",),
    ),
    Intent(
        "book_train",
        "book a train",
        _book_train,
        words("""
            do:
            (book|reserve) me a seat on {train}[ {@date}]
            (get|buy) me a ticket for the train {train}[ {@date}]
            (book|take) the train {train} for me[ {@date}]
            (secure|arrange) a train seat on {train}[ {@date}]
            (put|place) me on the train {train}[ {@date}]
            say:
            I am taking {train} {@date}. (Book a seat|I need a ticket).
            I want to be on the train {train} {@date}.
            The train for me {@date} is {train}; book it.
            A seat on {train} {@date} is what I need.
            {@date} I travel on {train}, and there is no ticket yet.
            done:
            You have a seat on {=train} on {=date}.
            {=train} is booked for {=date}.
            Booked: {=train}, {=date}.
        """),
        needs=("date",),
        verb="make",
        kind="trip",
        opens=True,
    ),
    Intent(
        "book_hotel",
        "book a hotel",
        _book_hotel,
        words("""
            do:
            (book|reserve) a hotel in {city}[~ for {nights} nights][~, arriving {@check_in}]
            (find|get) me a hotel room in {city}[~ from {check_in} on][~, {nights} nights]
            (arrange|sort out) a hotel stay in {city}[~ of {nights} nights][~, beginning {@check_in}]
            (take|secure) a hotel room in {city}[~ for {nights} nights][~, check-in {@check_in}]
            (organise|set up) a place to sleep in {city}[~, {nights} nights][~, from {check_in}]
            say:
            I (am|will be) in {city} for {nights} nights, arriving {@check_in}. (Book a hotel|I need a hotel).
            I need a hotel in {city} for {nights} nights from {check_in}.
            My trip to {city} begins {@check_in} and takes {nights} nights. The hotel is still missing.
            {nights} nights in a hotel in {city}, check-in {@check_in}: see to that.
            From {check_in} I sleep {nights} nights in {city}, so a hotel is needed.
            done:
            The hotel in {=city} is booked from {=check_in}, {=nights} nights.
            You have a room in {=city} for {=nights} nights.
            Booked: {=city}, {=check_in}, {=nights} nights.
        """),
        needs=("check_in", "nights"),
        verb="make",
        kind="trip",
        opens=True,
    ),
    Intent(
        "list_trips",
        "see the booked trips",
        _list_trips,
        words("""
            do:
            (list|show me) my (trips|travel bookings)
            (tell me|check) what travel I have booked
            (see|look up) which train and which hotel I have booked
            (give me|get) an overview of my travel bookings
            (find out|say) what trips are booked for me
            say:
            What (travel|trips) have I booked?
            Which train and which hotel did I book?
            Where am I travelling, and how? I mean what is booked.
            What travel reservations do I have?
            Which trips of mine are booked, train and hotel?
            done:
            You have booked {=answer}.
            There is {=answer}.
            Your bookings: {=answer}.
        """),
        kind="trip",
        looks_up=True,
        changed_by=("book_train", "book_hotel", "cancel_trip"),
    ),
    Intent(
        "cancel_trip",
        "cancel a trip",
        _cancel_trip,
        words("""
            do:
            (cancel|call off) {trip_id}
            (drop|withdraw) {trip_id}
            (undo|give up) {trip_id}
            (revoke|annul) {trip_id}
            (scrap|take back) {trip_id}
            say:
            I am not travelling. (Cancel {trip_id}|{trip_id} can be cancelled).
            I do not need {trip_id} (any more|after all), cancel it.
            My plans have changed: {trip_id} has to be cancelled.
            {trip_id} is off, so have it cancelled.
            There is no need for {trip_id}; I am staying here.
            done:
            {=trip_id} is cancelled.
            I have cancelled it.
            Done, the reservation is cancelled.
            many:
            (cancel|call off) {trip_id}
            (revoke|annul) {trip_id}
            scrap {trip_id}
        """),
        each="trip_id",
        verb="end",
        kind="trip",
        named=True,
        ends=True,
    ),
)
"""In the order of the app's methods."""
