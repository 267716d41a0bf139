"""Functions for science: physics, chemistry, biology and the laboratory."""

from __future__ import annotations

from .function import Function, Parameter
from .values import clock, day, decimal, flag, integer, one_of, percent, several, words

SPECIES = words("""
grey heron, red fox, sea otter, barn owl, pine marten, fire salamander, common toad, harbour seal, tawny eagle, snow
hare, spotted hyena, river dolphin, emperor penguin, fruit bat, mountain goat, giant squid, house gecko, honey badger,
tree frog, polar cod, sand lizard, arctic tern, field vole, water shrew
""")
REAGENT = words("""
sodium chloride, copper sulfate, acetic acid, calcium carbonate, potassium nitrate, citric acid, silver nitrate, zinc
oxide, boric acid, iron chloride, magnesium sulfate, oxalic acid, nickel nitrate, barium chloride, lithium carbonate,
tin chloride, ammonium sulfate, sodium acetate
""")
SAMPLE = words("""
RW-104, KT-27, LAKE-3, B-0915, SOIL-88, MX-61, PN-402, ICE-12, D-7731, VAT-5, HG-219, MOSS-40, CW-18, Z-3306, PEAT-9,
TR-550, FJORD-2, E-1428
""")

SCIENCE = (
    Function(
        "stock_volume_to_dilute",
        "How much of a stock solution to take for a thinner one.",
        (
            Parameter(
                "stock", decimal(5, 12), "Concentration of the stock in mol per litre.", also=("stock_molarity",)
            ),
            Parameter(
                "wanted", decimal(0.1, 3, 2), "Concentration to reach in mol per litre.", also=("final_molarity",)
            ),
            Parameter("volume", integer(50, 950, 10), "Volume to make in millilitres.", also=("final_volume",)),
        ),
        (
            "How much {stock} molar stock do I need for {volume} ml of a {wanted} molar solution?",
            "I want to make {volume} ml with a concentration of {wanted} mol/l. The stock has {stock} mol/l. How much "
            "of it do I take?",
            "(Dilute|Thin) a stock of {stock} mol/l to {wanted} mol/l, {volume} ml in all: what volume of stock is "
            "that?",
            "Our lab course starts soon and the bottles are empty. Tell me how much of the {stock} M stock goes into "
            "{volume} ml at {wanted} M.",
            "Stock needed, please: final concentration {wanted} M, final volume {volume} ml, stock concentration "
            "{stock} M.",
            "From a bottle of {stock} mol/l I should prepare {volume} ml of {wanted} mol/l. What volume do I pipette?",
        ),
        (
            ("How much stock do these dilutions take: {each}?", "{volume} ml of {wanted} M from a stock of {stock} M"),
            ("Work out the stock for {each}.", "{stock} M thinned to {wanted} M in {volume} ml"),
        ),
        also=("dilution_volume", "compute_dilution"),
    ),
    Function(
        "order_reagent",
        "Order a chemical for the laboratory.",
        (
            Parameter("chemical", REAGENT, "Name of the chemical, in lower case.", also=("reagent",)),
            Parameter("grams", integer(25, 2500, 25), "Amount in grams.", also=("quantity_g",)),
            Parameter(
                "grade",
                one_of("technical, analytical, food"),
                "Purity grade. Default is the cheapest.",
                False,
                ("purity",),
            ),
            Parameter(
                "express",
                flag("by express delivery", "by ordinary delivery"),
                "Whether to send it by express. Default is false.",
                needed=False,
            ),
        ),
        (
            "(Order|Buy) {grams} g of {chemical}[ of {grade} grade][, {express}].",
            "We have run out of {chemical}, as always before the open day. Please get {grams} grams of it[, {grade} "
            "grade][, {express}].",
            "Could you order {chemical} for the lab[, {express}]? We need {grams} g.",
            "For the lab: {grams} grams of {chemical}[, {grade} grade].",
            "Please put in an order for {grams} g of[ {grade} grade] {chemical}[, {express}].",
            "I need more {chemical}[ of {grade} grade]. Order {grams} g[ {express}].",
        ),
        (
            ("Please order {each}.", "{grams} g of {chemical}"),
            ("For the lab I need {each}. Please buy that.", "{grams} grams of {chemical}[ of {grade} grade]"),
        ),
        also=("buy_chemical", "reagent_order"),
        abouts=("Place an order for a reagent.",),
    ),
    Function(
        "book_instrument",
        "Reserve an instrument of the laboratory.",
        (
            Parameter(
                "instrument",
                words("""electron microscope, mass spectrometer, ultracentrifuge, laser cutter, gas chromatograph,
                flow cytometer, climate chamber, laminar hood, infrared camera, plate reader, x-ray diffractometer,
                gel scanner, vacuum oven, freeze dryer, confocal microscope, rheometer, gamma counter, wind tunnel"""),
                "Name of the instrument.",
                also=("device",),
            ),
            Parameter("date", day(2024, 2027), "Day, YYYY-MM-DD.", also=("on_date",)),
            Parameter("start", clock(7, 18), "When to begin, HH:MM, 24 hours.", also=("start_time",)),
            Parameter("hours", integer(2, 9, spelled=True), "How long. Default is 1.", False, ("duration_hours",)),
        ),
        (
            "(Book|Reserve) the {instrument} on {date} at {start}[ for {hours} hours].",
            "Can I have the {instrument} from {start} on {date}[, {hours} hours long]?",
            "My thesis is due and nothing works. I need the {instrument} on {date}[ for {hours} hours], starting at "
            "{start}.",
            "Instrument booking: {instrument}, {date}, {start}[, {hours} hours].",
            "Please block the {instrument} for me[ for {hours} hours]. The day is {date} and I begin at {start}.",
            "On {date} I would like to use the {instrument}[ for {hours} hours] from {start} on. Could you reserve it?",
        ),
        (
            ("Please reserve {each}.", "the {instrument} on {date} at {start}"),
            (
                "I need these instruments: {each}. Book them.",
                "the {instrument} at {start} on {date}[ for {hours} hours]",
            ),
        ),
        also=("reserve_lab_device", "instrument_booking"),
    ),
    Function(
        "species_facts",
        "Look up facts on an animal.",
        (
            Parameter("species", SPECIES, "Common name in lower case.", also=("animal",)),
            Parameter(
                "facts",
                several(one_of("diet, lifespan, habitat, weight, predators, range")),
                "Which facts to give.",
                also=("fields", "topics"),
            ),
        ),
        (
            "What are the {facts} of the {species}?",
            "(Tell me|Look up) the following about the {species}: {facts}.",
            "My niece has to give a talk in school and chose the {species}. Find its {facts}, please.",
            "Animal: {species}. Facts wanted: {facts}.",
            "I am curious about the {species}. Could you give me its {facts}?",
            "We saw a creature and think it was the {species}. I would like to read about its {facts}.",
        ),
        also=("animal_lookup", "get_animal_facts"),
    ),
    Function(
        "bacteria_count",
        "Predict the size of a colony of bacteria that doubles again and again.",
        (
            Parameter("initial", integer(200, 9000, 100), "Cells at the beginning.", also=("start_cells",)),
            Parameter("doubling_minutes", integer(15, 90), "Minutes a doubling takes.", also=("doubling_time",)),
            Parameter("hours", decimal(1.5, 12), "How long they grow, in hours.", also=("elapsed_hours",)),
        ),
        (
            "How many bacteria will there be after {hours} hours if {initial} double every {doubling_minutes} minutes?",
            "A dish holds {initial} cells. They double within {doubling_minutes} minutes. (Predict|Estimate) the count "
            "after {hours} hours.",
            "I left a jar of milk in the sun. If bacteria need {doubling_minutes} minutes to double and were {initial} "
            "at first, how many are there {hours} hours on?",
            "Colony size at {hours} hours: doubling time {doubling_minutes} minutes, {initial} cells to begin with.",
            "With a doubling time of {doubling_minutes} minutes, what becomes of {initial} cells in {hours} hours?",
        ),
        (
            (
                "How large do these colonies get: {each}?",
                "{initial} cells doubling every {doubling_minutes} minutes for {hours} hours",
            ),
        ),
        also=("colony_size", "predict_bacterial_growth"),
        abouts=("Number of cells in a growing colony.",),
    ),
    Function(
        "gene_cross",
        "Shares of the offspring of two parents, for one gene.",
        (
            Parameter("mother", one_of("RR, Rr, rr"), "Genes of the mother.", also=("parent_one",)),
            Parameter("father", one_of("RR, Rr, rr"), "Genes of the father.", also=("parent_two",)),
            Parameter(
                "litter", integer(4, 60), "Number of young to expect it for. Default is 100.", False, ("offspring",)
            ),
        ),
        (
            "What offspring do a mother with {mother} and a father with {father} have[, out of {litter} young]?",
            "(Cross|Mate) a father of type {father} with a mother of type {mother}[ and give the numbers for {litter} "
            "young].",
            "We breed rabbits behind the barn. The mother is {mother}, the father {father}. Which young can we expect"
            "[ among {litter}]?",
            "Gene cross: father {father}, mother {mother}[, {litter} young].",
            "If the father carries {father} and the mother {mother}, how are the genes spread[ over {litter} young]?",
        ),
        (("What comes out of these pairs: {each}?", "a mother with {mother} and a father with {father}"),),
        also=("offspring_shares", "cross_parents"),
    ),
    Function(
        "log_sample_reading",
        "Write a measurement of a sample into the laboratory book.",
        (
            Parameter("sample_id", SAMPLE, "Label of the sample, such as AB-00.", also=("label",)),
            Parameter("ph", decimal(2, 11, 2), "Acidity (pH).", also=("ph_value",)),
            Parameter("temperature", decimal(12, 35), "Degrees Celsius. Default is 20.", False, ("temp_c",)),
        ),
        (
            "(Log|Record|Note) a pH of {ph} for sample {sample_id}[, at {temperature} degrees].",
            "I have just measured sample {sample_id} with wet gloves. Its pH was {ph}[ and it was {temperature} "
            "degrees warm]. Put that into the lab book.",
            "Sample {sample_id}: pH {ph}[, {temperature} degrees]. Please note it down.",
            "Could you enter[ a temperature of {temperature} degrees and] a pH of {ph} in the lab book for "
            "{sample_id}?",
            "Lab book: pH {ph}, sample {sample_id}[, temperature {temperature} degrees].",
            "At[ {temperature} degrees in] the bench test, sample {sample_id} showed a pH of {ph}. Write it down for "
            "me.",
        ),
        (
            ("Please record {each}.", "a pH of {ph} for sample {sample_id}"),
            ("Note these readings: {each}.", "sample {sample_id} with pH {ph}[ at {temperature} degrees]"),
        ),
        also=("record_ph", "add_lab_reading"),
    ),
    Function(
        "echo_distance",
        "Distance of an obstacle, from the time until its echo returns.",
        (
            Parameter("delay", decimal(0.2, 9, 2), "Seconds between sound and echo.", also=("seconds",)),
            Parameter(
                "medium",
                one_of("sea_water, fresh_water, helium, steel"),
                "What the sound travels through. Default is air.",
                needed=False,
                also=("substance",),
            ),
        ),
        (
            "How far away is a wall whose echo[ through {medium}] returns after {delay} seconds?",
            "I shouted, and my voice came back {delay} seconds later. How distant is the cliff?",
            "(Compute|Work out) the distance for an echo[ in {medium}] that takes {delay} s.",
            "An echo needed {delay} seconds.[ The sound travelled through {medium}.] What distance does that mean?",
            "Echo after {delay} s[ in {medium}]. Distance?",
            "With my new toy I sent out a click[ in {medium}]. Its echo was back in {delay} seconds. How far off is "
            "the obstacle?",
        ),
        (
            ("How far off are the obstacles with these echoes: {each}?", "one after {delay} seconds[ in {medium}]"),
            ("Work out the distances for {each}.", "an echo that returns after {delay} s"),
        ),
        also=("distance_from_echo", "sonar_range"),
    ),
    Function(
        "isotope_left",
        "Amount of a radioactive isotope that is left after a time.",
        (
            Parameter(
                "isotope",
                words("""iodine-131, cobalt-60, radon-222, cesium-137, tritium, carbon-14, phosphorus-32, radium-226,
                polonium-210, strontium-90, fluorine-18, americium-241, sodium-24, thallium-201, sulfur-35,
                gallium-67, iridium-192, xenon-133"""),
                "Name of the isotope, in lower case.",
                also=("nuclide",),
            ),
            Parameter("milligrams", decimal(0.5, 80), "Amount at the beginning in milligrams.", also=("initial_mg",)),
            Parameter("days", integer(2, 400), "Days that pass.", also=("elapsed_days",)),
        ),
        (
            "How much of {milligrams} mg of {isotope} is left after {days} days?",
            "We put {milligrams} mg of {isotope} in a lead box {days} days ago. What remains of it?",
            "(Calculate|Work out) what is left of {isotope} when {days} days have passed. It was {milligrams} mg at "
            "first.",
            "The hospital stores {isotope} in the cellar, which worries the neighbours. How much of the {milligrams} "
            "mg will not have decayed in {days} days?",
            "Decay of {isotope}: {days} days, {milligrams} mg at the start. Rest?",
            "I have {milligrams} mg of {isotope}. How many milligrams will there be in {days} days?",
        ),
        (
            ("How much will be left of {each}?", "{milligrams} mg of {isotope} after {days} days"),
            ("Work out the decay of {each}.", "{milligrams} milligrams of {isotope} over {days} days"),
        ),
        also=("remaining_isotope", "radioactive_rest"),
    ),
    Function(
        "centrifuge_force",
        "Convert the speed of a centrifuge to multiples of gravity.",
        (
            Parameter("speed", integer(1500, 14000, 100), "Turns per minute (rpm).", also=("rpm",)),
            Parameter("radius", decimal(4, 19), "Radius of the rotor in centimetres.", also=("rotor_radius_cm",)),
        ),
        (
            "What force does a rotor with a radius of {radius} cm reach at {speed} rpm?",
            "(Convert|Turn) {speed} rpm into multiples of gravity, rotor radius {radius} cm.",
            "The centrifuge next door hums like a bee hive. It makes {speed} turns a minute and its rotor measures "
            "{radius} cm in radius. How many g is that?",
            "I spin my tubes at {speed} rpm, {radius} cm from the axis. Tell me the g force.",
            "Rotor radius {radius} cm, {speed} rpm: how many g?",
            "How strong is the pull in a centrifuge of {radius} cm radius when it does {speed} turns per minute?",
        ),
        (
            ("How many g are {each}?", "{speed} rpm on a rotor of {radius} cm radius"),
            ("Convert to g: {each}.", "{speed} turns per minute at {radius} cm radius"),
        ),
        also=("rpm_to_g", "relative_centrifugal_force"),
    ),
    Function(
        "seedlings_to_sow",
        "How many seeds to sow to end up with enough plants for an experiment.",
        (
            Parameter("plants", integer(12, 240), "Plants that are needed.", also=("plants_needed",)),
            Parameter("germination", percent(41, 96), "Share of seeds that sprout, as a fraction (0.05 for 5%)."),
            Parameter("spare", integer(2, 11, spelled=True), "Additional plants as a reserve. Default is 0.", False),
        ),
        (
            "If {germination} of the seeds sprout, how many must I sow to get {plants} plants[ plus {spare} spare "
            "ones]?",
            "The greenhouse heating failed again. I need {plants} plants for my trial[ and {spare} in reserve]. With a "
            "germination rate of {germination}, how many seeds do I sow?",
            "(Work out|Calculate) the seeds for {plants} plants[ and {spare} spare ones] at {germination} germination.",
            "Seeds to sow: {germination} germination, {plants} plants[, {spare} in reserve].",
            "How many seeds give me {plants} plants[ with a reserve of {spare}], when only {germination} come up?",
        ),
        (("How many seeds do I need for {each}?", "{plants} plants at {germination} germination"),),
        also=("seed_count", "seeds_needed"),
    ),
)
