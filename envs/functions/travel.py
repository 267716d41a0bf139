"""Functions for trips: ways, tickets, beds, maps."""

from __future__ import annotations

from .function import Function, Parameter
from .values import CITY, COUNTRY, clock, day, decimal, flag, integer, numbers, one_of, several, words

RESORTS = words(
    "Sandholm, Costa Verde, Pinewater, Lake Orlo, Mount Hazel, Silver Bay, Port Ellery, Saint Blaise, Drumcove, "
    "Almora, Westhaven, Cape Fenn, Kestrel Point, Villa Rosa, Bergdorf, Long Sands, Rivermouth, Santa Perla, Oakmere, "
    "Trevano, Elk Ridge, Coral Harbour, Monte Chiaro, Windsea"
)
STATIONS = words(
    "Central Station, North Gate, Mill Road, Queensway, Harbour Street, Old Market, Eastbrook, Castle Hill, "
    "Riverside, Union Square, Victoria Park, Westfield Junction, Ash Grove, Kingsbridge, South Quay, Linden Road, "
    "Abbey Cross, Fairview, Stone Arch, Newtown, Beech Lane, Palace Road, Tannery Row, Upper Weir"
)

TRAVEL = (
    Function(
        "plan_drive",
        "Work out a road route from one city to a holiday place.",
        (
            Parameter("origin", CITY, "City where the drive begins.", also=("start_city", "from_city")),
            Parameter("destination", RESORTS, "Place where the drive ends.", also=("end_place",)),
            Parameter(
                "via",
                several(
                    words(
                        "Ravensburg, Toledo, Lyon, Ghent, Parma, Leeds, Bruges, Graz, Siena, Cork, Nantes, Bath, "
                        "Aarhus, Trento, Malmo, Lugano, Dresden, Girona, Utrecht, Basel, Turin, Reims, Poznan, Split"
                    ),
                    2,
                    3,
                ),
                "Places to pass through, in this order. Default is none.",
                needed=False,
                also=("waypoints",),
            ),
            Parameter(
                "avoid",
                one_of("tolls, motorways, ferries, tunnels"),
                "What the route keeps clear of. Default is nothing.",
                needed=False,
            ),
        ),
        (
            "(Plan|Find) a driving route from {origin} to {destination}[ via {via}][, avoiding {avoid}].",
            "What is the best way by car to {destination} if I leave from {origin}[ and do not want any {avoid} on "
            "the way]?",
            "We have packed the car and are about to set off in {origin}. Which roads lead to {destination}[ when we "
            "pass through {via}]?",
            "I am driving to {destination}, starting in {origin}[ and going through {via}]. Show me the route[ "
            "without {avoid}].",
            "By car: {origin} to {destination}[, with stops in {via}][, no {avoid}]. Which route?",
            "My family would like to reach {destination} by road from {origin}. Could you lay out the drive[, taking "
            "in {via}][, with no {avoid}]?",
        ),
        (
            ("Plan these drives: {each}.", "from {origin} to {destination}[ without {avoid}]"),
            ("What is the way by road {each}?", "from {origin} to {destination}"),
        ),
        also=("road_route", "get_driving_route"),
        abouts=("Gives the roads to take by car between two places.",),
    ),
    Function(
        "train_connections",
        "List trains between two stations on a day.",
        (
            Parameter("departure_station", STATIONS, "Station where you get on.", also=("from_station", "board_at")),
            Parameter(
                "arrival_station",
                words(
                    "Hollow Bridge, Maple Halt, Airport North, Brickfield, Seven Wells, Chalk Farm End, Grange Road, "
                    "Foundry Lane, Temple Garden, Moorside, Canal Basin, Lowfield, Dock Street, Summer Hill, Zoo "
                    "Gate, Long Meadow, Orchard Way, Salt Wharf, Mint Square, Cedar Vale, Glass Works, Marsh End, "
                    "Tower Green, Pilgrim Street"
                ),
                "Station where you get off.",
                also=("to_station",),
            ),
            Parameter("travel_date", day(), "Day of travel, YYYY-MM-DD.", also=("date",)),
            Parameter(
                "not_before",
                clock(6, 20),
                "Earliest departure, HH:MM in 24 hours. Default is the whole day.",
                needed=False,
                also=("earliest",),
            ),
        ),
        (
            "Which trains run from {departure_station} to {arrival_station} on {travel_date}[, not before "
            "{not_before}]?",
            "I need a train to {arrival_station} on {travel_date}. I get on at {departure_station}[ and cannot leave "
            "before {not_before}].",
            "(List|Look up) the train connections on {travel_date}, {departure_station} to {arrival_station}.",
            "My grandmother hates buses. Which trains could she take on {travel_date} from {departure_station} to "
            "{arrival_station}[, from {not_before} on]?",
            "Trains from {departure_station}, please: to {arrival_station}, on {travel_date}[, leaving at "
            "{not_before} or later].",
            "On {travel_date} I have to get to {arrival_station} by rail, starting at {departure_station}. What is "
            "there[ after {not_before}]?",
        ),
        (("Show me the trains {each}.", "from {departure_station} to {arrival_station} on {travel_date}"),),
        also=("find_trains", "rail_timetable_search"),
    ),
    Function(
        "hotel_search",
        "Search for free hotel rooms in a city.",
        (
            Parameter("city", CITY, "City of the hotel.", also=("town",)),
            Parameter("check_in", day(), "Day of arrival, YYYY-MM-DD.", also=("arrival_date",)),
            Parameter("nights", integer(2, 14, spelled=True), "Number of nights.", also=("stay_nights",)),
            Parameter(
                "min_stars",
                integer(2, 5, spelled=True),
                "Least number of stars. Default is 1.",
                needed=False,
                also=("stars",),
            ),
            Parameter(
                "breakfast",
                flag("with breakfast", "without breakfast"),
                "Whether breakfast is part of the price. Default is false.",
                needed=False,
                also=("breakfast_included",),
            ),
        ),
        (
            "(Find|Search for) a hotel in {city} for {nights} nights from {check_in}[, at least {min_stars} stars][, "
            "{breakfast}].",
            "I arrive in {city} on {check_in} and stay {nights} nights. Which hotels[ of {min_stars} stars or more] "
            "have a room[ {breakfast}]?",
            "Are there any hotel rooms free in {city}[ {breakfast}]? We would come on {check_in} for {nights} nights.",
            "For our anniversary we want a nice place to stay: {nights} nights in {city}, arriving {check_in}[, with "
            "{min_stars} stars or better]. What hotels are there?",
            "Hotels: {city}, check-in {check_in}, {nights} nights[, minimum {min_stars} stars][, {breakfast}].",
            "Where can I sleep in {city}? I get there on {check_in} and need a hotel room for {nights} nights[, "
            "{breakfast}][, with no fewer than {min_stars} stars].",
        ),
        (("Look for hotel rooms {each}.", "in {city} from {check_in} for {nights} nights"),),
        also=("find_hotels", "search_rooms"),
        abouts=("Finds hotels with rooms free for the given stay.",),
    ),
    Function(
        "cancel_booking",
        "Cancel a travel booking that was already made.",
        (
            Parameter(
                "reference",
                words(
                    "QX7LMP, B4TR9W, HJ20KD, ZP88NC, 6WMA3T, KD51VE, RR9X2B, M7C4QZ, TL30YH, 9FGW6S, VN42JA, C8E1PU, "
                    "LX6D0R, 2BHK7M, GY95TN, PW3Z4F, 7SJD1Q, EA08MX, UB6R2K, XK4N9C, 5TQV8L, DM71WG, JF2H6Y, N0ZC3B"
                ),
                "Booking reference, six letters and digits.",
                also=("booking_code", "confirmation_code"),
            ),
        ),
        (
            "Please cancel (my booking|the booking) {reference}.",
            "Something has come up and we cannot go after all. Can you cancel booking {reference}?",
            "I no longer need the reservation under {reference}. (Call it off|Cancel it), please.",
            "Booking {reference} has to be cancelled.",
            "(Drop|Undo) my trip with the code {reference}.",
            "Could you withdraw the booking with reference {reference}?",
        ),
        (
            ("Cancel {each}.", "booking {reference}"),
            ("These trips are off: {each}. Cancel them all.", "{reference}"),
        ),
        also=("booking_cancellation", "drop_reservation"),
    ),
    Function(
        "trip_fuel_cost",
        "Work out what the fuel for a car trip costs.",
        (
            Parameter("distance_km", integer(40, 1900), "Length of the trip in kilometres.", also=("distance", "km")),
            Parameter(
                "consumption", decimal(4, 12), "Litres that the car burns on 100 km.", also=("litres_per_100km",)
            ),
            Parameter("price_per_litre", decimal(1.1, 2.4, 2), "Price of one litre of fuel.", also=("fuel_price",)),
        ),
        (
            "What (will|would) the fuel cost for {distance_km} km if my car takes {consumption} litres per 100 km and "
            "a litre is {price_per_litre}?",
            "Fuel is at {price_per_litre} a litre and the van burns {consumption} litres on 100 km. What do I pay for "
            "a drive of {distance_km} km?",
            "(Calculate|Work out) the fuel costs: {distance_km} kilometres, {consumption} l/100 km, {price_per_litre} "
            "per litre.",
            "My car uses {consumption} litres per 100 kilometres. How much money goes on fuel over {distance_km} "
            "kilometres at {price_per_litre} per litre?",
            "How expensive is the petrol for {distance_km} km at {price_per_litre} per litre, with a car that needs "
            "{consumption} litres per 100 km?",
            "The cabin is {distance_km} km away. With {consumption} litres per 100 km and petrol at {price_per_litre} "
            "a litre, what does the fuel come to?",
        ),
        (
            (
                "What does the fuel cost for {each}?",
                "{distance_km} km with {consumption} litres per 100 km at {price_per_litre} a litre",
            ),
        ),
        also=("fuel_expense", "calc_trip_fuel"),
        abouts=("Price of the petrol or diesel that a drive takes, for one person or shared.",),
    ),
    Function(
        "add_baggage",
        "Add checked bags to a flight booking.",
        (
            Parameter(
                "flight_number",
                words(
                    "KV 208, LR 1174, ZB 66, OT 513, MW 902, QA 377, JN 45, DX 1820, PF 631, HT 290, SV 718, CU 154, "
                    "RY 83, BG 2046, TE 419, NW 57, GL 865, XO 332, FA 1208, IV 94, UK 607, EP 246, YD 781, AZ 1533"
                ),
                "Flight number as on the ticket, such as 'AB 12'.",
                also=("flight", "flight_no"),
            ),
            Parameter("bags", integer(2, 6, spelled=True), "How many bags are added.", also=("bag_count", "pieces")),
            Parameter("weight_kg", integer(12, 32), "Weight of each bag in kilograms.", also=("kilos_each",)),
        ),
        (
            "Add {bags} bags of {weight_kg} kg each to my flight {flight_number}.",
            "I am on flight {flight_number} and want to check in {bags} more suitcases, each with {weight_kg} kg. Can "
            "you add them?",
            "(Put|Book) {bags} checked bags on flight {flight_number}, {weight_kg} kilos apiece.",
            "We bought far too many souvenirs. Please add luggage to flight {flight_number}: {weight_kg} kg per bag, "
            "{bags} bags.",
            "Extra luggage for {flight_number}: {bags} pieces, {weight_kg} kg each.",
            "Each suitcase weighs {weight_kg} kilograms and I have {bags} of them. Could they go on flight "
            "{flight_number}?",
        ),
        (("Add baggage: {each}.", "{bags} bags of {weight_kg} kg each on flight {flight_number}"),),
        also=("checked_luggage_add", "book_bags"),
    ),
    Function(
        "landing_time",
        "Tell the local clock time at which a flight lands further east.",
        (
            Parameter("takeoff", clock(), "Local time of departure, HH:MM in 24 hours.", also=("departure_time",)),
            Parameter(
                "minutes_in_air",
                integer(55, 840, 5),
                "Length of the flight in minutes.",
                also=("flight_minutes", "duration"),
            ),
            Parameter(
                "hours_ahead",
                integer(2, 11, spelled=True),
                "Hours by which the clocks there are ahead.",
                also=("clock_shift",),
            ),
        ),
        (
            "A plane takes off at {takeoff} and flies for {minutes_in_air} minutes. The clocks there are "
            "{hours_ahead} hours ahead of ours. What is the local time when it lands?",
            "When do I land, in local time, if I leave at {takeoff}, spend {minutes_in_air} minutes in the air and "
            "the place is {hours_ahead} hours ahead?",
            "(Work out|Compute) the landing time: take-off {takeoff}, {minutes_in_air} minutes of flight, time zone "
            "{hours_ahead} hours ahead.",
            "I fly somewhere that is {hours_ahead} hours ahead. The flight lasts {minutes_in_air} minutes and leaves "
            "at {takeoff}; what will the airport clock say on landing?",
            "My sister will pick me up, so I must tell her when I touch down. Departure is at {takeoff}, the clocks "
            "over there are {hours_ahead} hours ahead, and I am in the air for {minutes_in_air} minutes.",
        ),
        (
            (
                "Give me the local landing times of these flights: {each}.",
                "one leaving at {takeoff} that takes {minutes_in_air} minutes, with clocks {hours_ahead} hours ahead",
            ),
        ),
        also=("arrival_clock", "local_landing_time"),
    ),
    Function(
        "map_to_ground",
        "Turn a distance measured on a map into the real one.",
        (
            Parameter(
                "map_cm", decimal(0.5, 40), "Distance on the paper in centimetres.", also=("centimetres", "measured_cm")
            ),
            Parameter(
                "scale", integer(5000, 250000, 5000), "The N of the map's scale 1:N.", also=("scale_denominator",)
            ),
            Parameter(
                "result_unit",
                one_of("metres, kilometres, miles"),
                "Unit of the answer. Default is kilometres.",
                needed=False,
                also=("unit",),
            ),
        ),
        (
            "Two huts are {map_cm} cm apart on a map with the scale 1:{scale}. How far is that in reality[, in "
            "{result_unit}]?",
            "My hiking map is 1:{scale}. What does {map_cm} cm on it stand for[ in {result_unit}]?",
            "Convert {map_cm} cm on a 1:{scale} map to the distance on the ground[ in {result_unit}].",
            "With my ruler I measured {map_cm} centimetres between the lake and the car park. The map says 1:{scale}. "
            "What is the true distance?",
            "Map scale 1:{scale}, {map_cm} cm on paper: real distance[ in {result_unit}]?",
            "How long is a path[ in {result_unit}] that takes up {map_cm} cm on a sheet drawn to 1:{scale}?",
        ),
        (("How far are these stretches of map in reality: {each}?", "{map_cm} cm at 1:{scale}"),),
        also=("real_distance", "ground_distance_from_map"),
        abouts=("Real distance for a length on a map of the given scale.",),
    ),
    Function(
        "entry_rules",
        "Get the papers that citizens of a country need to enter another region.",
        (
            Parameter("passport", COUNTRY, "Country that issued the passport.", also=("citizenship", "nationality")),
            Parameter(
                "visiting",
                words(
                    "Malta, Nepal, Cuba, Fiji, Jordan, Laos, Oman, Rwanda, Samoa, Tonga, Uruguay, Zambia, Bhutan, "
                    "Cyprus, Estonia, Gabon, Jamaica, Latvia, Panama, Qatar, Senegal, Serbia, Taiwan, Bolivia"
                ),
                "Where the trip goes.",
                also=("destination_country",),
            ),
            Parameter(
                "purpose",
                one_of("tourism, business, study, transit"),
                "What the trip is for. Default is tourism.",
                needed=False,
            ),
            Parameter(
                "stay_days", integer(3, 180), "Length of the stay in days. Default is 30.", needed=False, also=("days",)
            ),
        ),
        (
            "What papers do I need to enter {visiting} with a passport from {passport}[, for {purpose}][, for "
            "{stay_days} days]?",
            "My passport was issued by {passport}. Do I need a visa for {visiting}[ if I stay {stay_days} days]?",
            "(Tell me|Look up) the entry rules of {visiting} for citizens of {passport}[; the purpose is {purpose}].",
            "I have been saving up for this for ages. I want to go to {visiting}[ for {stay_days} days] and hold a "
            "passport of {passport}: what does the border ask for?",
            "Entry to {visiting}, passport {passport}[, purpose {purpose}][, {stay_days} days]: visa or not?",
            "Someone from {passport} would like to travel to {visiting}[ for {purpose}]. Which documents are "
            "required[ for a stay of {stay_days} days]?",
        ),
        (("Which papers are needed {each}?", "to enter {visiting} with a passport from {passport}[ for {purpose}]"),),
        also=("visa_requirements", "get_entry_papers"),
    ),
    Function(
        "hike_duration",
        "Add up the stages of a walk and tell how long it takes.",
        (
            Parameter(
                "stage_lengths",
                numbers(3, 28),
                "Length of each stage in kilometres, in order.",
                also=("stages_km", "legs"),
            ),
            Parameter("speed", decimal(2.5, 6), "Walking speed in km per hour.", also=("pace_kmh",)),
        ),
        (
            "Our hike has stages of {stage_lengths} km. How long are we on our feet at {speed} km/h?",
            "At a walking speed of {speed} km per hour, what time does a trail take whose stages are {stage_lengths} "
            "km long?",
            "(Compute|Estimate) the walking time for stages of {stage_lengths} kilometres; I do {speed} km an hour.",
            "I walk {speed} kilometres an hour. The stages of the coast path measure {stage_lengths} km. Tell me how "
            "many hours I need.",
            "How many hours of walking are {stage_lengths} km, taken as single stages, at {speed} km/h?",
        ),
        also=("walking_time", "trail_hours"),
    ),
)
