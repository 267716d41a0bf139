"""Functions for cooking, recipes and what is in food."""

from __future__ import annotations

from .function import Function, Parameter
from .values import CITY, day, decimal, flag, integer, numbers, one_of, percent, quoted, several, words

DISH = words("""
lentil soup, apple crumble, mushroom risotto, fish pie, beef stew, pumpkin curry, potato gratin, lemon tart,
onion soup, chicken pot pie, banana bread, vegetable lasagne, rice pudding, cheese souffle, plum cake, bean chili,
shepherd pie, spinach quiche, carrot cake, noodle salad, tomato soup, walnut loaf, leek tart, cabbage stew
""")
GROCERY = words("""
milk, flour, spinach, olives, coffee, yoghurt, lemons, rice, carrots, honey, eggs, parsley, red onions, lentils, butter,
cheddar, mushrooms, oat flakes, tomatoes, sour cream, ginger, chickpeas, cinnamon, potatoes, garlic, walnuts, leeks,
pumpkin, tofu, celery, apples, cashews, cream cheese, basil, courgettes, peanut butter
""")

KITCHEN = (
    Function(
        "scale_recipe",
        "Change the amounts of a recipe from one number of servings to another.",
        (
            Parameter("recipe", DISH, "Name of the recipe.", also=("dish", "recipe_name")),
            Parameter(
                "servings", integer(2, 6, spelled=True), "Servings the recipe makes now.", also=("from_servings",)
            ),
            Parameter("wanted", integer(7, 60, spelled=True), "Servings you want.", also=("to_servings", "guests")),
        ),
        (
            "Scale the {recipe} from {servings} to {wanted} servings.",
            "There will be {wanted} people at the table, but my recipe for {recipe} serves {servings}. Can you adjust "
            "it?",
            "How do the amounts change if I make {recipe} for {wanted} people and the recipe is for {servings}?",
            "I have a recipe for {recipe} that feeds {servings}. Rewrite it so that it feeds {wanted}.",
            "Recipe: {recipe}. It is for {servings} servings now, and I want {wanted}.",
        ),
        (
            ("Please scale {each}.", "the {recipe} from {servings} to {wanted} servings"),
            ("I need larger amounts of {each}.", "{recipe} for {wanted} people instead of {servings}"),
        ),
        also=("adjust_servings", "recipe_resize"),
        abouts=("Multiply a recipe up for more people.",),
    ),
    Function(
        "convert_measure",
        "Convert a kitchen measure of an ingredient to a weight.",
        (
            Parameter(
                "ingredient",
                words("""
                sugar, flour, cocoa, honey, rice, butter, semolina, icing sugar, ground almonds, couscous, maple syrup,
                bread crumbs, cornmeal, quinoa, desiccated coconut, yoghurt, grated cheese, buckwheat
                """),
                "What is measured; weights differ.",
                also=("food",),
            ),
            Parameter("amount", decimal(1.5, 9.5), "How many of the measure.", also=("quantity",)),
            Parameter(
                "measure",
                one_of("cup, tbsp, tsp", cup="cups", tbsp="tablespoons", tsp="teaspoons"),
                "The kitchen measure.",
                also=("from_unit",),
            ),
            Parameter(
                "unit", one_of("g, oz", g="grams", oz="ounces"), "Unit of the answer. Default is g.", needed=False
            ),
        ),
        (
            "What do {amount} {measure} of {ingredient} weigh[ in {unit}]?",
            "My recipe comes from an old booklet and calls for {amount} {measure} of {ingredient}. Please convert that"
            "[ to {unit}], since I cook with a scale.",
            "Convert {amount} {measure} of {ingredient} to a weight[ in {unit}].",
            "My scoop is fine for {ingredient}, but how heavy are {amount} {measure} of it[, in {unit}]?",
            "The weight of {amount} {measure} of {ingredient}[ in {unit}], please.",
        ),
        (
            ("Convert to weights: {each}.", "{amount} {measure} of {ingredient}"),
            ("How heavy are {each}?", "{amount} {measure} of {ingredient}"),
        ),
        also=("measure_to_weight", "weigh_ingredient"),
    ),
    Function(
        "roasting_time",
        "How long a joint of meat stays in the oven.",
        (
            Parameter("meat", one_of("beef, lamb, pork, turkey, venison"), "The meat.", also=("meat_type",)),
            Parameter("weight", decimal(1.2, 6.5), "Weight of the joint in kilograms.", also=("weight_kg",)),
            Parameter(
                "fan",
                flag("with the fan on", "with the fan off"),
                "Whether the fan of the oven runs.",
                also=("fan_oven",),
            ),
        ),
        (
            "How long does a joint of {meat} of {weight} kg take in the oven {fan}?",
            "I have {weight} kg of {meat} in front of me, and the family is coming for lunch. How long must I roast it "
            "{fan}?",
            "Tell me the roasting time for {meat}, {weight} kilograms, {fan}.",
            "Roasting {fan}, what time should I allow for {weight} kilograms of {meat}?",
            "Roasting time, please: {weight} kg {meat}, {fan}.",
        ),
        (("How long must I roast {each}?", "{weight} kg of {meat} {fan}"),),
        also=("get_roast_minutes", "time_in_oven"),
        abouts=("Get the minutes in the oven for a piece of meat.",),
    ),
    Function(
        "find_recipes",
        "Search the cookbook for recipes that use all of the given ingredients.",
        (
            Parameter("ingredients", several(GROCERY), "What the recipe must use.", also=("must_contain", "items")),
            Parameter("max_minutes", integer(15, 90, 5), "Longest time in minutes. Default is no limit.", needed=False),
            Parameter(
                "course",
                one_of("starter, main_course, dessert"),
                "Part of the meal. Default is any.",
                needed=False,
                also=("meal_part",),
            ),
        ),
        (
            "What can I cook with {ingredients}[ in {max_minutes} minutes or less]?",
            "(Find|Show) me[ {course}] recipes that use {ingredients}[ and take at most {max_minutes} minutes].",
            "I came home late and the fridge holds {ingredients}. Is there a[ {course}] dish in the cookbook for that?",
            "Search for[ {course}] dishes[ that are done within {max_minutes} minutes]. They should contain "
            "{ingredients}.",
            "Which[ {course}] recipes have {ingredients} in them[, with a cooking time of {max_minutes} minutes at "
            "most]?",
        ),
        also=("search_cookbook", "recipes_with", "cookbook_lookup"),
    ),
    Function(
        "get_nutrient",
        "Look up how much of a nutrient is in an amount of a food.",
        (
            Parameter(
                "food",
                words("""
                cooked lentils, salmon, brown rice, oats, almonds, cottage cheese, avocado, kidney beans, tofu,
                broccoli, sweet potato, sardines, peanut butter, quinoa, raisins, chicken breast, rye bread,
                greek yoghurt, kale, chickpeas, mackerel, pumpkin seeds, cheddar, bananas
                """),
                "The food.",
                also=("food_name",),
            ),
            Parameter(
                "nutrient",
                one_of("protein, fat, fibre, iron, sugar, vitamin_c, calcium", vitamin_c="vitamin C"),
                "The nutrient.",
                also=("component",),
            ),
            Parameter("grams", integer(20, 480, 10), "Amount of the food in grams.", also=("amount_g", "portion")),
        ),
        (
            "How much {nutrient} is in {grams} g of {food}?",
            "I had {grams} grams of {food} for lunch. How much {nutrient} was that?",
            "Give me the {nutrient} content of {food} for a portion of {grams} grams.",
            "My dietitian asked me to watch my {nutrient}. What do {grams} g of {food} contain?",
            "{grams} g of {food}: how much {nutrient}?",
        ),
        (
            ("Look up {each}.", "the {nutrient} in {grams} g of {food}"),
            ("I want to know how much there is of {each}.", "{nutrient} in {grams} grams of {food}"),
        ),
        also=("nutrient_content", "food_nutrition"),
    ),
    Function(
        "set_kitchen_timer",
        "Start a timer with a label in the kitchen.",
        (
            Parameter(
                "label",
                quoted(
                    "eggs, pasta water, bread in the oven, rest the dough, green beans, tea, turn the roast, cake, jam "
                    "test, rice, cool the custard, chill the pastry, baked potatoes, proof the rolls, pizza, stir the "
                    "risotto, simmer the stock, soak the beans"
                ),
                "Text shown on the timer.",
                also=("name", "title"),
            ),
            Parameter("minutes", integer(2, 95, spelled=True), "Minutes until it rings.", also=("duration_minutes",)),
            Parameter("loud", flag("loud", "quiet"), "Whether it rings loudly. Default is true.", needed=False),
        ),
        (
            "Set a[ {loud}] timer of {minutes} minutes called {label}.",
            "My hands are covered in dough. Start a[ {loud}] kitchen timer labelled {label} that rings in {minutes} "
            "minutes.",
            "Could you remind me in {minutes} minutes with a timer named {label}[, {loud} please]?",
            "I need a timer. Label it {label} and let it run for {minutes} minutes.",
            "Timer {label}, {minutes} minutes[, {loud}].",
        ),
        (
            ("Start these timers: {each}.", "{label} for {minutes} minutes"),
            ("Please set {each}.", "a timer {label} of {minutes} minutes"),
        ),
        also=("start_timer", "kitchen_timer"),
        abouts=("Count down some minutes and ring.",),
    ),
    Function(
        "shopping_list_add",
        "Put groceries on the shopping list.",
        (
            Parameter("items", several(GROCERY), "The groceries.", also=("groceries", "products")),
            Parameter(
                "shop",
                one_of("market, supermarket, corner_shop, farm_store"),
                "Where to buy them. Default is supermarket.",
                needed=False,
                also=("store",),
            ),
        ),
        (
            "Put {items} on my shopping list[ for the {shop}].",
            "We are out of {items}. Add them to the shopping list[; I will go to the {shop}].",
            "(Remember|Note) that I still have to buy {items}[ at the {shop}].",
            "Could you add this to the[ {shop}] shopping list: {items}?",
            "Shopping list: please add {items}[, from the {shop}].",
        ),
        also=("add_groceries", "update_shopping_list"),
    ),
    Function(
        "portion_cost",
        "Share the cost of the ingredients of a meal between its portions.",
        (
            Parameter("prices", numbers(2, 24), "Prices of the ingredients in euros.", also=("ingredient_prices",)),
            Parameter("portions", integer(2, 20, spelled=True), "Number of portions.", also=("servings",)),
        ),
        (
            "What does a portion cost if the ingredients were {prices} euros and the pot makes {portions} portions?",
            "The ingredients cost me {prices} euros. Divide that between {portions} portions.",
            "We cooked for the street party, and it came to {portions} plates. What was the price of one, with "
            "ingredients at {prices} euros?",
            "I spent {prices} euros at the market and got {portions} portions out of it. Work out the cost of each.",
            "Cost per portion: {portions} portions, ingredient prices {prices} euros.",
        ),
        (),
        also=("cost_per_serving", "price_of_portion"),
    ),
    Function(
        "book_cooking_class",
        "Book places in a cooking class.",
        (
            Parameter(
                "cuisine",
                words("""
                Thai, Greek, Mexican, Japanese, Lebanese, Peruvian, French, Korean, Moroccan, Vietnamese, Spanish,
                Turkish, Georgian, Persian, Cuban, Hungarian, Portuguese, Sicilian
                """),
                "What is cooked.",
            ),
            Parameter("city", CITY, "Where the class is.", also=("location",)),
            Parameter("date", day(), "Day of the class as YYYY-MM-DD.", also=("class_date", "on_day")),
            Parameter(
                "places", integer(2, 9, spelled=True), "Number of people. Default is 1.", needed=False, also=("people",)
            ),
        ),
        (
            "Book a {cuisine} cooking class in {city} on {date}[ for {places} people].",
            "My sister loves food from all over the world. Could you reserve[ {places} places in] a {cuisine} cooking "
            "class? It should be in {city}, on {date}.",
            "I will be in {city} on {date} and want to learn {cuisine} cooking. Sign me up for a class[; it is for "
            "{places} people].",
            "On {date} there is a class in {cuisine} cooking in {city}. Please book it[, {places} places].",
            "Cooking class booking: {city}, {date}, {cuisine} cuisine[, {places} people].",
        ),
        (("Please book {each}.", "a {cuisine} cooking class in {city} on {date}"),),
        also=("reserve_cooking_class", "cooking_class_booking"),
    ),
    Function(
        "dough_weights",
        "Work out water and salt for a bread dough from its flour.",
        (
            Parameter("flour", integer(300, 2000, 50), "Flour in grams.", also=("flour_g",)),
            Parameter("hydration", percent(55, 85), "Water per flour as a fraction, such as 0.62 for 62%."),
            Parameter("salt", percent(1, 4), "Salt per flour as a fraction. Default is 0.02.", needed=False),
        ),
        (
            "I am making a dough of {flour} g of flour with {hydration} hydration[ and {salt} salt]. How much water "
            "goes in?",
            "How much water does bread need at a hydration of {hydration} and with {flour} grams of flour"
            "[, {salt} salt]?",
            "Calculate my dough: flour {flour} g[, salt {salt}], hydration {hydration}.",
            "The starter has bubbled all night. Give me the weights for a dough of {hydration} hydration from {flour} "
            "g of flour.",
            "Dough weights for {flour} grams of flour[, {salt} salt] and {hydration} hydration, please.",
        ),
        (("Work out the doughs of {each}.", "{flour} g of flour at {hydration} hydration"),),
        also=("bread_dough_calculator", "compute_dough"),
    ),
    Function(
        "storage_life",
        "Days that a food keeps.",
        (
            Parameter("food", DISH, "What is kept.", also=("leftover", "item")),
            Parameter("place", one_of("fridge, freezer, pantry"), "Where it is kept.", also=("storage", "location")),
        ),
        (
            "How long does {food} keep in the {place}?",
            "I have put the {food} in the {place}. For how many days can we still eat it?",
            "We cooked far too much again. Tell me how many days {food} lasts if it goes into the {place}.",
            "Say I store {food} in the {place}. How many days is it good for?",
            "Storage time in the {place} for {food}, please.",
        ),
        (
            ("How long can I keep {each}?", "{food} in the {place}"),
            ("Tell me how many days I have for {each}.", "the {food} in the {place}"),
        ),
        also=("keeps_for_days", "get_shelf_life"),
        abouts=("Look up for how many days food stays good.",),
    ),
)
