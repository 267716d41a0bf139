"""Functions for building and mending things."""

from __future__ import annotations

from .function import Function, Parameter
from .values import CITY, PERSON, day, decimal, flag, integer, numbers, one_of, percent, several, words

WORKSHOP = (
    Function(
        "paint_needed",
        "Estimate how many litres of paint a wall takes.",
        (
            Parameter("width", decimal(1.5, 20), "Width of the wall in metres.", also=("wall_width",)),
            Parameter("height", decimal(1.5, 6), "Height of the wall in metres.", also=("wall_height",)),
            Parameter(
                "coats", integer(2, 4, spelled=True), "How often it is painted over. Default is 2.", needed=False
            ),
            Parameter("paint", one_of("chalk, latex, oil"), "Kind of paint. Default is latex.", needed=False),
        ),
        (
            "How much[ {paint}] paint do I need for a wall {width} metres wide and {height} metres high"
            "[, with {coats} coats]?",
            "(I am going to|I want to) paint a wall[ with {paint} paint]. It is {height} m high and {width} m wide. "
            "How many litres should I buy[ for {coats} coats]?",
            "(Estimate|Work out) the[ {paint}] paint for a wall, {width} m in width and {height} m in height"
            "[, {coats} coats].",
            "My hallway has a wall of {width} m width and {height} m height. (Tell me|Say) how much[ {paint}] paint it "
            "takes.",
            "How many litres[ of {paint} paint] go on a wall that is {width} m wide and {height} m tall"
            "[ if I put on {coats} coats]?",
        ),
        (
            ("How much paint do I need for (these walls|my walls): {each}?", "one {width} m wide and {height} m high"),
            ("Estimate the paint for {each}.", "a wall of {width} metres width and {height} metres height"),
        ),
        also=("estimate_paint", "wall_paint_litres"),
        abouts=("Litres of paint for a wall of the given size.",),
    ),
    Function(
        "get_pilot_drill",
        "Look up which drill bit to take for the pilot hole of a screw.",
        (
            Parameter(
                "screw_diameter", decimal(2.5, 9), "Diameter of the screw in millimetres.", also=("diameter_mm",)
            ),
            Parameter("material", one_of("softwood, hardwood, plywood, chipboard"), "What the screw goes into."),
        ),
        (
            "Which drill bit do I take before I drive screws of {screw_diameter} mm into {material}?",
            "I keep splitting the {material}. What size of pilot hole is right for {screw_diameter} mm screws?",
            "(Look up|Find) the pilot drill: {material}, screw diameter {screw_diameter} mm.",
            "My screws are {screw_diameter} millimetres thick and the shelf is made of {material}. How wide should I "
            "pre-drill?",
            "Pilot hole for {material} and a screw with a diameter of {screw_diameter} mm, please.",
        ),
        (
            ("Tell me the pilot drill for {each}.", "screws of {screw_diameter} mm in {material}"),
            ("Which pilot holes do I drill for {each}?", "{material} with {screw_diameter} mm screws"),
        ),
        also=("pilot_hole_size", "lookup_predrill_bit"),
        abouts=("The right bit for pre-drilling, given a screw and the board it goes into.",),
    ),
    Function(
        "tile_count",
        "Work out how many square tiles cover a rectangular floor.",
        (
            Parameter("room_length", decimal(4, 12), "Longer side of the room in metres.", also=("length_m",)),
            Parameter("room_width", decimal(1.5, 3.9), "Shorter side of the room in metres.", also=("width_m",)),
            Parameter("tile_side", integer(10, 90, 5), "Side of one tile in centimetres.", also=("tile_size",)),
            Parameter(
                "spare",
                percent(3, 25),
                "Tiles to add for breakage, as a fraction: 0.07 for 7%. Default is 0.1.",
                needed=False,
            ),
        ),
        (
            "How many {tile_side} cm tiles does a floor of {room_length} m by {room_width} m need[, with {spare} "
            "spare]?",
            "We are redoing the bathroom at last. It is {room_length} metres long and {room_width} metres wide, and "
            "the tiles measure {tile_side} cm a side. How many must I order[ if I add {spare} for breakage]?",
            "Count the tiles for my kitchen floor[, plus {spare} extra]: tile side {tile_side} cm, room length "
            "{room_length} m, room width {room_width} m.",
            "I have chosen square tiles with sides of {tile_side} centimetres. Please work out the number of them for "
            "a room {room_length} m in length and {room_width} m in width.",
            "Tiles needed[ with {spare} on top]: floor {room_length} m long, {room_width} m wide, tiles {tile_side} "
            "cm.",
        ),
        (
            (
                "How many tiles do I buy for {each}?",
                "a room {room_length} m long and {room_width} m wide with {tile_side} cm tiles",
            ),
        ),
        also=("count_floor_tiles", "tiles_for_room"),
    ),
    Function(
        "plan_cuts",
        "Lay out the pieces to saw from boards of one length, so that little is wasted.",
        (
            Parameter(
                "board_length", integer(200, 600, 10), "Length of each board in centimetres.", also=("stock_cm",)
            ),
            Parameter("pieces", numbers(20, 150), "Lengths of the wanted pieces in centimetres.", also=("cuts",)),
            Parameter(
                "blade_width",
                decimal(1.4, 4.5),
                "What the saw takes away with each cut, in millimetres. Default is 3.",
                needed=False,
                also=("kerf",),
            ),
        ),
        (
            "How should I cut pieces of {pieces} cm from boards of {board_length} cm[ with a blade of {blade_width} "
            "mm]?",
            "I bought boards that are {board_length} cm long. I need these pieces out of them, in cm: {pieces}. Make a "
            "cutting plan[; my blade is {blade_width} mm wide].",
            "Plan my saw cuts[ for a blade width of {blade_width} mm]. The pieces should be {pieces} cm long, and "
            "every board is {board_length} cm.",
            "What is the least wasteful way to get lengths of {pieces} centimetres out of {board_length} cm boards?",
            "Cutting list, please: boards {board_length} cm[, saw blade {blade_width} mm], pieces {pieces} cm.",
        ),
        (("Plan the cuts for {each}.", "boards of {board_length} cm with pieces of {pieces} cm"),),
        also=("cutting_plan", "optimize_board_cuts"),
        abouts=("A sawing plan for boards.",),
    ),
    Function(
        "rent_tool",
        "Rent a tool from the hire shop.",
        (
            Parameter(
                "tool",
                words("""
                tile cutter, belt sander, concrete mixer, floor grinder, scaffold tower, demolition hammer, wet saw,
                plate compactor, post driver, carpet stripper, pressure washer, trench digger, wood chipper,
                log splitter, paint sprayer, wallpaper steamer, core drill, fence stretcher, pipe bender,
                rotary hammer, band saw, heat gun, ceiling lift, laser level
                """),
                "Name of the tool.",
                also=("tool_name",),
            ),
            Parameter("start_date", day(), "First day of the rental, as YYYY-MM-DD.", also=("from_date", "pickup_day")),
            Parameter("days", integer(2, 12, spelled=True), "For how many days.", also=("duration_days",)),
            Parameter(
                "delivery",
                flag("with delivery", "without delivery"),
                "Whether the shop brings it. Default is false.",
                needed=False,
            ),
        ),
        (
            "(Rent|Hire) a {tool} for {days} days from {start_date}[, {delivery}].",
            "My neighbour is helping me with the patio. We need a {tool} starting {start_date}, for {days} days in all"
            "[, {delivery}]. Can you rent it?",
            "From {start_date} on I want a {tool}. Please arrange the rental[ {delivery}] for {days} days.",
            "Could you get me the {tool} for {days} days? The first day would be {start_date}.",
            "Please rent me a {tool}[ {delivery}]: {days} days, first day {start_date}.",
        ),
        (
            ("Please hire {each}.", "a {tool} for {days} days from {start_date}"),
            ("I would like to rent {each}.", "the {tool}[ {delivery}] starting {start_date} for {days} days"),
        ),
        also=("hire_equipment", "tool_rental"),
    ),
    Function(
        "clamp_time",
        "How long glued parts must stay clamped.",
        (
            Parameter(
                "glue", one_of("wood_glue, epoxy, hide_glue, contact_cement"), "Kind of glue.", also=("adhesive",)
            ),
            Parameter("temperature", integer(4, 32), "Temperature of the room in degrees Celsius.", also=("celsius",)),
        ),
        (
            "How long do I leave the clamps on with {glue} at {temperature} degrees Celsius?",
            "It is {temperature} degrees Celsius in my garage and I have just glued a chair with {glue}. When may I "
            "take off the clamps?",
            "(Tell me|Give me) the clamping time of {glue} in a room of {temperature} C.",
            "I used {glue} this morning and the thermometer says {temperature} C. How long must it stay in the clamps?",
            "Clamping time, please. Glue: {glue}. Temperature: {temperature} degrees Celsius.",
        ),
        (("How long must I clamp {each}?", "{glue} at {temperature} degrees Celsius"),),
        also=("get_clamping_time", "glue_setting_time"),
        abouts=("Look up the time until clamps may come off a glued joint.",),
    ),
    Function(
        "fence_post_concrete",
        "Compute the bags of concrete for round holes around fence posts.",
        (
            Parameter("posts", integer(2, 40, spelled=True), "Number of posts.", also=("post_count", "holes")),
            Parameter("depth", integer(40, 120, 5), "Depth of each hole in centimetres.", also=("hole_depth",)),
            Parameter("diameter", integer(20, 60), "Diameter of each hole in centimetres.", also=("hole_diameter",)),
            Parameter("bag_weight", integer(10, 40, 5), "Kilograms in one bag. Default is 25.", needed=False),
        ),
        (
            "How many bags of concrete[ of {bag_weight} kg] set {posts} fence posts in holes {depth} cm deep and "
            "{diameter} cm across?",
            "I am fencing the paddock with {posts} posts. Every hole has a diameter of {diameter} cm and a depth of "
            "{depth} cm. Work out the concrete I need[ in bags of {bag_weight} kg].",
            "Calculate the concrete for {posts} posts: hole diameter {diameter} cm, hole depth {depth} cm"
            "[, bags of {bag_weight} kilograms].",
            "My holes go {depth} centimetres down and are {diameter} centimetres wide, and there will be {posts} fence "
            "posts. How much concrete must I carry home?",
            "Concrete for {posts} fence posts, please. The holes are {diameter} cm in diameter and {depth} cm deep"
            "[; the shop sells bags of {bag_weight} kg].",
        ),
        (
            (
                "Tell me how much concrete I need for {each}.",
                "{posts} posts in holes of {depth} cm depth and {diameter} cm diameter",
            ),
        ),
        also=("concrete_bags", "estimate_post_concrete"),
    ),
    Function(
        "log_repair",
        "Write a finished repair into the household log.",
        (
            Parameter(
                "item",
                words("""
                dishwasher, kitchen tap, garage door, bathroom fan, lawn mower, washing machine, front gate,
                stair railing, skylight, radiator, cellar pump, doorbell, oven hinge, shower hose, roof gutter,
                tumble dryer, bicycle, vacuum cleaner
                """),
                "What was repaired.",
                also=("object", "repaired_item"),
            ),
            Parameter("cost", decimal(5, 400, 2), "Price of the repair in dollars.", also=("amount", "price")),
            Parameter("repaired_on", day(), "Day of the repair, YYYY-MM-DD.", also=("date",)),
            Parameter("repairer", PERSON, "Who did the work.", needed=False, also=("done_by",)),
        ),
        (
            "Log that the {item} was repaired[ by {repairer}] on {repaired_on} for {cost} dollars.",
            "On {repaired_on} I spent ${cost} on getting the {item} fixed. (Put that in|Add that to) the repair log"
            "[; {repairer} did it].",
            "[{repairer} did the job. ]The {item} works, finally. Note the repair: {cost} dollars, {repaired_on}.",
            "Could you record a repair of our {item}? It cost {cost} dollars and took place on {repaired_on}.",
            "New repair log entry: {item}, {repaired_on}, cost {cost} dollars[, done by {repairer}].",
        ),
        (("Enter into the repair log: {each}.", "the {item} for {cost} dollars on {repaired_on}"),),
        also=("add_repair_entry", "repair_log_write"),
        abouts=("Keep a record of something that was mended.",),
    ),
    Function(
        "sanding_steps",
        "List the grits of sandpaper to use one after the other.",
        (
            Parameter("first_grit", integer(40, 120, 20), "The coarsest paper, to begin with.", also=("start_grit",)),
            Parameter("last_grit", integer(180, 600, 20), "The finest paper, to end with.", also=("end_grit",)),
        ),
        (
            "Which sandpapers do I go through from grit {first_grit} to grit {last_grit}?",
            "I begin with {first_grit} grit and want to finish at {last_grit} grit. What comes in between?",
            "List the sanding steps that lead up to {last_grit} grit, with {first_grit} grit as the first.",
            "The table top still feels rough, so I will start over with {first_grit} grit paper. Give me the sequence "
            "that ends at {last_grit}.",
            "Sanding sequence, please: first grit {first_grit}, last grit {last_grit}.",
        ),
        (
            ("List the sandpapers to use {each}.", "from grit {first_grit} to grit {last_grit}"),
            ("I need the sanding steps for {each}.", "a start at {first_grit} grit and a finish at {last_grit} grit"),
        ),
        also=("grit_sequence", "plan_sanding"),
    ),
    Function(
        "convert_torque",
        "Convert a tightening torque from a metric unit.",
        (
            Parameter("torque", decimal(2, 220), "The torque, a number.", also=("value",)),
            Parameter(
                "from_unit",
                one_of("newton_metre, kilogram_metre", newton_metre="newton metres", kilogram_metre="kilogram metres"),
                "Unit of the given torque.",
                also=("source_unit",),
            ),
            Parameter(
                "to_unit",
                one_of(
                    "foot_pound, inch_pound, inch_ounce",
                    foot_pound="foot pounds",
                    inch_pound="inch pounds",
                    inch_ounce="inch ounces",
                ),
                "Unit of the answer.",
                also=("target_unit", "unit"),
            ),
        ),
        (
            "Convert {torque} {from_unit} to {to_unit}.",
            "The manual says to tighten the bolt to {torque} {from_unit}, but my wrench shows {to_unit}. What do I "
            "set?",
            "How many {to_unit} are {torque} {from_unit}?",
            "I need {to_unit}: what do {torque} {from_unit} come to?",
            "Give me a torque of {torque} {from_unit} in {to_unit}.",
        ),
        (("Convert these torques: {each}.", "{torque} {from_unit} to {to_unit}"),),
        also=("torque_in_unit", "translate_torque"),
    ),
    Function(
        "find_repair_cafe",
        "Find meetings where volunteers help to mend things.",
        (
            Parameter("city", CITY, "City to search in.", also=("town",)),
            Parameter(
                "skills",
                several(one_of("sewing, soldering, welding, woodwork, electronics, bicycles"), 2, 3),
                "What the volunteers must know about.",
                also=("topics",),
            ),
            Parameter("date", day(), "Day of the meeting, YYYY-MM-DD. Default is any day.", needed=False),
        ),
        (
            "Is there a repair cafe in {city}[ on {date}] where people know about {skills}?",
            "I have a whole box of broken things. Find me a repair cafe with help for {skills} in {city}[, open on "
            "{date}].",
            "(Search|Look) for repair cafes[ on {date}]. Skills: {skills}. City: {city}.",
            "We live in {city} and would like to mend things with others. Where do volunteers help with {skills}?",
            "Repair cafes in {city} that cover {skills}[, on {date}], please.",
        ),
        also=("search_repair_cafes", "repair_meetup_search"),
    ),
)
