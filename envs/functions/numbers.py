"""Functions for numbers: statistics, number puzzles, conversions, probability and shapes in space."""

from __future__ import annotations

from .function import Function, Parameter
from .values import decimal, flag, integer, numbers, one_of, percent, several

NUMBERS = (
    Function(
        "trimmed_mean",
        "Average of a list of values after dropping the smallest and the largest ones.",
        (
            Parameter("values", numbers(2, 98, 7, 9), "The values, in any order.", also=("data", "samples")),
            Parameter("cut", integer(2, 3), "How many to drop at each end. Default is 1.", False, ("trim_count",)),
        ),
        (
            "What is the trimmed mean of {values}[ when {cut} are dropped at each end]?",
            "The judges at the ice rink quarrelled all evening. (Average|Take the mean of) the scores {values} with "
            "the extremes left out[, {cut} from either end].",
            "[Drop {cut} at both ends. ](Mean|Average) of {values} without the extremes.",
            "I measured {values}, and the outliers must go. Can you give me the trimmed average[, cutting {cut} per "
            "side]?",
            "Could you find the average of {values} with the highest and lowest removed[, {cut} on each side]?",
            "My data is {values}. I need its mean after trimming[ {cut} values off each end].",
        ),
        also=("mean_without_extremes", "robust_average"),
        abouts=("Mean of a sample with its extremes cut off.",),
    ),
    Function(
        "percentile_rank",
        "Say which share of the values in a list lie below a score.",
        (
            Parameter("score", integer(20, 95), "The score to place.", also=("my_value",)),
            Parameter("others", numbers(11, 99, 4, 7), "The values to compare with.", also=("reference_scores",)),
            Parameter(
                "count_ties",
                flag("counting ties", "ignoring ties"),
                "Whether equal values count as below.",
            ),
        ),
        (
            "Which percentile rank has a score of {score} among {others}, {count_ties}?",
            "I got {score} in the exam that half the school was afraid of. The others got {others}. What is my "
            "percentile rank, {count_ties}?",
            "(Place|Rank) the score {score} as a percentile, {count_ties}, with these results to compare: {others}.",
            "The results of the class are {others}. (Tell me|Say) what share of them lies below {score}, {count_ties}.",
            "Percentile rank of the score {score} within {others}, {count_ties}, please.",
            "Given the values {others}, how does {score} rank as a percentile, {count_ties}?",
        ),
        also=("rank_in_sample", "share_of_values_below"),
    ),
    Function(
        "compare_groups",
        "Test whether two groups of measurements differ.",
        (
            Parameter("group_a", numbers(4, 60, 3, 6), "Measurements of the first group.", also=("first_sample",)),
            Parameter("group_b", numbers(4, 60, 3, 6), "Measurements of the second group.", also=("second_sample",)),
            Parameter(
                "test",
                one_of("welch, rank_sum, permutation", welch="Welch", rank_sum="rank sum"),
                "Which test to use. Default is welch.",
                needed=False,
                also=("test_type",),
            ),
        ),
        (
            "Is there a real difference between group A with {group_a} and group B with {group_b}?[ Use the {test} "
            "test.]",
            "We fed two flocks of hens differently. The first laid {group_a} eggs a week, the second {group_b}. "
            "(Check|Test) whether they differ[ with the {test} test].",
            "[Run a {test} test. ]First group: {group_a}. Second group: {group_b}. Do they differ?",
            "(Compare|Test) these two groups statistically[ by a {test} test]. A: {group_a}. B: {group_b}.",
            "Group A measured {group_a} while group B measured {group_b}. Is that more than chance[ in a {test} test]?",
            "I have a first sample of {group_a} and a second sample of {group_b}. Test them for a difference[ using "
            "the {test} test].",
        ),
        also=("two_group_test", "test_group_difference"),
    ),
    Function(
        "dice_sum_chance",
        "Probability that several dice show a given sum.",
        (
            Parameter("dice", integer(4, 7, spelled=True), "How many dice are thrown.", also=("dice_count",)),
            Parameter("total", integer(13, 24), "The sum of all dice.", also=("target_sum",)),
            Parameter("sides", integer(8, 20, 2), "Faces of each die. Default is 6.", False, ("faces",)),
        ),
        (
            "How likely is a sum of {total} with {dice} dice[ of {sides} sides each]?",
            "We are playing in the kitchen because of the rain. I throw {dice} dice[ with {sides} faces each] and need "
            "a total of {total}. What are my chances?",
            "(Give|Tell) me the probability that {dice} dice[, {sides} sided ones,] add up to {total}.",
            "Chance of {total} in all[ on dice with {sides} sides], throwing {dice} dice?",
            "If {dice} dice[ with {sides} sides] are rolled, what is the probability of {total} in sum?",
            "To win I must roll exactly {total} with {dice} dice.[ Each has {sides} sides.] How probable is it?",
        ),
        (
            ("How likely are these throws: {each}?", "a sum of {total} with {dice} dice"),
            ("Tell me the chances of rolling {each}.", "{total} in total on {dice} dice[ of {sides} sides]"),
        ),
        also=("probability_of_dice_sum", "dice_total_odds"),
    ),
    Function(
        "raffle_chance",
        "Probability of at least one prize when several tickets are drawn from a box without putting them back.",
        (
            Parameter("tickets", integer(100, 1900, 20), "Tickets in the box.", also=("tickets_in_box",)),
            Parameter("prizes", integer(3, 60), "How many of them win.", also=("winning_tickets",)),
            Parameter("bought", integer(2, 12, spelled=True), "Tickets one draws.", also=("draws",)),
        ),
        (
            "A raffle has {tickets} tickets and {prizes} of them win. What is my chance of a prize if I buy {bought} "
            "tickets?",
            "If I draw {bought} tickets out of a box with {tickets}, {prizes} of which are winners, how likely do I "
            "win something?",
            "The village fair is on and my daughter loves the raffle. She draws {bought} tickets. There are {prizes} "
            "winning ones among {tickets}. (Work out|Tell me) her chance to win.",
            "(Compute|Find) the raffle odds: {prizes} prizes, {tickets} tickets, {bought} bought.",
            "I bought {bought} raffle tickets. {tickets} were sold in all and {prizes} get a prize. What are my odds?",
        ),
        (
            (
                "What are the chances to win in these raffles: {each}?",
                "{bought} tickets bought out of {tickets} with {prizes} prizes",
            ),
        ),
        also=("raffle_win_probability", "chance_of_prize"),
        abouts=("Odds of winning something in a raffle.",),
    ),
    Function(
        "false_alarm_share",
        "Share of a test's positive results that are wrong.",
        (
            Parameter("prevalence", percent(1, 12), "Share of cases that are real, as a fraction (0.05 for 5%)."),
            Parameter(
                "hit_rate",
                percent(71, 99),
                "Share of real cases that the test finds, as a fraction.",
                also=("sensitivity",),
            ),
            Parameter(
                "alarm_rate",
                percent(13, 25),
                "Share of the other cases in which the test is positive too, as a fraction.",
                also=("false_positive_rate",),
            ),
        ),
        (
            "A test finds {hit_rate} of real cases, but is also positive for {alarm_rate} of the healthy. {prevalence} "
            "of people are ill. Which share of positive results is wrong?",
            "How many alarms are false, if {prevalence} of the parcels are dangerous, the scanner spots {hit_rate} of "
            "those, and it beeps for {alarm_rate} of the harmless ones?",
            "(Work out|Give me) the share of wrong positives: {alarm_rate} false positive rate, {hit_rate} hit rate, "
            "{prevalence} prevalence.",
            "Our spam filter annoys everybody in the office. {prevalence} of mails are spam. It catches {hit_rate} of "
            "them and flags {alarm_rate} of good mails. What share of its flags is mistaken?",
            "With a prevalence of {prevalence}, a hit rate of {hit_rate} and false alarms in {alarm_rate} of the other "
            "cases, what part of the positives is false?",
        ),
        also=("wrong_positive_share", "share_of_false_positives"),
    ),
    Function(
        "find_digit_sum_numbers",
        "List the whole numbers of a given length whose digits add up to a given sum.",
        (
            Parameter("length", integer(3, 7, spelled=True), "How many digits the numbers have.", also=("digits",)),
            Parameter("digit_sum", integer(8, 26), "Sum of the digits.", also=("total",)),
            Parameter(
                "divisor",
                integer(31, 60),
                "Only numbers that can be divided by this. Default is 1.",
                False,
                ("multiple_of",),
            ),
            Parameter(
                "repeats",
                flag("repeated digits allowed", "no repeated digits"),
                "Whether a digit may occur twice. Default is true.",
                needed=False,
                also=("allow_repeats",),
            ),
        ),
        (
            "Which numbers with {length} digits have a digit sum of {digit_sum}[ and can be divided by {divisor}][, "
            "with {repeats}]?",
            "I am stuck on a puzzle in the Sunday paper. It wants a number of {length} digits that add up to "
            "{digit_sum}[, {repeats}].[ It is a multiple of {divisor}.] What are the candidates?",
            "(List|Show) all numbers whose digits sum to {digit_sum}[ and which {divisor} divides], having {length} "
            "digits[ and {repeats}].",
            "Digit sum {digit_sum}, {length} digits[, divisible by {divisor}][, {repeats}]: which numbers are there?",
            "For a padlock I need every number with {length} digits and digit sum {digit_sum}[, {repeats}][, divisible "
            "by {divisor}].",
        ),
        (
            ("Which numbers have {each}?", "{length} digits with a digit sum of {digit_sum}"),
            ("List the numbers for each of these: {each}.", "digit sum {digit_sum} with {length} digits"),
        ),
        also=("digit_sum_search", "numbers_by_digit_sum"),
    ),
    Function(
        "continue_sequence",
        "Guess the rule behind a sequence of whole numbers and write its next members.",
        (
            Parameter("terms", numbers(1, 80, 4, 7), "The members known, in order.", also=("sequence", "known_terms")),
            Parameter("how_many", integer(2, 9, spelled=True), "Members to write. Default is 1.", False, ("count",)),
        ),
        (
            "How does the sequence {terms} go on[ for {how_many} more members]?",
            "My teacher wrote {terms} on the board and left the room. What comes next[, for {how_many} terms]?",
            "(Continue|Carry on) this sequence[ by {how_many} terms]: {terms}.",
            "Please find the rule in {terms} and go on[ with {how_many} more numbers].",
            "I wonder what follows {terms} in this number puzzle.[ Give me {how_many} more.]",
        ),
        also=("next_terms", "extend_sequence"),
    ),
    Function(
        "convert_old_length",
        "Convert a length from an old unit to a modern one.",
        (
            Parameter("amount", decimal(2, 90, 1), "The length in the old unit.", also=("length", "value")),
            Parameter(
                "old_unit",
                one_of("furlongs, chains, rods, fathoms, cubits, leagues"),
                "The old unit.",
                also=("source",),
            ),
            Parameter(
                "new_unit",
                one_of("centimetres, metres, kilometres, inches, yards"),
                "The modern unit.",
                also=("target",),
            ),
        ),
        (
            "How many {new_unit} are {amount} {old_unit}?",
            "(Convert|Turn) {amount} {old_unit} into {new_unit}.",
            "The deed of our farm, which nobody can read, gives a side as {amount} {old_unit}. What is that in "
            "{new_unit}?",
            "I would like to know, in {new_unit}, how long {amount} {old_unit} are.",
            "Old length: {amount} {old_unit}. Give it in {new_unit}, please.",
            "Could you express {amount} {old_unit} in {new_unit}?",
        ),
        (
            ("How long is each of these: {each}?", "{amount} {old_unit} in {new_unit}"),
            ("Convert {each}.", "{amount} {old_unit} to {new_unit}"),
        ),
        also=("old_units_to_modern", "historic_length"),
    ),
    Function(
        "bucket_volume",
        "Volume of a round bucket that is wider at the top than at the bottom.",
        (
            Parameter(
                "top_radius", decimal(12, 30), "Radius of the upper opening in centimetres.", also=("radius_top",)
            ),
            Parameter("bottom_radius", decimal(4, 11), "Radius of the base in centimetres.", also=("radius_bottom",)),
            Parameter("depth", decimal(10, 55), "Inner height in centimetres.", also=("height",)),
            Parameter("unit", one_of("gallons, pints, litres"), "Unit of the answer."),
        ),
        (
            "How much goes into a bucket that is {depth} cm deep, with a radius of {top_radius} cm at the top and "
            "{bottom_radius} cm at the bottom, in {unit}?",
            "The goats need water twice a day. Their bucket has a bottom radius of {bottom_radius} cm, a top radius of "
            "{top_radius} cm and a depth of {depth} cm. How many {unit} does it hold?",
            "(Compute|Work out) a bucket's volume in {unit}: top radius {top_radius} cm, bottom radius {bottom_radius} "
            "cm, depth {depth} cm.",
            "I want to know the volume in {unit} of a tub {depth} cm in depth. Its radius is {bottom_radius} cm below "
            "and {top_radius} cm above.",
            "What is the volume of a flower pot with an upper radius of {top_radius} cm, a lower radius of "
            "{bottom_radius} cm and a depth of {depth} cm, given in {unit}?",
        ),
        (
            (
                "Compute {each}.",
                "the {unit} held by a bucket with top radius {top_radius} cm, bottom radius {bottom_radius} cm and "
                "depth {depth} cm",
            ),
        ),
        also=("tapered_bucket_capacity", "frustum_volume"),
    ),
    Function(
        "dome_surface",
        "Surface of a dome cut from a ball.",
        (
            Parameter("ball_radius", decimal(10, 40), "Radius of the whole ball in metres.", also=("radius",)),
            Parameter("rise", decimal(2, 9), "Height of the dome in metres.", also=("dome_height",)),
            Parameter(
                "floor",
                flag("the floor included", "the floor left out"),
                "Whether to add the flat floor.",
                also=("with_floor",),
            ),
        ),
        (
            "What is the surface of a dome with a height of {rise} m, cut from a ball of radius {ball_radius} m, "
            "{floor}?",
            "Our town builds a planetarium. Its dome rises {rise} m and belongs to a ball with a radius of "
            "{ball_radius} m. How many square metres is it, with {floor}?",
            "(Compute|Find) the area of a dome with {floor}: ball radius {ball_radius} m, height {rise} m.",
            "A roof is a piece of a ball, {ball_radius} m in radius, and is {rise} m high. (Tell me|Say) its surface, "
            "with {floor}.",
            "I plan a dome {rise} m tall from a ball {ball_radius} m in radius. Give me its surface, {floor}.",
        ),
        (
            (
                "What are the surfaces of {each}?",
                "a dome {rise} m high from a ball of {ball_radius} m radius with {floor}",
            ),
        ),
        also=("spherical_dome_area", "area_of_dome"),
    ),
    Function(
        "pack_boxes",
        "Count how many cubes of one size fit into a box.",
        (
            Parameter(
                "box",
                several(integer(40, 240, 5), 3, 3),
                "Inner length, width and height of the box in centimetres.",
                also=("box_size",),
            ),
            Parameter("cube_edge", integer(3, 30), "Edge of the cubes in centimetres.", also=("edge",)),
        ),
        (
            "How many cubes with an edge of {cube_edge} cm fit into a box measuring {box} cm?",
            "A box has length, width and height of {box} cm. (Count|Work out) how many {cube_edge} cm cubes go in.",
            "I am packing for a toy fair in the north. The cubes have an edge of {cube_edge} cm and the crate is {box} "
            "cm in length, width and height. How many fit?",
            "Cubes of edge {cube_edge} cm in a box of {box} cm: how many?",
            "Inside, my box measures {box} cm. How many cubes can it take, each {cube_edge} cm along the edge?",
        ),
        also=("cubes_in_box", "box_cube_count"),
    ),
)
