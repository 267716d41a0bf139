"""Functions for towns and what is in them: people, past, museums, events, services."""

from __future__ import annotations

from .function import Function, Parameter
from .values import CITY, COUNTRY, clock, day, decimal, flag, integer, one_of, several, words, year

MUSEUMS = words(
    "Clock Museum, Museum of Glass, Old Mint, Salt Museum, Museum of Letters, Bridge House, Amber Gallery, Tram "
    "Museum, Palace of Maps, Museum of Bread, Weavers Hall, Lantern House, Toy Museum, Granite Gallery, Museum of "
    "Tides, Fossil Hall, Pottery House, Museum of Keys, Silk Gallery, Mine Museum, Herb Museum, Whale House, Museum "
    "of Ink, Carriage Hall"
)
STREETS = words(
    "Elm Street, Harbour Road, Station Lane, Queen's Walk, Mill Street, Hill Avenue, Poplar Drive, Church Row, Nelson "
    "Street, Garden Alley, River Road, Baker's Yard, Maple Avenue, Quarry Lane, Bishop Street, Tower Road, Acorn Way, "
    "Saddle Lane, Orchard Street, Canal Walk, Juniper Road, Weaver Street, Summit Drive, Chapel Lane"
)

PLACES = (
    Function(
        "city_population",
        "Get the number of people living in a city.",
        (
            Parameter("city", CITY, "Name of the city.", also=("city_name", "town")),
            Parameter(
                "year",
                year(1850, 2022),
                "Year of the count. Default is the latest count.",
                needed=False,
                also=("census_year",),
            ),
            Parameter(
                "with_suburbs",
                flag("with its suburbs", "without its suburbs"),
                "Whether the suburbs are counted too. Default is false.",
                needed=False,
                also=("metro_area",),
            ),
        ),
        (
            "How many people (lived|were living) in {city}[ in the year {year}][, {with_suburbs}]?",
            "(Get|Tell me) the population of {city}[ {with_suburbs}][ in {year}].",
            "I am drawing a chart of how towns grow and lack the number of inhabitants of {city}[ for {year}].",
            "{city}[, {with_suburbs}]: how many inhabitants[ in {year}]?",
            "Population of {city}[ {with_suburbs}][, year {year}], please.",
            "What was the head count of {city}[ back in {year}][, taken {with_suburbs}]?",
        ),
        (
            ("What was the population of {each}?", "{city}[ in {year}]"),
            ("Give me the number of inhabitants of {each}.", "{city}[ {with_suburbs}]"),
        ),
        also=("inhabitants_of", "population_lookup"),
        abouts=("Number of inhabitants of a city, now or in the past.",),
    ),
    Function(
        "museum_opening_hours",
        "Look up when a museum is open on a day.",
        (
            Parameter("museum", MUSEUMS, "Name of the museum, without an article.", also=("museum_name", "venue")),
            Parameter("date", day(), "The day, YYYY-MM-DD.", also=("visit_day", "on_date")),
        ),
        (
            "When is the {museum} open on {date}?",
            "On {date} we have a free afternoon. Can you look up the opening hours of the {museum}?",
            "(Check|Find) the opening hours for {date} at the {museum}.",
            "I would like to visit the {museum} on {date}. From when until when can one get in?",
            "Opening hours: {museum}, {date}.",
            "My aunt dragged me to three galleries already. Still, at what hours does the {museum} let people in on "
            "{date}?",
        ),
        (
            ("Look up the opening hours of {each}.", "the {museum} on {date}"),
            ("When can one visit {each}?", "the {museum} on {date}"),
        ),
        also=("get_museum_hours", "museum_schedule"),
    ),
    Function(
        "book_museum_group",
        "Book group entry to a museum.",
        (
            Parameter("museum", MUSEUMS, "Name of the museum, without an article.", also=("museum_name",)),
            Parameter("adults", integer(2, 12, spelled=True), "Number of adults.", also=("adult_count",)),
            Parameter("children", integer(13, 38), "Number of children.", also=("child_count", "pupils")),
            Parameter("entry_time", clock(9, 16), "Time of entry, HH:MM in 24 hours.", also=("time_slot",)),
            Parameter(
                "guided",
                flag("with a guide", "without a guide"),
                "True to add a guide. Default is false.",
                needed=False,
                also=("with_guide",),
            ),
        ),
        (
            "(Book|Reserve) entry to the {museum} at {entry_time} for {adults} adults and {children} children[, "
            "{guided}].",
            "I am taking {children} children and {adults} adults to the {museum}[ {guided}]. Can you book us in at "
            "{entry_time}?",
            "Group visit at {entry_time} in the {museum}: {adults} adults, {children} children[, {guided}]. Make the "
            "booking.",
            "Our school wants to see the {museum}. We are {adults} adults with {children} children and would enter at "
            "{entry_time}. Please book it.",
            "Could you get a group with {children} children and {adults} adults into the {museum} at {entry_time}[, "
            "{guided}]?",
        ),
        (
            (
                "Book these group visits: {each}.",
                "the {museum} at {entry_time} for {adults} adults and {children} children[ {guided}]",
            ),
        ),
        also=("museum_group_booking", "reserve_group_entry"),
    ),
    Function(
        "weather_on_past_day",
        "Look up a weather reading of a day in the past.",
        (
            Parameter("city", CITY, "City of the weather station.", also=("station_city", "location")),
            Parameter("date", day(1951, 2021), "The day, YYYY-MM-DD.", also=("past_date", "day")),
            Parameter(
                "reading",
                one_of(
                    "rainfall, highest_temperature, lowest_temperature, wind_speed, sunshine_hours",
                    sunshine_hours="hours of sunshine",
                ),
                "What to look up.",
                also=("measure", "variable"),
            ),
        ),
        (
            "What was the {reading} in {city} on {date}?",
            "I am writing a novel set in {city}. One scene takes place on {date}, so I need the {reading} of that day.",
            "(Get|Look up) the {reading} recorded on {date} in {city}.",
            "On {date}, which {reading} did the station in {city} measure?",
            "Weather archive, {city}, {date}: {reading}?",
            "My parents were married in {city} on {date}. Can the records tell me the {reading} back then?",
        ),
        (
            ("I need these values from the weather archive: {each}.", "the {reading} in {city} on {date}"),
            ("Look up {each}.", "the {reading} of {date} in {city}"),
        ),
        also=("past_weather", "weather_archive_value"),
        abouts=("One reading of the weather archive, for a city and a past day.",),
    ),
    Function(
        "history_timeline",
        "List what happened in a country between two years.",
        (
            Parameter("country", COUNTRY, "The country.", also=("nation",)),
            Parameter("first_year", year(1200, 1599), "Year the list begins with.", also=("from_year", "start_year")),
            Parameter("last_year", year(1600, 1990), "Year the list ends with.", also=("to_year", "end_year")),
            Parameter(
                "theme",
                one_of("wars, science, trade, disasters, rulers"),
                "What the events are about. Default is all themes.",
                needed=False,
                also=("topic",),
            ),
            Parameter(
                "max_events", integer(5, 60, 5), "Most events listed. Default is 25.", needed=False, also=("limit",)
            ),
        ),
        (
            "What happened in {country} between {first_year} and {last_year}[ as regards {theme}]?[ List at most "
            "{max_events} events.]",
            "(Make|Draw up) a timeline of {country} from {first_year} to {last_year}[ with the theme {theme}][ and no "
            "more than {max_events} events].",
            "I have a history exam on {country}. Give me the events[ about {theme}] since {first_year} that took "
            "place up to {last_year}.",
            "Timeline: {country}, first year {first_year}, last year {last_year}[, theme: {theme}][, {max_events} "
            "events at most].",
            "Up to {last_year} and starting from {first_year}, what marked the past of {country}[ in terms of "
            "{theme}]?",
            "Could I have the past of {country} as a list of events[ on {theme}]? It should begin in {first_year} and "
            "end in {last_year}[, with {max_events} events as the limit].",
        ),
        (("Make timelines for {each}.", "{country} from {first_year} to {last_year}[ on {theme}]"),),
        also=("events_in_history", "country_timeline"),
    ),
    Function(
        "local_service",
        "Find somebody who does a job near a street.",
        (
            Parameter(
                "trade",
                words(
                    "plumber, locksmith, chimney sweep, glazier, tailor, shoemaker, roofer, house painter, piano "
                    "mover, watchmaker, carpenter, stonemason, bookbinder, floor layer, tiler, blacksmith, picture "
                    "framer, window cleaner"
                ),
                "The trade, in the singular.",
                also=("profession", "job"),
            ),
            Parameter("street", STREETS, "Street where the help is needed.", also=("near_street", "street_name")),
            Parameter(
                "radius_km",
                decimal(0.5, 15),
                "Search radius in kilometres. Default is 5.",
                needed=False,
                also=("within_km",),
            ),
        ),
        (
            "(Find|Get) me a {trade} near {street}[ within {radius_km} km].",
            "I live on {street} and urgently need the help of a {trade}. Who is there[ within {radius_km} kilometres]?",
            "Is there any {trade} around {street}?",
            "Wanted: {trade}, close to {street}[, no farther than {radius_km} km].",
            "Which {trade} works in the neighbourhood of {street}[, {radius_km} km around it]?",
            "We have just moved in on {street}. Where is the nearest {trade}[, at most {radius_km} km away]?",
        ),
        (
            ("I am looking for {each}.", "a {trade} near {street}[ within {radius_km} km]"),
            ("Find {each}.", "a {trade} close to {street}"),
        ),
        also=("find_tradesperson", "nearby_trade_search"),
    ),
    Function(
        "events_in_city",
        "List public events of one kind in a city on a day.",
        (
            Parameter(
                "kind",
                one_of("flea_market, bike_race, parade, craft_fair, street_run, food_fair"),
                "Kind of event.",
                also=("event_type", "category"),
            ),
            Parameter("city", CITY, "City where they take place.", also=("town",)),
            Parameter("date", day(2025, 2027), "The day, YYYY-MM-DD.", also=("event_date",)),
        ),
        (
            "List every {kind} in {city} on {date}.",
            "We will be in {city} on {date} with the kids. Is there a {kind} on?",
            "(Search|Look) for a {kind} on {date} in {city}.",
            "I have nothing to do on {date}. Where in {city} could I find a {kind}?",
            "{city}, {date}: any {kind}?",
            "Does {city} have a {kind} on {date}?",
        ),
        (("What is on? I am interested in {each}.", "a {kind} in {city} on {date}"),),
        also=("city_events", "whats_on"),
        abouts=("Public events in a town on a given day.",),
    ),
    Function(
        "report_street_damage",
        "Report damage in a street to the town hall.",
        (
            Parameter("street", STREETS, "Name of the street.", also=("street_name", "where")),
            Parameter("house_number", integer(2, 240), "Number of the nearest house.", also=("number", "near_house")),
            Parameter(
                "damage",
                words(
                    "pothole, broken lamp, fallen tree, blocked drain, loose kerb, cracked pavement, bent road sign, "
                    "missing drain cover, leaking hydrant, torn fence, wobbly bollard, smashed bench, dead traffic "
                    "light, sunken manhole, flooded gutter, rusted railing, broken bin, hanging cable"
                ),
                "What is wrong, without an article.",
                also=("problem", "issue_type"),
            ),
        ),
        (
            "(Report|Tell the town hall about) a {damage} at {street} {house_number}.",
            "There is a {damage} in {street}, in front of house number {house_number}. Whom do I tell? Please report "
            "it.",
            "I nearly fell off my bike near number {house_number} of {street} because of a {damage}. Could you pass "
            "that on to the town hall?",
            "Damage report: {damage}, {street} {house_number}.",
            "The town should know that {street} has a {damage} next to number {house_number}. Send the report.",
        ),
        (("Report these damages to the town hall: {each}.", "a {damage} at {street} {house_number}"),),
        also=("street_damage_report", "notify_town_hall"),
    ),
    Function(
        "rank_cities",
        "Put cities in order by one figure.",
        (
            Parameter("cities", several(CITY, 3, 5), "The cities to compare.", also=("city_list", "towns")),
            Parameter(
                "by",
                one_of("area, altitude, age, rent, green_space, air_quality"),
                "Figure that decides the order.",
                also=("criterion", "sort_by"),
            ),
            Parameter(
                "order",
                one_of("rising, falling"),
                "Direction of the order. Default is falling.",
                needed=False,
                also=("direction",),
            ),
        ),
        (
            "Rank {cities} by {by}[, in {order} order].",
            "I may move soon. How do {cities} compare in {by}?[ The list should be in {order} order.]",
            "Which order do you get[, {order},] when you sort {cities} by their {by}?",
            "With {by} as the figure that counts, (put|bring) these cities into[ {order}] order: {cities}.",
            "Order by {by}[, {order}]: {cities}.",
            "Sort the following towns according to {by}[ in {order} order]: {cities}.",
        ),
        also=("compare_cities_by", "city_ranking"),
    ),
    Function(
        "people_per_square_km",
        "Compute how densely an area is settled.",
        (
            Parameter(
                "inhabitants",
                integer(2000, 990000, 50),
                "Number of people who live there.",
                also=("residents", "people"),
            ),
            Parameter("area_km2", decimal(4, 900), "Area in square kilometres.", also=("surface", "square_kilometres")),
        ),
        (
            "How densely settled is a district with {inhabitants} inhabitants on {area_km2} square kilometres?",
            "An island measures {area_km2} square kilometres and {inhabitants} people live on it. How many is that "
            "per square kilometre?",
            "(Compute|Work out) the population density for {inhabitants} residents and an area of {area_km2} km2.",
            "The county covers {area_km2} square kilometres. What is its population density, given {inhabitants} "
            "residents?",
            "Density of settlement: area {area_km2} square kilometres, {inhabitants} inhabitants?",
        ),
        (
            (
                "Compare the population density of {each}.",
                "a place with {inhabitants} inhabitants on {area_km2} square kilometres",
            ),
        ),
        also=("population_density", "settlement_density"),
    ),
)
