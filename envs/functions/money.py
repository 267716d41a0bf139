"""Functions for money: saving, budgets, tax, shopping, prices and loans."""

from __future__ import annotations

from .function import Function, Parameter
from .values import COUNTRY, PERSON, day, decimal, flag, integer, one_of, percent, several, words, year

PRODUCT = words("""
Luma Desk Lamp, Tarn 40 Backpack, Norvik Kettle, Pebble Headphones, Alder Bookcase, Swift Jogger, Cobalt Toaster,
Heron Tent, Mistral Fan, Orchard Juicer, Falcon Drone, Willow Armchair, Quartz Watch 7, Delta Keyboard, Breeze Vacuum,
Summit Boots, Aria Speaker, Kite Stroller, Harbour Raincoat, Polar Freezer, Comet Scooter, Maple Chopping Board,
Atlas Suitcase, Ember Stove
""")

MONEY = (
    Function(
        "months_to_savings_goal",
        "Work out how many months of saving it takes to reach an amount.",
        (
            Parameter("goal", integer(600, 24000, 50), "Amount to reach, in euros.", also=("target_amount",)),
            Parameter("per_month", integer(20, 480, 10), "Euros put aside every month.", also=("monthly_deposit",)),
            Parameter("start", integer(40, 580, 20), "Euros already saved. Default is 0.", False, ("already_saved",)),
        ),
        (
            "How many months until I have {goal} euros, if I put aside {per_month} euros a month[ and already own "
            "{start} euros]?",
            "My sister and I dream of a trip. (It costs|The price is) {goal} euros[, of which {start} euros are "
            "already saved]. We can spare {per_month} euros every month. When will we get there?",
            "(Saving|Putting away) {per_month} euros monthly: how long to reach {goal} euros[ from {start} euros]?",
            "[With {start} euros in the jar already, ]I want to know how long it takes to save up {goal} euros when "
            "{per_month} euros go in each month.",
            "I set aside {per_month} euros per month.[ There are {start} euros in my account so far.] How many months "
            "does it take me to get to {goal} euros?",
        ),
        (
            ("How long must I save (in these cases|here): {each}?", "{goal} euros at {per_month} euros a month"),
            ("Tell me the months it takes for {each}.", "a goal of {goal} euros with {per_month} euros put in monthly"),
        ),
        also=("saving_duration", "calculate_saving_months"),
        abouts=("Number of monthly deposits until a savings goal is met.",),
    ),
    Function(
        "set_budget_cap",
        "Set the most that may be spent on one category in a month.",
        (
            Parameter(
                "category",
                one_of("groceries, transport, clothing, leisure, pets, gifts"),
                "Budget category.",
                also=("kind",),
            ),
            Parameter("limit", integer(30, 900, 5), "Monthly limit in dollars.", also=("max_amount",)),
            Parameter(
                "carry_over",
                flag("carrying unspent money over", "without carrying unspent money over"),
                "Whether what is left moves on to the next month. Default is false.",
                needed=False,
            ),
        ),
        (
            "(Set|Put) a monthly cap of ${limit} on {category}[, {carry_over}].",
            "I keep spending too much on {category}. (Please limit|Limit) that to {limit} dollars a month[, "
            "{carry_over}].",
            "From now on I do not want more than ${limit} a month to go to {category}. Can you set that up?",
            "Budget for {category}: {limit} dollars per month[, {carry_over}].",
            "Could you make {limit} dollars the most I may spend on {category} in a month[, {carry_over}]?",
            "We had a talk about money at home. For {category} the ceiling should be ${limit} each month[, "
            "{carry_over}].",
        ),
        (
            ("Set these monthly limits: {each}.", "{limit} dollars for {category}"),
            ("I want to cap {each}.", "{category} at ${limit} a month"),
        ),
        also=("budget_limit", "cap_category_spending"),
    ),
    Function(
        "price_without_tax",
        "Take the sales tax out of a price that includes it.",
        (
            Parameter("gross_price", decimal(3, 950, 2), "Price with the tax in it.", also=("price",)),
            Parameter("rate", percent(3, 27), "Tax rate as a fraction (0.05 for 5%).", also=("tax_rate",)),
        ),
        (
            "What is {gross_price} euros without {rate} sales tax?",
            "The receipt from the ironmonger says {gross_price} euros, tax of {rate} included. What was the net price?",
            "(Remove|Take off) {rate} tax from a price of {gross_price} euros.",
            "I paid {gross_price} euros with the tax in it. (Tell me|Say) how much that is before tax. The rate is "
            "{rate}.",
            "If a bill of {gross_price} euros includes {rate} tax, how much is it net?",
            "Net price, please: {gross_price} euros gross at a tax rate of {rate}.",
        ),
        (
            ("What are these prices without tax: {each}?", "{gross_price} euros including {rate}"),
            ("Take the tax out of {each}.", "{gross_price} euros with {rate} tax"),
        ),
        also=("net_price", "strip_sales_tax"),
        abouts=("Net amount of a gross price.", "Compute what a thing costs before tax."),
    ),
    Function(
        "price_history",
        "Look up what a product used to cost.",
        (
            Parameter("product", PRODUCT, "Name of the product.", also=("item",)),
            Parameter("weeks", integer(3, 50), "How many weeks to look back. Default is 12.", False, ("weeks_back",)),
            Parameter(
                "shop",
                words("""Bargain Barn, Cornerstone, Elm Street Outlet, Fairway, Gadget Harbour, Homewell,
                Ladder and Sons, Nine Oaks, Parcelbox, Quickmart, Red Door, Stocklane"""),
                "Only prices in this shop. Default is all shops.",
                needed=False,
                also=("store",),
            ),
        ),
        (
            "How has the price of the {product} (changed|moved)[ over the past {weeks} weeks][ at {shop}]?",
            "Show me what the {product} used to cost[ in the last {weeks} weeks].",
            "I suspect that the discount on the {product} is fake. What were its earlier prices[ at {shop}][ during "
            "the last {weeks} weeks]?",
            "Past prices[ at {shop}], product: {product}[, {weeks} weeks back].",
            "Could you list the old prices[ that {shop} had] for the {product}[, going back {weeks} weeks]?",
            "A friend says the {product} was cheaper before. Get me its earlier prices[ of the last {weeks} weeks][ at "
            "{shop}].",
        ),
        (("I want to see the past prices of {each}.", "the {product}[ over {weeks} weeks]"),),
        also=("get_past_prices", "product_price_history"),
    ),
    Function(
        "watch_price",
        "Send a message as soon as a product gets cheap enough.",
        (
            Parameter("item", PRODUCT, "The product to watch.", also=("product_name",)),
            Parameter("below", integer(15, 700), "Price in pounds under which to tell the user.", also=("threshold",)),
            Parameter("until", day(), "Last day to watch, YYYY-MM-DD."),
        ),
        (
            "(Tell|Alert) me when the {item} drops below {below} pounds, and stop watching on {until}.",
            "The {item} is too dear for me right now. Let me know once it costs less than {below} pounds, but only "
            "until {until}.",
            "Price alert: {item}, under {below} pounds, until {until}.",
            "Could you keep an eye on the {item} until {until}? I would buy it for anything under {below} pounds.",
            "I would like a message if the price of the {item} falls under {below} pounds on any day up to {until}.",
            "Watch the {item} for me until {until} and write when it goes for less than {below} pounds.",
        ),
        (
            ("Alert me about (these prices|bargains): {each}.", "the {item} below {below} pounds until {until}"),
            ("Watch {each}.", "the {item} until {until} for a price under {below} pounds"),
        ),
        also=("create_price_alert", "price_drop_alert"),
        abouts=("Watch a product and notify the user when its price falls below a threshold.",),
    ),
    Function(
        "receipt_total",
        "Add up the prices on a receipt.",
        (Parameter("prices", several(decimal(1, 60, 2), 3, 5), "Prices of the articles.", also=("amounts",)),),
        (
            "What do I pay for articles at {prices} euros?",
            "(Add up|Sum up) my receipt: {prices} euros.",
            "I am standing at the till with my nephew. The things in my basket cost {prices} euros. How much is that "
            "together?",
            "In the basket there are articles for {prices} euros. Give me the total.",
            "Total of a receipt with the prices {prices}, please.",
        ),
        also=("sum_receipt", "basket_total"),
    ),
    Function(
        "early_payoff_saving",
        "Estimate the interest saved by paying more on a loan every month than agreed.",
        (
            Parameter("balance", integer(2000, 90000, 500), "What is still owed, in dollars.", also=("debt",)),
            Parameter(
                "yearly_rate", percent(2, 19), "Interest per year as a fraction (0.05 for 5%).", also=("interest",)
            ),
            Parameter(
                "extra", integer(25, 600, 25), "Additional payment per month in dollars.", also=("extra_payment",)
            ),
        ),
        (
            "I owe {balance} dollars at {yearly_rate} a year. How much interest do I save with an extra {extra} "
            "dollars a month?",
            "If I pay ${extra} more each month on my loan of ${balance} with {yearly_rate} interest, what do I save?",
            "My car loan bothers me. The rate is {yearly_rate}, the debt is {balance} dollars. (Work out|Calculate) "
            "the interest I avoid by adding {extra} dollars to every payment.",
            "Interest saved, please: loan ${balance}, rate {yearly_rate}, ${extra} extra per month.",
            "Is it worth paying an additional {extra} dollars per month? Tell me the interest I would save on a debt "
            "of {balance} dollars at {yearly_rate}.",
        ),
        (
            (
                "How much interest would I save (in each case|each time): {each}?",
                "{extra} dollars extra a month on a loan of {balance} dollars at {yearly_rate}",
            ),
        ),
        also=("loan_overpayment_benefit", "interest_saved_by_extra_payment"),
    ),
    Function(
        "split_shared_bill",
        "Divide a bill among people and send each a request for a share.",
        (
            Parameter("total", decimal(20, 600, 2), "Amount of the bill.", also=("bill_amount",)),
            Parameter("people", several(PERSON, 2, 4), "Full names of those who pay.", also=("payers", "names")),
            Parameter(
                "method",
                one_of(
                    "equal, by_income, by_room_size",
                    equal="equal shares",
                    by_income="shares by income",
                    by_room_size="shares by room size",
                ),
                "How to divide. Default is equal.",
                needed=False,
            ),
        ),
        (
            "Split the bill of {total} euros between {people}[, in {method}].",
            "The electricity came to {total} euros this time. (Please divide|Divide) that among {people}[, using "
            "{method}].",
            "{people} should pay {total} euros together. Can you send them their parts[, in {method}]?",
            "Who owes what? The bill is {total} euros and the payers are {people}.[ We want {method}.]",
            "I laid out {total} euros for the flat. Ask {people} for their part of it[, with {method}].",
            "Bill of {total} euros. Payers: {people}.[ Use {method}.]",
        ),
        also=("divide_bill", "bill_shares"),
        abouts=("Share out a bill and ask everybody for their part.",),
    ),
    Function(
        "tax_deduction_rule",
        "Find out whether and how far an expense can be deducted from income tax.",
        (
            Parameter(
                "expense",
                words("""work clothes, child care, home internet, union fees, travel to work, evening classes,
                moving costs, tax advice, charity gifts, medical bills, health insurance, student fees, roof repairs,
                solar panels, trade journals, safety shoes, language courses, office furniture"""),
                "What the money was spent on.",
                also=("expense_type",),
            ),
            Parameter("country", COUNTRY, "Where the tax is paid.", also=("tax_country",)),
            Parameter("tax_year", year(2015, 2026), "The year the rule must hold for.", also=("year",)),
        ),
        (
            "Can I deduct {expense} from my income tax in {country} for {tax_year}?",
            "I am filling in my {tax_year} tax form in {country}. (Tell me|Look up) the rule for deducting {expense}.",
            "(Check|Find out) how far {expense} could be deducted in {country} in the tax year {tax_year}.",
            "Tax rules of {country}, year {tax_year}: are there deductions for {expense}?",
            "We live in {country} and spent a lot on {expense}. How much of it was deductible in {tax_year}?",
        ),
        (
            ("Which of these can be deducted: {each}?", "{expense} in {country} in {tax_year}"),
            ("Look up the tax deduction for {each}.", "{expense} in {country} for the year {tax_year}"),
        ),
        also=("check_deductible_expense", "deduction_lookup"),
    ),
    Function(
        "resale_value",
        "Estimate what a used thing still sells for.",
        (
            Parameter("new_price", integer(80, 2400, 10), "What it cost when new, in euros.", also=("original_price",)),
            Parameter("age", integer(2, 15, spelled=True), "Age in years.", also=("years_old",)),
            Parameter("condition", one_of("mint, good, worn, damaged"), "State it is in.", also=("state",)),
        ),
        (
            "What could I still get for something that is {age} years old, in {condition} condition and cost "
            "{new_price} euros new?",
            "I am clearing out the attic and found my old bicycle. It is in {condition} condition, its price was "
            "{new_price} euros and it is {age} years old. What is it worth?",
            "(Estimate|Guess) the second-hand price: {condition} condition, {age} years old, {new_price} euros when "
            "new.",
            "Exactly {age} years ago I bought a sofa for {new_price} euros. Its condition is {condition}. How much may "
            "I ask for it?",
            "The camera cost {new_price} euros {age} years ago and is in {condition} condition now. For how much does "
            "it sell?",
        ),
        (
            (
                "Estimate what these still sell for: {each}.",
                "one of {age} years in {condition} condition that cost {new_price} euros",
            ),
        ),
        also=("estimate_used_price", "second_hand_value"),
        abouts=("Second-hand price of a thing, from its price when new.",),
    ),
    Function(
        "move_to_savings",
        "Move money from the main account into a savings pot.",
        (
            Parameter(
                "pot",
                words("""Rainy Day, New Bike, House Deposit, Holiday Fund, Christmas, Piano, Emergency, Garden Shed,
                Wedding, Driving Licence, Kitchen, Retirement, Sailing, Birthday, First Car, Winter Tyres, Puppy,
                Telescope"""),
                "Name of the pot.",
                also=("pot_name",),
            ),
            Parameter("amount", decimal(5, 400, 2), "How much to move, in pounds.", also=("sum",)),
            Parameter(
                "repeat",
                one_of("weekly, monthly, yearly"),
                "How often to do it again. Default is only once.",
                needed=False,
            ),
        ),
        (
            "(Move|Put) {amount} pounds into my {pot} pot[ and repeat it {repeat}].",
            "I sold some records at the market. Please transfer {amount} pounds to the pot called {pot}.",
            "Can you top up the {pot} pot with {amount} pounds[, {repeat}]?",
            "The {pot} pot looks empty. Let {amount} pounds go there[, {repeat} from now on].",
            "Savings pot {pot}: add {amount} pounds[, {repeat}].",
        ),
        (
            ("Transfer {each}.", "{amount} pounds to the pot {pot}"),
            ("Fill my savings pots: {each}.", "{pot} with {amount} pounds"),
        ),
        also=("fund_savings_pot", "savings_transfer"),
    ),
)
