"""Functions for gardens, farms, animals and nature."""

from __future__ import annotations

from .function import Function, Parameter
from .values import CITY, COUNTRY, clock, day, decimal, flag, integer, numbers, one_of, percent, several, words, year

CROP = words("""
carrots, runner beans, lettuce, beetroot, onions, spinach, garlic, peas, radishes, leeks, cabbage, potatoes, turnips,
parsnips, kale, fennel, pumpkins, chard, broad beans, celery, strawberries, sweet corn, sunflowers, rhubarb
""")
BIRD = words("""
barn owl, grey heron, kingfisher, white stork, black kite, curlew, nuthatch, goldfinch, bee eater, peregrine, lapwing,
hoopoe, wood pigeon, snipe, cuckoo, bullfinch, merlin, common crane, starling, redshank, corncrake, nightjar, dipper,
puffin
""")
PET = words("""
Biscuit, Luna, Pepper, Ziggy, Mango, Clover, Rusty, Olive, Hazel, Pickle, Smokey, Truffle, Juno, Waffle, Bramble, Dusty,
Nutmeg, Captain, Maple, Sooty, Figaro, Poppy, Otto, Bonnie
""")

GARDEN = (
    Function(
        "seeds_for_bed",
        "Count the seeds that fill a bed when sown in rows.",
        (
            Parameter("crop", CROP, "What is sown.", also=("plant",)),
            Parameter("rows", integer(2, 24, spelled=True), "Number of rows.", also=("row_count",)),
            Parameter("row_length", decimal(1.5, 15), "Length of a row in metres.", also=("length_m",)),
            Parameter(
                "spacing",
                integer(3, 60),
                "Gap between seeds in centimetres; by default the usual one of the crop.",
                needed=False,
            ),
        ),
        (
            "How many seeds do I need for {rows} rows of {crop}, each {row_length} m long[, with {spacing} cm between "
            "seeds]?",
            "The soil is warm at last. I will sow {crop} in {rows} rows of {row_length} metres[ and leave {spacing} cm "
            "from seed to seed]. How many seeds go in?",
            "Count the seeds for {crop}: row length {row_length} m, {rows} rows[, seed spacing {spacing} cm].",
            "My rows are {row_length} m long and I have room for {rows} of them. Work out the seeds if I plant {crop}.",
            "Seeds needed for {crop} in {rows} rows of {row_length} m[ at a spacing of {spacing} cm]?",
        ),
        (("Tell me how many seeds I need for {each}.", "{rows} rows of {crop} with {row_length} m each"),),
        also=("count_seeds", "sowing_amount"),
    ),
    Function(
        "schedule_watering",
        "Set when the sprinklers of a part of the garden run.",
        (
            Parameter(
                "zone",
                one_of("lawn, vegetable_bed, greenhouse, roses, hedge, orchard"),
                "Part of the garden.",
                also=("area", "garden_zone"),
            ),
            Parameter("start", clock(5, 22), "Time when they start, HH:MM in 24 hours.", also=("start_time",)),
            Parameter("minutes", integer(5, 55), "How long they run, in minutes.", also=("duration",)),
            Parameter(
                "weekdays",
                several(
                    one_of(
                        "monday, tuesday, wednesday, thursday, friday, saturday, sunday",
                        monday="Monday",
                        tuesday="Tuesday",
                        wednesday="Wednesday",
                        thursday="Thursday",
                        friday="Friday",
                        saturday="Saturday",
                        sunday="Sunday",
                    )
                ),
                "Days of the week on which they run. Default is every day.",
                needed=False,
                also=("days",),
            ),
        ),
        (
            "Water the {zone} at {start} for {minutes} minutes[, on {weekdays}].",
            "I am off to the sea and nobody is at home. Have the sprinklers start at {start} and run {minutes} minutes "
            "in the {zone}[ on {weekdays}].",
            "Could the {zone} get {minutes} minutes of water[ on {weekdays}], beginning at {start}?",
            "At {start} the sprinklers should come on for {minutes} minutes. This is for the {zone}.",
            "Sprinkler schedule for the {zone}: start {start}, {minutes} minutes[, days: {weekdays}].",
        ),
        (("Set the sprinklers: {each}.", "{minutes} minutes for the {zone} at {start}"),),
        also=("set_sprinklers", "watering_schedule"),
        abouts=("Program the irrigation of one garden zone.",),
    ),
    Function(
        "search_bird_sightings",
        "Search reports of people who saw a species of bird.",
        (
            Parameter("species", BIRD, "Name of the bird.", also=("bird",)),
            Parameter("country", COUNTRY, "Country of the sighting.", also=("region",)),
            Parameter(
                "since",
                year(1990, 2023),
                "First year to include. Default is all years.",
                needed=False,
                also=("from_year",),
            ),
        ),
        (
            "Has anyone seen a {species} in {country}[ since {since}]?",
            "(Search|Go through) the bird sightings for the {species} in {country}[, beginning with the year {since}].",
            "I will travel to {country} with my binoculars. Find reports of a {species} there[, from {since} on].",
            "The {species} is my favourite bird. Where in {country} was it spotted?",
            "Sightings, please: {species}, {country}[, since {since}].",
        ),
        (
            ("Find sightings of {each}.", "the {species} in {country}"),
            ("Please search bird reports for {each}.", "the {species} in {country}[ since {since}]"),
        ),
        also=("find_sightings", "bird_reports"),
    ),
    Function(
        "daily_feed",
        "Compute how much feed an animal gets in a day.",
        (
            Parameter("animal", one_of("horse, cow, donkey, pony, buffalo"), "The animal.", also=("species",)),
            Parameter("weight", integer(150, 700), "Its weight in kilograms.", also=("weight_kg", "body_weight")),
            Parameter("pregnant", flag("pregnant", "not pregnant"), "Whether it is pregnant.", also=("is_pregnant",)),
        ),
        (
            "How much feed does a {animal} need in a day if it weighs {weight} kg and is {pregnant}?",
            "Our {animal} is {pregnant} and weighs {weight} kilograms. What is the ration for a day?",
            "Work out the daily feed: {animal}, {pregnant}, {weight} kg.",
            "The vet put my {animal} on the scales this morning, and they showed {weight} kg. It is {pregnant}. How "
            "much should I feed per day?",
            "Feed per day for a {animal} of {weight} kg, {pregnant}, please.",
        ),
        (("Compute the daily feed for {each}.", "a {animal} of {weight} kg that is {pregnant}"),),
        also=("feed_ration", "calculate_feed"),
        abouts=("Ration of a farm animal for one day.",),
    ),
    Function(
        "harvest_income",
        "Estimate what a field earns.",
        (
            Parameter("hectares", decimal(1.5, 90), "Size of the field in hectares.", also=("area", "field_size")),
            Parameter("tonnes", decimal(2, 12), "Harvest per hectare in tonnes.", also=("yield_per_hectare",)),
            Parameter("price", integer(120, 900, 5), "Price of a tonne in euros.", also=("price_per_tonne",)),
            Parameter(
                "loss",
                percent(2, 30),
                "Share lost before the sale, as a fraction: 0.04 for 4%. Default is 0.",
                needed=False,
            ),
        ),
        (
            "What will a field of {hectares} hectares earn at {tonnes} tonnes per hectare and {price} euros per tonne"
            "[, if {loss} is lost]?",
            "I farm {hectares} hectares and get {tonnes} tonnes from each. The mill pays {price} euros for a tonne"
            "[, and I lose {loss} in storage]. Estimate my income.",
            "At {price} euros a tonne[ and with losses of {loss}], how much money do {hectares} hectares with {tonnes} "
            "tonnes per hectare bring in?",
            "Estimate the income from my harvest: {tonnes} tonnes per hectare, {hectares} hectares, {price} euros per "
            "tonne.",
            "Field income, please. Area {hectares} hectares, harvest {tonnes} tonnes a hectare, price {price} euros a "
            "tonne"
            "[, loss {loss}].",
        ),
        (
            (
                "Estimate the income of {each}.",
                "a field of {hectares} hectares with {tonnes} tonnes per hectare at {price} euros per tonne",
            ),
        ),
        also=("estimate_field_income", "crop_revenue"),
    ),
    Function(
        "get_frost_dates",
        "Get the usual first and last day of frost of a city.",
        (Parameter("city", CITY, "Name of the city.", also=("place", "town")),),
        (
            "When does frost usually begin and end in {city}?",
            "I would like to plant tomatoes on my balcony. Until when must I expect frost in {city}?",
            "(Get|Show) the frost dates of {city}.",
            "We have moved to {city} with all our pots. Which days are usually the first and the last with frost here?",
            "Frost dates for {city}, please.",
        ),
        (
            ("Get the frost dates of {each}.", "{city}"),
            ("When does it usually freeze first and last in {each}?", "{city}"),
        ),
        also=("frost_calendar", "lookup_frost"),
    ),
    Function(
        "hatch_date",
        "Predict the day on which eggs under a bird hatch.",
        (
            Parameter(
                "bird", one_of("chicken, duck, goose, quail, turkey, peafowl"), "Kind of bird.", also=("poultry",)
            ),
            Parameter(
                "set_on", day(), "Day on which brooding began, YYYY-MM-DD.", also=("start_date", "brooding_since")
            ),
        ),
        (
            "When will {bird} eggs hatch if brooding began on {set_on}?",
            "The brooding began on {set_on}. Tell me when the {bird} eggs should hatch.",
            "My daughter looks into the nest every hour. The {bird} eggs have been brooded since {set_on}; on what day "
            "will they hatch?",
            "(Predict|Compute) the hatching day of {bird} eggs that were set on {set_on}.",
            "Hatch date: {bird}, eggs set on {set_on}.",
        ),
        (
            ("Predict the hatching day for {each}.", "{bird} eggs set on {set_on}"),
            ("When do these hatch: {each}?", "{bird} eggs brooded since {set_on}"),
        ),
        also=("predict_hatching", "egg_hatch_day"),
    ),
    Function(
        "book_vet_visit",
        "Make an appointment for an animal with the vet.",
        (
            Parameter("animal_name", PET, "What the animal is called.", also=("pet", "patient")),
            Parameter(
                "reason",
                one_of(
                    "vaccination, checkup, dental_care, surgery, nail_trim",
                    vaccination="a vaccination",
                    checkup="a check-up",
                    nail_trim="a nail trim",
                ),
                "What is to be done.",
                also=("purpose", "treatment"),
            ),
            Parameter("date", day(), "Day of the visit, as YYYY-MM-DD.", also=("visit_date",)),
            Parameter("time", clock(8, 18), "Time of the visit, as HH:MM in 24 hours.", also=("hour",)),
        ),
        (
            "Book a vet visit for {animal_name} on {date} at {time}, reason: {reason}.",
            "{animal_name} is my rabbit. Please get an appointment for {reason} at the vet, on {date} at {time}.",
            "Could {animal_name} see the vet at {time} on {date}? It is for {reason}.",
            "I am free on {date}, so let us take {animal_name} to the vet for {reason}. Make it {time}.",
            "Vet appointment at {time}, {date}: {animal_name}, {reason}.",
        ),
        (("Make these appointments with the vet: {each}.", "{animal_name} for {reason} on {date} at {time}"),),
        also=("vet_appointment", "schedule_vet"),
    ),
    Function(
        "egg_statistics",
        "Summarize how many eggs the hens laid day by day.",
        (
            Parameter(
                "counts", numbers(0, 29, 4, 7), "Eggs per day, first day first.", also=("eggs_per_day", "daily_eggs")
            ),
            Parameter("hens", integer(30, 64), "Number of hens.", also=("flock_size",)),
        ),
        (
            "My {hens} hens laid these eggs, day by day: {counts}. Summarize that.",
            "How well do my hens lay? There are {hens} of them, and the daily counts of eggs were {counts}.",
            "Give me the laying statistics of {hens} hens, with daily counts of {counts}.",
            "I wrote down the eggs of every day: {counts}. With {hens} hens, how is the flock doing?",
            "Egg counts {counts} from {hens} hens: statistics, please.",
        ),
        (),
        also=("laying_summary", "summarize_eggs"),
    ),
    Function(
        "rainwater_yield",
        "Litres of rain that a roof brings into the barrel.",
        (
            Parameter("roof_area", integer(10, 240), "Area of the roof in square metres.", also=("area_m2",)),
            Parameter("rain", decimal(2, 60), "Rainfall in millimetres.", also=("rainfall_mm",)),
            Parameter(
                "roof",
                one_of("tiles, metal, slate, gravel"),
                "What the roof is made of. Default is tiles.",
                needed=False,
                also=("surface",),
            ),
        ),
        (
            "How many litres of water do I collect from {roof_area} square metres of roof[, made of {roof},] when "
            "{rain} mm of rain fall?",
            "After weeks of sun we finally had rain, {rain} mm of it. How much came off my roof of {roof_area} square "
            "metres"
            "[, which is made of {roof}]?",
            "(Calculate|Compute) the rainwater from a roof of {roof_area} m2[ of {roof}] with {rain} millimetres of "
            "rain.",
            "It will rain {rain} mm tonight. My barrels stand under a roof with an area of {roof_area} square metres. "
            "How many litres should they hold?",
            "Rainwater: {rain} mm of rain, {roof_area} square metres of roof[, {roof}].",
        ),
        (("Work out the rainwater for {each}.", "a roof of {roof_area} square metres with {rain} mm of rain"),),
        also=("collect_rainwater", "roof_water_litres"),
    ),
    Function(
        "good_neighbours",
        "Check which of some crops grow well beside each other.",
        (Parameter("crops", several(CROP), "The crops.", also=("plants", "vegetables")),),
        (
            "Do {crops} grow well side by side?",
            "I am drawing a plan of the new bed, with {crops}. Which of them should be neighbours?",
            "Check whether I can plant {crops} next to each other.",
            "Tell me which of these like one another: {crops}.",
            "Companion check, please: {crops}.",
        ),
        (),
        also=("companion_plants", "check_crop_neighbours"),
        abouts=("Companion planting: who gets along in a bed?",),
    ),
)
